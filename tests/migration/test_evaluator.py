"""Looking all the time: harm goes back at once, and what is no harm never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from config.current import forget
from migration import evaluator as module
from migration import situation as loading
from migration import suspects
from migration.choices import PHASES, ApprovalState, GateVerdict, Move, PhaseName, RolloutState
from migration.decision import Decision
from migration.evaluator import IDLE_SECONDS, KEEP_SECONDS, Evaluator
from migration.models import Approval, Evaluation, Rollout, Suspect
from migration.models import Decision as Decided
from monitoring.choices import Dimension
from monitoring.conf import health_settings
from monitoring.metrics.histograms import of_values
from tests.migration.traffic import QUICK, Service, counted, in_gate, in_phase, move, situation_in
from trimming.choices import RunOutcome
from trimming.models import GuardLease, TrimJob, TrimRun
from trimming.policy import Wish, emergency_rollback, is_watched, newest_policy, publish
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Arm, LeakState, Mode, Origin, ShadowOutcome

pytestmark = pytest.mark.django_db

SERVING = PHASES[1:]
SLOW = of_values([900.0] * 10).as_json()
PATIENT: dict[str, Any] = {name: 1e6 for name in QUICK if name.endswith("dwell_seconds")}
serving = pytest.mark.parametrize("phase", SERVING)


def state_of(rollout: Rollout) -> str:
    rollout.refresh_from_db()
    return rollout.state


def runs_on(rollout: Rollout, phase: PhaseName) -> bool:
    """Tell whether the rollout is where it was and has never moved back."""
    rollout.refresh_from_db()
    back = rollout.decisions.filter(move__in=(Move.ROLL_BACK, Move.FAIL))
    return (
        rollout.state == RolloutState.RUNNING and not back and rollout.attempt.phase.name == phase
    )


# --- harm -----------------------------------------------------------------------------------------


@serving
def test_failures_in_a_row_roll_back_from_every_phase_that_serves(phase: PhaseName) -> None:
    service, rollout = in_phase(phase)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule) == (Move.ROLL_BACK, "failures_in_a_row")
    assert state_of(rollout) == RolloutState.ROLLED_BACK
    assert (newest_policy().mode, newest_policy().stands_back) == (Mode.LEGACY, True)
    assert rollout.attempt.cause == "failures_in_a_row"


@serving
def test_a_leak_rolls_back_from_every_phase_that_serves(phase: PhaseName) -> None:
    service, rollout = in_phase(phase)
    service.compare(1, outcome=ShadowOutcome.MISMATCHED, leak=LeakState.CONFIRMED)
    service.look()
    assert state_of(rollout) == RolloutState.ROLLED_BACK
    assert rollout.attempt.cause == "leak"


def test_harm_in_phase_1_fails_the_phase() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    service.compare(1, outcome=ShadowOutcome.MISMATCHED, leak=LeakState.CONFIRMED)
    decision = service.look()
    assert decision is not None
    assert decision.move == Move.FAIL
    assert (state_of(rollout), rollout.attempt.phase.state) == ("rolled_back", "failed")


@pytest.mark.parametrize("each", [Move.PAUSE, Move.REQUEST])
def test_harm_rolls_back_also_while_it_does_not_go_on(each: Move) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, each)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    assert state_of(rollout) == RolloutState.ROLLED_BACK


def test_a_rollback_is_stored_with_all_that_it_went_by() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    found = Decided.objects.get(move=Move.ROLL_BACK)
    assert found.is_automatic
    assert situation_in(found)["evidence"]["tally"]["most_in_a_row"] == 3
    assert {each["rule"] for each in found.results} >= {"failures_in_a_row", "leak", "stale"}
    assert (found.rollout, found.policy_version) == (rollout, newest_policy().version)


def test_what_was_served_is_listed_at_once() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    [good] = service.serve_on(TREATMENT, 1)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    assert [suspect.run for suspect in Suspect.objects.all()] == [good]


def test_a_rollback_stands_where_nothing_can_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(suspects, "list_suspects", fail)
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    with capture_logs() as logs:
        service.look()
    assert state_of(rollout) == RolloutState.ROLLED_BACK
    assert "suspects_not_listed" in [each["event"] for each in logs]


@serving
def test_samples_that_stopped_hold_and_then_roll_back(phase: PhaseName) -> None:
    service, rollout = in_phase(phase)
    service.sample()
    service.pass_time(299)
    service.evaluator.look(service.now)
    assert runs_on(rollout, phase)
    service.pass_time(IDLE_SECONDS)
    service.evaluator.look(service.now)
    assert rollout.attempt.cause == "stale"
    assert state_of(rollout) == RolloutState.ROLLED_BACK


def test_memory_above_its_limit_for_the_whole_time_rolls_back() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.samples(600, worker_rss_bytes=health_settings().worker_rss_bytes_fail)
    service.evaluator.look(service.now)
    assert runs_on(rollout, PhaseName.GRADUAL)
    service.samples(5, worker_rss_bytes=health_settings().worker_rss_bytes_fail)
    service.evaluator.look(service.now)
    assert state_of(rollout) == RolloutState.ROLLED_BACK
    assert rollout.attempt.cause == "critical"


# --- somebody else's policy -----------------------------------------------------------------------


@pytest.mark.parametrize("phase", PHASES)
def test_an_emergency_rollback_rolls_the_rollout_back_without_a_second_policy(
    phase: PhaseName,
) -> None:
    service, rollout = in_phase(phase)
    theirs = emergency_rollback(reason="by hand")
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule) == (Move.ROLL_BACK, "routing")
    assert state_of(rollout) == RolloutState.ROLLED_BACK
    assert newest_policy() == theirs


def test_the_policy_of_an_operator_holds_and_is_an_error() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    theirs = publish(Wish(Mode.COMPARISON), origin=Origin.OPERATOR, reason="by hand")
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule, decision.verdict) == (None, "routing", GateVerdict.ERROR)
    assert runs_on(rollout, PhaseName.GRADUAL)
    assert newest_policy() == theirs


# --- the guard ------------------------------------------------------------------------------------


def unwatched() -> None:
    GuardLease.objects.all().delete()


def test_the_guard_is_renewed_while_samples_are_fresh() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    unwatched()
    service.sample()
    service.pass_time(29)
    service.evaluator.look(service.now)
    assert is_watched()


def test_the_guard_is_not_renewed_while_samples_are_old() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    unwatched()
    service.sample()
    service.pass_time(30)
    service.evaluator.look(service.now)
    assert not is_watched()


def test_the_guard_is_renewed_where_no_rollout_is_active() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ABORT)
    unwatched()
    service.evaluator.look(service.now)
    assert is_watched()


# --- when it looks --------------------------------------------------------------------------------


def test_where_nothing_is_new_there_is_no_look() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    assert service.look() is not None
    service.pass_time(IDLE_SECONDS - 1)
    assert service.evaluator.look(service.now) is None


def test_time_that_passed_is_a_reason_to_look() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    service.look()
    service.pass_time(IDLE_SECONDS)
    assert service.evaluator.look(service.now) is not None


def something(service: Service, what: str) -> None:
    match what:
        case "run":
            service.serve(1)
        case "comparison":
            service.compare(1)
        case "sample":
            service.sample()
        case "policy":
            emergency_rollback(reason="by hand")
        case "move":
            move(service, Rollout.objects.get(), Move.PAUSE)


@pytest.mark.parametrize("what", ["run", "comparison", "sample", "policy", "move"])
def test_whatever_is_new_is_a_reason_to_look(what: str) -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    service.look()
    service.pass_time(0.25)
    something(service, what)
    assert service.evaluator.look(service.now) is not None


def test_who_is_second_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    monkeypatch.setattr(module, "count", lambda *_: False)
    assert service.look() is None
    assert not Decided.objects.filter(move=Move.ROLL_BACK).exists()


def test_who_was_second_looks_again_at_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    with monkeypatch.context() as patch:
        patch.setattr(module, "count", lambda *_: False)
        service.look()
    service.pass_time(0.25)
    service.evaluator.look(service.now)
    assert state_of(rollout) == RolloutState.ROLLED_BACK


def test_two_evaluators_move_a_rollout_once() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    other = Evaluator()
    service.look()
    other.look(service.now)
    assert rollout.decisions.filter(move=Move.ROLL_BACK).count() == 1


def test_who_was_overtaken_while_it_decided_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    real = loading.situation_of

    def slow(*facts: Any) -> Any:
        found = real(*facts)
        move(service, Rollout.objects.get(), Move.PAUSE)
        return found

    monkeypatch.setattr(module, "situation_of", slow)
    service.look()
    assert state_of(rollout) == RolloutState.PAUSED


def test_what_surrounds_one_phase_is_not_held_against_the_next() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    for _ in range(3):
        service.pass_time(60)
        service.report(0.5, Dimension.ERROR_RATE)
    service.look()
    service.pass_time(0.25)
    move(service, rollout, Move.FREEZE, Move.PROMOTE)
    service.evaluator.look(service.now)
    evidence = Evaluation.objects.first()
    assert evidence is not None
    assert evidence.situation["evidence"]["health"] is None


def test_what_surrounds_one_attempt_is_not_held_against_the_next() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.samples(605, worker_rss_bytes=health_settings().worker_rss_bytes_fail)
    service.evaluator.look(service.now)
    assert state_of(rollout) == RolloutState.ROLLED_BACK
    service.pass_time(1)
    move(service, rollout, Move.RESTART)
    service.evaluator.look(service.now)
    assert state_of(rollout) == RolloutState.RUNNING


# --- what is stored -------------------------------------------------------------------------------


def stored() -> int:
    return Evaluation.objects.count()


def test_the_same_answer_is_stored_once_a_minute() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL, **PATIENT)
    service.look()
    before = stored()
    for _ in range(5):
        service.pass_time(10)
        service.look()
    assert stored() == before
    service.pass_time(KEEP_SECONDS - 50)
    service.look()
    assert stored() == before + 1


def test_another_answer_is_stored_at_once() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, **PATIENT)
    service.look()
    before = stored()
    service.pass_time(1)
    move(service, rollout, Move.PAUSE)
    publish(Wish(Mode.COMPARISON), origin=Origin.OPERATOR, reason="by hand")
    service.look()
    assert stored() == before + 1
    newest = Evaluation.objects.first()
    assert newest is not None
    assert newest.verdict == GateVerdict.ERROR


def test_an_evaluation_is_whole() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    decision = service.look()
    newest = Evaluation.objects.first()
    assert decision is not None
    assert newest is not None
    assert (newest.attempt, newest.at) == (rollout.attempt, service.now)
    assert (newest.move, newest.rule, newest.reason) == (
        *(Move.ROLL_BACK, decision.rule, decision.reason),
    )
    assert [each["rule"] for each in newest.results] == [each.rule for each in decision.results]


# --- settings under it ----------------------------------------------------------------------------


def test_when_all_gates_are_met_it_goes_on() -> None:
    service, rollout = in_gate()
    service.look()
    assert rollout.attempt.phase.name == PhaseName.FULL


def test_a_mode_that_the_settings_forbid_meanwhile_holds_and_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, rollout = in_gate()
    monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_SCANNING", "false")
    forget()
    with capture_logs() as logs:
        decision = service.look()
    assert decision is not None
    assert decision.move == Move.PROMOTE
    assert runs_on(rollout, PhaseName.GRADUAL)
    [said] = [each for each in logs if each["event"] == "rollout_cannot_move"]
    assert "scanning is not permitted" in said["why"]
    assert newest_policy().mode == Mode.AB_TEST


def test_once_the_settings_permit_it_again_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = in_gate()
    with monkeypatch.context() as patch:
        patch.setenv("PKTMASK_ROUTING__PERMIT_SCANNING", "false")
        forget()
        service.look()
    forget()
    service.pass_time(5)
    service.look()
    assert rollout.attempt.phase.name == PhaseName.FULL


def test_it_asks_for_an_approval_and_goes_on_with_one() -> None:
    service, rollout = in_gate(approve="full_migration")
    service.look()
    assert state_of(rollout) == RolloutState.AWAITING
    Approval.objects.update(state=ApprovalState.APPROVED)
    service.pass_time(5)
    service.look()
    assert rollout.attempt.phase.name == PhaseName.FULL


# --- what is no harm ------------------------------------------------------------------------------


def quiet_night(service: Service) -> None:
    """Twelve hours without a capture, in which nothing can be said of the service's health."""
    for _ in range(12):
        service.pass_time(3600)
        service.report(None)
        service.look()


def rolling_restart(service: Service) -> None:
    """Every worker is stopped; half of them in time, and all of their jobs begin anew."""
    for outcome in (RunOutcome.GIVEN_BACK, RunOutcome.LOST):
        jobs = [service.claim() for _ in range(10)]
        for job in jobs:
            service.end(job, outcome)
        service.pass_time(20)
        service.look()
        for job in jobs:
            service.end(job)
        service.pass_time(20)
        service.look()


def refused_uploads(service: Service) -> None:
    """Somebody uploads a thousand files that are no captures."""
    service.serve(1_000, RunOutcome.REFUSED)
    service.pass_time(1)
    service.look()


@serving
@pytest.mark.parametrize("happens", [quiet_night, rolling_restart, refused_uploads])
def test_what_is_no_harm_never_rolls_back(
    happens: Callable[[Service], None], phase: PhaseName
) -> None:
    service, rollout = in_phase(phase, **PATIENT)
    happens(service)
    assert runs_on(rollout, phase)
    assert newest_policy().origin == Origin.ROLLOUT


def busy_neighbour(service: Service) -> None:
    """Another program takes the machine: all is slow, on both arms, for a quarter of an hour.

    The score of the health is low, and it is the machine that is short of something.
    """
    arms = {"treatment": SLOW} if newest_policy().mode == Mode.SCANNING else {}
    arms = arms or {"treatment": SLOW, "control": SLOW}
    for _ in range(5):
        service.samples(180, cpu_percent=99, **arms)
        service.report(0.2, Dimension.RESOURCES, Dimension.PERFORMANCE)
        service.serve(6, ms=9_000.0)
        service.compare(2, control_ms=5_000.0, treatment_ms=4_000.0)
        service.evaluator.look(service.now)


@serving
def test_a_busy_neighbour_never_rolls_back(phase: PhaseName) -> None:
    # so many runs freeze limits for slow ones, also without a control
    service, rollout = in_phase(phase, runs=100, slow_limit_runs=100, **PATIENT)
    busy_neighbour(service)
    assert runs_on(rollout, phase)
    assert newest_policy().origin == Origin.ROLLOUT


# --- swapped arms ---------------------------------------------------------------------------------


def swap_arms() -> None:
    """Label what treatment has as control's, and the other way round, as a hand might."""
    for model in (TrimJob, TrimRun):
        rows: Any = model.objects.filter(policy_version=newest_policy().version)
        theirs = list(rows.filter(arm=Arm.CONTROL).values_list("pk", flat=True))
        rows.filter(arm=Arm.TREATMENT).update(arm=Arm.CONTROL)
        rows.filter(pk__in=theirs).update(arm=Arm.TREATMENT)


def ratio_at(service: Service) -> tuple[GateVerdict, Decision]:
    """Look, and return what is said of the ratio of the arms."""
    decision = service.look()
    assert decision is not None
    [ratio] = [each for each in decision.results if each.rule == "sample_ratio"]
    return ratio.verdict, decision


@pytest.mark.parametrize("phase", [PhaseName.AB_TEST, PhaseName.GRADUAL])
def test_arms_that_are_swapped_are_noticed_by_their_ratio_and_hold(phase: PhaseName) -> None:
    service, rollout = in_phase(phase)
    service.serve(160)
    swap_arms()
    service.pass_time(61)
    verdict, decision = ratio_at(service)
    assert verdict == decision.verdict == GateVerdict.ERROR
    assert decision.move is None
    assert runs_on(rollout, phase)


def test_arms_that_are_not_swapped_are_in_their_ratio() -> None:
    service, _rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 20)
    service.serve_on(CONTROL, 80)
    service.pass_time(61)
    assert ratio_at(service)[0] == GateVerdict.PASSED


def test_captures_of_one_arm_that_never_end_are_noticed_by_their_ratio() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, number=1, **PATIENT)
    service.serve_on(CONTROL, 130)
    service.serve_on(TREATMENT, 130, RunOutcome.LOST)
    assert ratio_at(service)[0] == GateVerdict.PASSED
    service.pass_time(299)
    assert ratio_at(service)[0] == GateVerdict.ERROR
    assert counted(rollout).of_step("gradual_rollout:1").treatment.finished == 0
