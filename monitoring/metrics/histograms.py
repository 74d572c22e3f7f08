"""Histograms that can be merged in any order, with quantiles within 1 % of the exact ones.  Pure.

The buckets grow by a constant factor, as in DDSketch (Masson, Rim and Lee, VLDB 2019,
arXiv 1908.10693): a value in bucket i lies in (GAMMA**(i-1), GAMMA**i], and the value that stands
for the bucket is within ACCURACY of each of them.  Counts are exact, so merging loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

ACCURACY: Final = 0.01
GAMMA: Final = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA: Final = math.log(GAMMA)
# what is not above it is counted as zero
LEAST: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket; ``zeros`` are the values that are not above LEAST."""

    counts: Mapping[int, int] = field(default_factory=dict)
    zeros: int = 0

    @property
    def count(self) -> int:
        """How many values there are."""
        return self.zeros + sum(self.counts.values())

    @property
    def total(self) -> float:
        """The sum of the values, as exact as quantiles are."""
        return math.fsum(
            each * 2 * GAMMA**index / (GAMMA + 1) for index, each in self.counts.items()
        )

    def quantile(self, q: float) -> float | None:
        """Return the value at rank ``floor(q * (count - 1))``, None without values.

        Raises ValueError when ``q`` is not from 0 to 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is from 0 to 1, not {q}")
        return None if self.count == 0 else self.at_rank(math.floor(q * (self.count - 1)))

    def at_rank(self, rank: int) -> float:
        """Return the value of that rank, the least being 0; raises ValueError for no such one."""
        if not 0 <= rank < self.count:
            raise ValueError(f"there is no rank {rank} among {self.count} values")
        passed = self.zeros
        if rank < passed:
            return 0.0
        for index in sorted(self.counts):
            passed += self.counts[index]
            if rank < passed:
                return 2 * GAMMA**index / (GAMMA + 1)
        raise AssertionError("counts do not add up")  # pragma: no cover - they are summed above

    def share_above(self, limit: float) -> float | None:
        """Return the share of values above ``limit``, as far as buckets tell them apart."""
        if self.count == 0:
            return None
        first = _bucket(limit) if limit > LEAST else -math.inf
        return sum(each for index, each in self.counts.items() if index > first) / self.count

    def as_json(self) -> dict[str, int]:
        """Return what the database keeps."""
        kept = {str(index): each for index, each in sorted(self.counts.items())}
        return {"zero": self.zeros, **kept} if self.zeros else kept


def _bucket(value: float) -> int:
    return math.ceil(math.log(value) / _LOG_GAMMA)


def of_values(values: Iterable[float]) -> Histogram:
    """Return the histogram of values; raises ValueError for one that is negative or no number."""
    counts: dict[int, int] = {}
    zeros = 0
    for value in values:
        if not 0 <= value < math.inf:
            raise ValueError(f"a histogram takes finite values from 0 on, not {value}")
        if value <= LEAST:
            zeros += 1
        else:
            index = _bucket(value)
            counts[index] = counts.get(index, 0) + 1
    return Histogram(counts, zeros)


def from_json(kept: Mapping[str, int]) -> Histogram:
    """Return the histogram that ``as_json`` gave."""
    counts = {int(index): each for index, each in kept.items() if index != "zero"}
    return Histogram(counts, kept.get("zero", 0))


def merge(histograms: Iterable[Histogram]) -> Histogram:
    """Return the histogram of all values together."""
    counts: dict[int, int] = {}
    zeros = 0
    for each in histograms:
        zeros += each.zeros
        for index, number in each.counts.items():
            counts[index] = counts.get(index, 0) + number
    return Histogram(counts, zeros)
