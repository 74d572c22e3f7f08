"""The state table: every cell of it, written down once more."""

from __future__ import annotations

import pytest

from migration.choices import ACTIVE, Move, PhaseState, RolloutState
from migration.moves import ACTIVE as ACTIVE_STATES
from migration.moves import MOVES, MoveRefusedError, Row, allowed, phase_after, row_of

R, P = RolloutState, PhaseState
# what is possible in a state, in the order in which it is offered
POSSIBLE = {
    R.DRAFT: [Move.START, Move.ABORT],
    R.RUNNING: [
        *(Move.FREEZE, Move.REQUEST, Move.STEP, Move.PROMOTE, Move.COMPLETE),
        *(Move.PAUSE, Move.ROLL_BACK, Move.FAIL, Move.RESTART, Move.ABORT),
    ],
    R.AWAITING: [
        # what was rejected is asked anew
        *(Move.REQUEST, Move.WITHDRAW, Move.STEP, Move.PROMOTE, Move.COMPLETE, Move.PAUSE),
        *(Move.ROLL_BACK, Move.FAIL, Move.RESTART, Move.ABORT),
    ],
    R.PAUSED: [Move.RESUME, Move.ROLL_BACK, Move.FAIL, Move.RESTART, Move.ABORT],
    R.COMPLETED: [Move.ROLL_BACK, Move.ABORT],
    R.ROLLED_BACK: [Move.RESTART, Move.ABORT],
    R.ABORTED: [Move.ABORT],
}
# the states of rollout and phase after a move; None where the phase stays as it is
AFTER: dict[Move, tuple[RolloutState, PhaseState | None]] = {
    Move.START: (R.RUNNING, P.RUNNING),
    Move.FREEZE: (R.RUNNING, P.RUNNING),
    Move.REQUEST: (R.AWAITING, P.AWAITING),
    Move.WITHDRAW: (R.RUNNING, P.RUNNING),
    Move.STEP: (R.RUNNING, P.RUNNING),
    Move.PROMOTE: (R.RUNNING, P.PASSED),
    Move.COMPLETE: (R.COMPLETED, P.PASSED),
    Move.PAUSE: (R.PAUSED, P.PAUSED),
    Move.RESUME: (R.RUNNING, P.RUNNING),
    Move.ROLL_BACK: (R.ROLLED_BACK, P.ROLLED_BACK),
    Move.FAIL: (R.ROLLED_BACK, P.FAILED),
    Move.RESTART: (R.RUNNING, None),
    Move.ABORT: (R.ABORTED, None),
}
CELLS = [(state, move) for state in R for move in Move]
GOOD = [(state, move) for state, move in CELLS if move in POSSIBLE[state]]
BAD = [cell for cell in CELLS if cell not in GOOD]


def test_the_table_has_a_row_for_each_move() -> None:
    assert list(MOVES) == list(Move)


@pytest.mark.parametrize(("state", "move"), GOOD)
def test_a_move_that_is_possible_leads_to_the_states_of_its_row(
    state: RolloutState, move: Move
) -> None:
    row = row_of(move, state)
    assert (row.rollout, row.phase) == AFTER[move]


@pytest.mark.parametrize(("state", "move"), BAD)
def test_a_move_that_is_not_possible_is_refused_and_told_what_is(
    state: RolloutState, move: Move
) -> None:
    words = ", ".join(str(each.label) for each in POSSIBLE[state])
    with pytest.raises(MoveRefusedError) as refused:
        row_of(move, state)
    assert str(refused.value) == (
        f"While a rollout is {str(state.label).lower()}, “{move.label}” is not possible; "
        f"possible is: {words}."
    )


@pytest.mark.parametrize("state", R)
def test_what_is_offered_is_what_is_possible(state: RolloutState) -> None:
    assert list(allowed(state)) == POSSIBLE[state]


@pytest.mark.parametrize("state", R)
def test_abort_is_possible_in_every_state(state: RolloutState) -> None:
    assert row_of(Move.ABORT, state).rollout is R.ABORTED


@pytest.mark.parametrize(
    ("phase", "after"),
    [
        (P.PENDING, P.PENDING),
        (P.RUNNING, P.ROLLED_BACK),
        (P.AWAITING, P.ROLLED_BACK),
        (P.PAUSED, P.ROLLED_BACK),
        (P.PASSED, P.PASSED),
        (P.FAILED, P.FAILED),
        (P.ROLLED_BACK, P.ROLLED_BACK),
    ],
)
def test_an_abort_ends_a_phase_that_is_open_and_leaves_one_that_is_over(
    phase: PhaseState, after: PhaseState
) -> None:
    assert phase_after(Move.ABORT, phase) is after


@pytest.mark.parametrize("phase", P)
@pytest.mark.parametrize("move", [move for move in Move if move is not Move.ABORT])
def test_any_other_move_leads_a_phase_to_the_state_of_its_row(
    move: Move, phase: PhaseState
) -> None:
    assert phase_after(move, phase) is (AFTER[move][1] or phase)


def test_only_a_promotion_begins_the_next_phase() -> None:
    assert [move for move, row in MOVES.items() if row.leads] == [Move.PROMOTE]


def test_a_rollback_is_possible_in_every_state_in_which_treatment_may_serve() -> None:
    for state in (*ACTIVE, R.COMPLETED):
        assert row_of(Move.ROLL_BACK, state).rollout is R.ROLLED_BACK


def test_the_states_of_an_active_rollout_are_the_same_everywhere() -> None:
    assert frozenset(ACTIVE) == ACTIVE_STATES


def test_no_move_but_an_abort_leads_out_of_an_aborted_rollout() -> None:
    rows: list[Row] = [row for move, row in MOVES.items() if move is not Move.ABORT]
    assert not any(R.ABORTED in row.sources for row in rows)
