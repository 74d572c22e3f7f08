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

    Detection counts from the first run of treatment, served or compared, that shows the fault:
    ``detection_seconds`` from when its capture came, ``detection_runs`` are runs of treatment that
    ended from it on; None where no rollback followed.  ``treatment_runs`` are results of treatment
    that were served, ``exposed_runs`` those since the fault began, ``leaked_runs`` those that leak.
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

    def as_json(self) -> dict[str, Any]:
        """Return plain values; times in seconds since the start."""
        plan = self.plan
        return {
            "seed": plan.seed,
            "fault": plan.fault.value,
            "fault_phase": plan.fault_phase,
            "disturbance": plan.disturbance.value,
            "state": self.state.value,
            "ending": self.ending.value,
            "rule": self.rule,
            "held_by": self.held_by,
            "seconds": round(self.seconds, 3),
            "phases": [phase_as_json(each) for each in self.phases],
            "decisions": [moved_as_json(each) for each in self.decisions],
            "is_false_alarm": self.is_false_alarm,
            "detection_seconds": _rounded(self.detection_seconds),
            "detection_runs": self.detection_runs,
            "treatment_runs": self.treatment_runs,
            "exposed_runs": self.exposed_runs,
            "leaked_runs": self.leaked_runs,
            "treatment_discarded": self.treatment_discarded,
            "treatment_published_after_rollback": self.treatment_published_after_rollback,
        }


def phase_as_json(phase: PhaseRecord) -> dict[str, Any]:
    """Return plain values of a phase."""
    return {
        "name": phase.name.value,
        "state": phase.state.value,
        "began_seconds": _rounded(phase.began_seconds),
        "ended_seconds": _rounded(phase.ended_seconds),
        "shares": list(phase.shares),
    }


def moved_as_json(moved: Moved) -> dict[str, Any]:
    """Return plain values of a move."""
    return {
        "at_seconds": round(moved.at_seconds, 3),
        "phase": moved.phase.value,
        "step": moved.step,
        "move": moved.move.value,
        "rule": moved.rule,
        "reason": moved.reason,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what many rollouts of one plan have in common; medians, and the most of each."""
    found = [each for each in outcomes if each.detection_seconds is not None]
    return {
        "rollouts": len(outcomes),
        "endings": dict(Counter(each.ending.value for each in outcomes)),
        "rules": dict(Counter(each.rule for each in outcomes if each.rule)),
        "held_by": dict(Counter(each.held_by for each in outcomes if each.ending is Ending.HELD)),
        "false_alarms": sum(each.is_false_alarm for each in outcomes),
        "detected": len(found),
        "detection_seconds": _spread([each.detection_seconds or 0.0 for each in found]),
        "detection_runs": _spread([each.detection_runs or 0 for each in found]),
        "exposed_runs": _spread([each.exposed_runs for each in outcomes]),
        "leaked_runs": sum(each.leaked_runs for each in outcomes),
        "treatment_discarded": sum(each.treatment_discarded for each in outcomes),
        "treatment_published_after_rollback": sum(
            each.treatment_published_after_rollback for each in outcomes
        ),
        "days": _spread([each.seconds / DAY for each in outcomes]),
    }


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"median": round(median(values), 3), "most": round(max(values), 3)}
