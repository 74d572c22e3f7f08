"""From our histograms, whose buckets grow by 2 %, to the cumulative ones of Prometheus.  Pure.

The limits are fixed, so that series keep their labels.  A value is known within 1 %, so one that is
as near to a limit as that may be counted on either side of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from monitoring.metrics.histograms import GAMMA, Histogram

SECONDS: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    *(30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0),
)
RATIOS: Final = tuple(number / 20 for number in range(1, 21))
# of a unit without limits of its own: three in each power of ten
ANY: Final = tuple(factor * 10.0**power for power in range(-3, 10) for factor in (1.0, 2.5, 5.0))
LIMITS: Final[Mapping[str, Sequence[float]]] = {"seconds": SECONDS, "ratio": RATIOS}


def limits_of(unit: str) -> Sequence[float]:
    """Return the limits for values of a base unit, in their order."""
    return LIMITS.get(unit, ANY)


def cumulative(
    histogram: Histogram, factor: float, limits: Sequence[float]
) -> list[tuple[float, int]]:
    """Return for each limit, and for infinity, how many values times ``factor`` are not above."""
    values = sorted(
        (2 * GAMMA**index / (GAMMA + 1) * factor, count)
        for index, count in histogram.counts.items()
    )
    found: list[tuple[float, int]] = []
    passed, place = histogram.zeros, 0
    for limit in (*limits, math.inf):
        while place < len(values) and values[place][0] <= limit:
            passed += values[place][1]
            place += 1
        found.append((limit, passed))
    return found
