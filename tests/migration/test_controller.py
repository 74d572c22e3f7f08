"""The table of moves against the database: what it has moves all of it, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from config.models import AuditEvent
from migration import operations
from migration.choices import PHASES, ApprovalState, Move, PhaseName, PhaseState, RolloutState
from migration.controller import OvertakenError, apply_move
from migration.counting import count
from migration.freezing import freeze
from migration.gates.evidence import baseline_from_json, tally_from_json
from migration.models import Approval, Decision, EvidenceArchive, Rollout, Step, StepPolicy
from migration.moves import MoveRefusedError, allowed
from migration.signals import decision_made
from migration.situation import load
from migration.wanted import Wanted
from tests.factories import make_user
from tests.migration.traffic import QUICK, Service, all_rows, counted, in_phase, move
from trimming import policy as policies
from trimming.models import RoutingPolicy
from trimming.policy import Wish, emergency_rollback, newest_policy
from trimming.routing import TREATMENT
from trimming.routing_choices import Mode, Origin, ShadowOutcome

pytestmark = pytest.mark.django_db

Stand = tuple[Service, Rollout]
R, P = RolloutState, PhaseState


def draft() -> Stand:
    service = Service()
    return service, operations.create("a rollout", QUICK, None, service.now)


def after(*moves: Move, phase: PhaseName = PhaseName.GRADUAL) -> Callable[[], Stand]:
    """Return what makes a rollout to which these moves have happened in a phase."""

    def make() -> Stand:
        service, rollout = in_phase(phase)
        move(service, rollout, *moves)
        return service, rollout

    return make


STANDS: dict[RolloutState, Callable[[], Stand]] = {
    R.DRAFT: draft,
    R.RUNNING: after(),
    R.AWAITING: after(Move.REQUEST),
    R.PAUSED: after(Move.PAUSE),
    R.COMPLETED: after(Move.COMPLETE, phase=PhaseName.CLEANUP),
    R.ROLLED_BACK: after(Move.ROLL_BACK),
    R.ABORTED: after(Move.ABORT),
}
# where each move leads: the rollout, the phase that it found (None: as it was), and what is served
Served = tuple[Mode, float]
LEGACY, SCANNING = (Mode.LEGACY, 0.0), (Mode.SCANNING, 0.0)
LEADS: dict[Move, tuple[RolloutState, PhaseState | None, Served | None]] = {
    Move.START: (R.RUNNING, None, (Mode.COMPARISON, 0.0)),
    Move.FREEZE: (R.RUNNING, P.RUNNING, None),
    Move.REQUEST: (R.AWAITING, P.AWAITING, None),
    Move.WITHDRAW: (R.RUNNING, P.RUNNING, None),
    Move.STEP: (R.RUNNING, P.RUNNING, (Mode.AB_TEST, 0.5)),
    Move.PROMOTE: (R.RUNNING, P.PASSED, SCANNING),
    Move.COMPLETE: (R.COMPLETED, P.PASSED, SCANNING),
    Move.PAUSE: (R.PAUSED, P.PAUSED, None),
    Move.RESUME: (R.RUNNING, P.RUNNING, None),
    Move.ROLL_BACK: (R.ROLLED_BACK, P.ROLLED_BACK, LEGACY),
    Move.FAIL: (R.ROLLED_BACK, P.FAILED, LEGACY),
    Move.RESTART: (R.RUNNING, None, (Mode.AB_TEST, 0.2)),
    Move.ABORT: (R.ABORTED, None, LEGACY),
}
OPEN = (P.RUNNING, P.AWAITING, P.PAUSED)


@contextmanager
def taken_back() -> Iterator[None]:
    """Undo all that is done within."""
    here = transaction.savepoint()
    yield
    transaction.savepoint_rollback(here)


def wanted(each: Move, **values: Any) -> Wanted:
    return Wanted(each, "the test wants it", **values)


def served() -> Served:
    policy = newest_policy()
    return Mode(policy.mode), policy.treatment_share


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", RolloutState)
def test_what_the_table_lacks_changes_nothing_and_says_what_is_possible(
    state: RolloutState,
) -> None:
    service, rollout = STANDS[state]()
    assert rollout.state == state
    before = all_rows()
    for each in set(Move) - set(allowed(state)):
        with pytest.raises(MoveRefusedError) as refused:
            apply_move(rollout, wanted(each), service.now)
        assert all(str(may.label) in str(refused.value) for may in allowed(state))
    assert all_rows() == before


@pytest.mark.parametrize("state", RolloutState)
def test_what_the_table_has_moves_rollout_phase_and_policy(state: RolloutState) -> None:
    service, stand = STANDS[state]()
    for each in allowed(state):
        with taken_back():
            if each is Move.REQUEST:  # one that waits is decided before there is another
                Approval.objects.update(state=ApprovalState.REJECTED)
            rollout = Rollout.objects.get(pk=stand.pk)
            phase = None if state is R.DRAFT else rollout.attempt.phase
            version = newest_policy().version
            apply_move(rollout, wanted(each), service.now)
            rollout.refresh_from_db()
            leads, phase_state, policy = LEADS[each]
            assert rollout.state == leads, each
            assert newest_policy().version == version + (policy is not None), each
            if policy is not None:
                assert served() == policy, each
            if phase is not None and phase_state is not None:
                phase.refresh_from_db()
                assert phase.state == phase_state, each


@pytest.mark.parametrize("state", RolloutState)
def test_an_abort_works_in_every_state(state: RolloutState) -> None:
    service, rollout = STANDS[state]()
    epoch = newest_policy().fence_epoch
    was = None if state is R.DRAFT else P(rollout.attempt.phase.state)
    decision = apply_move(rollout, wanted(Move.ABORT), service.now)
    rollout.refresh_from_db()
    policy = newest_policy()
    assert (rollout.state, rollout.finished_at) == (R.ABORTED, service.now)
    assert (policy.mode, policy.stands_back) == (Mode.LEGACY, True)
    assert (policy.origin, policy.fence_epoch) == (Origin.ROLLBACK, epoch + 1)
    assert (decision.state_before, decision.policy_version) == (state, policy.version)
    if was is not None:
        assert rollout.attempt.phase.state == (P.ROLLED_BACK if was in OPEN else was)


# --- each move ------------------------------------------------------------------------------------


def test_a_start_begins_phase_1_with_a_salt_of_its_own() -> None:
    service, rollout = draft()
    salt = newest_policy().salt
    move(service, rollout, Move.START)
    rollout.refresh_from_db()
    attempt = rollout.attempt
    states = list(attempt.phases.order_by("number").values_list("name", "state"))
    assert states == [(PHASES[0], P.RUNNING), *((each, P.PENDING) for each in PHASES[1:])]
    policy = newest_policy()
    assert (attempt.number, attempt.salt, rollout.started_at) == (1, policy.salt, service.now)
    assert attempt.salt != salt
    assert attempt.phase.step.policy_version == policy.version
    assert StepPolicy.objects.get().pk == policy.version


@pytest.mark.parametrize(
    ("phase", "mode", "share", "shadows"),
    [
        (PhaseName.BASELINE, Mode.COMPARISON, 0.0, 1.0),
        (PhaseName.AB_TEST, Mode.AB_TEST, 0.2, 0.2),
        (PhaseName.GRADUAL, Mode.AB_TEST, 0.25, 0.1),
        (PhaseName.FULL, Mode.SCANNING, 0.0, 0.05),
        (PhaseName.CLEANUP, Mode.SCANNING, 0.0, 0.01),
    ],
)
def test_each_phase_publishes_its_policy_for_as_long_as_somebody_watches(
    phase: PhaseName, mode: Mode, share: float, shadows: float
) -> None:
    _service, rollout = in_phase(phase)
    policy = newest_policy()
    assert (policy.mode, policy.treatment_share, policy.shadow_share) == (mode, share, shadows)
    assert (policy.guarded, policy.legacy_retired) == (True, False)
    assert (policy.origin, policy.salt) == (Origin.ROLLOUT, rollout.attempt.salt)


def test_a_baseline_is_frozen_from_what_was_counted_of_legacy() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    service.serve(3)
    service.look()
    move(service, rollout, Move.FREEZE)
    baseline = baseline_from_json(rollout.attempt.baseline)
    assert baseline is not None
    assert (baseline.runs, baseline.failed, baseline.frozen_at) == (5, 0, service.now)
    assert baseline.bytes_per_second == pytest.approx(40_000 / 0.010)
    assert counted(rollout).errors_alone is not None


def test_a_baseline_is_not_frozen_from_what_another_process_has_counted_since() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    loaded = rollout.attempt
    service.pass_time(1)
    assert count(rollout.attempt, rollout.limits(), service.now)
    with pytest.raises(IntegrityError, match="has counted"):
        freeze(loaded, rollout.limits(), service.now)
    assert rollout.attempt.baseline is None


def test_a_raised_share_ends_a_step_and_begins_the_next() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(60)
    move(service, rollout, Move.STEP)
    first, second = rollout.attempt.phase.steps.order_by("number")
    assert (first.ended_at, first.share) == (service.now, 0.25)
    assert (second.began_at, second.ended_at, second.share) == (service.now, None, 0.5)
    assert second.policy_version == newest_policy().version
    assert newest_policy().fence_epoch == 1


def test_a_promotion_ends_a_phase_and_begins_the_next() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(60)
    move(service, rollout, Move.PROMOTE)
    before, now = rollout.attempt.phases.filter(number__in=(3, 4)).order_by("number")
    assert (before.state, before.finished_at) == (P.PASSED, service.now)
    assert (now.state, now.started_at, now.name) == (P.RUNNING, service.now, PhaseName.FULL)
    assert before.step.ended_at == service.now


def test_the_last_phase_begins_with_an_archive_of_baseline_and_evidence() -> None:
    _service, rollout = in_phase(PhaseName.FULL)
    assert not EvidenceArchive.objects.exists()
    move(_service, rollout, Move.PROMOTE)
    attempt, archive = rollout.attempt, EvidenceArchive.objects.get()
    assert (archive.attempt, archive.baseline, archive.tally) == (
        *(attempt, attempt.baseline, attempt.tally),
    )
    assert len(archive.sha256) == 64


def test_the_end_retires_legacy_and_is_not_guarded_any_more() -> None:
    service, rollout = in_phase(PhaseName.CLEANUP)
    move(service, rollout, Move.COMPLETE)
    rollout.refresh_from_db()
    policy = newest_policy()
    assert (policy.mode, policy.legacy_retired, policy.guarded) == (Mode.SCANNING, True, False)
    assert (rollout.finished_at, rollout.attempt.ended_at) == (service.now, service.now)
    assert rollout.attempt.cause == "completed"


def test_a_pause_stops_the_time_of_a_step() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(10)
    move(service, rollout, Move.PAUSE)
    service.pass_time(1000)
    assert load(rollout, service.now).evidence.step_seconds == 10
    move(service, rollout, Move.RESUME)
    service.pass_time(5)
    assert load(rollout, service.now).evidence.step_seconds == 15


def test_a_pause_lets_the_share_stay_as_it_is() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    before = newest_policy()
    move(service, rollout, Move.PAUSE)
    assert newest_policy() == before


def test_a_rollback_ends_the_attempt_with_its_rule_and_since_when_it_is_suspect() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    clean_at = rollout.attempt.clean_at
    service.pass_time(60)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    attempt = rollout.attempt
    assert (attempt.ended_at, attempt.cause) == (service.now, "errors")
    assert attempt.suspect_since == clean_at
    assert attempt.phase.step.ended_at == service.now


def test_after_a_leak_all_of_the_attempt_is_suspect() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ROLL_BACK, rule="leak")
    assert rollout.attempt.suspect_since == rollout.attempt.started_at


def test_after_an_abort_nothing_is_suspect() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ABORT)
    assert rollout.attempt.suspect_since is None
    assert rollout.attempt.cause == "abort"


def test_a_rollback_that_somebody_else_published_stands_and_none_is_added() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    theirs = emergency_rollback(reason="by hand")
    decision = apply_move(rollout, wanted(Move.ROLL_BACK, rule="routing"), service.now)
    assert newest_policy() == theirs
    assert decision.policy_version == theirs.version


def test_a_rollback_that_was_lifted_meanwhile_does_not_stand() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    emergency_rollback(reason="by hand")
    lift = Wish(Mode.COMPARISON, lift=True)
    policies.publish(lift, origin=Origin.OPERATOR, reason="by hand")
    apply_move(rollout, wanted(Move.ROLL_BACK, rule="routing"), service.now)
    assert (newest_policy().mode, newest_policy().stands_back) == (Mode.LEGACY, True)


@pytest.mark.parametrize("each", [Move.ROLL_BACK, Move.ABORT, Move.RESTART])
def test_a_request_does_not_outlive_its_attempt(each: Move) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.REQUEST, each)
    assert Approval.objects.get().state == ApprovalState.WITHDRAWN


# --- the policy of somebody else ------------------------------------------------------------------


@pytest.mark.parametrize("each", [Move.STEP, Move.PROMOTE, Move.COMPLETE])
def test_what_was_decided_before_an_emergency_rollback_does_not_undo_it(each: Move) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    situation = load(rollout, service.now)
    emergency_rollback(reason="by hand")
    before = all_rows()
    with pytest.raises(MoveRefusedError, match="rollback was published"):
        apply_move(rollout, wanted(each, situation=situation), service.now)
    assert all_rows() == before


def test_what_was_decided_before_somebody_published_does_not_undo_it() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    policies.publish(Wish(Mode.COMPARISON), origin=Origin.OPERATOR, reason="by hand")
    with pytest.raises(MoveRefusedError, match="is in force"):
        apply_move(rollout, wanted(Move.STEP), service.now)
    assert newest_policy().mode == Mode.COMPARISON


def test_a_resumption_does_not_undo_an_emergency_rollback() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.PAUSE)
    emergency_rollback(reason="by hand")
    before = all_rows()
    with pytest.raises(MoveRefusedError, match="rollback"):
        apply_move(rollout, wanted(Move.RESUME), service.now)
    assert all_rows() == before


def test_a_resumption_puts_the_policy_back_that_somebody_replaced() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    policies.publish(Wish(Mode.COMPARISON), origin=Origin.OPERATOR, reason="by hand")
    move(service, rollout, Move.PAUSE, Move.RESUME)
    policy = newest_policy()
    assert (policy.mode, policy.treatment_share) == (Mode.AB_TEST, 0.25)
    assert policy.salt == rollout.attempt.salt
    assert load(rollout, service.now).evidence.overtaken == ""


# --- all or nothing -------------------------------------------------------------------------------


def test_of_two_who_loaded_the_rollout_one_moves_it() -> None:
    service, first = in_phase(PhaseName.GRADUAL)
    second = Rollout.objects.get(pk=first.pk)
    move(service, first, Move.STEP)
    before = all_rows()
    with pytest.raises(OvertakenError):
        apply_move(second, wanted(Move.STEP), service.now)
    assert all_rows() == before


def test_a_state_that_came_back_is_not_taken_for_the_one_that_was_loaded() -> None:
    service, first = in_phase(PhaseName.GRADUAL)
    second = Rollout.objects.get(pk=first.pk)
    move(service, first, Move.PAUSE, Move.RESUME)
    with pytest.raises(OvertakenError):
        apply_move(second, wanted(Move.STEP), service.now)


@pytest.mark.parametrize("each", [each for each in Move if each is not Move.START])
def test_a_move_whose_decision_cannot_be_stored_has_not_happened(
    each: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = next(state for state in (R.RUNNING, R.AWAITING, R.PAUSED) if each in allowed(state))
    service, rollout = STANDS[state]()
    before = all_rows()

    def fail(**_values: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Decision.objects, "create", fail)
    with pytest.raises(RuntimeError, match="disk"):
        apply_move(rollout, wanted(each), service.now)
    assert all_rows() == before


def test_at_most_one_rollout_is_active() -> None:
    service, _first = in_phase(PhaseName.BASELINE)
    second = operations.create("another", QUICK, None, service.now)
    before = all_rows()
    with pytest.raises(IntegrityError):
        apply_move(second, wanted(Move.START), service.now)
    assert all_rows() == before


def test_after_the_end_of_one_rollout_another_may_start() -> None:
    service, first = in_phase(PhaseName.AB_TEST)
    move(service, first, Move.ABORT)
    second = operations.create("another", QUICK, None, service.now)
    move(service, second, Move.START)
    assert newest_policy().mode == Mode.COMPARISON


def test_a_decision_tells_what_moved_and_who_wanted_it() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    person = make_user()
    found = apply_move(rollout, wanted(Move.PAUSE, actor=person), service.now)
    assert (found.move, found.actor, found.actor_name) == (Move.PAUSE, person, person.username)
    assert (found.state_before, found.state_after) == (R.RUNNING, R.PAUSED)
    assert (found.phase_before, found.phase_after) == (P.RUNNING, P.PAUSED)
    assert (found.is_automatic, found.reason) == (False, "the test wants it")
    event = AuditEvent.objects.get(action="rollout_pause")
    assert (event.actor, event.details["decision"]) == (person, found.pk)


def test_a_decision_is_told_once_it_is_committed(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    heard: list[int] = []

    def listen(decision_id: int, **_: Any) -> None:
        heard.append(decision_id)

    decision_made.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        found = apply_move(rollout, wanted(Move.PAUSE), service.now)
        assert heard == []
    decision_made.disconnect(listen)
    assert heard == [found.pk]


# --- beginning again ------------------------------------------------------------------------------


def begun_again(service: Service, rollout: Rollout) -> PhaseName:
    """Restart, and return the phase that it begins with."""
    move(service, rollout, Move.RESTART)
    return PhaseName(rollout.attempt.phase.name)


def test_a_restart_begins_at_phase_2_with_the_same_baseline_and_empty_evidence() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3)
    service.look()
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    old = rollout.attempt
    assert begun_again(service, rollout) == PhaseName.AB_TEST
    new = rollout.attempt
    assert (new.number, new.baseline) == (2, old.baseline)
    assert (new.control_version, new.treatment_version) == ("1.0", "2.0")
    assert new.salt != old.salt
    tally = tally_from_json(new.tally)
    assert (tally.steps, tally.pairs, tally.assigned.shared) == ({}, 0, ())
    assert tally.errors_alone is not None
    assert newest_policy().stands_back is False


def test_of_the_attempt_before_nothing_is_counted() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    begun_again(service, rollout)
    service.pass_time(1)
    assert count(rollout.attempt, rollout.limits(), service.now)
    assert counted(rollout).steps == {}


def test_of_the_attempt_before_nothing_is_changed() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    old = rollout.attempt
    rows = (list(old.phases.values()), list(Step.objects.filter(phase__attempt=old).values()))
    begun_again(service, rollout)
    again = (list(old.phases.values()), list(Step.objects.filter(phase__attempt=old).values()))
    assert again == rows


def test_after_a_leak_it_begins_at_phase_1() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ROLL_BACK, rule="leak")
    assert begun_again(service, rollout) == PhaseName.BASELINE
    assert rollout.attempt.baseline is None
    assert rollout.attempt.treatment_version == ""


def test_after_a_mismatch_it_begins_at_phase_1_whatever_rolled_it_back() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.compare(1, outcome=ShadowOutcome.MISMATCHED)
    service.look()
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    assert begun_again(service, rollout) == PhaseName.BASELINE


def test_with_an_old_baseline_it_begins_at_phase_1() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    service.now += timedelta(days=14, seconds=1)
    assert begun_again(service, rollout) == PhaseName.BASELINE


def test_with_a_baseline_that_is_just_new_enough_it_begins_at_phase_2() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    service.now += timedelta(days=14)
    assert begun_again(service, rollout) == PhaseName.AB_TEST


def test_with_a_new_build_it_begins_at_phase_1() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.compare(1)
    service.look()
    service.versions[TREATMENT] = "2.1"
    service.compare(1)
    service.look()
    assert begun_again(service, rollout) == PhaseName.BASELINE
    assert rollout.attempt.new_build == ""


def test_without_a_baseline_it_begins_at_phase_1() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    move(service, rollout, Move.FAIL, rule="pairs_errors")
    assert begun_again(service, rollout) == PhaseName.BASELINE


@pytest.mark.parametrize("ends", [(Move.FAIL,), (Move.ROLL_BACK,), (Move.REQUEST,), ()])
def test_a_phase_1_that_was_never_passed_is_not_skipped(ends: tuple[Move, ...]) -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    move(service, rollout, Move.FREEZE, *ends)
    assert begun_again(service, rollout) == PhaseName.BASELINE


def test_a_rollout_that_is_restarted_while_it_runs_leaves_its_phase() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    old = rollout.attempt.phase
    begun_again(service, rollout)
    old.refresh_from_db()
    assert (old.state, old.step.ended_at) == (P.ROLLED_BACK, service.now)
    assert old.attempt.cause == "restart"


def test_a_phase_keeps_what_was_planned_for_it() -> None:
    _service, rollout = in_phase(PhaseName.BASELINE, step_dwell_seconds=3600.0)
    planned = rollout.attempt.phases.values_list("planned_seconds", flat=True).order_by("number")
    assert list(planned) == [60.0, 60.0, 2 * 3600.0, 60.0, 60.0]


def test_a_rollback_needs_no_permission_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    monkeypatch.setattr(policies, "permitted_modes", lambda: ())
    move(service, rollout, Move.ROLL_BACK)
    assert RoutingPolicy.objects.order_by("-version").first() == newest_policy()
    assert newest_policy().mode == Mode.LEGACY
