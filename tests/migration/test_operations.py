"""What people do with a rollout: who may, what is refused and changes nothing, what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from config.current import forget
from config.layers import ConfigurationError
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from migration import operations
from migration.choices import ApprovalState, Move, PhaseName, RolloutState
from migration.conf import rollout_limits
from migration.models import Approval, Decision, LimitsVersion, Rollout
from migration.operations import RefusedError
from tests.factories import make_user
from tests.migration.traffic import (
    QUICK,
    Service,
    all_rows,
    counted,
    in_gate,
    in_phase,
    move,
    moved_rows,
    situation_in,
)
from trimming.choices import RunOutcome
from trimming.policy import newest_policy
from trimming.routing import TREATMENT
from trimming.routing_choices import Mode

pytestmark = pytest.mark.django_db

Wish = Callable[..., Decision]
WHY = "ticket 4711"
# a wish, and a state in which the table has it
WISHES: dict[str, tuple[Wish, tuple[Move, ...]]] = {
    "pause": (operations.pause, ()),
    "resume": (operations.resume, (Move.PAUSE,)),
    "restart": (operations.restart, ()),
    "abort": (operations.abort, ()),
}
each_wish = pytest.mark.parametrize("name", WISHES)


def refused(service: Service, wish: Wish, rollout: Rollout, actor: Any, why: str = WHY) -> str:
    """Have a wish refused; make sure that nothing was changed, and return what was said."""
    before = moved_rows()
    with pytest.raises(RefusedError) as found:
        wish(rollout, actor, why, service.now)
    assert moved_rows() == before
    return str(found.value)


def stand(name: str) -> tuple[Service, Rollout, Wish]:
    wish, moves = WISHES[name]
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, *moves)
    return service, rollout, wish


# --- who may --------------------------------------------------------------------------------------


@each_wish
def test_who_only_looks_may_not_move_a_rollout(name: str) -> None:
    service, rollout, wish = stand(name)
    assert "holds the permission migration." in refused(service, wish, rollout, make_user(VIEWER))


@each_wish
@pytest.mark.parametrize("role", [OPERATOR, ADMINISTRATOR])
def test_an_operator_may(name: str, role: str) -> None:
    service, rollout, wish = stand(name)
    person = make_user(role)
    assert wish(rollout, person, WHY, service.now).actor == person


@pytest.mark.parametrize("name", ["pause", "resume", "restart"])
def test_who_approves_does_not_operate(name: str) -> None:
    service, rollout, wish = stand(name)
    assert "operate_rollout" in refused(service, wish, rollout, make_user(APPROVER))


def test_who_approves_may_abort() -> None:
    service, rollout, wish = stand("abort")
    wish(rollout, make_user(APPROVER), WHY, service.now)
    assert newest_policy().mode == Mode.LEGACY


@each_wish
def test_who_works_at_the_machine_itself_may(name: str) -> None:
    service, rollout, wish = stand(name)
    assert wish(rollout, None, WHY, service.now).actor is None


@each_wish
@pytest.mark.parametrize("why", ["", "  \n"])
def test_without_a_reason_nothing_is_done(name: str, why: str) -> None:
    service, rollout, wish = stand(name)
    assert "needs a reason" in refused(service, wish, rollout, None, why)


def test_what_the_state_does_not_allow_is_refused_with_what_it_does() -> None:
    service, rollout, wish = stand("pause")
    move(service, rollout, Move.PAUSE)
    assert "possible is: resumed" in refused(service, wish, rollout, None)


def test_who_was_overtaken_is_told_to_look_again() -> None:
    service, rollout, wish = stand("pause")
    move(service, Rollout.objects.get(), Move.STEP)
    assert "look at it again" in refused(service, wish, rollout, None)


# --- making and starting --------------------------------------------------------------------------


def made(limits: dict[str, Any], actor: User | None = None) -> Rollout:
    service = Service()
    return operations.create("a rollout", limits, actor, service.now)


def refused_to_make(limits: dict[str, Any], actor: User | None = None) -> str:
    before = all_rows()
    with pytest.raises(RefusedError) as found:
        made(limits, actor)
    rows = all_rows()
    assert rows == before
    return str(found.value)


def test_a_draft_moves_nothing() -> None:
    before = newest_policy()
    rollout = made(QUICK)
    assert (rollout.state, newest_policy()) == (RolloutState.DRAFT, before)
    assert not rollout.attempts.exists()


def test_what_a_draft_begins_with_is_in_force_at_once() -> None:
    rollout = made({"ab_share": 0.02})
    assert rollout.limits().ab_share == 0.02
    assert rollout.limits().ab_runs == 100
    assert made({}).limits().ab_share == 0.01


def test_who_only_looks_makes_no_rollout() -> None:
    assert "operate_rollout" in refused_to_make({}, make_user(VIEWER))


def test_a_limit_that_is_none_is_refused_with_those_that_there_are() -> None:
    said = refused_to_make({"ab_sahre": 0.02})
    assert "'ab_sahre' is no limit; expected one of:" in said
    assert "ab_share" in said


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("ab_share", 2.0, "expected a number above 0 below 1"),
        ("ab_share", "0.02", "expected a number"),
        ("ab_runs", 1.5, "expected a whole number from 1"),
        ("gradual_percents", "50, 25", "growing percents, as in 5, 10, 25, 50, 75"),
        ("dry_run", "errors, nonsense", "expected names of rules but arms, baseline"),
        ("approve", "phase 2", "expected names of phases"),
    ],
)
def test_a_value_that_is_none_is_refused_with_what_is_accepted(
    name: str, value: Any, accepted: str
) -> None:
    said = refused_to_make({name: value})
    assert name in said
    assert accepted in said


def test_limits_that_contradict_each_other_are_refused() -> None:
    said = refused_to_make({"stale_seconds": 400.0})
    assert "rollout.stale_seconds (400) must be below rollout.stale_rollback_seconds (300)" in said
    assert "metrics.sample_seconds" in refused_to_make({"stale_seconds": 3.0})


def test_a_start_needs_a_reason() -> None:
    service, rollout = Service(), made(QUICK)
    assert "needs a reason" in refused(service, operations.start, rollout, None, "")


def test_a_start_tells_who_and_why() -> None:
    person, rollout = make_user(), made(QUICK)
    found = operations.start(rollout, person, WHY, rollout.created_at)
    assert (found.actor, found.reason, found.move) == (person, WHY, Move.START)
    assert newest_policy().reason == f"a rollout: {WHY}"


@pytest.mark.parametrize("wish", [operations.start, operations.restart])
def test_where_the_settings_forbid_what_is_needed_nothing_begins(
    wish: Wish, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    if wish is operations.start:
        move(service, rollout, Move.ABORT)
        rollout = operations.create("another", QUICK, None, service.now)
    monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_AB_TEST", "false")
    forget()
    said = refused(service, wish, rollout, None)
    assert "needs the modes ab_test" in said
    assert "routing.permit_ab_test to true first" in said


def test_without_the_scanning_strategy_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = Service(), made(QUICK)
    monkeypatch.setattr(operations, "available", lambda _extra: {"legacy": "somewhere"})
    assert "not installed" in refused(service, operations.start, rollout, None)


def test_settings_that_name_no_rule_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_ROLLOUT__DRY_RUN", "nonsense")
    forget()
    with pytest.raises(ConfigurationError, match=r"dry_run.*names of rules but arms"):
        rollout_limits()


def test_a_second_rollout_does_not_start_while_one_is_active() -> None:
    service, _first = in_phase(PhaseName.BASELINE)
    second = operations.create("another", QUICK, None, service.now)
    assert "at most one may be" in refused(service, operations.start, second, None)


def test_a_restart_does_not_begin_while_another_rollout_is_active() -> None:
    service, first = in_phase(PhaseName.AB_TEST)
    move(service, first, Move.ROLL_BACK)
    second = operations.create("another", QUICK, None, service.now)
    move(service, second, Move.START)
    assert "at most one may be" in refused(service, operations.restart, first, None)


# --- promoting ------------------------------------------------------------------------------------


def test_what_the_gates_hold_is_refused_with_each_comparison() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    said = refused(service, operations.promote, rollout, None)
    assert "0 s passed at this share, at least 1 min must" in said
    assert "0 captures were finished on scanning here, at least 5 must be" in said


def test_what_ended_a_moment_ago_is_counted_before_it_is_decided() -> None:
    service, rollout = in_gate()
    operations.promote(rollout, None, WHY, service.now)
    assert rollout.attempt.phase.name == PhaseName.FULL
    assert counted(rollout).of_step("gradual_rollout:1").treatment.finished >= 6


def test_harm_is_nothing_that_somebody_promotes() -> None:
    service, rollout = in_gate()
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    with pytest.raises(RefusedError, match="3 failures of scanning came in a row"):
        operations.promote(rollout, None, WHY, service.now)
    assert rollout.attempt.phase.name == PhaseName.GRADUAL


def test_a_promotion_is_a_decision_of_the_person_with_the_situation() -> None:
    service, rollout = in_gate()
    person = make_user()
    found = operations.promote(rollout, person, WHY, service.now)
    assert (found.actor, found.is_automatic, found.reason) == (person, False, WHY)
    assert situation_in(found)["evidence"]["step"] == "gradual_rollout:1"
    assert {each["verdict"] for each in found.results} == {"passed"}


def test_a_promotion_is_stored_in_english_and_refused_in_the_language_of_the_page() -> None:
    service, rollout = in_gate()
    with translation.override("zh-hans"):
        found = operations.promote(rollout, None, WHY, service.now)
        said = refused(service, operations.promote, rollout, None)
    assert all(each["message"].isascii() for each in found.results)
    assert "此处由 scanning 完成了 0 个抓包文件，至少需要" in said


def test_where_an_approval_is_needed_a_promotion_asks_for_it() -> None:
    service, rollout = in_gate(approve="full_migration")
    person = make_user()
    operations.promote(rollout, person, WHY, service.now)
    assert rollout.state == RolloutState.AWAITING
    request = Approval.objects.get()
    assert (request.requested_by, request.state) == (person, ApprovalState.WAITING)


def test_a_second_promotion_does_not_ask_again() -> None:
    service, rollout = in_gate(approve="full_migration")
    operations.promote(rollout, None, WHY, service.now)
    assert "waits for an approval" in refused(service, operations.promote, rollout, None)


def test_after_a_rejection_a_promotion_asks_again() -> None:
    service, rollout = in_gate(approve="full_migration")
    operations.promote(rollout, None, WHY, service.now)
    Approval.objects.update(state=ApprovalState.REJECTED)
    operations.promote(rollout, None, WHY, service.now)
    states = set(Approval.objects.values_list("state", flat=True))
    assert states == {ApprovalState.REJECTED, ApprovalState.WAITING}


def test_outside_of_its_window_a_promotion_is_refused_until_it_opens() -> None:
    service, rollout = in_gate(window_days="tue", window_zone="Europe/Berlin")
    said = refused(service, operations.promote, rollout, None)
    assert "Promotions wait until 2026-03-10 00:00 CET" in said


@pytest.mark.parametrize("each", [Move.ROLL_BACK, Move.ABORT])
def test_what_is_not_active_is_not_promoted(each: Move) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, each)
    assert "is not possible" in refused(service, operations.promote, rollout, None)


def test_a_draft_is_not_promoted() -> None:
    service, rollout = Service(), made(QUICK)
    assert "possible is: started" in refused(service, operations.promote, rollout, None)


def test_a_paused_rollout_is_resumed_before_it_is_promoted() -> None:
    service, rollout = in_gate()
    operations.pause(rollout, None, WHY, service.now)
    assert "resumes it" in refused(service, operations.promote, rollout, None)


def test_who_only_looks_promotes_nothing() -> None:
    service, rollout = in_gate()
    said = refused(service, operations.promote, rollout, make_user(APPROVER))
    assert "operate_rollout" in said


# --- what is kept ---------------------------------------------------------------------------------


def test_a_pause_keeps_what_was_known() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    found = operations.pause(rollout, None, WHY, service.now)
    assert situation_in(found)["evidence"]["phase"] == "gradual_rollout"


def test_an_abort_does_not_wait_for_anything_to_be_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)

    def fail(*_: Any) -> None:
        raise RuntimeError("evidence cannot be read")

    monkeypatch.setattr(operations, "load", fail)
    monkeypatch.setattr(operations, "count", fail)
    operations.abort(rollout, None, WHY, service.now)
    assert newest_policy().mode == Mode.LEGACY


def test_limits_of_its_own_go_before_those_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rollout = made({"ab_share": 0.02})
    monkeypatch.setenv("PKTMASK_ROLLOUT__AB_SHARE", "0.5")
    monkeypatch.setenv("PKTMASK_ROLLOUT__AB_RUNS", "7")
    forget()
    assert (rollout.limits().ab_share, rollout.limits().ab_runs) == (0.02, 7)
    assert LimitsVersion.objects.get().values == {"ab_share": 0.02}
