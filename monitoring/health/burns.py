"""Failed and ended runs of the windows of burn rates: rollups where they are whole, then samples.

The newest rollup may have been made before its span was over, so what lies in it is read from the
finer level.  How far that goes back is limited: rollups that were not made for long make the count
of a long window too low, and a check never slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from django.db.models.fields.json import KeyTransform

from monitoring.health.rules import BURN_WINDOWS
from monitoring.metrics.rollups import HOUR, MINUTE, span_of
from monitoring.models import MetricRollup, MetricSample

KEYS: Final = tuple(
    f"{name}:{arm}"
    for name in ("runs_failed", "runs_succeeded")
    for arm in ("control", "treatment")
)
# windows up to the first are read from samples alone, up to the second without rollups of hours;
# both are how far back that level is read where the coarser one is missing
OF_SAMPLES: Final = timedelta(minutes=30)
MOST_OF_SAMPLES: Final = timedelta(hours=1)
OF_MINUTES: Final = timedelta(hours=6)
_NEVER: Final = datetime.fromtimestamp(0, UTC)


class Count(NamedTuple):
    """Runs that ended; ``at`` is the tick of a sample, or the first moment of a rollup."""

    at: datetime
    failed: float
    ended: float


class Levels(NamedTuple):
    """Counts by level.  Rollups before ``minutes_from`` are of hours, then of minutes until
    ``samples_from``, and samples after it."""

    hours: tuple[Count, ...]
    minutes: tuple[Count, ...]
    samples: tuple[Count, ...]
    minutes_from: datetime
    samples_from: datetime


def burns(now: datetime) -> Mapping[int, tuple[int, int]]:
    """Return seconds of a window to its failed and its ended runs; nothing when none ended."""
    levels = _read(now)
    found = {
        seconds: in_window(levels, now, timedelta(seconds=seconds)) for seconds in BURN_WINDOWS
    }
    return found if any(ended for _, ended in found.values()) else {}


def in_window(levels: Levels, now: datetime, window: timedelta) -> tuple[int, int]:
    """Return failed and ended runs of the window before ``now``; rollups count when they touch it.

    Each run is in one level only.
    """
    start = now - window
    if window <= OF_SAMPLES:
        return _total(each for each in levels.samples if each.at > start)
    recent = [each for each in levels.samples if each.at > max(start, levels.samples_from)]
    # a rollup that begins before the window lies partly in it
    first_minute = span_of(start, MINUTE).start
    if window <= OF_MINUTES:
        whole = [each for each in levels.minutes if each.at >= first_minute]
        return _total([*whole, *recent])
    first_hour = span_of(start, HOUR).start
    hours = [each for each in levels.hours if each.at >= first_hour]
    whole = [each for each in levels.minutes if each.at >= levels.minutes_from]
    return _total([*hours, *whole, *recent])


def _total(counts: Iterable[Count]) -> tuple[int, int]:
    found = list(counts)
    return round(sum(each.failed for each in found)), round(sum(each.ended for each in found))


def _read(now: datetime) -> Levels:
    longest = timedelta(seconds=max(BURN_WINDOWS))
    samples_from = max(_newest(MINUTE), span_of(now - MOST_OF_SAMPLES, MINUTE).start)
    minutes_from = max(_newest(HOUR), span_of(now - OF_MINUTES, HOUR).start)
    minutes = _rollups(MINUTE, min(minutes_from, span_of(now - OF_MINUTES, MINUTE).start))
    hours = _rollups(HOUR, span_of(now - longest, HOUR).start)
    return Levels(
        hours=tuple(each for each in hours if each.at < minutes_from),
        minutes=tuple(each for each in minutes if each.at < samples_from),
        samples=_samples(min(samples_from, now - OF_SAMPLES)),
        minutes_from=minutes_from,
        samples_from=samples_from,
    )


def _newest(level: int) -> datetime:
    rows = MetricRollup.objects.filter(resolution_seconds=level).order_by("-at")
    return rows.values_list("at", flat=True).first() or _NEVER


def _samples(since: datetime) -> tuple[Count, ...]:
    rows = MetricSample.objects.filter(at__gt=since).order_by("at")
    columns = (KeyTransform(key, "values") for key in KEYS)
    return tuple(
        _count(at, [each or 0.0 for each in found])
        for at, *found in rows.values_list("at", *columns)
    )


def _rollups(level: int, since: datetime) -> tuple[Count, ...]:
    rows = MetricRollup.objects.filter(resolution_seconds=level, at__gte=since).order_by("at")
    columns = (KeyTransform(key, "values") for key in KEYS)
    return tuple(
        # a rollup keeps count, sum, least and most
        _count(at, [each[1] if each else 0.0 for each in found])
        for at, *found in rows.values_list("at", *columns)
    )


def _count(at: datetime, found: list[float]) -> Count:
    failed = found[0] + found[1]
    return Count(at, failed, failed + found[2] + found[3])
