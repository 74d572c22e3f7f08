"""Who is to blame for an attempt without a result, and who serves the job instead."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoCaptureOnCommitCallbacks

from config.models import AuditEvent
from tests.factories import capture_bytes, make_job, make_user
from trimming import jobs, runner, sweeper, waiting
from trimming.breaker import may_go_to
from trimming.choices import OUTCOME_KINDS, JobState, OutcomeKind, RunOutcome
from trimming.conf import trimming_settings
from trimming.engine import pipeline
from trimming.engine.errors import InputError, OutputError, VerificationError
from trimming.models import Breaker, TrimJob, TrimRun
from trimming.moves import Move
from trimming.outcomes import end_without_result
from trimming.policy import Wish, emergency_rollback, newest_policy, publish, renew_guard
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Arm, BreakerState, Mode, Origin, Why

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Any) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT.mkdir()


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids that were sent to the workers."""
    ids: list[Any] = []
    monkeypatch.setattr(jobs, "send", ids.append)
    return ids


@pytest.fixture
def owner() -> User:
    publish(Wish(Mode.SCANNING), origin=Origin.ROLLOUT, reason="test")
    return make_user()


def run(job: TrimJob) -> TrimRun:
    runner.run_job(job.pk, "one/1")
    job.refresh_from_db()
    return TrimRun.objects.filter(job=job).latest("attempt")


Failing = Callable[[Exception], None]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Let the treatment raise, and the control work."""
    real = pipeline.trim

    def fail_with(error: Exception) -> None:
        def trim(source: Path, target: Path, load: Any, *rest: Any, **more: Any) -> Any:
            if load().name == TREATMENT:
                raise error
            return real(source, target, load, *rest, **more)

        monkeypatch.setattr(runner, "trim", trim)

    return fail_with


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("a bug"), RunOutcome.FAILED),
        (MemoryError(), RunOutcome.FAILED),
        (VerificationError("a byte is left"), RunOutcome.UNVERIFIED),
        (runner.DeadlineError("late"), RunOutcome.LATE),
    ],
)
def test_what_the_treatment_is_to_blame_for_is_served_by_legacy(
    owner: User,
    failing: Failing,
    sent: list[Any],
    error: Exception,
    outcome: RunOutcome,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    job = make_job(owner)
    failing(error)
    first = run(job)
    is_refused = outcome is RunOutcome.UNVERIFIED
    kind = OutcomeKind.UNDECIDED if is_refused else OutcomeKind.STRATEGY_FAILURE
    assert (first.outcome, first.strategy, first.kind) == (outcome, TREATMENT, kind)
    assert (job.state, job.failed_on) == (JobState.WAITING, TREATMENT)
    assert sent[-1] == job.pk
    assert Breaker.objects.exists() != is_refused
    with django_capture_on_commit_callbacks(execute=True):
        second = run(job)
    first.refresh_from_db()
    assert first.kind is OutcomeKind.STRATEGY_FAILURE
    assert (job.state, job.why, job.arm) == (JobState.DONE, Why.FALLBACK, Arm.TREATMENT)
    assert (second.outcome, second.strategy) == (RunOutcome.DONE, CONTROL)
    assert job.published_run == second
    assert Breaker.objects.get(pk=TREATMENT).failures.keys() == {job.capture.sha256}


@pytest.mark.parametrize(
    ("error", "state", "outcome", "kind"),
    [
        (
            InputError("x", 0, "a packet", "none"),
            JobState.REFUSED,
            RunOutcome.REFUSED,
            OutcomeKind.REFUSED_INPUT,
        ),
        (OSError(5, "the disk"), JobState.WAITING, RunOutcome.BROKEN, OutcomeKind.INFRASTRUCTURE),
        (OutputError("no space"), JobState.WAITING, RunOutcome.BROKEN, OutcomeKind.INFRASTRUCTURE),
        (DatabaseError("gone"), JobState.WAITING, RunOutcome.BROKEN, OutcomeKind.INFRASTRUCTURE),
        # another attempt ends the same way
        (FileNotFoundError(), JobState.FAILED, RunOutcome.BROKEN, OutcomeKind.INFRASTRUCTURE),
        (OSError(24, "many"), JobState.FAILED, RunOutcome.BROKEN, OutcomeKind.INFRASTRUCTURE),
        (OSError(27, "large"), JobState.FAILED, RunOutcome.BROKEN, OutcomeKind.INFRASTRUCTURE),
    ],
)
def test_what_the_capture_or_the_machine_is_to_blame_for_counts_against_no_strategy(
    owner: User,
    failing: Failing,
    error: Exception,
    state: JobState,
    outcome: RunOutcome,
    kind: OutcomeKind,
) -> None:
    job = make_job(owner)
    failing(error)
    ended = run(job)
    assert (job.state, ended.outcome, ended.kind) == (state, outcome, kind)
    assert not Breaker.objects.exists()


def test_a_job_that_storage_failed_is_begun_anew_when_its_time_has_come_and_not_before(
    owner: User, failing: Failing, sent: list[UUID]
) -> None:
    job = make_job(owner)
    failing(OSError(5, "the disk"))
    run(job)
    assert job.reason == "The storage or the disk failed: the disk."
    assert waiting.claim_next("one/1") is None
    sent.clear()
    sweeper.sweep()
    assert not OrmQ.objects.exists()
    TrimJob.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    sweeper.sweep()
    assert [UUID(row.task["args"][0]) for row in OrmQ.objects.all()] == [job.pk]
    again = waiting.claim_next("one/1")
    assert again is not None
    job.refresh_from_db()
    assert (job.reason, job.not_before, job.forgiven) == ("", None, 1)


def test_a_job_that_faults_stop_for_too_long_fails_with_their_reason(
    owner: User, failing: Failing
) -> None:
    job = make_job(owner)
    long_ago = timezone.now() - timedelta(seconds=trimming_settings().outage_seconds)
    TrimJob.objects.update(created_at=long_ago)
    failing(OSError(5, "the disk"))
    ended = run(job)
    assert (job.state, ended.outcome) == (JobState.FAILED, RunOutcome.BROKEN)
    assert job.reason == "The storage or the disk failed: the disk."


RETIRED = Wish(Mode.SCANNING, legacy_retired=True)


def retire_legacy() -> None:
    publish(RETIRED, origin=Origin.ROLLOUT, reason="completed")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("a bug"), RunOutcome.FAILED),
        (VerificationError("a byte is left"), RunOutcome.UNVERIFIED),
        (runner.DeadlineError("late"), RunOutcome.LATE),
    ],
)
def test_while_legacy_is_retired_nobody_serves_what_the_treatment_fails_on(
    owner: User, failing: Failing, sent: list[Any], error: Exception, outcome: RunOutcome
) -> None:
    retire_legacy()
    job = make_job(owner)
    sent.clear()
    failing(error)
    ended = run(job)
    assert (ended.outcome, ended.kind) == (outcome, OutcomeKind.STRATEGY_FAILURE)
    assert (job.state, job.failed_on, sent) == (JobState.FAILED, "", [])
    assert job.reason == ended.reason
    assert job.reason.endswith(
        " Legacy is retired, so nobody else serves the capture. An emergency rollback brings legacy"
        " back; retry it after that."
    )
    assert Breaker.objects.get(pk=TREATMENT).failures.keys() == {job.capture.sha256}


def test_after_an_emergency_rollback_what_failed_is_retried_on_legacy(
    owner: User, failing: Failing
) -> None:
    retire_legacy()
    job = make_job(owner)
    failing(ValueError("a bug"))
    run(job)
    emergency_rollback(reason="it fails")
    again = jobs.retry(job, owner)
    assert again is not None
    assert run(again).strategy == CONTROL
    assert again.state == JobState.DONE


def test_a_late_job_that_the_sweeper_finds_while_legacy_is_retired_fails(owner: User) -> None:
    retire_legacy()
    job = make_job(owner)
    assert jobs.claim(job.pk, "one/1") is not None
    TrimJob.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    sweeper.sweep()
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "Legacy is retired" in job.reason


@pytest.mark.parametrize("retired_before", [True, False])
def test_whether_there_is_a_fallback_is_asked_when_the_failure_is_handled(
    owner: User, monkeypatch: pytest.MonkeyPatch, retired_before: bool
) -> None:
    if retired_before:
        retire_legacy()

    def trim(*_: Any, **__: Any) -> None:
        if retired_before:
            emergency_rollback(reason="while it ran")
        else:
            retire_legacy()
        raise ValueError("a bug")

    monkeypatch.setattr(runner, "trim", trim)
    job = make_job(owner)
    run(job)
    assert job.state == (JobState.WAITING if retired_before else JobState.FAILED)


def test_what_was_to_fall_back_when_legacy_was_retired_is_tried_once_more_and_then_fails(
    owner: User, failing: Failing
) -> None:
    failing(ValueError("a bug"))
    job = make_job(owner)
    run(job)
    assert (job.state, job.failed_on) == (JobState.WAITING, TREATMENT)
    retire_legacy()
    second = run(job)
    assert (second.strategy, job.why) == (TREATMENT, Why.RETIRED_AFTER_FAILURE)
    assert job.state == JobState.FAILED


def test_a_job_that_was_given_to_legacy_is_given_anew_once_legacy_is_retired(owner: User) -> None:
    publish(Wish(Mode.LEGACY), origin=Origin.ROLLOUT, reason="test")
    job = make_job(owner)
    first = jobs.claim(job.pk, "one/1")
    assert first is not None
    assert first.strategy == CONTROL
    retire_legacy()
    jobs.lose(first, RunOutcome.LOST, "gone")
    again = jobs.claim(job.pk, "two/2")
    assert again is not None
    assert (again.strategy, again.policy_version) == (TREATMENT, newest_policy().version)


def test_while_legacy_is_retired_an_open_breaker_closes_by_what_goes_well(owner: User) -> None:
    retire_legacy()
    Breaker.objects.create(
        strategy=TREATMENT,
        state=BreakerState.OPEN,
        cooldown_seconds=60,
        probe_after=timezone.now() + timedelta(seconds=60),
    )
    job = make_job(owner)
    assert run(job).strategy == TREATMENT
    assert job.why == Why.RETIRED_BREAKER_OPEN
    Breaker.objects.update(probe_after=timezone.now() - timedelta(seconds=1))
    for _ in range(3):
        run(make_job(owner))
    assert Breaker.objects.get().state == BreakerState.CLOSED


def test_legacy_has_nobody_to_fall_back_to(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    emergency_rollback(reason="test")
    job = make_job(owner)

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(runner, "trim", fail)
    assert run(job).strategy == CONTROL
    assert job.state == JobState.FAILED
    assert not Breaker.objects.exists()


def test_a_late_job_of_the_treatment_that_the_sweeper_finds_is_served_by_legacy(
    owner: User,
) -> None:
    job = make_job(owner)
    assert jobs.claim(job.pk, "one/1") is not None
    TrimJob.objects.update(deadline_at=timezone.now() - timedelta(seconds=1))
    sweeper.sweep()
    job.refresh_from_db()
    assert (job.state, job.failed_on) == (JobState.WAITING, TREATMENT)
    assert run(job).strategy == CONTROL


def test_a_failure_of_an_attempt_that_lost_its_job_counts_for_nothing(owner: User) -> None:
    lost = jobs.claim(make_job(owner).pk, "one/1")
    assert lost is not None
    jobs.lose(lost, RunOutcome.LOST, "gone")
    for is_retired in (False, True):
        if is_retired:
            retire_legacy()
        assert not end_without_result(lost, Move.FAIL, RunOutcome.FAILED, "a bug")
    assert not Breaker.objects.exists()


def test_crashes_on_three_distinct_captures_open_the_breaker_and_are_audited(
    owner: User, failing: Failing
) -> None:
    failing(ValueError("a bug"))
    for _ in range(3):
        assert may_go_to(TREATMENT)
        run(make_job(owner))
    assert Breaker.objects.get().state == BreakerState.OPEN
    event = AuditEvent.objects.get(action="breaker_changed")
    assert event.details == {"before": "closed", "after": "open"}
    job = make_job(owner)
    assert run(job).strategy == CONTROL
    assert (job.arm, job.why) == (Arm.TREATMENT, Why.BREAKER_OPEN)


def test_the_same_capture_again_and_again_opens_nothing(owner: User, failing: Failing) -> None:
    failing(ValueError("a bug"))
    job = make_job(owner)
    for _ in range(5):
        run(job)
        TrimJob.objects.filter(pk=job.pk).update(
            state=JobState.WAITING, failed_on="", fence_epoch=None, published_run=None
        )
    assert Breaker.objects.get().state == BreakerState.CLOSED


def test_a_rested_breaker_is_closed_by_good_probes(owner: User, failing: Failing) -> None:
    Breaker.objects.create(
        strategy=TREATMENT,
        state=BreakerState.OPEN,
        cooldown_seconds=60,
        probe_after=timezone.now() - timedelta(seconds=1),
    )
    for _ in range(3):
        assert run(make_job(owner)).strategy == TREATMENT
    assert Breaker.objects.get().state == BreakerState.CLOSED


def test_while_one_probe_runs_no_second_one_is_given(owner: User) -> None:
    Breaker.objects.create(
        strategy=TREATMENT,
        state=BreakerState.OPEN,
        cooldown_seconds=60,
        probe_after=timezone.now() - timedelta(seconds=1),
    )
    first, second = (jobs.claim(make_job(owner).pk, f"w/{n}") for n in range(2))
    assert first is not None
    assert second is not None
    assert (first.strategy, second.strategy) == (TREATMENT, CONTROL)


def test_a_decision_is_kept_over_attempts_and_made_anew_after_a_rollback(owner: User) -> None:
    job = make_job(owner)
    run_ = jobs.claim(job.pk, "one/1")
    assert run_ is not None
    publish(Wish(Mode.LEGACY), origin=Origin.ROLLOUT, reason="no rollback")
    jobs.lose(run_, RunOutcome.LOST, "gone")
    again = jobs.claim(job.pk, "two/2")
    assert again is not None
    assert (again.strategy, again.policy_version) == (TREATMENT, run_.policy_version)
    emergency_rollback(reason="test")
    jobs.lose(again, RunOutcome.LOST, "gone")
    last = jobs.claim(job.pk, "three/3")
    assert last is not None
    assert (last.strategy, last.fence_epoch) == (CONTROL, 2)


def test_what_the_treatment_made_before_a_rollback_is_discarded_and_legacy_serves(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(owner, capture_bytes())
    real = pipeline.trim

    def trim(*arguments: Any, **more: Any) -> Any:
        report = real(*arguments, **more)
        emergency_rollback(reason="while it ran")
        return report

    monkeypatch.setattr(runner, "trim", trim)
    first = run(job)
    assert (first.outcome, first.kind) == (RunOutcome.DISCARDED, OutcomeKind.INFRASTRUCTURE)
    assert (job.state, job.why, job.published_run) == (JobState.WAITING, Why.ROLLED_BACK, None)
    monkeypatch.setattr(runner, "trim", real)
    second = run(job)
    assert (job.state, second.strategy) == (JobState.DONE, CONTROL)


def test_every_outcome_says_something_of_its_strategy() -> None:
    assert set(OUTCOME_KINDS) == set(RunOutcome)


def test_a_guarded_policy_without_anybody_who_watches_gives_new_jobs_to_legacy(
    owner: User,
) -> None:
    publish(Wish(Mode.SCANNING, guarded=True), origin=Origin.ROLLOUT, reason="test")
    job = make_job(owner)
    assert run(job).strategy == CONTROL
    assert (job.why, job.arm) == (Why.UNWATCHED, Arm.CONTROL)
    renew_guard(30)
    assert run(make_job(owner)).strategy == TREATMENT


@pytest.mark.slow
@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_uploads_of_rubbish_open_no_breaker_and_roll_nothing_back(owner: User, count: int) -> None:
    dice = random.Random(6)
    before = newest_policy()
    for _ in range(count):
        data = b"\xd4\xc3\xb2\xa1" + dice.randbytes(dice.randint(8, 60))
        ended = run(make_job(owner, data))
        assert ended.kind in (OutcomeKind.REFUSED_INPUT, OutcomeKind.SUCCEEDED)
    assert not Breaker.objects.exists()
    assert newest_policy() == before
