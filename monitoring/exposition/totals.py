"""What was counted from the first sample to the newest one: it only grows.

Samples are kept for hours and days for ever, so a total is put together from all levels: whole
days, then the whole shorter rollups behind them, then the samples behind those.  A rollup is whole
when a newer one of its level is there; from then on it does not change.  So each sample is in
exactly one part, also while rollups are made or samples removed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Max

from monitoring.metrics.histograms import Histogram, from_json
from monitoring.metrics.rollups import (
    DAY,
    LEVELS,
    Part,
    part_of_rollup,
    part_of_sample,
    put_together,
)
from monitoring.models import MetricRollup, MetricSample

BEGINNING: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of counters, and merged histograms, by the keys of samples; since the first one."""

    samples: int
    missed: int
    sums: Mapping[str, float]
    histograms: Mapping[str, Histogram]


def totals() -> Totals | None:
    """Return what was counted so far, None before the first sample."""
    parts: list[Part] = []
    since = BEGINNING
    for level in sorted(LEVELS, reverse=True):
        rows = MetricRollup.objects.filter(resolution_seconds=level, at__gte=since)
        newest = rows.aggregate(at=Max("at"))["at"]
        if newest is None:
            continue
        if level == DAY:
            parts += _days.before(newest)
        else:
            parts += map(part_of_rollup, rows.filter(at__lt=newest))
        since = newest
    parts += map(part_of_sample, MetricSample.objects.filter(at__gt=since))
    return _summed(parts) if parts else None


class _Days:
    """The whole days as one part, kept: once a day one more is added to it."""

    def __init__(self) -> None:
        # threads may both add the same day to the same part; they never add it twice
        self._known: tuple[datetime, tuple[Part, ...]] = (BEGINNING, ())

    def before(self, newest: datetime) -> tuple[Part, ...]:
        """Return the days before ``newest``, the one that may still grow."""
        until, parts = self._known
        if newest < until:  # this is another database than before
            until, parts = BEGINNING, ()
        if newest > until:
            rows = MetricRollup.objects.filter(resolution_seconds=DAY, at__gte=until, at__lt=newest)
            more = map(part_of_rollup, rows.iterator(chunk_size=100))
            found = [*parts, *more]
            parts = (put_together(found),) if found else ()
            self._known = (newest, parts)
        return parts

    def forget(self) -> None:
        """Read all days anew."""
        self._known = (BEGINNING, ())


_days = _Days()


def forget() -> None:
    """Forget the days that were read.  For tests."""
    _days.forget()


def _summed(parts: Iterable[Part]) -> Totals:
    whole = put_together(parts)
    return Totals(
        samples=whole.samples,
        missed=whole.missed,
        sums={key: each[1] for key, each in whole.values.items()},
        histograms={key: from_json(each) for key, each in whole.histograms.items()},
    )
