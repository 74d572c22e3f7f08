"""When a limit would be met if what was measured lately goes on.  Pure.

The slope is the median of the slopes of all pairs (Theil 1950, Sen 1968): up to 29 % of the values
may be wild and it hardly moves.  Its interval comes with it, so a date comes with how early and how
late it may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

# fewer values say nothing of a direction
LEAST_VALUES: Final = 6
CONFIDENCE: Final = 0.9
HORIZON_DAYS: Final = 365.0
_DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Trend:
    """Where something goes: its level at ``at``, and by how much it changes in a day."""

    at: datetime
    level: float
    slope: float
    low: float
    high: float
    values: int


@dataclass(frozen=True, slots=True)
class Reach:
    """When a limit would be met; None is not within a year.  ``is_met`` is already."""

    limit: float
    is_met: bool
    at: datetime | None = None
    earliest: datetime | None = None
    latest: datetime | None = None


def trend_of(points: Sequence[tuple[datetime, float | None]], now: datetime) -> Trend | None:
    """Return the trend of what is known in ``points``; None where that is too little."""
    known = [(at, value) for at, value in points if value is not None]
    days = [(at - now).total_seconds() / _DAY_SECONDS for at, _ in known]
    if len(known) < LEAST_VALUES or min(days) == max(days):
        return None
    # costs half a second and a lot of memory, and only this page needs it
    from scipy.stats import theilslopes

    slope, intercept, low, high = theilslopes([value for _, value in known], days, CONFIDENCE)
    return Trend(now, float(intercept), float(slope), float(low), float(high), len(known))


def reach(trend: Trend, limit: float) -> Reach:
    """Return when a growing value would meet ``limit`` from below."""
    missing = limit - trend.level
    if missing <= 0:
        return Reach(limit, is_met=True)
    return Reach(
        limit,
        is_met=False,
        at=_date(trend, missing, trend.slope),
        earliest=_date(trend, missing, trend.high),
        latest=_date(trend, missing, trend.low),
    )


def _date(trend: Trend, missing: float, slope: float) -> datetime | None:
    if slope <= 0 or missing / slope > HORIZON_DAYS:
        return None
    return trend.at + timedelta(days=missing / slope)
