"""How a rollout stands, in one sentence, and the one thing to press.  Pure.

The sentence says what is so, why with its numbers, and what happens by itself; who reads it at
three in the morning need not read on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from migration.choices import (
    ROLLOUT_LOOKS,
    ApprovalState,
    Move,
    PhaseName,
    RolloutState,
)
from migration.gate_rows import GateRow, count_text, longest_wait
from trimming.choices import Look
from trimming.routing_words import share_text

# what takes everything back
BACK: Final = frozenset({Move.ROLL_BACK, Move.FAIL})
HOLDING: Final = Look("warn", "hold")
BLIND: Final = Look("unknown", "unknown")


@dataclass(frozen=True, slots=True)
class Asked:
    """The newest request for approval of the present step; ``by`` is empty where nobody asked."""

    state: ApprovalState
    by: str
    at: datetime
    expires_at: datetime
    is_own: bool
    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt came to its end: the move, who made it, by which rule and why."""

    move: Move
    by: str
    rule: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sentence is made of.

    ``decided`` is the move that follows now, ``rule`` and ``reason`` why that or why none;
    ``following`` is the share or the phase that comes next.  ``is_watched``: somebody looks.
    ``is_in_force``: captures still go where its end has sent them; ``is_another_active``: a
    rollout beside it goes on, so that this one cannot.
    """

    state: RolloutState
    share: float = 0.0
    decided: Move | None = None
    rule: str = ""
    reason: str = ""
    until: datetime | None = None
    rows: Sequence[GateRow] = ()
    following: str = ""
    is_watched: bool = True
    asked: Asked | None = None
    ended: Ended | None = None
    first: PhaseName | None = None
    why_first: str = ""
    is_in_force: bool = True
    is_another_active: bool = False


@dataclass(frozen=True, slots=True)
class Headline:
    """What stands on top.  ``press`` is the move that matters; None where nothing is to be pressed.

    ``approve``: what matters is to decide the open request.  ``wait_seconds``: it goes on by itself
    after so long at the earliest; ``until``: or then.
    """

    look: Look
    word: str
    sentence: str
    then: str = ""
    press: Move | None = None
    approve: bool = False
    wait_seconds: float | None = None
    until: datetime | None = None


def headline(facts: Facts) -> Headline:
    """Return what to say of a rollout."""
    return SAYINGS[facts.state](facts)


def _draft(facts: Facts) -> Headline:
    return _plain(
        facts,
        _("It is made and not started: nothing is moved."),
        _("Phase 1 sends nothing to scanning; it only compares."),
        press=Move.START,
    )


def _running(facts: Facts) -> Headline:
    if not facts.is_watched:
        return _blind()
    if facts.decided in BACK:
        return _goes_back(facts)
    if facts.decided is not None:
        return _plain(facts, _("All gates are met."), _("It goes on by itself, within seconds."))
    if facts.rule == "window":
        said = _("All gates are met. %(reason)s") % {"reason": facts.reason}
        return _plain(facts, said, _("It goes on by itself then."), until=facts.until)
    return _held(facts)


def _held(facts: Facts) -> Headline:
    held, count = count_text(facts.rows)
    words = {
        "held": held,
        "count": count,
        "next": facts.following,
        "share": share_text(facts.share),
    }
    said = ngettext(
        "%(held)d of %(count)d gates holds the step from %(share)s to %(next)s.",
        "%(held)d of %(count)d gates hold the step from %(share)s to %(next)s.",
        held,
    )
    sentence = f"{said % words} {facts.reason}"
    if facts.rule == "build":
        return Headline(HOLDING, pgettext("rollout", "Holding"), sentence, press=Move.RESTART)
    if all(row.comes_by_itself for row in facts.rows if row.stands):
        then = _("No harm is shown. It goes on by itself when time and captures have come.")
        then = next((row.held_up for row in facts.rows if row.stands and row.held_up), then)
        return _plain(facts, sentence, then, wait_seconds=longest_wait(facts.rows))
    then = _("No harm is shown. It goes on by itself once that is in order.")
    return Headline(HOLDING, pgettext("rollout", "Holding"), sentence, then)


def _paused(facts: Facts) -> Headline:
    if facts.decided in BACK:
        return _goes_back(facts)
    said = _("The share stays at %(share)s until somebody resumes it.")
    return _plain(
        facts,
        said % {"share": share_text(facts.share)},
        _("What is harm rolls back all the same."),
        press=Move.RESUME,
    )


def _awaiting(facts: Facts) -> Headline:
    if not facts.is_watched:
        return _blind()
    if facts.decided in BACK:
        return _goes_back(facts)
    asked = facts.asked
    if asked is not None and asked.state is ApprovalState.WAITING:
        then = (
            _("You have asked for it yourself: another person must decide it.")
            if asked.is_own
            else _("The share stays at %(share)s until then.") % {"share": share_text(facts.share)}
        )
        said = _("All gates are met. %(next)s begins when somebody approves it.")
        return _plain(facts, said % {"next": facts.following}, then, approve=not asked.is_own)
    if asked is not None and asked.state is ApprovalState.REJECTED:
        said = _("The request was rejected, so the share stays at %(share)s.")
        return Headline(
            HOLDING,
            _("Rejected"),
            said % {"share": share_text(facts.share)},
            _("Ask again once what was wrong is in order."),
            press=Move.PROMOTE,
        )
    return _plain(facts, facts.reason, _("It goes on by itself, within seconds."))


def _rolled_back(facts: Facts) -> Headline:
    if facts.is_another_active:
        then = _("Another rollout is active: as long as it is, this one is not restarted.")
        return _plain(facts, _to_legacy(facts), then)
    first = facts.first or PhaseName.BASELINE
    then = _("A restart begins with “%(phase)s”: %(why)s.") % {
        "phase": first.label,
        "why": facts.why_first,
    }
    return _plain(facts, _to_legacy(facts), then, press=Move.RESTART)


def _aborted(facts: Facts) -> Headline:
    return _plain(
        facts, _to_legacy(facts), _("An aborted rollout does not go on; start another one.")
    )


def _to_legacy(facts: Facts) -> str:
    said = (
        _("Everything goes to legacy. %(reason)s")
        if facts.is_in_force
        else _("Everything went to legacy; another policy is in force since then. %(reason)s")
    )
    return said % {"reason": _reason(facts)}


def _completed(facts: Facts) -> Headline:
    if not facts.is_in_force:
        return _plain(
            facts,
            _("Everything went to scanning; another policy is in force since then."),
            _("The page about routing says where captures go now."),
        )
    return _plain(
        facts,
        _("Everything goes to scanning, and legacy is retired."),
        _("An emergency rollback or an abort still takes it all back."),
    )


def _reason(facts: Facts) -> str:
    ended = facts.ended
    if ended is None:
        return ""
    if ended.rule:
        return ended.reason
    return _("%(name)s: %(reason)s") % {"name": ended.by, "reason": ended.reason}


def _goes_back(facts: Facts) -> Headline:
    return Headline(
        ROLLOUT_LOOKS[RolloutState.ROLLED_BACK],
        _("Harm is shown"),
        facts.reason,
        _("It is rolled back by itself, within seconds."),
    )


def _blind() -> Headline:
    return Headline(
        BLIND,
        pgettext("rollout", "Nobody looks"),
        _("The monitor has not looked at it lately, so new captures go to legacy."),
        _("Start the service again, as with “make run”; the rollout goes on by itself."),
    )


def _plain(facts: Facts, sentence: str, then: str, **more: Any) -> Headline:
    state = facts.state
    return Headline(ROLLOUT_LOOKS[state], str(state.label), sentence, then, **more)


SAYINGS: Final[Mapping[RolloutState, Callable[[Facts], Headline]]] = {
    RolloutState.DRAFT: _draft,
    RolloutState.RUNNING: _running,
    RolloutState.PAUSED: _paused,
    RolloutState.AWAITING: _awaiting,
    RolloutState.COMPLETED: _completed,
    RolloutState.ROLLED_BACK: _rolled_back,
    RolloutState.ABORTED: _aborted,
}
