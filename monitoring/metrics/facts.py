"""What samples are made of: runs and comparisons that came to their end, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trimming.choices import OutcomeKind
from trimming.routing import CONTROL
from trimming.routing_choices import Arm, LeakState, ShadowOutcome


@dataclass(frozen=True, slots=True)
class RunFact:
    """One attempt that ended.  Times in ms; ``waited_seconds`` from the wish to the end."""

    pk: int
    strategy: str
    kind: OutcomeKind
    is_verification_failure: bool
    is_fallback: bool
    finished_at: datetime
    duration_ms: float | None
    input_bytes: int
    messages: int
    masked_bytes: int
    waited_seconds: float | None

    @property
    def arm(self) -> Arm:
        """The arm whose strategy did the work, whoever sent it there."""
        return Arm.CONTROL if self.strategy == CONTROL else Arm.TREATMENT

    @property
    def ms_per_message(self) -> float | None:
        """Time for one HTTP message; a capture without one counts as if it had one."""
        return None if self.duration_ms is None else self.duration_ms / max(1, self.messages)


@dataclass(frozen=True, slots=True)
class ShadowFact:
    """One comparison that ended with an answer."""

    pk: str
    outcome: ShadowOutcome
    leak: LeakState
    disagreeing_bytes: int
    compared_bytes: int
