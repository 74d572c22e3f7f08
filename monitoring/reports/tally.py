"""What the runs of a period come to: sums, times and steps, of each arm.  Pure.

The definitions are those of the samples: an arm has the work that its strategy did, times and bytes
are of runs with a result, and only a failure of the strategy counts as failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitoring.metrics.histograms import Histogram, of_values
from monitoring.reports.periods import Steps
from trimming.blame import kind_of
from trimming.choices import Blame, OutcomeKind, RunOutcome
from trimming.routing import CONTROL
from trimming.routing_choices import Arm

# so many values are put into a histogram at once
CHUNK = 10_000


class Ended(NamedTuple):
    """One run that ended; the columns of its row that are looked at."""

    strategy: str
    outcome: str
    blame: str
    finished_at: datetime
    duration_ms: float | None
    input_bytes: int
    messages: int | None
    masked_bytes: int | None
    failed_on: str


class Times:
    """Times in ms as a histogram, whatever their number."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._zeros = 0
        self._waiting: list[float] = []

    def add(self, value: float) -> None:
        """Count one."""
        self._waiting.append(value)
        if len(self._waiting) >= CHUNK:
            self._count()

    def histogram(self) -> Histogram:
        """Return all of them."""
        self._count()
        return Histogram(dict(self._counts), self._zeros)

    def _count(self) -> None:
        found = of_values(self._waiting)
        self._counts.update(found.counts)
        self._zeros += found.zeros
        self._waiting = []


@dataclass(slots=True)
class ArmSums:
    """What one arm did; ``step_bytes`` by the steps of the charts."""

    step_bytes: list[float]
    succeeded: int = 0
    failed: int = 0
    input_bytes: int = 0
    masked_bytes: int = 0
    messages: int = 0
    message_ms: Times = field(default_factory=Times)


@dataclass(slots=True)
class DaySums:
    """What ended on one day."""

    succeeded: int = 0
    failed: int = 0
    input_bytes: int = 0


@dataclass(slots=True)
class Tally:
    """All of it."""

    arms: dict[Arm, ArmSums]
    days: dict[date, DaySums]
    kinds: Counter[OutcomeKind] = field(default_factory=Counter)
    fallbacks: int = 0
    unverified: int = 0

    @property
    def ended(self) -> int:
        """How many runs ended, however."""
        return self.kinds.total()

    def total(self, name: str) -> int:
        """Return a sum of both arms."""
        return sum(getattr(each, name) for each in self.arms.values())


def tally_of(runs: Iterable[Ended], steps: Steps, days: Iterable[date], zone: ZoneInfo) -> Tally:
    """Return what ``runs`` come to, which ended within ``steps`` on one of ``days``."""
    found = Tally(
        arms={arm: ArmSums([0.0] * steps.size) for arm in (Arm.CONTROL, Arm.TREATMENT)},
        days={day: DaySums() for day in days},
    )
    for run in runs:
        kind = kind_of(RunOutcome(run.outcome), Blame(run.blame) if run.blame else None)
        found.kinds[kind] += 1
        found.unverified += run.outcome == RunOutcome.UNVERIFIED
        arm = found.arms[Arm.CONTROL if run.strategy == CONTROL else Arm.TREATMENT]
        day = found.days[run.finished_at.astimezone(zone).date()]
        if kind is OutcomeKind.STRATEGY_FAILURE:
            arm.failed += 1
            day.failed += 1
        elif kind is OutcomeKind.SUCCEEDED:
            arm.succeeded += 1
            arm.input_bytes += run.input_bytes
            arm.masked_bytes += run.masked_bytes or 0
            arm.messages += run.messages or 0
            arm.step_bytes[steps.number(run.finished_at)] += run.input_bytes
            if run.duration_ms is not None:
                arm.message_ms.add(run.duration_ms / max(1, run.messages or 0))
            day.succeeded += 1
            day.input_bytes += run.input_bytes
            found.fallbacks += bool(run.failed_on) and run.strategy != run.failed_on
    return found
