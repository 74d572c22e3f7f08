"""Figures with intervals: pure functions of counts and of paired measurements.

Shares of captures have exact binomial intervals (Clopper and Pearson, Biometrika 26, 1934); shares
of bytes and ratios of times have percentile bootstrap intervals over captures (Efron, Annals of
Statistics 7, 1979), because the bytes of one capture are not independent of one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

CONFIDENCE = 0.95
RESAMPLES = 4000
# so many drawn values are held at once, in 8 bytes each
_HELD = 1 << 20

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval that holds the true value with the confidence it was made for."""

    low: float
    high: float


def clopper_pearson(hits: int, trials: int, confidence: float = CONFIDENCE) -> Interval | None:
    """Return the two-sided interval of a share; None without trials.

    Raises ValueError for counts that cannot be.
    """
    _check_counts(hits, trials)
    if not trials:
        return None
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials else 1.0
    return Interval(low, high)


def upper_bound(hits: int, trials: int, confidence: float = CONFIDENCE) -> float | None:
    """Return the one-sided upper bound of a share; None without trials.

    Raises ValueError for counts that cannot be.
    """
    _check_counts(hits, trials)
    if not trials:
        return None
    return float(betaincinv(hits + 1, trials - hits, confidence)) if hits < trials else 1.0


def ratio_of_sums(
    parts: Sequence[float], wholes: Sequence[float], seed: int, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return the interval of sum(parts) / sum(wholes), drawing pairs anew.

    None with fewer than two pairs, or where all wholes are 0.  Draws without any whole are left
    out.
    """
    above, below = _columns(parts, wholes)
    if len(above) < 2 or not below.any():
        return None

    def ratios(drawn: NDArray[np.intp]) -> Values:
        sums = below[drawn].sum(axis=1)
        some = sums > 0
        found: Values = above[drawn].sum(axis=1)[some] / sums[some]
        return found

    return _percentiles(ratios, len(above), seed, confidence)


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float | None:
    """Return the median of paired ratios, taken of their logarithms; None without a pair.

    All values are above 0; otherwise ValueError is raised.
    """
    logs = _log_ratios(above, below)
    return math.exp(float(np.median(logs))) if len(logs) else None


def median_ratio_interval(
    above: Sequence[float], below: Sequence[float], seed: int, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return the interval of ``median_ratio``, drawing pairs anew; None with fewer than two."""
    logs = _log_ratios(above, below)
    if len(logs) < 2:
        return None

    def medians(drawn: NDArray[np.intp]) -> Values:
        found: Values = np.exp(np.median(logs[drawn], axis=1))
        return found

    return _percentiles(medians, len(logs), seed, confidence)


def _percentiles(
    of_draws: Callable[[NDArray[np.intp]], Values], count: int, seed: int, confidence: float
) -> Interval:
    generator = np.random.default_rng(seed)
    at_once = max(1, min(RESAMPLES, _HELD // count))
    found: list[Values] = []
    for start in range(0, RESAMPLES, at_once):
        rows = min(at_once, RESAMPLES - start)
        found.append(of_draws(generator.integers(count, size=(rows, count))))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(found), (tail, 1 - tail))
    return Interval(float(low), float(high))


def _log_ratios(above: Sequence[float], below: Sequence[float]) -> Values:
    first, second = _columns(above, below)
    if (first <= 0).any() or (second <= 0).any():
        raise ValueError("a ratio of times needs times above 0")
    found: Values = np.log(first) - np.log(second)
    return found


def _columns(first: Sequence[float], second: Sequence[float]) -> tuple[Values, Values]:
    if len(first) != len(second):
        raise ValueError(f"pairs are needed, not {len(first)} and {len(second)} values")
    return np.asarray(first, np.float64), np.asarray(second, np.float64)


def _check_counts(hits: int, trials: int) -> None:
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} cannot be")
