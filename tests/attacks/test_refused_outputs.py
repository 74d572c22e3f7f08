"""Captures that are made to be refused: they stop no rollout, and hide nothing from it.

A few are files of the fuzzers of which verification refuses what either strategy makes; the others
are rows as the service writes them, so that thirty are as cheap as three.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F

from migration.choices import PHASES, Move, PhaseName, RolloutState
from migration.models import Rollout
from monitoring.health.arms import compare_arms
from tests.factories import make_capture, make_user, standard
from tests.migration.traffic import counted, in_gate, in_phase
from tests.trimming.engine.strategies.differential.raw_files import raw_file
from trimming import jobs, runner
from trimming.breaker import may_go_to
from trimming.choices import Blame, JobState, OutcomeKind, RunOutcome
from trimming.engine import pipeline
from trimming.engine.errors import VerificationError
from trimming.models import Breaker, TrimJob, TrimRun
from trimming.policy import Wish, newest_policy, publish
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import BreakerState, Mode, Origin

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = RunOutcome.UNVERIFIED
# files of which verification refuses what either strategy makes
REFUSED_SEEDS = (12, 58, 642, 652, 831)
serving = pytest.mark.parametrize("phase", PHASES[1:])
many = pytest.mark.parametrize("count", [3, 30])


def stands(rollout: Rollout, phase: PhaseName) -> bool:
    """Tell whether the rollout is where it was and has never moved back."""
    rollout.refresh_from_db()
    back = rollout.decisions.filter(move__in=(Move.ROLL_BACK, Move.FAIL))
    is_there = rollout.attempt.phase.name == phase
    return rollout.state == RolloutState.RUNNING and is_there and not back.exists()


# --- the rollout ----------------------------------------------------------------------------------


@serving
@many
def test_hostile_captures_roll_nothing_back_in_any_phase_that_serves(
    phase: PhaseName, count: int
) -> None:
    service, rollout = in_phase(phase)
    before = counted(rollout)
    runs = service.serve_on(TREATMENT, count, HOSTILE)
    of_both = count
    if phase in (PhaseName.AB_TEST, PhaseName.GRADUAL):
        service.serve_on(CONTROL, count, HOSTILE)
        of_both += count
    service.look()
    assert stands(rollout, phase)
    for number, run in enumerate(runs):
        service.fall_back(run, HOSTILE)
        if number in (0, count - 1):
            service.look()
            assert stands(rollout, phase)
    after = counted(rollout)
    assert after.odd == of_both
    assert (after.errors, after.errors_alone, after.steps) == (
        before.errors,
        before.errors_alone,
        before.steps,
    )
    assert (after.leaks, after.most_in_a_row) == (0, 0)


@serving
def test_what_only_scanning_gets_wrong_rolls_back_as_soon_as_legacy_has_told(
    phase: PhaseName,
) -> None:
    service, rollout = in_phase(phase)
    runs = service.serve_on(TREATMENT, 3, HOSTILE)
    decision = service.look()
    assert decision is not None
    assert decision.move is None
    for run in runs:
        service.fall_back(run)
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule) == (Move.ROLL_BACK, "leak")
    assert counted(rollout).most_in_a_row == 3
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.ROLLED_BACK
    assert newest_policy().mode == Mode.LEGACY


def test_harm_is_found_among_hostile_captures_that_are_to_hide_it() -> None:
    service, _ = in_phase(PhaseName.AB_TEST)
    for run in service.serve_on(TREATMENT, 30, HOSTILE):
        service.fall_back(run, HOSTILE)
    [harmed] = service.serve_on(TREATMENT, 1, HOSTILE)
    service.fall_back(harmed)
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule) == (Move.ROLL_BACK, "leak")


def test_a_gate_waits_for_what_legacy_makes_of_refused_outputs_and_not_for_stopped_jobs() -> None:
    service, _ = in_gate()
    told, stopped = service.serve_on(TREATMENT, 2, HOSTILE)
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule) == (None, "refused_outputs")
    service.fall_back(told, HOSTILE)
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule) == (None, "refused_outputs")
    TrimJob.objects.filter(pk=stopped.job_id).update(state=JobState.CANCELLED)
    service.pass_time(6)
    decision = service.look()
    assert decision is not None
    assert decision.move is not None
    assert decision.move not in (Move.ROLL_BACK, Move.FAIL)


def test_hostile_captures_do_not_put_off_the_end_of_legacy() -> None:
    service, _ = in_phase(PhaseName.CLEANUP)
    service.pass_time(50)
    [run] = service.serve_on(TREATMENT, 1, HOSTILE)
    service.fall_back(run, HOSTILE)
    decision = service.look()
    assert decision is not None
    [unused] = [each for each in decision.results if each.rule == "legacy_unused"]
    assert unused.value == 50
    [run] = service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    service.fall_back(run)
    service.pass_time(6)
    decision = service.look()
    assert decision is not None
    [unused] = [each for each in decision.results if each.rule == "legacy_unused"]
    assert unused.value == 6


def test_health_compares_the_arms_without_them() -> None:
    service, _ = in_phase(PhaseName.AB_TEST, ab_share=0.5)
    service.serve_on(CONTROL, 5)
    for run in service.serve_on(TREATMENT, 30, HOSTILE):
        service.fall_back(run, HOSTILE)
    found = compare_arms(newest_policy())
    assert found.harm_e == 1.0


# --- the breaker ----------------------------------------------------------------------------------


@pytest.fixture
def own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT = tmp_path / "work"
    settings.WORK_ROOT.mkdir()
    monkeypatch.setattr(jobs, "send", lambda job_id: None)


def make_jobs(files: Sequence[bytes | None]) -> list[TrimJob]:
    publish(Wish(Mode.SCANNING), origin=Origin.ROLLOUT, reason="an attack")
    owner = make_user()
    return [jobs.create_job(make_capture(owner, data=data), standard(), owner) for data in files]


def run_twice(job: TrimJob) -> tuple[TrimRun, TrimRun]:
    """Let scanning and then legacy work on a job."""
    for _ in range(2):
        runner.run_job(job.pk, "one/1")
    job.refresh_from_db()
    first, second = TrimRun.objects.filter(job=job).order_by("attempt")
    assert (first.strategy, second.strategy) == (TREATMENT, CONTROL)
    return first, second


@pytest.mark.usefixtures("own_folder")
def test_files_of_which_no_output_is_verified_open_no_breaker_and_are_not_offered() -> None:
    for job in make_jobs([raw_file(seed) for seed in REFUSED_SEEDS]):
        first, second = run_twice(job)
        assert (first.outcome, second.outcome) == (HOSTILE, HOSTILE)
        assert {first.kind, second.kind} == {OutcomeKind.ODD_CAPTURE}
        assert (job.state, job.published_run) == (JobState.FAILED, None)
        assert not first.output
        assert not second.output
    assert not Breaker.objects.exists()
    assert may_go_to(TREATMENT)


@pytest.mark.usefixtures("own_folder")
def test_three_captures_that_only_scanning_gets_wrong_open_the_breaker_when_legacy_has_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = pipeline.trim

    def trim(source: Path, target: Path, load: Any, *rest: Any, **more: Any) -> Any:
        if load().name == TREATMENT:
            raise VerificationError("a byte is left")
        return real(source, target, load, *rest, **more)

    monkeypatch.setattr(runner, "trim", trim)
    waiting = make_jobs([None] * 3)
    for job in waiting:
        runner.run_job(job.pk, "one/1")
    assert set(TrimRun.objects.values_list("blame", flat=True)) == {Blame.UNDECIDED}
    assert not Breaker.objects.exists()
    for job in waiting:
        runner.run_job(job.pk, "one/1")
    assert not TrimJob.objects.exclude(state=JobState.DONE).exists()
    refused = TrimRun.objects.filter(strategy=TREATMENT)
    assert set(refused.values_list("blame", flat=True)) == {Blame.STRATEGY}
    assert not refused.filter(blamed_at__lte=F("finished_at")).exists()
    assert Breaker.objects.get(pk=TREATMENT).state == BreakerState.OPEN


@pytest.mark.usefixtures("own_folder")
def test_a_run_of_legacy_that_is_lost_tells_nothing_and_the_next_one_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trim(*_: Any, **__: Any) -> None:
        raise VerificationError("a byte is left")

    monkeypatch.setattr(runner, "trim", trim)
    [job] = make_jobs([None])
    runner.run_job(job.pk, "one/1")
    lost = jobs.claim(job.pk, "two/2")
    assert lost is not None
    assert lost.strategy == CONTROL
    assert jobs.lose(lost, RunOutcome.LOST, "gone")
    assert TrimRun.objects.get(strategy=TREATMENT).kind is OutcomeKind.UNDECIDED
    runner.run_job(job.pk, "one/1")
    assert TrimRun.objects.get(strategy=TREATMENT).kind is OutcomeKind.ODD_CAPTURE


@pytest.mark.usefixtures("own_folder")
def test_legacy_runs_before_what_its_owner_queued_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def trim(*_: Any, **__: Any) -> None:
        raise VerificationError("a byte is left")

    monkeypatch.setattr(runner, "trim", trim)
    first, *_ = make_jobs([None] * 5)
    for _ in range(2):
        runner.run_next("one/1")
    first.refresh_from_db()
    assert (first.attempt, first.state) == (2, JobState.FAILED)
