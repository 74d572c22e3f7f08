"""How a rollout stands, in one sentence, and the one thing to press."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from migration.choices import ApprovalState, GateVerdict, Move, PhaseName, RolloutState
from migration.gate_rows import GateRow, gate_rows
from migration.headline import Asked, Ended, Facts, Headline, headline
from migration.traffic import Traffic

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
RUNNING, AWAITING, PAUSED = (
    RolloutState.RUNNING,
    RolloutState.AWAITING,
    RolloutState.PAUSED,
)


def say(state: RolloutState = RUNNING, **facts: Any) -> Headline:
    given: dict[str, Any] = {"share": 0.25, "following": "50 %", "reason": "It is so."}
    return headline(Facts(state, **{**given, **facts}))


def rows(*verdicts: tuple[str, GateVerdict]) -> list[GateRow]:
    return gate_rows(
        [
            {
                "rule": rule,
                "kind": "gate",
                "verdict": verdict,
                "message": "It is so.",
                "value": 60.0,
                "limit": 180.0,
            }
            for rule, verdict in verdicts
        ],
        Traffic(1.0, 1.0, 1.0),
    )


WAITS = rows(("dwell", GateVerdict.INCONCLUSIVE), ("health", GateVerdict.PASSED))


def asked(state: ApprovalState = ApprovalState.WAITING, **values: Any) -> Asked:
    given: dict[str, Any] = {"by": "anna", "at": NOW, "expires_at": NOW, "is_own": False}
    return Asked(state, **{**given, **values}, number=1)


@pytest.mark.parametrize("state", list(RolloutState))
def test_every_state_has_a_sentence(state: RolloutState) -> None:
    found = say(state)
    assert found.word
    assert found.sentence


# --- while it runs --------------------------------------------------------------------------------


def test_what_only_needs_time_is_calm_and_asks_for_nothing() -> None:
    found = say(rows=WAITS, rule="dwell")
    assert (found.word, found.look.tone, found.press) == ("Running", "run", None)
    assert found.sentence == "1 of 2 gates holds the step from 25 % to 50 %. It is so."
    assert found.wait_seconds == 120.0


def test_what_waits_for_workers_says_so_and_no_time() -> None:
    waits = {"kind": "gate", "verdict": GateVerdict.INCONCLUSIVE, "message": "It is so."}
    stuck = Traffic(1.0, 1.0, 0.0, held_up=3)
    found = say(rows=gate_rows([{"rule": "mismatch", "needed": 9, **waits}], stuck))
    assert found.then.startswith("3 comparisons wait, as workers do jobs first")
    assert found.wait_seconds is None


def test_what_needs_nobody_knows_how_long_is_calm_and_says_no_time() -> None:
    found = say(rows=rows(("archive", GateVerdict.INCONCLUSIVE)), rule="archive")
    assert (found.word, found.wait_seconds) == ("Running", None)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [("error_rate", GateVerdict.FAILED), ("health", GateVerdict.INCONCLUSIVE)],
)
def test_what_is_not_in_order_holds(rule: str, verdict: GateVerdict) -> None:
    found = say(rows=[*WAITS, *rows((rule, verdict))], rule=rule)
    assert (found.word, found.look.shape, found.press) == ("Holding", "hold", None)
    assert "once that is in order" in found.then


def test_a_new_version_of_a_strategy_asks_for_a_restart() -> None:
    assert say(rows=WAITS, rule="build").press is Move.RESTART


def test_harm_is_rolled_back_by_itself() -> None:
    for state in (RUNNING, AWAITING, PAUSED):
        for move in (Move.ROLL_BACK, Move.FAIL):
            found = say(state, decided=move)
            assert (found.word, found.look.tone, found.press) == ("Harm is shown", "fail", None)


def test_when_all_gates_are_met_it_goes_on_by_itself() -> None:
    found = say(decided=Move.STEP)
    assert found.sentence == "All gates are met."
    assert "by itself" in found.then


def test_a_window_for_promotions_says_when_it_opens() -> None:
    found = say(rule="window", until=NOW)
    assert found.until == NOW
    assert found.sentence == "All gates are met. It is so."


@pytest.mark.parametrize("state", [RUNNING, AWAITING])
def test_where_nobody_looks_nothing_is_claimed(state: RolloutState) -> None:
    found = say(state, is_watched=False, decided=Move.STEP)
    assert (found.word, found.look.tone) == ("Nobody looks", "unknown")


# --- what a person must do ------------------------------------------------------------------------


def test_a_paused_one_is_resumed() -> None:
    found = say(PAUSED)
    assert found.press is Move.RESUME
    assert found.sentence == "The share stays at 25 % until somebody resumes it."


def test_an_open_request_is_approved_by_somebody_else() -> None:
    found = say(AWAITING, asked=asked(), following="“Full migration”")
    assert found.approve
    assert found.sentence == "All gates are met. “Full migration” begins when somebody approves it."
    own = say(AWAITING, asked=asked(is_own=True))
    assert not own.approve
    assert "another person" in own.then


def test_after_a_rejection_it_is_asked_for_anew() -> None:
    found = say(AWAITING, asked=asked(ApprovalState.REJECTED))
    assert (found.word, found.press) == ("Rejected", Move.PROMOTE)


def test_once_approved_it_goes_on_by_itself() -> None:
    found = say(AWAITING, asked=asked(ApprovalState.APPROVED), decided=Move.PROMOTE)
    assert (found.sentence, found.press, found.approve) == ("It is so.", None, False)


def test_a_rolled_back_one_says_why_and_where_a_restart_begins() -> None:
    ended = Ended(Move.ROLL_BACK, "system", "leak", "1 leak.", NOW)
    found = say(
        RolloutState.ROLLED_BACK,
        ended=ended,
        first=PhaseName.BASELINE,
        why_first="the cause was a leak",
    )
    assert found.sentence == "Everything goes to legacy. 1 leak."
    assert found.then == "A restart begins with “Baseline validation”: the cause was a leak."
    assert found.press is Move.RESTART


def test_an_aborted_one_says_who_and_why() -> None:
    ended = Ended(Move.ABORT, "anna", "", "the vendor asks", NOW)
    found = say(RolloutState.ABORTED, ended=ended)
    assert found.sentence == "Everything goes to legacy. anna: the vendor asks"
    assert found.press is None


@pytest.mark.parametrize(
    ("state", "where"),
    [
        (RolloutState.ROLLED_BACK, "Everything went to legacy"),
        (RolloutState.ABORTED, "Everything went to legacy"),
        (RolloutState.COMPLETED, "Everything went to scanning"),
    ],
)
def test_where_captures_go_is_claimed_only_while_it_is_so(state: RolloutState, where: str) -> None:
    ended = Ended(Move.ABORT, "anna", "", "the vendor asks", NOW)
    found = say(state, ended=ended, is_in_force=False)
    assert found.sentence.startswith(f"{where}; another policy is in force since then.")


def test_beside_an_active_rollout_none_is_restarted() -> None:
    found = say(RolloutState.ROLLED_BACK, is_another_active=True)
    assert found.press is None
    assert found.then.startswith("Another rollout is active")


def test_a_draft_is_started() -> None:
    assert say(RolloutState.DRAFT).press is Move.START
