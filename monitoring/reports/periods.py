"""The days, weeks and months that reports are about, by the clock of a time zone.  Pure.

A period is half-open and begins where its first day does: at midnight, or at the first moment of
the day where the clock skips midnight.  So a day has 23, 24 or 25 hours, and one that a zone has
skipped as a whole has none and no report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from monitoring.reports.choices import ReportKind

ONE_DAY: Final = timedelta(days=1)
# what ended in a period is stored, and rolled up, so soon after it
LAG: Final = timedelta(minutes=5)
HOUR_SECONDS: Final = 3600
# one point of a chart, so that each kind has some dozens of them
STEP_SECONDS: Final = {
    ReportKind.DAY: HOUR_SECONDS,
    ReportKind.WEEK: 3 * HOUR_SECONDS,
    ReportKind.MONTH: 12 * HOUR_SECONDS,
}


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day, and before the day ``after``, of a zone."""

    kind: ReportKind
    zone: ZoneInfo
    first: date
    after: date

    @property
    def begin(self) -> datetime:
        """The first moment, in UTC."""
        return day_begin(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment behind it, in UTC."""
        return day_begin(self.after, self.zone)

    def due_at(self, hour: int) -> datetime:
        """Return when its report is made, in UTC: at that hour of the day behind it."""
        return _moment(self.after, time(hour), self.zone) + LAG

    def days(self) -> Iterator[Period]:
        """Give its days; those that the zone has skipped are not there."""
        day = self.first
        while day < self.after:
            found = Period(ReportKind.DAY, self.zone, day, day + ONE_DAY)
            if found.begin < found.end:
                yield found
            day += ONE_DAY


@dataclass(frozen=True, slots=True)
class Steps:
    """Equal steps from ``begin`` on; the last one is up to half a step shorter or longer."""

    begin: datetime
    end: datetime
    seconds: int

    @property
    def size(self) -> int:
        """How many there are."""
        seconds = (self.end - self.begin).total_seconds()
        return max(1, round(seconds / self.seconds)) if seconds > 0 else 0

    @property
    def hours(self) -> int:
        """How many hours a step has."""
        return self.seconds // HOUR_SECONDS

    def number(self, at: datetime) -> int:
        """Return the step in which a moment lies."""
        return min(self.size - 1, int((at - self.begin).total_seconds() // self.seconds))

    def lengths(self) -> list[float]:
        """Return how many seconds each step has."""
        if not self.size:
            return []
        whole = (self.end - self.begin).total_seconds()
        equal = self.size - 1
        return [*(float(self.seconds) for _ in range(equal)), whole - equal * self.seconds]


def day_begin(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a day, in UTC."""
    return _moment(day, time(), zone)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    # a time that the clock skips is taken by the offset before it, which gives the moment of the
    # skip; of one that it shows twice the first is meant
    return datetime.combine(day, at, zone).astimezone(UTC)


def period_of(kind: ReportKind, at: datetime, zone: ZoneInfo) -> Period:
    """Return the period in which a moment lies.  Weeks begin on Monday."""
    return starting(kind, _first_day(kind, at.astimezone(zone).date()), zone)


def starting(kind: ReportKind, first: date, zone: ZoneInfo) -> Period:
    """Return the period whose first day it is."""
    return Period(kind, zone, first, _next_first(kind, first))


def before(period: Period) -> Period:
    """Return the period just before."""
    first = _first_day(period.kind, period.first - ONE_DAY)
    return Period(period.kind, period.zone, first, period.first)


def due(
    kind: ReportKind, zone: ZoneInfo, hour: int, now: datetime, since: datetime
) -> list[Period]:
    """Return the periods whose reports must be there at ``now``, the oldest first.

    Those that ended at ``since`` or before are not looked for.
    """
    found: list[Period] = []
    period = before(period_of(kind, now, zone))
    while period.end > since:
        if period.begin < period.end and period.due_at(hour) <= now:
            found.append(period)
        period = before(period)
    return found[::-1]


def steps_of(kind: ReportKind, begin: datetime, end: datetime) -> Steps:
    """Return the steps of the charts of a report."""
    return Steps(begin, end, STEP_SECONDS[kind])


def _first_day(kind: ReportKind, day: date) -> date:
    if kind is ReportKind.MONTH:
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if kind is ReportKind.WEEK else day


def _next_first(kind: ReportKind, first: date) -> date:
    if kind is ReportKind.MONTH:
        return (first + timedelta(days=31)).replace(day=1)
    return first + (timedelta(days=7) if kind is ReportKind.WEEK else ONE_DAY)
