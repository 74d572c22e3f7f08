"""What was measured, as lines over time: rates, means and quantiles at equal steps.

A step without a sample, or without a value, is None: nothing is filled in.  Steps below a minute
are read from samples, others from the coarsest rollups that divide them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTransform

from monitoring.metrics.histograms import from_json, merge
from monitoring.metrics.registry import Kind, registry
from monitoring.metrics.rollups import DAY, FIVE_MINUTES, FOUR_HOURS, HOUR, LEVELS
from monitoring.models import MetricRollup, MetricSample

Values = list[float | None]
# so many values of a row are taken out one by one; of more the whole is read
FEW: Final = 16


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time up to now that can be looked at, in seconds."""

    name: str
    seconds: int
    step_seconds: int


PERIODS: Final[Mapping[str, Period]] = {
    each.name: each
    for each in (
        Period("1h", HOUR, 10),
        Period("24h", DAY, FIVE_MINUTES),
        Period("7d", 7 * DAY, HOUR),
        Period("30d", 30 * DAY, FOUR_HOURS),
    )
}


@dataclass(frozen=True, slots=True)
class Line:
    """One key over time.

    ``values`` are rates per second of a counter, means of a gauge, 95 % quantiles of a histogram;
    ``p50`` is of histograms only.  ``amounts`` are what was counted: the sum of a counter, the
    samples of a gauge, the values in a histogram.  ``whole`` is the same value of all of it, as
    ``amount`` is of all amounts.
    """

    values: Values
    amounts: Values
    whole: float | None
    amount: float | None
    p50: Values
    whole_p50: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Lines at the same steps; ``start`` is the first moment of the first step."""

    start: datetime
    step_seconds: int
    size: int
    lines: Mapping[str, Line]
    missed: int

    @property
    def times(self) -> list[datetime]:
        """The first moment of each step."""
        return [
            self.start + timedelta(seconds=number * self.step_seconds)
            for number in range(self.size)
        ]

    @property
    def is_empty(self) -> bool:
        """Whether there is no value at all."""
        return all(line.amount is None for line in self.lines.values())

    def tail(self, key: str, steps: int) -> float | None:
        """Return the mean of the values of the last ``steps`` steps, without gaps."""
        known = [each for each in self.lines[key].values[-steps:] if each is not None]
        return math.fsum(known) / len(known) if known else None


class _Row(NamedTuple):
    """What a sample or a rollup gives to its step; of each key how many values, and their sum."""

    step: int
    covers_seconds: float
    samples: int
    missed: int
    values: Mapping[str, Any]
    histograms: Mapping[str, Mapping[str, int]]


def series(keys: Iterable[str], start: datetime, end: datetime, step_seconds: int) -> Series:
    """Return the lines of ``keys`` from ``start`` to ``end``, in one query."""
    first = math.floor(start.timestamp() / step_seconds) * step_seconds
    size = max(0, math.ceil((end.timestamp() - first) / step_seconds))
    wanted = list(dict.fromkeys(keys))
    histograms = [key for key in wanted if _kind(key) is Kind.HISTOGRAM]
    numbers = [key for key in wanted if key not in histograms]
    level = level_of(step_seconds)
    start_of_first = datetime.fromtimestamp(first, UTC)
    if level is None:
        found = _samples(start_of_first, end, step_seconds, numbers, histograms)
    else:
        found = _rollups(level, start_of_first, end, step_seconds, numbers, histograms)
    rows = [row for row in found if row.step < size]
    lines = {key: _numbers(key, rows, size, is_sample=level is None) for key in numbers}
    lines |= {key: _quantiles(key, rows, size) for key in histograms}
    lines = {key: lines[key] for key in wanted}
    missed = sum(row.missed for row in rows)
    return Series(start_of_first, step_seconds, size, lines, missed)


def compare(keys: Iterable[str], period: Period, now: datetime) -> tuple[Series, Series]:
    """Return the series of ``period`` up to ``now``, and of as long a time before it.

    Both have the same steps, so that they can be laid over each other.
    """
    wanted = list(keys)
    step = period.step_seconds
    end = datetime.fromtimestamp(math.ceil(now.timestamp() / step) * step, UTC)
    span = timedelta(seconds=period.seconds)
    return (
        series(wanted, end - span, end, step),
        series(wanted, end - 2 * span, end - span, step),
    )


def level_of(step_seconds: int) -> int | None:
    """Return the coarsest rollups that ``step_seconds`` can be made of; None for samples."""
    fitting = [level for level in LEVELS if step_seconds % level == 0]
    return max(fitting) if fitting else None


def ratio(part: Line, rest: Line) -> Line:
    """Return the share of ``part`` in both, from 0 to 1; nothing where there was neither."""
    amounts: Values = [_sum(*pair) for pair in zip(part.amounts, rest.amounts, strict=True)]
    values: Values = [
        (mine or 0.0) / whole if whole else None
        for mine, whole in zip(part.amounts, amounts, strict=True)
    ]
    amount = _sum(part.amount, rest.amount)
    return Line(
        values=values,
        amounts=amounts,
        whole=(part.amount or 0.0) / amount if amount else None,
        amount=amount,
        p50=[],
    )


def _sum(first: float | None, second: float | None) -> float | None:
    known = [each for each in (first, second) if each is not None]
    return math.fsum(known) if known else None


def _kind(key: str) -> Kind:
    metric = registry.of_key(key)
    return Kind.GAUGE if metric is None else metric.kind


def _samples(
    start: datetime, end: datetime, step: int, numbers: Sequence[str], histograms: Sequence[str]
) -> Iterable[_Row]:
    rows = MetricSample.objects.filter(at__gt=start, at__lte=end).order_by("at")
    columns = ("at", "covers_seconds", "missed")
    for at, covers, missed, *found in _only(rows, columns, numbers, histograms):
        # what a sample is about ended at its tick
        number = math.ceil((at - start).total_seconds() / step) - 1
        yield _Row(number, covers, 1, missed, *_apart(found, numbers, histograms))


def _rollups(
    level: int,
    start: datetime,
    end: datetime,
    step: int,
    numbers: Sequence[str],
    histograms: Sequence[str],
) -> Iterable[_Row]:
    rows = MetricRollup.objects.filter(resolution_seconds=level, at__gte=start, at__lt=end)
    columns = ("at", "covers_seconds", "samples", "missed")
    for at, covers, samples, missed, *found in _only(
        rows.order_by("at"), columns, numbers, histograms
    ):
        number = math.floor((at - start).total_seconds() / step)
        yield _Row(number, covers, samples, missed, *_apart(found, numbers, histograms))


def _only(
    rows: QuerySet[Any], columns: Sequence[str], numbers: Sequence[str], histograms: Sequence[str]
) -> Iterable[tuple[Any, ...]]:
    """Let the database take out what is wanted: reading whole rows takes most of the time."""
    values: Sequence[Any] = ("values",)
    if len(numbers) <= FEW:
        values = [KeyTransform(key, "values") for key in numbers]
    parts = (KeyTransform(key, "histograms") for key in histograms)
    return rows.values_list(*columns, *values, *parts)


def _apart(
    found: Sequence[Any], numbers: Sequence[str], histograms: Sequence[str]
) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, int]]]:
    """Return the values and the histograms of what ``_only`` read."""
    if len(numbers) > FEW:
        return found[0], dict(zip(histograms, found[1:], strict=True))
    mine, rest = found[: len(numbers)], found[len(numbers) :]
    return dict(zip(numbers, mine, strict=True)), dict(zip(histograms, rest, strict=True))


def _numbers(key: str, rows: Sequence[_Row], size: int, *, is_sample: bool) -> Line:
    counts, sums, seconds = [0.0] * size, [0.0] * size, [0.0] * size
    for row in rows:
        found = row.values.get(key)
        if found is None:
            continue
        count, total = (1, found) if is_sample else (found[0], found[1])
        counts[row.step] += count
        sums[row.step] += total
        # a value may be missing from some of the samples
        seconds[row.step] += row.covers_seconds * count / row.samples
    is_counter = _kind(key) is Kind.COUNTER
    parts = seconds if is_counter else counts
    amounts = sums if is_counter else counts
    is_known = any(counts)
    return Line(
        values=[each / part if part else None for each, part in zip(sums, parts, strict=True)],
        amounts=[each if count else None for each, count in zip(amounts, counts, strict=True)],
        whole=math.fsum(sums) / math.fsum(parts) if any(parts) else None,
        amount=math.fsum(amounts) if is_known else None,
        p50=[],
    )


def _quantiles(key: str, rows: Sequence[_Row], size: int) -> Line:
    kept: list[dict[str, int]] = [{} for _ in range(size)]
    for row in rows:
        step = kept[row.step]
        for bucket, count in (row.histograms.get(key) or {}).items():
            step[bucket] = step.get(bucket, 0) + count
    steps = [from_json(each) for each in kept]
    whole = merge(steps)
    return Line(
        values=[each.quantile(0.95) for each in steps],
        amounts=[each.count or None for each in steps],
        whole=whole.quantile(0.95),
        amount=whole.count or None,
        p50=[each.quantile(0.5) for each in steps],
        whole_p50=whole.quantile(0.5),
    )
