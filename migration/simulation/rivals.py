"""Two rules that others use, on the same runs: what they would have done, and when.

They see every run of either strategy, served or compared, as it ends, and change nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from migration.simulation.ended import Ended

NEWEST_RUNS: Final = 100
LEAST_RUNS: Final = 20
TIMES: Final = 2.0
# the upper 5 % point of the normal distribution
Z_LIMIT: Final = 1.6448536269514722


class Watcher(Protocol):
    """Who is told of all that ends, and of every tick."""

    def saw(self, each: Ended) -> None:
        """Take note of a run or a comparison."""

    def tick(self, now: float) -> None:
        """Look; ``now`` is in seconds since the start."""


class Rival(Protocol):
    """A rule that would roll back at ``fired_at``, in seconds since the start."""

    name: str
    fired_at: float | None


@dataclass(slots=True)
class Arm:
    """Runs of one strategy."""

    runs: int = 0
    failed: int = 0

    def add(self, failed: bool) -> None:
        """Add a run."""
        self.runs += 1
        self.failed += failed

    @property
    def rate(self) -> float:
        """The share that failed; 0 without runs."""
        return self.failed / self.runs if self.runs else 0.0


class FixedThreshold:
    """Roll back when treatment's newest 100 runs fail more than twice as often as control's.

    Looked at after every run of treatment, from 20 runs of treatment and of control on.  The rate
    of control is that of all of its runs so far, which is steadier than that of its newest 100.
    """

    name = "fixed threshold"

    def __init__(self) -> None:
        self.fired_at: float | None = None
        self._newest: deque[bool] = deque(maxlen=NEWEST_RUNS)
        self._control = Arm()

    def saw(self, each: Ended) -> None:
        """Take note, and look after a run of treatment."""
        for on_treatment, failed in runs_of(each):
            if not on_treatment:
                self._control.add(failed)
                continue
            self._newest.append(failed)
            if self.fired_at is None and self._is_over():
                self.fired_at = each.at

    def tick(self, now: float) -> None:
        """Nothing: it looks after every run."""

    def _is_over(self) -> bool:
        n = len(self._newest)
        if min(n, self._control.runs) < LEAST_RUNS:
            return False
        return sum(self._newest) / n > TIMES * self._control.rate


class RepeatedTest:
    """Roll back when a one-sided test of two proportions is significant at 5 %, at any tick.

    All runs since the start count; the rate under H0 is that of both together.
    """

    name = "repeated z-test"

    def __init__(self) -> None:
        self.fired_at: float | None = None
        self._control, self._treatment = Arm(), Arm()

    def saw(self, each: Ended) -> None:
        """Take note."""
        for on_treatment, failed in runs_of(each):
            (self._treatment if on_treatment else self._control).add(failed)

    def tick(self, now: float) -> None:
        """Look."""
        if self.fired_at is None and self.z() > Z_LIMIT:
            self.fired_at = now

    def z(self) -> float:
        """Return the difference of both rates in its standard errors; 0 where there is none."""
        control, treatment = self._control, self._treatment
        if not (control.runs and treatment.runs):
            return 0.0
        both = (control.failed + treatment.failed) / (control.runs + treatment.runs)
        error = math.sqrt(both * (1 - both) * (1 / control.runs + 1 / treatment.runs))
        return (treatment.rate - control.rate) / error if error else 0.0


def runs_of(each: Ended) -> Sequence[tuple[bool, bool]]:
    """Return the runs in what ended: whether on treatment, and whether it failed."""
    if each.run is not None:
        return ((each.on_treatment, each.run.failed),)
    if each.pair is not None:
        return ((False, each.pair.control_failed), (True, each.pair.treatment_failed))
    return ()
