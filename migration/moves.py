"""The state table of rollouts and their phases.  Pure: what it lacks is refused.

A move belongs to the rollout and to its current phase together.  ``leads`` says whether the next
phase begins with it.  Abort works in every state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from config.languages.told import listed
from migration.choices import Move, PhaseState, RolloutState

R, P = RolloutState, PhaseState
WORKING: Final = frozenset({R.RUNNING, R.AWAITING})
ACTIVE: Final = WORKING | {R.PAUSED}


@dataclass(frozen=True, slots=True)
class Row:
    """From which states of the rollout, to which state of it and of its phase.

    ``phase`` None leaves the phase as it is.
    """

    sources: frozenset[RolloutState]
    rollout: RolloutState
    phase: PhaseState | None
    leads: bool = False


MOVES: Final[Mapping[Move, Row]] = {
    Move.START: Row(frozenset({R.DRAFT}), R.RUNNING, P.RUNNING),
    Move.FREEZE: Row(frozenset({R.RUNNING}), R.RUNNING, P.RUNNING),
    # also while it awaits one: what was rejected is asked anew
    Move.REQUEST: Row(WORKING, R.AWAITING, P.AWAITING),
    Move.WITHDRAW: Row(frozenset({R.AWAITING}), R.RUNNING, P.RUNNING),
    Move.STEP: Row(WORKING, R.RUNNING, P.RUNNING),
    Move.PROMOTE: Row(WORKING, R.RUNNING, P.PASSED, leads=True),
    Move.COMPLETE: Row(WORKING, R.COMPLETED, P.PASSED),
    Move.PAUSE: Row(WORKING, R.PAUSED, P.PAUSED),
    Move.RESUME: Row(frozenset({R.PAUSED}), R.RUNNING, P.RUNNING),
    Move.ROLL_BACK: Row(ACTIVE | {R.COMPLETED}, R.ROLLED_BACK, P.ROLLED_BACK),
    Move.FAIL: Row(ACTIVE, R.ROLLED_BACK, P.FAILED),
    # a new attempt, whose phases begin anew; of the old one nothing changes
    Move.RESTART: Row(ACTIVE | {R.ROLLED_BACK}, R.RUNNING, None),
    Move.ABORT: Row(frozenset(R), R.ABORTED, None),
}
# what an abort makes of a phase that was open
OPEN_PHASES: Final = frozenset({P.RUNNING, P.AWAITING, P.PAUSED})


class MoveRefusedError(Exception):
    """The move is not possible now; the text says what is."""


def row_of(move: Move, state: RolloutState) -> Row:
    """Return the row of ``move``; raises MoveRefusedError where it does not start at ``state``."""
    row = MOVES[move]
    if state in row.sources:
        return row
    raise MoveRefusedError(
        _("While a rollout is %(state)s, “%(move)s” is not possible; possible is: %(allowed)s.")
        % {
            "state": state.label.lower(),
            "move": move.label,
            "allowed": listed(each.label for each in allowed(state)),
        }
    )


def allowed(state: RolloutState) -> tuple[Move, ...]:
    """Return the moves that the table has for ``state``."""
    return tuple(move for move, row in MOVES.items() if state in row.sources)


def phase_after(move: Move, phase: PhaseState) -> PhaseState:
    """Return the state of the current phase after ``move``."""
    if move is Move.ABORT and phase in OPEN_PHASES:
        return PhaseState.ROLLED_BACK
    return MOVES[move].phase or phase
