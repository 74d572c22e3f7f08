"""Decisions about comparisons in the background: plain values in, a decision out.

No database, no clock, no engine at work.  In every pair the control stands first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from trimming.routing_choices import LeakState, ShadowOutcome

# how often a comparison is begun that loses its worker
MAX_ATTEMPTS: Final = 2
# by what ended within this, it is told how fast comparisons come
LATELY_SECONDS: Final = 30.0


class Answer(Enum):
    """What a strategy made of a capture."""

    PLANNED = "planned"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Flow:
    """Comparisons at present: how many wait, the oldest how long, and how many ended lately."""

    waiting: int = 0
    oldest_seconds: float = 0.0
    running: int = 0
    ended: int = 0


def room(*, workers: int, serving: int, waiting: int, comparing: int) -> int:
    """Return how many more comparisons may begin; all are numbers of jobs or worker processes.

    Served jobs go first: while one waits, nothing begins, and one worker is always left to them.
    Where there is but one worker, it compares while there is nothing else to do.
    """
    if waiting:
        return 0
    if workers == 1:
        return int(serving + comparing == 0)
    return max(0, workers - 1 - serving - comparing)


def per_second(wanted: float, flow: Flow) -> float:
    """Return how many comparisons come in a second, of so many that captures ask for.

    While none waits they come as captures do; else as they ended lately, and 0 is not known.
    """
    return min(wanted, flow.ended / LATELY_SECONDS) if flow.waiting else wanted


def held_up(flow: Flow) -> int:
    """Return how many comparisons wait while none begins, as workers do jobs first; else 0."""
    comes = flow.running or flow.ended or flow.oldest_seconds < LATELY_SECONDS
    return 0 if comes else flow.waiting


def may_begin_again(attempt: int) -> bool:
    """Tell whether a comparison that lost its worker in this attempt is begun once more."""
    return attempt < MAX_ATTEMPTS


def outcome_of(control: Answer, treatment: Answer, *, is_equal: bool) -> ShadowOutcome:
    """Return what a comparison says; ``is_equal`` counts only where both made a plan.

    What neither of them could do says nothing about which one is better.
    """
    if control is not treatment:
        return ShadowOutcome.MISMATCHED
    if control is not Answer.PLANNED:
        return ShadowOutcome.IGNORED
    return ShadowOutcome.MATCHED if is_equal else ShadowOutcome.MISMATCHED


def leak_of(leaked_bytes: int, *, repeats: bool, shows: bool) -> LeakState:
    """Return whether something leaks.

    ``repeats``: both strategies gave the same answer in a second run.  ``shows``: one of the bytes
    differs in the two outputs, as one that was zero before it was masked does not.
    """
    if not leaked_bytes:
        return LeakState.NONE
    return LeakState.CONFIRMED if repeats and shows else LeakState.SUSPECTED
