"""What people may press, with what it will do in words.  Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from migration.choices import Move, RolloutState
from migration.moves import MOVES
from trimming.choices import Look

# typed to confirm an abort; the same in every language, as it is compared and not read
CONFIRMATION: Final = "abort"
DRILL: Final = "drill"
OPERATE: Final = "migration.operate_rollout"
ABORT: Final = "migration.abort_rollout"


@dataclass(frozen=True, slots=True)
class Effect:
    """One consequence, with its look."""

    look: Look
    text: Any


@dataclass(frozen=True, slots=True)
class Act:
    """A thing to press: its button, its question, what follows, and the button that does it."""

    name: str
    permission: str
    button: Any
    question: Any
    effects: tuple[Effect, ...]
    confirm: Any
    word: str = ""

    @property
    def is_danger(self) -> bool:
        """Whether it is confirmed by a typed word."""
        return bool(self.word)


RUN, OK, HOLD, FAIL = (
    Look("run", "run"),
    Look("ok", "ok"),
    Look("warn", "hold"),
    Look("fail", "fail"),
)
ACTS: Final = (
    Act(
        Move.START,
        OPERATE,
        pgettext_lazy("rollout", "Start…"),
        _("Start this rollout?"),
        (
            Effect(RUN, _("Phase 1 begins: legacy serves everything, and both are compared.")),
            Effect(OK, _("Nothing that scanning makes is served before phase 2.")),
        ),
        pgettext_lazy("rollout", "Start the rollout"),
    ),
    Act(
        Move.RESUME,
        OPERATE,
        pgettext_lazy("rollout", "Resume…"),
        _("Let the rollout go on?"),
        (
            Effect(RUN, _("Time counts again, and the share grows when all gates are met.")),
            Effect(OK, _("Where another policy was published meanwhile, its own is put back.")),
        ),
        pgettext_lazy("rollout", "Resume the rollout"),
    ),
    Act(
        Move.PROMOTE,
        OPERATE,
        pgettext_lazy("rollout", "Promote…"),
        _("Ask for the next phase, or go on at once?"),
        (
            Effect(RUN, _("It goes on only if all gates are met now; nothing is forced.")),
            Effect(OK, _("Where an approval is needed it is asked for.")),
        ),
        pgettext_lazy("rollout", "Promote"),
    ),
    Act(
        Move.PAUSE,
        OPERATE,
        pgettext_lazy("rollout", "Pause…"),
        _("Pause the rollout?"),
        (
            Effect(HOLD, _("The share stays as it is, and time does not count.")),
            Effect(OK, _("What is harm rolls back all the same.")),
            Effect(HOLD, _("An open request for approval is withdrawn.")),
        ),
        pgettext_lazy("rollout", "Pause the rollout"),
    ),
    Act(
        Move.RESTART,
        OPERATE,
        pgettext_lazy("rollout", "Restart…"),
        _("Begin a new attempt?"),
        (
            Effect(RUN, _("Captures are drawn anew, and evidence begins empty.")),
            Effect(OK, _("What was decided before stays readable.")),
        ),
        pgettext_lazy("rollout", "Begin a new attempt"),
    ),
    Act(
        DRILL,
        OPERATE,
        pgettext_lazy("rollout", "Drill…"),
        _("Rehearse a rollback?"),
        (
            Effect(RUN, _("Everything goes to legacy and back within milliseconds.")),
            Effect(HOLD, _("What scanning works on at present is done again on legacy.")),
            Effect(OK, _("The time that it took is kept; phase 5 asks for it.")),
        ),
        _("Rehearse it now"),
    ),
    Act(
        Move.ABORT,
        ABORT,
        pgettext_lazy("rollout", "Abort…"),
        _("Abort the rollout and send everything to legacy?"),
        (
            Effect(FAIL, _("All captures go to legacy at once, and nobody can choose scanning.")),
            Effect(
                RUN,
                _(
                    "What scanning works on at present is discarded, and done again on legacy by "
                    "itself."
                ),
            ),
            Effect(FAIL, _("An aborted rollout does not go on: another one must be started.")),
            Effect(OK, _("Results that are published already stay.")),
        ),
        _("Abort and send everything to legacy"),
        word=CONFIRMATION,
    ),
)
BY_NAME: Final = {act.name: act for act in ACTS}
# of an aborted one nothing is left to take back
OVER: Final = frozenset({RolloutState.ABORTED})


def is_possible(act: Act, state: RolloutState) -> bool:
    """Tell whether the table of moves has it for a state; a drill is held while a rollout runs."""
    if act.name == DRILL:
        return state is RolloutState.RUNNING
    if act.name == Move.ABORT and state in OVER:
        return False
    return state in MOVES[Move(act.name)].sources


def acts_for(state: RolloutState, permissions: Collection[str]) -> list[Act]:
    """Return what somebody with these permissions may press now, in the order of the page."""
    return [act for act in ACTS if act.permission in permissions and is_possible(act, state)]
