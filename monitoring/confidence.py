"""A rate with its certainty, valid at every look.  Pure: plain mathematics, without SciPy."""

from __future__ import annotations

import math
from collections.abc import Callable

# Jeffreys' prior: it loses least where rates are near 0, as those of failures are
PRIOR = 0.5
# bisection ends here; nobody reads more digits of a rate
STEPS = 40


def rate_confidence_sequence(events: int, trials: int, alpha: float) -> tuple[float, float]:
    """Return the interval, from 0 to 1, that holds the true rate of events.

    At all numbers of trials at once it does so with probability ``1 - alpha``: the mixture of
    likelihood ratios over Beta(1/2, 1/2) against a rate is a martingale under it, and rates with a
    ratio below ``1 / alpha`` are kept (Robbins 1970; Howard and others, arXiv 1810.08240).  What is
    kept has no gaps, since the ratio is convex in the rate.  Raises ValueError for counts that
    cannot be, or ``alpha`` outside of (0, 1).
    """
    if not 0 <= events <= trials:
        raise ValueError(f"{events} of {trials} cannot be")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, expected a number between 0 and 1")
    if trials == 0:
        return 0.0, 1.0
    mixture = _log_beta(PRIOR + events, PRIOR + trials - events) - _log_beta(PRIOR, PRIOR)
    limit = -math.log(alpha)

    def is_kept(rate: float) -> bool:
        against = _times_log(events, rate) + _times_log(trials - events, 1 - rate)
        return mixture - against < limit

    found = events / trials
    low = 0.0 if events == 0 else _edge(found, 0.0, is_kept)
    high = 1.0 if events == trials else _edge(found, 1.0, is_kept)
    return low, high


def _edge(inside: float, outside: float, holds: Callable[[float], bool]) -> float:
    """Return where ``holds`` ends, between a rate for which it does and one for which it does not.

    What is returned does not hold any more, so the interval is never too short.
    """
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return outside


def _times_log(count: int, rate: float) -> float:
    return count * math.log(rate) if count else 0.0


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
