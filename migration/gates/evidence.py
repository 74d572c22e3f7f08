"""All that one look at a rollout goes by: plain values that can be stored and given back.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, NamedTuple

from pydantic import TypeAdapter

from migration.choices import PhaseName
from migration.gates.tally import STRICT, ArmCount, Baseline, StepCount, Tally


class Health(NamedTuple):
    """The newest health report: its score, its age, and the dimensions that fail.

    ``low_in_a_row`` counts the newest reports below ``rollout.health_low`` in which a dimension
    fails that treatment can cause.
    """

    score: float | None
    age_seconds: float
    failing: tuple[str, ...] = ()
    low_in_a_row: int = 0


class Cleanup(NamedTuple):
    """What the last phase waits for; ages in seconds, None where it never was."""

    legacy_unused_seconds: float | None = None
    drill_age_seconds: float | None = None
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known at ``now``.  Times are in seconds, shares from 0 to 1; None is not known.

    ``step_seconds`` is the time at the present share without pauses.  ``overtaken``: why the policy
    in force is not the one that the rollout published; empty while it is.  ``new_build`` names the
    version of a strategy that is not the one of the attempt.  ``critical_seconds``: for how long
    memory and latency have been above their critical threshold.  ``undecided``: outputs of
    treatment that verification refused, of which legacy has not told yet whose fault it is.
    """

    __pydantic_config__: ClassVar = STRICT

    now: datetime
    phase: PhaseName
    step: str
    share: float
    step_seconds: float
    tally: Tally
    baseline: Baseline | None = None
    overtaken: str = ""
    was_rolled_back: bool = False
    new_build: str = ""
    sample_age_seconds: float | None = None
    recent: ArmCount = field(default_factory=ArmCount)
    undecided: int = 0
    health: Health | None = None
    critical_seconds: Mapping[str, float] = field(default_factory=dict)
    imported_matched: int = 0
    imported_mismatched: int = 0
    cleanup: Cleanup = field(default_factory=Cleanup)

    @property
    def counted(self) -> StepCount:
        """What was counted at the present share."""
        return self.tally.of_step(self.step)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for a row."""
        found: dict[str, Any] = _adapter(Evidence).dump_python(self, mode="json")
        return found

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Evidence:
        """Return the evidence that ``as_json`` gave; raises ValueError for anything else."""
        found: Evidence = _adapter(Evidence).validate_python(kept)
        return found


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def tally_as_json(tally: Tally) -> dict[str, Any]:
    """Return plain values for a row."""
    found: dict[str, Any] = _adapter(Tally).dump_python(tally, mode="json")
    return found


def tally_from_json(kept: Mapping[str, Any]) -> Tally:
    """Return the tally that ``tally_as_json`` gave; an empty row is an empty tally."""
    return _adapter(Tally).validate_python(kept) if kept else Tally()


def baseline_as_json(baseline: Baseline) -> dict[str, Any]:
    """Return plain values for a row."""
    found: dict[str, Any] = _adapter(Baseline).dump_python(baseline, mode="json")
    return found


def baseline_from_json(kept: Mapping[str, Any] | None) -> Baseline | None:
    """Return the baseline that ``baseline_as_json`` gave; None where none was frozen."""
    return _adapter(Baseline).validate_python(kept) if kept else None
