"""Jobs that would be forgotten."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone
from django_q.models import OrmQ

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


def test_workers_are_called_again_when_jobs_wait_and_nobody_begins_them(sent: list[UUID]) -> None:
    job = waiting(sent, seconds=30)
    assert sweeper.resend() == 1
    assert called() == [job.pk]


def test_calls_that_are_on_their_way_are_not_made_again(sent: list[UUID]) -> None:
    waiting(sent, seconds=5)
    assert sweeper.resend() == 0
    assert called() == []


def test_after_the_broker_was_emptied_as_many_are_called_as_there_are_workers(
    sent: list[UUID],
) -> None:
    ids = [waiting(sent, seconds=9 - number).pk for number in range(4)]
    running(sent)
    assert sweeper.call_all() == 4
    assert called() == ids[: settings.Q_CLUSTER["workers"]]


def called() -> list[UUID]:
    """Return the jobs that workers were called for, oldest first."""
    return [UUID(row.task["args"][0]) for row in OrmQ.objects.order_by("pk")]
