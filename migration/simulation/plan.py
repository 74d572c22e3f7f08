"""What is to be simulated: traffic, fault, disturbance, and how long.  Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import numpy as np

from migration.conf import DAY, HOUR, RolloutLimits

Floats = np.ndarray[tuple[int], np.dtype[np.float64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Places = np.ndarray[tuple[int], np.dtype[np.int64]]

# any moment would do: no limit of a rollout depends on it by default
START: Final = datetime(2026, 1, 5, tzinfo=UTC)


class Fault(StrEnum):
    """What is wrong with treatment, or with the traffic, from a phase on."""

    NONE = "none"
    ERRORS = "errors"
    SLOW = "slow"
    LEAK = "leak"
    MISMATCH = "mismatch"
    HANG = "hang"
    NO_DATA = "no-data"


class Disturbance(StrEnum):
    """What is odd for a while and no fault of treatment."""

    NONE = "none"
    NIGHT = "night"
    NEIGHBOUR = "neighbour"
    RUBBISH = "rubbish"
    HOSTILE = "hostile"


USUAL_PER_HOUR: Final = 120.0
# how long each of them lasts; all begin two hours after the phase
DISTURBED_AFTER_SECONDS: Final = 2 * HOUR
DISTURBED_SECONDS: Final = {
    Disturbance.NONE: 0.0,
    Disturbance.NIGHT: 12 * HOUR,
    Disturbance.NEIGHBOUR: 6 * HOUR,
    Disturbance.RUBBISH: 6 * HOUR,
    Disturbance.HOSTILE: 6 * HOUR,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """One simulated rollout.  Shares and rates are from 0 to 1, phases from 1 to 5.

    ``disturbed_phase`` 0 disturbs every phase.  ``speedup``: so many times faster than control
    treatment is without a fault; 1 is an A/A test.  ``patience_days``: a rollout that is in one
    step for so much longer than its least time is taken for held (longer still at less than 120
    captures an hour, when runs come together slower); ``most_days`` is the end in any case.
    ``after_seconds``: so long it is watched after a rollback, whether anything of treatment is
    still published.
    ``is_every_run_looked_at`` decides after each single run; it is slower, and must not matter.
    ``is_fallback_use``: in phase 5 a fallback to legacy counts as use of it.
    """

    seed: int
    fault: Fault = Fault.NONE
    fault_phase: int = 2
    disturbance: Disturbance = Disturbance.NONE
    disturbed_phase: int = 0
    captures_per_hour: float = USUAL_PER_HOUR
    failure_rate: float = 0.01
    mismatch_rate: float = 0.0005
    speedup: float = 5.0
    error_share: float = 0.10
    slow_factor: float = 2.0
    leak_share: float = 0.01
    leaks_verified_share: float = 0.5
    mismatch_share: float = 0.05
    hang_share: float = 0.20
    deadline_seconds: float = 120.0
    neighbour_factor: float = 5.0
    rubbish_share: float = 0.9
    hostile_share: float = 0.5
    tick_seconds: float = 1200.0
    approval_seconds: float = HOUR
    drill_days: float = 7.0
    most_days: float = 60.0
    patience_days: float = 7.0
    after_seconds: float = HOUR
    is_every_run_looked_at: bool = False
    is_fallback_use: bool = False
    limits: RolloutLimits = field(default_factory=RolloutLimits)

    def is_disturbed(self, phase: int, seconds: Floats) -> Flags:
        """Tell when it is disturbed, of times in seconds after ``phase`` began."""
        since = seconds - DISTURBED_AFTER_SECONDS
        is_here = self.disturbed_phase in (0, phase)
        return (since >= 0) & (since < DISTURBED_SECONDS[self.disturbance] * is_here)

    def busy_until(self, phase: int, phase_since: float, now: float) -> float:
        """Return when the machine was busy the last time, in a phase that began then; else 0."""
        if self.disturbance is not Disturbance.NEIGHBOUR:
            return 0.0
        begin = phase_since + DISTURBED_AFTER_SECONDS * (self.disturbed_phase in (0, phase))
        end = begin + DISTURBED_SECONDS[self.disturbance] * (begin > phase_since)
        return min(now, end) if now >= begin else phase_since

    @property
    def hit_share(self) -> float:
        """The share of captures on which the fault shows, of those that it does not slow down."""
        shares = {
            Fault.ERRORS: self.error_share,
            Fault.LEAK: self.leak_share,
            Fault.MISMATCH: self.mismatch_share,
            Fault.HANG: self.hang_share,
        }
        return shares.get(self.fault, 0.0)

    @property
    def patience_seconds(self) -> float:
        """How much longer than its least time a step may take."""
        return self.patience_days * DAY * max(1.0, USUAL_PER_HOUR / self.captures_per_hour)

    @property
    def most_seconds(self) -> float:
        """When the simulation ends in any case."""
        return self.most_days * DAY
