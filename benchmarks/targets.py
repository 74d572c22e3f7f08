"""What the product is to reach in speed and memory, and the verdict over a result."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.figures import (
    Quantity,
    Spread,
    lines,
    of_variant,
    speed_ratio,
    spread,
)
from benchmarks.results import Run
from benchmarks.series import CONNECTIONS, GIGABYTE, LARGE, SLOW, SMALL
from benchmarks.sizes import parse_size_bytes

Verdict = Literal["aim reached", "must reached", "missed", "not measured"]
Figure = Callable[[Sequence[Run]], float | None]


@dataclass(frozen=True, slots=True)
class Target:
    """One row of the table: ``value`` is in ``unit``, None where nothing was measured."""

    name: str
    unit: str
    must: float
    aim: float
    value: Figure
    more_is_better: bool = False

    def judge(self, runs: Sequence[Run]) -> tuple[float | None, Verdict]:
        """Return the figure and whether it is good enough."""
        value = self.value(runs)
        if value is None:
            return None, "not measured"
        if self._reaches(value, self.aim):
            return value, "aim reached"
        return value, "must reached" if self._reaches(value, self.must) else "missed"

    def _reaches(self, value: float, limit: float) -> bool:
        return value >= limit if self.more_is_better else value <= limit


def _ratio(variant: str, peer: str) -> Figure:
    return lambda runs: _median(speed_ratio(runs, LARGE, variant, peer))


def _seconds(series: str, variant: str, size: str) -> Figure:
    return lambda runs: _median(
        spread(of_variant(runs, series, variant, parse_size_bytes(size)), "wall_seconds")
    )


def _per_gigabyte(variant: str, quantity: Quantity) -> Figure:
    return lambda runs: _median(
        Spread.of(
            line.slope_per_byte * 1e9 for line in lines(runs, LARGE, variant, quantity).values()
        )
    )


def _peak_mebibytes(series: str, subject: str, amount: int) -> Figure:
    """Return the highest peak of any run, verified or not."""

    def value(runs: Sequence[Run]) -> float | None:
        variants = (subject, f"{subject} --no-verify")
        found = [run for variant in variants for run in of_variant(runs, series, variant, amount)]
        peaks = spread(found, "peak_rss_bytes")
        return None if peaks is None else peaks.highest / 2**20

    return value


def _megabytes_per_second(series: str, variant: str, size: str) -> Figure:
    seconds, size_bytes = _seconds(series, variant, size), parse_size_bytes(size)

    def value(runs: Sequence[Run]) -> float | None:
        found = seconds(runs)
        return found and size_bytes / 1e6 / found

    return value


def _median(found: Spread | None) -> float | None:
    return None if found is None else found.median


_FAST = "scanning --no-verify"

TARGETS = (
    Target(f"{_FAST}, against editcap", "x", 0.5, 1.0, _ratio(_FAST, "editcap"), True),
    Target(
        f"{_FAST}, against editcap + sync", "x", 0.5, 1.0, _ratio(_FAST, "editcap + sync"), True
    ),
    Target("scanning, against editcap", "x", 0.25, 0.5, _ratio("scanning", "editcap"), True),
    Target(
        "scanning, against editcap + sync",
        "x",
        0.25,
        0.5,
        _ratio("scanning", "editcap + sync"),
        True,
    ),
    Target(f"{_FAST}, against cp", "x", 0.25, 0.5, _ratio(_FAST, "cp"), True),
    Target(f"{_FAST}, against cp + sync", "x", 0.25, 0.5, _ratio(_FAST, "cp + sync"), True),
    Target("scanning, whole command, 1 kB", "s", 1.0, 0.7, _seconds(SMALL, "scanning", "1kB")),
    Target("scanning, whole command, 50 MB", "s", 1.3, 0.9, _seconds(SMALL, "scanning", "50MB")),
    Target(f"{_FAST}, CPU per GB", "s", 2.5, 1.3, _per_gigabyte(_FAST, "cpu_seconds")),
    Target("scanning, CPU per GB", "s", 2.5, 1.3, _per_gigabyte("scanning", "cpu_seconds")),
    Target(
        "scanning, peak memory, 1 GB", "MiB", 300, 190, _peak_mebibytes(GIGABYTE, "scanning", 10**9)
    ),
    Target(
        "scanning, peak memory, one million connections",
        "MiB",
        600,
        300,
        _peak_mebibytes(CONNECTIONS, "scanning", 10**6),
    ),
    Target(
        "legacy, whole command, 50 MB",
        "MB/s",
        2,
        5,
        _megabytes_per_second(SLOW, "legacy", "50MB"),
        True,
    ),
)
