"""Two rules that others use, on the same runs: what they would have done, and when.

They see every run of either strategy, served or compared, as it ends, and change nothing.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from migration.decision import Decision, Situation
from migration.simulation.ended import Ended

NEWEST_RUNS: Final = 100
LEAST_RUNS: Final = 20
TIMES: Final = 2.0
# the upper 5 % point of the normal distribution
Z_LIMIT: Final = 1.6448536269514722


class Watcher:
    """Who is told of all that ends, of every tick, and of every decision."""

    def saw(self, batch: Sequence[Ended]) -> None:
        """Take note of runs and comparisons, in the order in which they end."""

    def tick(self, now: float) -> None:
        """Look; ``now`` is in seconds since the start."""

    def decided(self, situation: Situation, decision: Decision) -> None:
        """Take note of a decision and what it went by."""


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


class Rival(Watcher, ABC):
    """A rule that would roll back at ``fired_at``.  Times are in seconds since the start.

    ``runs_since_shown`` are runs of treatment from the first one on that shows the fault.
    """

    name: ClassVar[str]

    def __init__(self) -> None:
        self.fired_at: float | None = None
        self.shown_at: float | None = None
        self.runs_since_shown = 0
        self.control, self.treatment = Arm(), Arm()

    @property
    def is_false_alarm(self) -> bool:
        """Tell whether it fired before the fault showed."""
        return self.fired_at is not None and self.shown_at is None

    @property
    def detection_seconds(self) -> float | None:
        """How long after the first run that shows the fault it fired."""
        if self.fired_at is None or self.shown_at is None:
            return None
        return self.fired_at - self.shown_at

    def saw(self, batch: Sequence[Ended]) -> None:
        """Take note of runs and comparisons, until it has fired."""
        for each in batch:
            if self.fired_at is not None:
                return
            for on_treatment, failed in runs_of(each):
                if not on_treatment:
                    self.control.add(failed)
                    continue
                if each.shows:
                    self.shown_at = min(each.began, self.shown_at or each.began)
                self.runs_since_shown += self.shown_at is not None
                self.treatment.add(failed)
                self.after_treatment(each.at, failed)

    @abstractmethod
    def after_treatment(self, at: float, failed: bool) -> None:
        """Look after a run of treatment."""


class FixedThreshold(Rival):
    """Roll back when treatment's newest 100 runs fail more than twice as often as control's.

    Looked at after every run of treatment, from 20 runs of treatment and of control on.  The rate
    of control is that of all of its runs so far, which is steadier than that of its newest 100.
    """

    name = "fixed threshold"

    def __init__(self) -> None:
        super().__init__()
        self._newest: deque[bool] = deque(maxlen=NEWEST_RUNS)

    def after_treatment(self, at: float, failed: bool) -> None:
        """Look."""
        newest = self._newest
        newest.append(failed)
        if min(len(newest), self.control.runs) < LEAST_RUNS:
            return
        if sum(newest) / len(newest) > TIMES * self.control.rate:
            self.fired_at = at


class RepeatedTest(Rival):
    """Roll back when a one-sided test of two proportions is significant at 5 %, at any tick.

    All runs since the start count; the rate under H0 is that of both together.
    """

    name = "repeated z-test"

    def after_treatment(self, at: float, failed: bool) -> None:
        """Nothing: it looks at ticks."""

    def tick(self, now: float) -> None:
        """Look."""
        if self.fired_at is None and self.z() > Z_LIMIT:
            self.fired_at = now

    def z(self) -> float:
        """Return the difference of both rates in its standard errors; 0 where there is none."""
        control, treatment = self.control, self.treatment
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
