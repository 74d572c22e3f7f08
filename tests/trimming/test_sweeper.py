"""Jobs that would be forgotten."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from tests.factories import make_job, make_user
from trimming import jobs, sweeper
from trimming.choices import JobState, RunOutcome
from trimming.models import TrimJob, TrimRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """What was sent to the workers."""
    found: list[UUID] = []
    monkeypatch.setattr(jobs, "send", found.append)
    return found


def waiting(sent: list[UUID], seconds: float = 0.0) -> TrimJob:
    """A job that has been waiting for so long."""
    job = make_job(make_user())
    TrimJob.objects.filter(pk=job.pk).update(queued_at=timezone.now() - timedelta(seconds=seconds))
    sent.clear()
    return TrimJob.objects.get(pk=job.pk)


def running(sent: list[UUID], worker: str = "one/1") -> TrimRun:
    run = jobs.claim(waiting(sent).pk, worker)
    assert run is not None
    return run


def test_an_expired_lease_is_taken_over(sent: list[UUID]) -> None:
    lost, healthy = running(sent), running(sent)
    TrimJob.objects.filter(pk=lost.job_id).update(lease_until=timezone.now())
    sweeper.sweep()
    sweeper.sweep()
    assert sent == [lost.job_id]
    assert TrimJob.objects.get(pk=lost.job_id).state == JobState.WAITING
    assert TrimJob.objects.get(pk=healthy.job_id).state == JobState.RUNNING
    lost.refresh_from_db()
    assert lost.outcome == RunOutcome.LOST


def test_a_job_past_its_deadline_fails_and_says_so(sent: list[UUID]) -> None:
    run = running(sent)
    TrimJob.objects.update(deadline_at=timezone.now())
    sweeper.sweep()
    job = TrimJob.objects.get()
    run.refresh_from_db()
    assert (job.state, run.outcome) == (JobState.FAILED, RunOutcome.LATE)
    assert job.reason == "Took longer than the 120 s that it may take; stopped."


def test_the_jobs_of_workers_that_were_stopped_are_given_back(sent: list[UUID]) -> None:
    stopped, other = running(sent, "one/1"), running(sent, "onetwo/1")
    assert sweeper.take_back("one/", forgiven=True) == 1
    stopped.refresh_from_db()
    other.refresh_from_db()
    assert (stopped.outcome, other.outcome) == (RunOutcome.GIVEN_BACK, RunOutcome.RUNNING)
    assert TrimJob.objects.get(pk=stopped.job_id).forgiven == 1


def test_the_jobs_of_workers_that_died_count_their_attempt(sent: list[UUID]) -> None:
    run = running(sent)
    assert sweeper.take_back("", forgiven=False) == 1
    run.refresh_from_db()
    assert (run.outcome, TrimJob.objects.get().forgiven) == (RunOutcome.LOST, 0)


def test_a_message_that_seems_lost_is_sent_again_once(sent: list[UUID]) -> None:
    job = waiting(sent, seconds=30)
    assert sweeper.resend(workers=2) == 1
    assert sweeper.resend(workers=2) == 0
    assert sent == [job.pk]


def test_a_message_that_is_on_its_way_is_not_sent_again(sent: list[UUID]) -> None:
    waiting(sent, seconds=5)
    assert sweeper.resend(workers=2) == 0
    assert sent == []


def test_after_the_broker_was_emptied_every_waiting_job_is_sent_again(sent: list[UUID]) -> None:
    first, second = waiting(sent, seconds=2), waiting(sent, seconds=1)
    running(sent)
    assert sweeper.send_all_again() == 2
    assert sent == [first.pk, second.pk]
