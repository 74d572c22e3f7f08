"""Rollups: samples of a minute up to a day as one row each.  Any order, any number of times.

A rollup is made anew from the finer level whenever that has rows that it may lack, so a process
that is killed in between costs time only.  Each level is kept for its own time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final, NamedTuple

from django.db.models import Max, QuerySet

from monitoring.conf import metrics_settings
from monitoring.metrics.histograms import from_json, merge
from monitoring.models import (
    CountedRun,
    CountedShadow,
    HealthReport,
    MetricRollup,
    MetricSample,
)

MINUTE: Final = 60
FIVE_MINUTES: Final = 5 * MINUTE
HOUR: Final = 3600
FOUR_HOURS: Final = 4 * HOUR
DAY: Final = 86_400
# each level is made of the one before it; None is the samples themselves
LEVELS: Final[Mapping[int, int | None]] = {
    MINUTE: None,
    FIVE_MINUTES: MINUTE,
    HOUR: FIVE_MINUTES,
    FOUR_HOURS: HOUR,
    DAY: FOUR_HOURS,
}
# so many rollups are made in one go, so that a long backlog does not hold up anything
AT_ONCE: Final = 500


class Part(NamedTuple):
    """What is put together: a sample, or a rollup of the finer level."""

    at: datetime
    samples: int
    missed: int
    covers_seconds: float
    values: Mapping[str, Sequence[float]]  # key: count, sum, least, most
    histograms: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Span:
    """A rollup's time, half-open."""

    start: datetime
    seconds: int

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return self.start + timedelta(seconds=self.seconds)


def span_of(at: datetime, seconds: int) -> Span:
    """Return the span of that length, in UTC, in which ``at`` lies."""
    begin = math.floor(at.timestamp() / seconds) * seconds
    return Span(datetime.fromtimestamp(begin, UTC), seconds)


def put_together(parts: Iterable[Part]) -> Part:
    """Return parts as one; raises ValueError when there are none.  The order does not matter."""
    found = list(parts)
    if not found:
        raise ValueError("nothing to put together")
    values: dict[str, tuple[float, float, float, float]] = {}
    histograms: dict[str, list[Mapping[str, int]]] = {}
    for part in found:
        for key, (count, total, least, most) in part.values.items():
            before = values.get(key, (0, 0.0, math.inf, -math.inf))
            values[key] = (
                before[0] + count,
                before[1] + total,
                min(before[2], least),
                max(before[3], most),
            )
        for key, kept in part.histograms.items():
            histograms.setdefault(key, []).append(kept)
    return Part(
        at=min(part.at for part in found),
        samples=sum(part.samples for part in found),
        missed=sum(part.missed for part in found),
        covers_seconds=math.fsum(part.covers_seconds for part in found),
        values=values,
        histograms={
            key: merge(from_json(each) for each in kept).as_json()
            for key, kept in histograms.items()
        },
    )


def part_of_sample(sample: MetricSample) -> Part:
    """Return a sample as a part; what it is about ended at its tick."""
    values = {key: (1, each, each, each) for key, each in sample.values.items()}
    within = sample.at - timedelta(microseconds=1)
    return Part(within, 1, sample.missed, sample.covers_seconds, values, sample.histograms)


def part_of_rollup(rollup: MetricRollup) -> Part:
    """Return a rollup as a part."""
    return Part(
        rollup.at,
        rollup.samples,
        rollup.missed,
        rollup.covers_seconds,
        rollup.values,
        rollup.histograms,
    )


def roll_up(now: datetime) -> int:
    """Bring all levels up to date; return how many rollups were written."""
    return sum(_roll_up_level(level, now) for level in LEVELS)


def _roll_up_level(level: int, now: datetime) -> int:
    # the newest one may have been made before its span was over
    newest = MetricRollup.objects.filter(resolution_seconds=level).aggregate(at=Max("at"))["at"]
    written = 0
    for start, parts in groupby(
        _parts(LEVELS[level], newest, now), key=lambda part: span_of(part.at, level).start
    ):
        whole = put_together(parts)
        MetricRollup.objects.update_or_create(
            resolution_seconds=level,
            at=start,
            defaults={
                "samples": whole.samples,
                "missed": whole.missed,
                "covers_seconds": whole.covers_seconds,
                "values": whole.values,
                "histograms": whole.histograms,
            },
        )
        written += 1
        if written >= AT_ONCE:
            break
    return written


def _parts(finer: int | None, since: datetime | None, now: datetime) -> Iterable[Part]:
    since = datetime.fromtimestamp(0, UTC) if since is None else since
    if finer is None:
        samples = MetricSample.objects.filter(at__gt=since, at__lte=now).order_by("at")
        return (part_of_sample(each) for each in samples.iterator(chunk_size=500))
    rollups = MetricRollup.objects.filter(resolution_seconds=finer, at__gte=since, at__lte=now)
    return (part_of_rollup(each) for each in rollups.order_by("at").iterator(chunk_size=500))


def expired(now: datetime) -> Iterator[QuerySet[Any]]:
    """Yield the rows that were kept long enough, a query for each kind."""
    limits = metrics_settings()
    minutes, hours = limits.keep_minutes_days * DAY, limits.keep_hours_days * DAY
    kept = {MINUTE: minutes, FIVE_MINUTES: minutes, HOUR: hours, FOUR_HOURS: hours}
    samples_until = now - timedelta(seconds=limits.keep_samples_hours * HOUR)
    yield MetricSample.objects.filter(at__lt=samples_until)
    for level, seconds in kept.items():
        until = now - timedelta(seconds=seconds)
        yield MetricRollup.objects.filter(resolution_seconds=level, at__lt=until)
    reports = HealthReport.objects.filter(at__lt=now - timedelta(seconds=hours))
    yield reports.filter(alerts__isnull=True)


def prune(now: datetime) -> int:
    """Remove what was kept long enough; return how many rows went."""
    return sum(rows.delete()[0] for rows in expired(now))


def forget_counted(now: datetime) -> None:
    """Remove marks of runs that no sample would look for any more."""
    newest = MetricSample.objects.values_list("at", flat=True).first()
    if newest is None:
        return
    before = min(now, newest) - timedelta(hours=1)
    for model in (CountedRun, CountedShadow):
        model.objects.filter(at__lt=before).delete()
