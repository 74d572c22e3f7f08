"""What came of a simulated rollout, as values, as JSON and in words.  Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Any

from migration.choices import Move, PhaseName, PhaseState, RolloutState
from migration.conf import DAY
from migration.simulation.plan import Plan


class Ending(StrEnum):
    """How a simulated rollout ended."""

    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    # of phase 1, which leaves the rollout rolled back
    FAILED = "failed"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Moved:
    """One move.  ``at_seconds`` since the start; phase and step are those before it."""

    at_seconds: float
    phase: PhaseName
    step: str
    move: Move
    rule: str
    reason: str


@dataclass(slots=True)
class PhaseRecord:
    """One phase; times in seconds since the start, None for what has not come."""

    name: PhaseName
    state: PhaseState = PhaseState.PENDING
    began_seconds: float | None = None
    ended_seconds: float | None = None
    shares: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that is told of one rollout.

    Detection counts from the first run of treatment, served or compared, in which the fault is:
    ``detection_seconds`` from when its capture came, ``detection_runs`` those that ended from it on.
    ``treatment_runs`` are results of treatment that were served, ``exposed_runs`` those since the
    fault began and ``leaked_runs`` those with a leak.  None where there was no rollback by a fault.
    ``held_by`` names what stood against going on at the end.
    """

    plan: Plan
    state: RolloutState
    phases: tuple[PhaseRecord, ...]
    decisions: tuple[Moved, ...]
    seconds: float
    rule: str
    held_by: str
    detection_seconds: float | None
    detection_runs: int | None
    is_false_alarm: bool
    treatment_runs: int
    exposed_runs: int
    leaked_runs: int
    treatment_discarded: int
    treatment_published_after_rollback: int

    @property
    def ending(self) -> Ending:
        """How it ended."""
        if self.state is RolloutState.COMPLETED:
            return Ending.COMPLETED
        if any(each.state is PhaseState.FAILED for each in self.phases):
            return Ending.FAILED
        return Ending.ROLLED_BACK if self.state is RolloutState.ROLLED_BACK else Ending.HELD
