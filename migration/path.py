"""The five phases as the page draws them: what is done, where it is, what is still to come.  Pure.

Times to come are estimates: the least time of each phase, one after the other, and for the present
step what its gates still need by the traffic that was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from migration.choices import PHASE_LOOKS, PhaseName, PhaseState
from trimming.choices import Look

Place = Literal["done", "here", "ahead", "back"]
PLACES: Final[dict[PhaseState, Place]] = {
    PhaseState.PENDING: "ahead",
    PhaseState.RUNNING: "here",
    PhaseState.AWAITING: "here",
    PhaseState.PAUSED: "here",
    PhaseState.PASSED: "done",
    PhaseState.FAILED: "back",
    PhaseState.ROLLED_BACK: "back",
}


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """A phase as it is stored.  ``shares`` are all it goes through; the last step is number ``at``.

    Times are in seconds: ``took`` without pauses, ``took_here`` of it at the present share.
    """

    name: PhaseName
    state: PhaseState
    planned: float
    started_at: datetime | None
    finished_at: datetime | None
    shares: Sequence[float]
    at: int = -1
    took: float = 0.0
    took_here: float = 0.0


@dataclass(frozen=True, slots=True)
class ShareStep:
    """A share on the scale of a phase."""

    share: float
    place: Place


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A phase as it is drawn.  Where it was skipped, another attempt had passed it."""

    name: PhaseName
    state: PhaseState
    place: Place
    look: Look
    planned: float
    finished_at: datetime | None
    took: float
    took_here: float
    share: float
    steps: Sequence[ShareStep]
    is_skipped: bool
    ends_at: datetime | None = None


def path_of(
    phases: Sequence[PhaseFacts], now: datetime, left_seconds: float | None
) -> list[PhaseView]:
    """Return the phases in their order, those that are not over with when they may end.

    ``left_seconds``: what the present step still needs; None when it is not known, and then
    nothing of what comes after it is.
    """
    views = [_view(each) for each in phases]
    if not any(each.state is PhaseState.RUNNING for each in phases):
        return views
    ends: datetime | None = now
    found = []
    for facts, view in zip(phases, views, strict=True):
        if view.place in ("here", "ahead"):
            left = _left(facts, left_seconds)
            ends = None if ends is None or left is None else ends + timedelta(seconds=left)
            view = replace(view, ends_at=ends)
        found.append(view)
    return found


def _left(phase: PhaseFacts, left_seconds: float | None) -> float | None:
    if phase.state is PhaseState.PENDING:
        return phase.planned
    if left_seconds is None:
        return None
    each = phase.planned / len(phase.shares)
    return left_seconds + each * (len(phase.shares) - 1 - phase.at)


def _view(phase: PhaseFacts) -> PhaseView:
    place = PLACES[phase.state]
    steps = [
        ShareStep(
            share,
            "done"
            if place == "done" or number < phase.at
            else place
            if number == phase.at
            else "ahead",
        )
        for number, share in enumerate(phase.shares)
    ]
    return PhaseView(
        name=phase.name,
        state=phase.state,
        place=place,
        look=PHASE_LOOKS[phase.state],
        planned=phase.planned,
        finished_at=phase.finished_at,
        took=phase.took,
        took_here=phase.took_here,
        share=phase.shares[max(0, phase.at)],
        # a scale with one mark says nothing
        steps=steps if len(steps) > 1 else (),
        is_skipped=phase.state is PhaseState.PASSED and phase.started_at is None,
    )
