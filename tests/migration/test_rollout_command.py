"""``manage.py rollout``: what it says to people and to machines, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from config.choices import VersionKind
from config.current import forget
from config.layers import Given
from config.roles import APPROVER, OPERATOR, VIEWER
from config.versions import newest_version, publish
from migration import operations
from migration.choices import ApprovalState, Move, PhaseName, RolloutState
from migration.models import Approval, Rollout, Suspect
from migration.suspects import list_suspects
from tests.factories import make_user
from tests.migration.traffic import (
    NOW,
    QUICK,
    Service,
    all_rows,
    in_gate,
    in_phase,
    move,
    moved_rows,
)
from trimming.models import OfflineTest, Quarantine
from trimming.policy import newest_policy
from trimming.routing import TREATMENT
from trimming.routing_choices import Mode

pytestmark = pytest.mark.django_db

WHY = ("--reason", "ticket 4711")


class Clock:
    """The clock that the command reads: that of the service."""

    service: Service | None = None


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(timezone, "now", lambda: found.service.now if found.service else NOW)
    return found


def rollout(*words: Any) -> Any:
    """Run the command and return what it prints with --json."""
    out = io.StringIO()
    call_command("rollout", *map(str, words), "--json", stdout=out)
    return json.loads(out.getvalue())


def said(*words: Any) -> str:
    """Run the command and return what it prints for people."""
    out = io.StringIO()
    call_command("rollout", *map(str, words), stdout=out)
    return out.getvalue()


def refused(*words: Any) -> str:
    """Have the command refuse with exit code 2; make sure that nothing was changed."""
    before, error = moved_rows(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("rollout", *map(str, words), "--json", stderr=error)
    assert ended.value.code == 2
    assert moved_rows() == before
    text = error.getvalue()
    assert text.startswith("Nothing was changed: ")
    return text


def standing(clock: Clock, phase: PhaseName = PhaseName.GRADUAL, *moves: Move) -> Rollout:
    clock.service, found = in_phase(phase)
    move(clock.service, found, *moves)
    return found


def in_last_gate(clock: Clock, **limits: Any) -> Rollout:
    clock.service, found = in_gate(**limits)
    return found


# --- starting -------------------------------------------------------------------------------------

QUICKLY = [word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")]


def test_a_start_makes_a_rollout_with_its_name_and_limits() -> None:
    found = rollout("start", "--name", "scanning 2026", *WHY, *QUICKLY)
    assert (found["name"], found["state"], found["attempt"]) == ("scanning 2026", "running", 1)
    made = Rollout.objects.get()
    assert made.limits().gradual_percents == "25, 50"
    assert made.limits().ab_runs == 5
    assert newest_policy().mode == Mode.COMPARISON


def test_without_a_name_it_is_called_by_the_day() -> None:
    assert rollout("start", *WHY)["name"] == "2026-03-04"


def test_a_draft_is_started_by_its_number() -> None:
    draft = operations.create("a draft", QUICK, None, NOW)
    other = operations.create("another", QUICK, None, NOW)
    assert rollout("start", "--rollout", draft.pk, *WHY)["name"] == "a draft"
    other.refresh_from_db()
    assert other.state == RolloutState.DRAFT


def test_a_start_without_a_reason_leaves_no_draft() -> None:
    assert "needs a reason" in refused("start")


def test_a_start_while_another_rollout_is_active_leaves_no_draft(clock: Clock) -> None:
    standing(clock)
    assert "Another rollout is active" in refused("start", *WHY)


def test_a_start_that_the_settings_forbid_leaves_no_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_AB_TEST", "false")
    forget()
    assert "routing.permit_ab_test" in refused("start", *WHY)


def configure(section: str, **values: object) -> None:
    """Publish settings, in another process than the command's."""
    console = {section: {name: Given(value, "a test") for name, value in values.items()}}
    publish(newest_version(), kind=VersionKind.CONSOLE, reason="a test", console=console)
    forget()


def test_it_goes_by_the_limits_in_force_as_the_service_does() -> None:
    configure("rollout", baseline_shadow_share=0.25)
    rollout("start", *WHY)
    policy = newest_policy()
    assert (policy.mode, policy.shadow_share) == (Mode.COMPARISON, 0.25)


def test_a_mode_that_the_settings_do_not_permit_is_missed_before_the_start() -> None:
    configure("routing", permit_ab_test=False)
    assert "routing.permit_ab_test" in refused("start", *WHY)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("ab_sahre=0.5", "'ab_sahre' is no limit; expected one of: ab_dwell_seconds,"),
        ("ab_share=2", "ab_share: '2' is not accepted; expected a number above 0 below 1"),
        ("ab_share", "'ab_share' is no change; expected LIMIT=VALUE"),
        ("gradual_percents=50, 25", "growing percents, as in 5, 10, 25, 50, 75"),
        ("stale_seconds=400", "must be below rollout.stale_rollback_seconds"),
        ("dry_run=leak", "expected names of rules but arms, baseline, build, leak and routing"),
    ],
)
def test_a_limit_that_is_none_is_refused_with_what_is_accepted(change: str, expected: str) -> None:
    assert expected in refused("start", *WHY, "--set", change)


# --- each move ------------------------------------------------------------------------------------

MOVES = {
    "pause": (),
    "resume": (Move.PAUSE,),
    "restart": (Move.ROLL_BACK,),
    "abort": (),
    "drill": (),
}
STATES = {
    "pause": "paused",
    "resume": "running",
    "restart": "running",
    "abort": "aborted",
    "drill": "running",
}


@pytest.mark.parametrize("action", MOVES)
def test_a_move_says_where_the_rollout_stands_after_it(action: str, clock: Clock) -> None:
    standing(clock, PhaseName.GRADUAL, *MOVES[action])
    assert rollout(action, *WHY)["state"] == STATES[action]
    assert Rollout.objects.get().state == STATES[action]


@pytest.mark.parametrize("action", [*MOVES, "promote"])
def test_a_move_without_a_reason_changes_nothing(action: str, clock: Clock) -> None:
    if action == "promote":
        in_last_gate(clock)
    else:
        standing(clock, PhaseName.GRADUAL, *MOVES[action])
    assert "needs a reason" in refused(action)
    assert "needs a reason" in refused(action, "--reason", "  ")


@pytest.mark.parametrize("action", [*MOVES, "promote", "status", "start", "report"])
def test_a_user_that_there_is_not_changes_nothing(action: str, clock: Clock) -> None:
    standing(clock, PhaseName.GRADUAL, *MOVES.get(action, ()))
    assert "no active user 'nobody'" in refused(action, *WHY, "--user", "nobody")


def test_a_user_who_left_moves_nothing(clock: Clock) -> None:
    standing(clock)
    gone = make_user(OPERATOR)
    gone.is_active = False
    gone.save()
    assert "no active user" in refused("pause", *WHY, "--user", gone.username)


@pytest.mark.parametrize("action", [*MOVES, "promote"])
def test_a_user_has_no_more_permissions_here_than_elsewhere(action: str, clock: Clock) -> None:
    if action == "promote":
        in_last_gate(clock)
    else:
        standing(clock, PhaseName.GRADUAL, *MOVES[action])
    viewer = make_user(VIEWER)
    assert "holds the permission" in refused(action, *WHY, "--user", viewer.username)


@pytest.mark.parametrize(
    "words", [("limits", "--set", "ab_runs=7"), ("import", "--number", "1"), ("rerun",)]
)
@pytest.mark.parametrize("role", [VIEWER, APPROVER])
def test_who_may_not_operate_changes_nothing_else(
    words: tuple[str, ...], role: str, clock: Clock
) -> None:
    standing(clock, PhaseName.GRADUAL)
    person = make_user(role)
    said = refused(*words, *WHY, "--user", person.username)
    assert "holds the permission migration.operate_rollout" in said


def test_a_promotion_goes_on_when_all_gates_are_met(clock: Clock) -> None:
    in_last_gate(clock)
    found = rollout("promote", *WHY)
    states = {each["phase"]: each["state"] for each in found["phases"]}
    assert states["full_migration"] == "running"


def test_a_promotion_says_what_holds_it(clock: Clock) -> None:
    standing(clock)
    assert "0 captures were finished on scanning here" in refused("promote", *WHY)


def test_what_is_not_possible_is_refused_with_what_is(clock: Clock) -> None:
    standing(clock, PhaseName.GRADUAL, Move.PAUSE)
    assert "possible is: resumed" in refused("pause", *WHY)


def test_who_moves_it_from_the_console_is_kept_with_the_reason(clock: Clock) -> None:
    found = standing(clock)
    rollout("pause", *WHY)
    reason = found.decisions.get(move=Move.PAUSE).reason
    assert reason.startswith("ticket 4711 (")
    assert reason.endswith(", by command)")


def test_a_user_stands_for_the_move_by_name(clock: Clock) -> None:
    found = standing(clock)
    person = make_user(OPERATOR)
    rollout("pause", *WHY, "--user", person.username)
    decision = found.decisions.get(move=Move.PAUSE)
    assert (decision.actor, decision.reason) == (person, "ticket 4711")


@pytest.mark.parametrize("state", ["draft", "running", "completed", "rolled_back", "aborted"])
def test_an_abort_works_in_every_state(state: str, clock: Clock) -> None:
    if state == "draft":
        operations.create("a draft", QUICK, None, NOW)
    elif state == "completed":
        standing(clock, PhaseName.CLEANUP, Move.COMPLETE)
    else:
        moves = {"rolled_back": [Move.ROLL_BACK], "aborted": [Move.ABORT]}.get(state, [])
        standing(clock, PhaseName.GRADUAL, *moves)
    assert Rollout.objects.get().state == state
    assert rollout("abort", *WHY)["state"] == "aborted"
    assert (newest_policy().mode, newest_policy().stands_back) == (Mode.LEGACY, True)


def test_an_abort_works_with_settings_that_are_broken(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing(clock)
    monkeypatch.setenv("PKTMASK_ROLLOUT__AB_SHARE", "nonsense")
    forget()
    assert rollout("abort", *WHY)["state"] == "aborted"
    assert newest_policy().mode == Mode.LEGACY


@pytest.mark.parametrize("words", [("status",), ("promote", *WHY), ("restart", *WHY)])
def test_with_settings_that_are_broken_all_else_is_refused_with_what_is_wrong(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    standing(clock)
    monkeypatch.setenv("PKTMASK_ROLLOUT__AB_SHARE", "nonsense")
    forget()
    assert "rollout.ab_share" in refused(*words)


# --- looking --------------------------------------------------------------------------------------


def test_a_status_has_phases_gates_and_what_is_left(clock: Clock) -> None:
    standing(clock)
    found = rollout("status")
    assert [each["state"] for each in found["phases"]] == [
        *("passed", "passed", "running", "pending", "pending"),
    ]
    gates = {each["rule"]: each["verdict"] for each in found["gates"]}
    assert (gates["enough"], gates["leak"]) == ("inconclusive", "passed")
    assert (found["share"], found["verdict"], found["next"]) == (0.25, "inconclusive", "")
    assert found["estimate"]["runs"] > 0
    assert "pause" in found["allowed"]
    assert found["decisions"][0]["move"] == "promote"


def test_a_status_changes_nothing(clock: Clock) -> None:
    standing(clock)
    before = all_rows()
    rollout("status")
    assert all_rows() == before


def test_a_status_of_people_has_each_gate_in_a_line(clock: Clock) -> None:
    standing(clock)
    text = said("status")
    assert text.startswith("a rollout: running, attempt 1, 25 % to scanning\n")
    assert "  running            gradual_rollout\n" in text
    assert "  inconclusive  enough: 0 captures were finished on scanning here" in text


def test_of_what_has_ended_the_status_has_no_gates(clock: Clock) -> None:
    standing(clock, PhaseName.GRADUAL, Move.ABORT)
    assert "gates" not in rollout("status")
    assert "state: aborted" in said("status")


def test_a_rollout_is_named_by_its_number(clock: Clock) -> None:
    first = standing(clock, PhaseName.AB_TEST, Move.ABORT)
    operations.create("a draft", QUICK, None, NOW)
    assert rollout("status")["name"] == "a draft"
    assert rollout("status", "--rollout", first.pk)["state"] == "aborted"


@pytest.mark.parametrize("action", ["status", "pause", "abort", "report"])
def test_where_there_is_no_rollout_it_says_how_to_begin_one(action: str) -> None:
    assert "begin one with: rollout start" in refused(action, *WHY)
    assert "no such rollout" in refused(action, *WHY, "--rollout", 4711)


# --- approving ------------------------------------------------------------------------------------


def test_an_approval_is_asked_for_and_given(clock: Clock) -> None:
    in_last_gate(clock, approve="full_migration")
    assert rollout("promote", *WHY)["state"] == "awaiting_approval"
    person = make_user(APPROVER)
    rollout("approve", *WHY, "--user", person.username)
    found = Approval.objects.get()
    assert (found.state, found.decided_by) == (ApprovalState.APPROVED, person)


def test_an_approval_is_a_persons(clock: Clock) -> None:
    in_last_gate(clock, approve="full_migration")
    rollout("promote", *WHY)
    assert "--user NAME" in refused("approve", *WHY)
    operator = make_user(OPERATOR)
    assert "approve_phase" in refused("approve", *WHY, "--user", operator.username)


def test_a_rejection_needs_a_reason(clock: Clock) -> None:
    in_last_gate(clock, approve="full_migration")
    rollout("promote", *WHY)
    person = make_user(APPROVER)
    assert "needs a reason" in refused("reject", "--user", person.username)
    rollout("reject", *WHY, "--user", person.username)
    assert Approval.objects.get().state == ApprovalState.REJECTED


def test_where_nothing_waits_there_is_nothing_to_approve(clock: Clock) -> None:
    standing(clock)
    person = make_user(APPROVER)
    assert "nothing waits" in refused("approve", *WHY, "--user", person.username)


# --- limits ---------------------------------------------------------------------------------------


def test_limits_are_proposed_and_approved_by_another(clock: Clock) -> None:
    found = standing(clock)
    proposed = rollout("limits", *WHY, "--set", "step_runs=7")
    assert (proposed["limits"], proposed["values"]["step_runs"]) == (2, 7)
    assert proposed["back_test"]["looks"] == 0
    assert found.limits().step_runs == QUICK["step_runs"]
    person = make_user(APPROVER)
    rollout("approve-limits", "--number", 2, "--user", person.username)
    assert found.limits().step_runs == 7


def test_limits_that_are_none_are_not_approved(clock: Clock) -> None:
    standing(clock)
    person = make_user(APPROVER)
    said = refused("approve-limits", "--number", 9, "--user", person.username)
    assert "no limits number 9" in said
    assert "needs a reason" in refused("limits", "--set", "step_runs=7")


# --- evidence and suspects ------------------------------------------------------------------------


def test_an_offline_test_is_imported(clock: Clock) -> None:
    standing(clock)
    assert clock.service is not None
    clock.service.compare(1)
    clock.service.look()
    result = {
        "strategies": {"legacy": "1.0", "scanning": "2.0"},
        "captures": [{"outcome": "matched"}],
    }
    test = OfflineTest.objects.create(at=NOW, name="an archive", captures=1, result=result)
    assert rollout("import", "--number", test.pk) == {"matched": 1, "mismatched": 0}
    assert "taken before" in refused("import", "--number", test.pk)
    assert "no offline test" in refused("import")


def with_suspects(clock: Clock) -> None:
    found = standing(clock)
    assert clock.service is not None
    clock.service.serve_on(TREATMENT, 2)
    move(clock.service, found, Move.ROLL_BACK, rule="leak")
    list_suspects()


def test_suspects_are_listed(clock: Clock) -> None:
    with_suspects(clock)
    rows = rollout("suspects")["suspects"]
    assert [(each["state"], each["in_quarantine"]) for each in rows] == [("listed", True)] * 2
    assert "state listed" in said("suspects")


def test_suspects_are_run_again(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimming.jobs.send", lambda _id: None)
    with_suspects(clock)
    assert rollout("rerun") == {"rerun": 0}  # their originals are gone
    assert {each["state"] for each in rollout("suspects")["suspects"]} == {"no_original"}


def test_a_suspect_is_released_by_an_approver(clock: Clock) -> None:
    with_suspects(clock)
    first = Suspect.objects.order_by("pk")[0].pk
    person = make_user(APPROVER)
    by = ("--user", person.username)
    assert "needs a reason" in refused("release", "--number", first, *by)
    assert "no suspect 4711" in refused("release", "--number", 4711, *WHY, *by)
    assert rollout("release", "--number", first, *WHY, *by) == {"released": first}
    assert Quarantine.objects.in_force().count() == 1


# --- the report -----------------------------------------------------------------------------------


def test_a_report_is_markdown(clock: Clock) -> None:
    standing(clock)
    assert rollout("report")["report"].startswith("# a rollout\n")
    assert said("report").startswith("# a rollout\n")


def test_a_report_is_written_where_it_is_wanted(clock: Clock, tmp_path: Path) -> None:
    standing(clock)
    path = tmp_path / "report.md"
    assert rollout("report", "--output", path) == {"written": str(path)}
    assert "## Phases" in path.read_text()
