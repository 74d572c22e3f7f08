"""What can happen to a job, in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests.factories import make_job, make_user
from trimming import jobs
from trimming.choices import JobStage, JobState, RunOutcome
from trimming.conf import TrimmingSettings
from trimming.models import TrimJob, TrimRun
from trimming.moves import Move
from trimming.rates import measured_bytes_per_s
from trimming.signals import job_changed, run_ended

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """What was sent to the workers."""
    found: list[UUID] = []
    monkeypatch.setattr(jobs, "send", found.append)
    return found


@pytest.fixture
def job(sent: list[UUID]) -> TrimJob:
    """A waiting job."""
    return make_job(make_user())


def claimed(job: TrimJob, worker: str = "one/1") -> TrimRun:
    run = jobs.claim(job.pk, worker)
    assert run is not None
    return run


def state_of(job: TrimJob) -> str:
    return TrimJob.objects.get(pk=job.pk).state


def test_a_new_job_waits_is_shown_for_its_capture_and_is_sent(
    sent: list[UUID], job: TrimJob
) -> None:
    job.refresh_from_db()
    assert (job.state, job.attempt) == (JobState.WAITING, 0)
    assert job.capture.current_job_id == job.pk
    assert sent == [job.pk]


def test_a_claim_counts_the_attempt_and_takes_a_lease_and_a_deadline(job: TrimJob) -> None:
    before = timezone.now()
    run = claimed(job)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.lease_owner) == (JobState.RUNNING, 1, "one/1")
    assert job.lease_until is not None
    assert job.lease_until >= before + timedelta(seconds=TrimmingSettings().lease_seconds)
    assert job.deadline_seconds == TrimmingSettings().least_deadline_seconds
    assert job.deadline_at is not None
    assert (run.attempt, run.worker, run.outcome) == (1, "one/1", RunOutcome.RUNNING)


def test_a_job_is_claimed_once(job: TrimJob) -> None:
    claimed(job)
    assert jobs.claim(job.pk, "two/2") is None
    assert TrimRun.objects.count() == 1


def test_claiming_what_does_not_exist_does_nothing() -> None:
    assert jobs.claim(uuid4(), "one/1") is None


def test_of_two_that_claim_at_the_same_moment_one_wins(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = measured_bytes_per_s

    def overtaken(strategy: str) -> float:
        # between reading and claiming another worker takes the job
        TrimJob.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING, attempt=1, lease_owner="two/2"
        )
        return real(strategy)

    monkeypatch.setattr(jobs, "measured_bytes_per_s", overtaken)
    assert jobs.claim(job.pk, "one/1") is None
    job.refresh_from_db()
    assert job.lease_owner == "two/2"


def test_renewing_notes_the_progress_and_moves_the_lease(job: TrimJob) -> None:
    run = claimed(job)
    TrimJob.objects.update(lease_until=timezone.now())
    assert jobs.renew(run, JobStage.READ, 30, 100)
    job.refresh_from_db()
    assert (job.stage, job.done_bytes, job.total_bytes) == ("read", 30, 100)
    assert job.lease_until is not None
    assert job.lease_until > timezone.now()
    assert job.percent == 18


def test_publishing_ends_the_job_with_its_run(job: TrimJob) -> None:
    run = claimed(job)
    assert jobs.publish(run, output="outputs/x", output_bytes=3)
    job.refresh_from_db()
    run.refresh_from_db()
    assert (job.state, job.published_run, job.lease_owner) == (JobState.DONE, run, "")
    assert (run.outcome, str(run.output), run.output_bytes) == (RunOutcome.DONE, "outputs/x", 3)
    assert job.finished_at is not None
    assert job.percent == 100


def lose_it(run: TrimRun) -> None:
    jobs.lose(run, RunOutcome.LOST, "gone")


def end_it(run: TrimRun) -> None:
    jobs.give_up(run, Move.FAIL, RunOutcome.FAILED, "no")


def lose_it_to_another(run: TrimRun) -> None:
    lose_it(run)
    claimed(run.job, "two/2")


@pytest.mark.parametrize("take_away", [lose_it, end_it, lose_it_to_another])
def test_an_attempt_that_lost_its_job_changes_nothing_any_more(
    job: TrimJob, take_away: Any
) -> None:
    run = claimed(job)
    take_away(run)
    before = TrimJob.objects.values().get(), list(TrimRun.objects.order_by("pk").values())
    assert not jobs.renew(run, JobStage.READ, 1, 2)
    assert not jobs.publish(run, output="outputs/late")
    assert not jobs.give_up(run, Move.FAIL, RunOutcome.FAILED, "late")
    assert not jobs.lose(run, RunOutcome.LOST, "late")
    assert before == (TrimJob.objects.values().get(), list(TrimRun.objects.order_by("pk").values()))


def test_a_lost_job_is_begun_anew_until_its_attempts_are_used_up(
    job: TrimJob, sent: list[UUID]
) -> None:
    for attempt in range(1, TrimmingSettings().max_attempts + 1):
        assert state_of(job) == JobState.WAITING
        assert claimed(job).attempt == attempt
        lose_it(TrimRun.objects.get(attempt=attempt))
    job.refresh_from_db()
    assert (job.state, job.reason) == (JobState.FAILED, "gone")
    assert sent == [job.pk] * TrimmingSettings().max_attempts
    assert set(TrimRun.objects.values_list("outcome", flat=True)) == {RunOutcome.LOST}


def test_attempts_that_were_given_back_do_not_use_up_the_job(job: TrimJob) -> None:
    for _ in range(10):
        assert jobs.lose(claimed(job), RunOutcome.GIVEN_BACK, "stopped", forgiven=True)
    assert state_of(job) == JobState.WAITING


def test_a_lost_job_that_somebody_wanted_cancelled_is_cancelled(job: TrimJob) -> None:
    run = claimed(job)
    assert jobs.cancel(job.pk)
    lose_it(run)
    assert state_of(job) == JobState.CANCELLED


def test_a_storage_that_fails_keeps_no_lost_job_from_being_begun_anew(
    job: TrimJob,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def fail(_run: TrimRun) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(jobs, "remove_leftovers", fail)
    told: list[UUID] = []
    monkeypatch.setattr(job_changed, "send", lambda _sender, job_id: told.append(job_id))
    with django_capture_on_commit_callbacks(execute=True):
        assert jobs.lose(claimed(job), RunOutcome.LOST, "gone")
    assert state_of(job) == JobState.WAITING
    assert told[-1] == job.pk


def test_losing_the_run_of_a_job_that_is_gone_is_harmless() -> None:
    assert not jobs.lose(TrimRun(job_id=uuid4(), attempt=1), RunOutcome.LOST, "gone")


def test_cancelling_a_waiting_job_ends_it_at_once(job: TrimJob) -> None:
    assert jobs.cancel(job.pk)
    assert state_of(job) == JobState.CANCELLED
    assert jobs.claim(job.pk, "one/1") is None


def test_cancelling_a_running_job_asks_its_worker_once(job: TrimJob) -> None:
    run = claimed(job)
    assert jobs.cancel(job.pk)
    assert not jobs.cancel(job.pk)
    assert state_of(job) == JobState.RUNNING
    assert not jobs.publish(run, output="outputs/x"), "a cancelled job publishes nothing"


def test_cancelling_an_ended_job_changes_nothing(job: TrimJob) -> None:
    jobs.publish(claimed(job))
    assert not jobs.cancel(job.pk)
    assert state_of(job) == JobState.DONE


@pytest.mark.parametrize(
    ("move", "outcome", "state"),
    [
        (Move.REFUSE, RunOutcome.REFUSED, JobState.REFUSED),
        (Move.FAIL, RunOutcome.FAILED, JobState.FAILED),
        (Move.STOP, RunOutcome.CANCELLED, JobState.CANCELLED),
    ],
)
def test_a_job_without_a_result_can_be_retried_as_a_new_job(
    job: TrimJob, move: Move, outcome: RunOutcome, state: JobState
) -> None:
    assert jobs.give_up(claimed(job), move, outcome, "because")
    job.refresh_from_db()
    assert (job.state, job.reason) == (state, "because")
    again = jobs.retry(job, job.requested_by)
    assert again is not None
    job.refresh_from_db()
    assert job.capture.current_job == again
    assert (job.state, again.state) == (state, JobState.WAITING)


def test_there_is_nothing_to_retry_while_a_job_is_open_done_replaced_or_without_original(
    job: TrimJob,
) -> None:
    assert jobs.retry(job, job.requested_by) is None
    run = claimed(job)
    job.refresh_from_db()
    assert jobs.retry(job, job.requested_by) is None
    jobs.give_up(run, Move.FAIL, RunOutcome.FAILED, "no")
    job.refresh_from_db()
    again = jobs.retry(job, job.requested_by)
    assert again is not None
    assert jobs.retry(job, job.requested_by) is None, "it was replaced"
    jobs.give_up(claimed(again), Move.FAIL, RunOutcome.FAILED, "no")
    again.refresh_from_db()
    again.capture.original_deleted_at = timezone.now()
    again.capture.save()
    assert jobs.retry(again, again.requested_by) is None, "the original is gone"


@pytest.fixture
def told() -> Iterator[list[UUID]]:
    """The jobs whose change was told to the apps above."""
    found: list[UUID] = []

    def listen(job_id: UUID, **_: Any) -> None:
        found.append(job_id)

    job_changed.connect(listen)
    yield found
    job_changed.disconnect(listen)


def test_every_change_is_told_once_it_is_committed(
    job: TrimJob,
    told: list[UUID],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = claimed(job)
        assert told == []
    with django_capture_on_commit_callbacks(execute=True):
        jobs.renew(run, JobStage.READ, 1, 2)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.cancel(job.pk)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.give_up(run, Move.STOP, RunOutcome.CANCELLED, "")
    assert told == [job.pk] * 4


@pytest.fixture
def ended() -> Iterator[list[tuple[int, str]]]:
    """The runs whose end was told to the apps above, with the outcome that they could read then."""
    found: list[tuple[int, str]] = []

    def listen(run_id: int, **_: Any) -> None:
        found.append((run_id, TrimRun.objects.get(pk=run_id).outcome))

    run_ended.connect(listen)
    yield found
    run_ended.disconnect(listen)


ENDS: dict[str, tuple[Callable[[TrimRun], bool], RunOutcome]] = {
    "published": (jobs.publish, RunOutcome.DONE),
    "given up": (
        lambda run: jobs.give_up(run, Move.REFUSE, RunOutcome.REFUSED, "no"),
        RunOutcome.REFUSED,
    ),
    "fallen back": (lambda run: jobs.fall_back(run, RunOutcome.LATE, "late"), RunOutcome.LATE),
    "lost": (lambda run: jobs.lose(run, RunOutcome.LOST, "gone"), RunOutcome.LOST),
}


@pytest.mark.parametrize("how", ENDS)
def test_the_end_of_a_run_is_told_once_it_is_committed_and_once_only(
    job: TrimJob,
    ended: list[tuple[int, str]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    how: str,
) -> None:
    end, outcome = ENDS[how]
    with django_capture_on_commit_callbacks(execute=True):
        run = claimed(job)
    assert ended == [], "it has only begun"
    with django_capture_on_commit_callbacks(execute=True):
        assert end(run)
        assert ended == []
    assert ended == [(run.pk, outcome)]
    with django_capture_on_commit_callbacks(execute=True):
        assert not end(run)
    assert len(ended) == 1


def test_a_run_whose_outcome_is_written_already_is_not_told_again(
    job: TrimJob,
    ended: list[tuple[int, str]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    run = claimed(job)
    TrimRun.objects.update(outcome=RunOutcome.LOST)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.end_run(run, RunOutcome.FAILED, timezone.now())
    assert ended == []
    assert TrimRun.objects.get().outcome == RunOutcome.LOST


@pytest.mark.django_db(transaction=True)
def test_a_broken_listener_to_the_end_of_a_run_stops_nothing_that_follows(
    job: TrimJob, told: list[UUID]
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("broken")

    run = claimed(job)
    told.clear()
    run_ended.connect(fail)
    try:
        assert jobs.lose(run, RunOutcome.LOST, "gone")
    finally:
        run_ended.disconnect(fail)
    assert told == [job.pk]
