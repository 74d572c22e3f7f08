"""What follows from a situation: harm first, then what holds, then asking, waiting and going on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration import decision
from migration.choices import (
    PHASES,
    ApprovalState,
    GateVerdict,
    Move,
    PhaseName,
    RolloutState,
    RuleKind,
)
from migration.decision import (
    Decision,
    Request,
    Situation,
    decide,
    expiry,
    needs_approval,
    next_move,
    phase_behind,
    step_name,
    step_number,
    steps_of,
)
from migration.gates import evidence
from migration.gates.evidence import Cleanup, Evidence, Health
from migration.gates.results import Result
from migration.gates.table import NAMES, NEVER_DRY
from migration.gates.tally import Tally
from migration.moves import row_of
from tests.migration.pure import (
    BASELINE,
    DAY,
    EVIDENCE,
    LIMITS,
    NOW,
    limits,
    passing,
    request,
    situation,
    tally_of,
)

B, A, G, F, C = PHASES
RUNNING, PAUSED, AWAITING = RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.AWAITING
ACTIVE = [RUNNING, PAUSED, AWAITING]
Asked = ApprovalState
# no phase needs a person
FREE = {"approve": ""}
OPEN = [Asked.WAITING, Asked.APPROVED]


def leaking(phase: PhaseName, **changes: Any) -> Evidence:
    found = passing(phase, **changes)
    return replace(found, tally=replace(found.tally, leaks=1))


def decided(*args: Any, **changes: Any) -> Decision:
    return decide(situation(*args, **changes))


# --- harm -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ACTIVE)
@pytest.mark.parametrize("phase", [A, G, F, C])
def test_harm_rolls_back_in_every_active_state(phase: PhaseName, state: RolloutState) -> None:
    found = decided(leaking(phase), state)
    assert (found.move, found.rule) == (Move.ROLL_BACK, "leak")
    assert found.reason == "1 leaks are confirmed, 0 must be."
    assert found.verdict is GateVerdict.FAILED


@pytest.mark.parametrize("state", ACTIVE)
def test_in_phase_1_harm_fails_the_phase(state: RolloutState) -> None:
    assert decided(leaking(B), state).move is Move.FAIL


@pytest.mark.parametrize(
    ("asked", "changes", "limit"),
    [
        (request(Asked.APPROVED), {}, {}),
        (request(Asked.WAITING), {}, {}),
        (None, {}, {"freezes": "2026-01-01/2026-12-31"}),
        (None, {"overtaken": "Somebody else."}, {}),
        (None, {"new_build": "scanning 2"}, {}),
        (None, {"step_seconds": 0.0}, {}),
        (None, {"sample_age_seconds": None, "health": None}, {}),
        (None, {"baseline": None}, {}),
    ],
)
def test_nothing_stands_before_harm(
    asked: Request | None, changes: dict[str, Any], limit: dict[str, Any]
) -> None:
    assert decided(leaking(G, **changes), RUNNING, asked, **limit).move is Move.ROLL_BACK


def test_of_several_harms_the_first_of_the_table_is_named() -> None:
    found = leaking(A, sample_age_seconds=1e6, critical_seconds={"memory": 1e6})
    assert decided(found).rule == "leak"
    found = passing(A, sample_age_seconds=1e6, critical_seconds={"memory": 1e6})
    assert decided(found).rule == "critical"
    assert decided(found, dry_run="critical").rule == "stale"


def test_harm_that_a_dry_rule_sees_changes_nothing() -> None:
    found = decided(passing(G, critical_seconds={"memory": 1e6}), dry_run="critical", **FREE)
    assert found.move is Move.PROMOTE
    assert found.verdict is GateVerdict.PASSED
    assert [each.rule for each in found.results if each.verdict is GateVerdict.FAILED] == [
        "critical"
    ]


@pytest.mark.parametrize("state", ACTIVE)
@pytest.mark.parametrize("phase", PHASES)
def test_a_rollback_by_somebody_else_takes_the_rollout_with_it(
    phase: PhaseName, state: RolloutState
) -> None:
    found = decided(
        passing(phase, was_rolled_back=True, overtaken="alice rolled back: night"), state
    )
    assert (found.move, found.rule) == (Move.ROLL_BACK, "routing")
    assert found.reason == "alice rolled back: night"


# --- holding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [None, *[request(state) for state in Asked]])
def test_a_pause_holds_whatever_else_is_met(asked: Request | None) -> None:
    found = decided(passing(G), PAUSED, asked)
    assert found.move is None
    assert found.reason == "Paused: it goes on when somebody resumes it."


def test_in_phase_1_the_baseline_is_frozen_when_it_alone_is_missing() -> None:
    found = decided(passing(B, baseline=None))
    assert (found.move, found.rule) == (Move.FREEZE, "baseline")
    assert found.verdict is GateVerdict.INCONCLUSIVE


def test_in_phase_1_the_baseline_is_not_frozen_while_anything_else_is_missing() -> None:
    found = decided(passing(B, baseline=None, step_seconds=0.0))
    assert (found.move, found.rule) == (None, "dwell")


@pytest.mark.parametrize("phase", [A, G, F, C])
def test_in_a_later_phase_a_missing_baseline_holds(phase: PhaseName) -> None:
    tally = replace(tally_of(passing(phase).step), errors_alone=None)
    found = decided(passing(phase, baseline=None, tally=tally))
    assert found.move is None
    assert found.verdict is GateVerdict.INCONCLUSIVE


def test_what_holds_says_what_is_missing() -> None:
    found = decided(passing(F, step_seconds=3_600.0))
    assert (found.move, found.rule, found.until) == (None, "dwell", None)
    assert found.reason == "1 h passed at this share, at least 3 d must."


def test_of_what_holds_the_worst_is_said_and_of_equals_the_first() -> None:
    # inconclusive, inconclusive, error, failed: in the order of the table
    few = passing(A, step_seconds=0.0, new_build="scanning 2")
    assert decided(few).rule == "build"
    overtaken = replace(few, overtaken="Policy 9 is in force.")
    assert decided(overtaken).rule == "routing"
    assert decided(overtaken).verdict is GateVerdict.ERROR
    assert decided(overtaken, ab_success=1.0).rule == "overall_success"
    assert decided(overtaken, ab_success=1.0).verdict is GateVerdict.FAILED


def test_a_gate_that_failed_holds_and_rolls_nothing_back() -> None:
    found = decided(passing(G), gradual_error_rate=0.001)
    assert (found.move, found.rule) == (None, "error_rate")


def test_a_rule_of_harm_that_does_not_know_holds() -> None:
    found = decided(passing(G, sample_age_seconds=60.0))
    assert (found.move, found.rule) == (None, "stale")


# --- approval -------------------------------------------------------------------------------------


def test_when_all_gates_are_met_an_approval_is_requested() -> None:
    for asked in (None, request(Asked.EXPIRED), request(Asked.WITHDRAWN)):
        found = decided(passing(A), RUNNING, asked)
        assert found.move is Move.REQUEST
        assert found.reason == "All gates are met; it needs an approval."
        assert found.verdict is GateVerdict.PASSED


def test_while_the_request_waits_so_does_the_rollout() -> None:
    asked = request(Asked.WAITING)
    found = decided(passing(A), AWAITING, asked)
    assert (found.move, found.rule, found.until) == (None, "approval", asked.expires_at)


def test_with_an_approval_it_goes_on() -> None:
    found = decided(passing(A), AWAITING, request(Asked.APPROVED))
    assert (found.move, found.reason) == (Move.PROMOTE, "All gates are met.")


def test_after_a_rejection_it_holds_until_somebody_asks_again() -> None:
    for state in (RUNNING, AWAITING):
        found = decided(passing(A), state, request(Asked.REJECTED))
        assert (found.move, found.rule) == (None, "approval")
        assert found.reason == "The request was rejected; ask again with promote."
    # asking again takes the rejected one away
    assert decided(passing(A), AWAITING, None).move is Move.REQUEST


@pytest.mark.parametrize("state", OPEN)
def test_a_request_expires_at_its_time_also_when_it_was_approved(state: ApprovalState) -> None:
    expired = decided(passing(A), AWAITING, request(state, hours=0))
    assert (expired.move, expired.rule) == (Move.WITHDRAW, "approval")
    assert expired.reason == "The request has expired."
    assert decided(passing(A), AWAITING, request(state, hours=0.001)).move is not Move.WITHDRAW


@pytest.mark.parametrize("state", OPEN)
def test_a_request_is_withdrawn_when_its_evidence_turns(state: ApprovalState) -> None:
    found = decided(passing(G, health=Health(0.5, 1.0)), AWAITING, request(state))
    assert (found.move, found.rule) == (Move.WITHDRAW, "health")
    assert found.reason == (
        "The evidence has turned: The health score is 0.50, at least 0.80 must be."
    )


@pytest.mark.parametrize("state", [Asked.REJECTED, Asked.EXPIRED, Asked.WITHDRAWN])
def test_a_request_that_is_over_is_not_withdrawn_again(state: ApprovalState) -> None:
    assert decided(passing(G, health=None), RUNNING, request(state)).move is None


@pytest.mark.parametrize(
    ("approve", "asks"),
    [
        ("", []),
        ("small_ab_test", [B]),
        ("legacy_cleanup, gradual_rollout", [A, F]),
        (LIMITS.approve, [B, A, G, F]),
        # nothing comes before the first phase
        ("baseline_validation", []),
    ],
)
def test_a_phase_begins_with_an_approval_when_it_is_named(
    approve: str, asks: list[PhaseName]
) -> None:
    found = [
        phase for phase in PHASES if decided(passing(phase), approve=approve).move is Move.REQUEST
    ]
    assert found == asks


def test_a_step_needs_no_approval() -> None:
    assert decided(passing(G, 0)).move is Move.STEP
    for move in Move:
        assert needs_approval(LIMITS, A, move) is (move is Move.PROMOTE)


def test_an_approval_holds_for_the_time_of_the_limits() -> None:
    assert expiry(LIMITS, NOW) == NOW + timedelta(days=1)
    assert expiry(limits(approval_seconds=60.0), NOW) == NOW + timedelta(minutes=1)


# --- windows and freezes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "until", "said"),
    [
        ({"window_days": "sat"}, datetime(2026, 3, 7, tzinfo=UTC), "2026-03-07 00:00 UTC"),
        (
            {"window_hours": "18:00-24:00", "window_zone": "Europe/Berlin"},
            datetime(2026, 3, 4, 17, tzinfo=UTC),
            "2026-03-04 18:00 CET",
        ),
        (
            {"freezes": "2026-03-01/2026-04-01", "window_zone": "Europe/Berlin"},
            datetime(2026, 4, 1, 22, tzinfo=UTC),
            "2026-04-02 00:00 CEST",
        ),
    ],
)
def test_a_promotion_that_is_due_waits_for_its_window_and_says_until_when(
    limit: dict[str, Any], until: datetime, said: str
) -> None:
    for number in (0, 4):
        found = decided(passing(G, number), **FREE, **limit)
        assert (found.move, found.rule, found.until) == (None, "window", until)
        assert found.reason == f"Promotions wait until {said}."


def test_in_its_window_it_goes_on() -> None:
    # noon in UTC, a Wednesday
    found = decided(passing(G), window_days="wed", window_hours="12:00-13:00", **FREE)
    assert found.move is Move.PROMOTE
    assert decided(passing(G), window_hours="11:00-12:00", **FREE).move is None


def test_a_window_that_never_opens_is_said() -> None:
    found = decided(passing(G), freezes="2026-01-01/2030-01-01", **FREE)
    assert (found.move, found.rule, found.until) == (None, "window", None)
    assert found.reason == "No window for promotions opens in 400 days."


def test_an_approval_is_asked_for_before_the_window_opens_and_waits_for_it() -> None:
    assert decided(passing(A), freezes="2026-03-04").move is Move.REQUEST
    found = decided(passing(A), AWAITING, request(Asked.APPROVED), freezes="2026-03-04")
    assert (found.move, found.rule) == (None, "window")


# --- going on -------------------------------------------------------------------------------------


def test_a_rollout_steps_through_all_shares_of_each_phase_and_is_completed() -> None:
    moves = [
        decided(passing(phase, number), **FREE).move
        for phase in PHASES
        for number in range(len(steps_of(LIMITS, phase)))
    ]
    assert moves == [
        *(Move.PROMOTE, Move.PROMOTE),
        *[Move.STEP] * 4,
        *(Move.PROMOTE, Move.PROMOTE, Move.COMPLETE),
    ]


def test_the_shares_of_a_phase_are_those_of_its_limits() -> None:
    changed = limits(ab_share=0.02, gradual_percents="10, 90")
    assert [steps_of(changed, phase) for phase in PHASES] == [
        *((0.0,), (0.02,), (0.1, 0.9), (1.0,), (1.0,)),
    ]


def test_shares_that_are_taken_away_while_it_runs_are_not_missed() -> None:
    shorter = limits(gradual_percents="5, 10")
    assert next_move(shorter, G, step_name(G, 0)) is Move.STEP
    for number in (1, 2, 4):
        assert next_move(shorter, G, step_name(G, number)) is Move.PROMOTE


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("number", [0, 3, 12])
def test_the_name_of_a_step_holds_its_number(phase: PhaseName, number: int) -> None:
    assert step_number(step_name(phase, number)) == number
    assert step_name(phase, number).startswith(phase.value)


def test_phases_follow_each_other() -> None:
    assert [phase_behind(phase) for phase in PHASES[:-1]] == list(PHASES[1:])
    with pytest.raises(IndexError):
        phase_behind(C)


def test_the_last_phase_waits_for_what_it_needs() -> None:
    for cleanup in (
        Cleanup(None, 1.0, True),
        Cleanup(20 * DAY, None, True),
        Cleanup(20 * DAY, 1.0, False),
    ):
        assert decided(passing(C, cleanup=cleanup)).move is None


# --- any situation --------------------------------------------------------------------------------

REQUESTS = st.none() | st.builds(
    Request, st.sampled_from(Asked), st.sampled_from([NOW, NOW + timedelta(days=20)])
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "alpha": st.sampled_from([0.01, 0.3]),
        "approve": st.sampled_from(["", LIMITS.approve, "full_migration"]),
        "window_hours": st.sampled_from(["", "09:00-17:00", "22:00-24:00"]),
        "window_zone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "freezes": st.sampled_from(["", "2026-03-01/2026-03-08", "2026-01-01/2029-01-01"]),
        "dry_run": st.sets(st.sampled_from(sorted(NAMES - NEVER_DRY)), max_size=4).map(", ".join),
        "health_floor": st.floats(0, 0.5),
        "error_rate_runs": st.integers(1, 1_000),
    },
)
# all is well but for a few things
LIKELY = st.builds(
    lambda phase, changes: passing(phase, **changes),
    st.sampled_from(PHASES),
    st.fixed_dictionaries(
        {},
        optional={
            "baseline": st.none(),
            "step_seconds": st.sampled_from([0.0, 2 * DAY]),
            "overtaken": st.just("Policy 9 is in force."),
            "was_rolled_back": st.booleans(),
            "sample_age_seconds": st.sampled_from([None, 60.0, 600.0]),
            "health": st.sampled_from([None, Health(0.1, 1.0), Health(0.7, 1.0, ("business",))]),
            "critical_seconds": st.just({"latency": 1e4}),
        },
    ),
)


def situations(evidence: st.SearchStrategy[Evidence]) -> st.SearchStrategy[Situation]:
    return st.builds(
        lambda found, state, asked, changes: situation(found, state, asked, **changes),
        *(evidence, st.sampled_from(ACTIVE), REQUESTS, CHANGES),
    )


def stored(found: Situation) -> Any:
    """Return what a database gives back."""
    return json.loads(json.dumps(found.as_json(), allow_nan=False))


@given(situations(LIKELY | EVIDENCE))
@settings(max_examples=60)
def test_a_situation_that_was_stored_is_the_same_and_decides_the_same(found: Situation) -> None:
    again = Situation.from_json(stored(found))
    assert again == found
    assert decide(again) == decide(found)


def is_possible(found: Situation) -> bool:
    """Tell whether a rollout comes to this: running ones have no open request."""
    asked = found.request
    if found.state is RUNNING:
        return asked is None or asked.state not in OPEN
    # what awaits an approval has had its baseline frozen
    return found.state is PAUSED or found.evidence.baseline is not None


@given(situations(LIKELY).filter(is_possible))
@settings(max_examples=200)
def test_what_is_decided_is_possible_in_the_state(found: Situation) -> None:
    move = decide(found).move
    if move is not None:
        row_of(move, found.state)


@given(situations(LIKELY))
def test_every_decision_says_why_and_harm_always_goes_back(found: Situation) -> None:
    made = decide(found)
    failed = any(
        each.kind is RuleKind.HARM and each.verdict is GateVerdict.FAILED and not each.is_dry
        for each in made.results
    )
    back = made.move in (Move.ROLL_BACK, Move.FAIL)
    assert back is (failed or found.evidence.was_rolled_back)
    assert made.reason or found.evidence.was_rolled_back
    if made.move in (Move.STEP, Move.PROMOTE, Move.COMPLETE, Move.REQUEST):
        assert made.verdict is GateVerdict.PASSED


def test_what_is_no_situation_is_refused() -> None:
    kept = stored(situation(passing(G)))
    for wrong in (
        {},
        {**kept, "more": 1},
        {**kept, "state": "resting"},
        {**kept, "limits": {**kept["limits"], "alpha": 2.0}},
        {**kept, "limits": {**kept["limits"], "freezes": "christmas"}},
        {**kept, "request": ["waiting"]},
    ):
        with pytest.raises(ValueError, match="validation error"):
            Situation.from_json(wrong)


def test_without_a_rule_that_has_an_effect_nothing_is_shown_to_be_good() -> None:
    dry = Result("leak", RuleKind.HARM, GateVerdict.PASSED, "m", is_dry=True)
    assert Decision(None, "", (dry,)).verdict is GateVerdict.INCONCLUSIVE


@pytest.mark.parametrize("phase", PHASES)
def test_nothing_that_is_known_moves_nothing(phase: PhaseName) -> None:
    nothing = Evidence(NOW, phase, step_name(phase, 0), 0.0, 0.0, Tally())
    assert decided(nothing).move is None


def test_a_decision_does_not_depend_on_when_the_baseline_was_frozen() -> None:
    older = replace(BASELINE, frozen_at=NOW - timedelta(days=900))
    assert decided(passing(F, baseline=older), **FREE).move is Move.PROMOTE


@pytest.mark.parametrize(
    ("types", "of"), [(decision._adapter, ()), (evidence._adapter, (Evidence,))]
)
def test_how_rows_are_read_is_made_once(types: Any, of: tuple[Any, ...]) -> None:
    types.cache_clear()
    assert types(*of) is types(*of)
