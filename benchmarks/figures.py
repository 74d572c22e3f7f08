"""Figures of a result: medians, slopes between two sizes, and ratios to a peer.

A slope is taken in each round by itself, and so is a ratio, between runs that stood beside each
other; the median over the rounds counts. Runs that failed count nowhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, Self

from benchmarks.results import Run

Quantity = Literal["wall_seconds", "cpu_seconds", "peak_rss_bytes"]


@dataclass(frozen=True, slots=True)
class Spread:
    """The median over the rounds, with the ends of the range."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self | None:
        """Return the spread of the values, None when there are none."""
        found = sorted(values)
        return cls(median(found), found[0], found[-1]) if found else None


@dataclass(frozen=True, slots=True)
class Line:
    """What a quantity is between the smallest and the largest capture of a series in one round."""

    slope_per_byte: float
    at_nothing: float


def of_variant(
    runs: Iterable[Run], series: str, variant: str, amount: int | None = None
) -> list[Run]:
    """Return the runs that passed of one variant in a series, on one capture or on all."""
    return [
        run
        for run in runs
        if (run.series, run.variant) == (series, variant)
        and run.passed
        and (amount is None or run.amount == amount)
    ]


def spread(runs: Iterable[Run], quantity: Quantity) -> Spread | None:
    """Return the spread of a quantity over the runs."""
    return Spread.of(getattr(run, quantity) for run in runs)


def lines(
    runs: Iterable[Run], series: str, variant: str, quantity: Quantity = "wall_seconds"
) -> dict[int, Line]:
    """Return the line of each round that has runs of the variant on two captures or more."""
    rounds: dict[int, list[Run]] = {}
    for run in of_variant(runs, series, variant):
        rounds.setdefault(run.round_number, []).append(run)
    found = {}
    for round_number, round_runs in rounds.items():
        small = min(round_runs, key=lambda run: run.input_bytes)
        large = max(round_runs, key=lambda run: run.input_bytes)
        more_bytes = large.input_bytes - small.input_bytes
        if more_bytes == 0:
            continue
        start: float = getattr(small, quantity)
        slope = (getattr(large, quantity) - start) / more_bytes
        found[round_number] = Line(slope, start - slope * small.input_bytes)
    return found


def throughput(runs: Iterable[Run], series: str, variant: str) -> Spread | None:
    """Return bytes per second by the slope; a round whose slope noise has hidden is left out."""
    slopes = [line.slope_per_byte for line in lines(runs, series, variant).values()]
    return Spread.of(1 / slope for slope in slopes if slope > 0)


def speed_ratio(runs: Sequence[Run], series: str, variant: str, peer: str) -> Spread | None:
    """Return how many times as fast as the peer a variant is, by the slopes of each round."""
    own, others = lines(runs, series, variant), lines(runs, series, peer)
    return Spread.of(
        others[number].slope_per_byte / own[number].slope_per_byte
        for number in own.keys() & others.keys()
        if own[number].slope_per_byte > 0 and others[number].slope_per_byte > 0
    )


def growth(runs: Sequence[Run], series: str, variant: str) -> list[tuple[int, int, float]]:
    """Return (from, to, seconds per further unit of amount) between neighbouring captures.

    It is taken from the medians; where time is linear, all steps cost the same.
    """
    found = of_variant(runs, series, variant)
    amounts = sorted({run.amount for run in found})
    seconds = [
        median(run.wall_seconds for run in found if run.amount == amount) for amount in amounts
    ]
    return [
        (amounts[i - 1], amounts[i], (seconds[i] - seconds[i - 1]) / (amounts[i] - amounts[i - 1]))
        for i in range(1, len(amounts))
    ]
