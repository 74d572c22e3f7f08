"""The e-processes of the gates: valid at every look, however often one looks.  Pure.

An e-process is at most 1 in expectation while its null hypothesis H0 holds, whenever one stops;
by Ville's inequality it reaches 1/alpha with probability alpha at most.  All are kept as
logarithms.  Values are frozen: adding evidence returns a new one, and ``asdict`` of it can be
stored and given back to the constructor.

Sources: Lindon et al., KDD 2022 (arXiv 2205.14762); Lindon and Malek, NeurIPS 2022 (2011.03567);
Howard and Ramdas (1906.09712); Waudby-Smith et al. (2103.06476).  The letters are those of the
gates in the design of the rollout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

import numpy as np
from scipy.special import betaln, logsumexp
from scipy.stats import beta

RISK_RATIO: Final = 1.1
RISK_GRID: Final = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
SLOWER_GRID: Final = (0.55, 0.6, 0.7, 0.8, 0.9, 0.97)
SLOWER_BY: Final = 0.10
LEAST_BASELINE_RATE: Final = 0.001
LARGEST_RATE: Final = 0.99
MISMATCH_RATIO: Final = 0.1
RATIO_WEIGHT: Final = 1000.0
QUANTILE_WEIGHT: Final = 50.0


def _mean(sums: Sequence[float]) -> float:
    """Return the logarithm of the mean of ``exp(sums)``."""
    return float(logsumexp(sums)) - math.log(len(sums))


def _check_share(w: float) -> None:
    if not 0 < w < 1:
        raise ValueError(f"a share lies between 0 and 1, not {w}")


def _check_counts(*counts: int) -> None:
    if min(counts) < 0:
        raise ValueError(f"a count is not negative: {min(counts)}")


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Rule (a): more failures on treatment than on control, while the share may change.

    H0: the risk ratio of treatment to control is at most ``rho``.  Only failures count, each with
    the probability w that its capture was given to treatment.  For discordant pairs w is 1/2.
    """

    rho: float = RISK_RATIO
    sums: tuple[float, ...] = (0.0,) * len(RISK_GRID)
    max_log_e: float = 0.0

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0."""
        return _mean(self.sums)

    @property
    def p(self) -> float:
        """A p-value that is valid at every look."""
        return math.exp(-max(0.0, self.max_log_e))

    def add_failure(self, w: float, *, on_treatment: bool, count: int = 1) -> ErrorRate:
        """Add failures of one arm; raises ValueError for ``w`` outside of (0, 1)."""
        _check_share(w)
        _check_counts(count)
        under_h0 = w * self.rho / (w * self.rho + 1 - w)
        sums = []
        for total, psi in zip(self.sums, RISK_GRID, strict=True):
            whole = math.log(under_h0 * psi + 1 - under_h0)
            sums.append(total + count * ((math.log(psi) if on_treatment else 0.0) - whole))
        added = replace(self, sums=tuple(sums))
        return replace(added, max_log_e=max(self.max_log_e, added.log_e))


@dataclass(frozen=True, slots=True)
class BaselineRate:
    """Rule (a'): more failures than the frozen baseline allows, where there is no control.

    H0: the rate is at most ``p0``.
    """

    p0: float
    sums: tuple[float, ...] = (0.0,) * len(RISK_GRID)
    max_log_e: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.p0 < LARGEST_RATE:
            raise ValueError(f"a rate under H0 lies between 0 and {LARGEST_RATE}, not {self.p0}")

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0."""
        return _mean(self.sums)

    @property
    def p(self) -> float:
        """A p-value that is valid at every look."""
        return math.exp(-max(0.0, self.max_log_e))

    def add(self, *, failed: int, succeeded: int) -> BaselineRate:
        """Add runs that were looked at together."""
        _check_counts(failed, succeeded)
        sums = []
        for total, psi in zip(self.sums, RISK_GRID, strict=True):
            p1 = min(psi * self.p0, LARGEST_RATE)
            failure = math.log(p1 / self.p0)
            success = math.log1p(-p1) - math.log1p(-self.p0)
            sums.append(total + failed * failure + succeeded * success)
        added = replace(self, sums=tuple(sums))
        return replace(added, max_log_e=max(self.max_log_e, added.log_e))


def baseline_limit(failed: int, runs: int, rho: float = RISK_RATIO) -> float:
    """Return p0 for BaselineRate: rho times the upper 99 % Clopper-Pearson bound of the rate.

    The bound is at least 0.001: a baseline without failures does not promise that there are none.
    """
    _check_counts(failed, runs)
    if not 0 < runs >= failed:
        raise ValueError(f"a baseline of {runs} runs cannot have {failed} failures")
    upper = 1.0 if failed == runs else float(beta.ppf(0.99, failed + 1, runs - failed))
    return min(rho * max(upper, LEAST_BASELINE_RATE), LARGEST_RATE - 1e-9)


@dataclass(frozen=True, slots=True)
class PairedLatency:
    """Rule (b): treatment slower than control on the same capture, in random order.

    H0: with probability 1/2 at most a pair is slower (see ``is_slower``).
    """

    sums: tuple[float, ...] = (0.0,) * len(SLOWER_GRID)
    max_log_e: float = 0.0

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0."""
        return _mean(self.sums)

    @property
    def p(self) -> float:
        """A p-value that is valid at every look."""
        return math.exp(-max(0.0, self.max_log_e))

    def add(self, *, slower: int, not_slower: int) -> PairedLatency:
        """Add pairs that were looked at together."""
        _check_counts(slower, not_slower)
        sums = [
            total + slower * math.log(2 * theta) + not_slower * math.log(2 * (1 - theta))
            for total, theta in zip(self.sums, SLOWER_GRID, strict=True)
        ]
        added = replace(self, sums=tuple(sums))
        return replace(added, max_log_e=max(self.max_log_e, added.log_e))


def is_slower(treatment_ms: float, control_ms: float, delta: float = SLOWER_BY) -> bool:
    """Tell whether treatment took more than ``1 + delta`` times as long as control."""
    return treatment_ms > (1 + delta) * control_ms


@dataclass(frozen=True, slots=True)
class MismatchBound:
    """Rule (c): the share of mismatching captures is below ``p0``: what promotion needs.

    H0: the share is at least ``p0``.
    """

    p0: float
    matched: int = 0
    mismatched: int = 0

    def __post_init__(self) -> None:
        _check_share(self.p0)

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence that mismatches are rarer than ``p0``."""
        return self.matched * self._step + self.mismatched * math.log(MISMATCH_RATIO)

    @property
    def _step(self) -> float:
        return math.log1p(-MISMATCH_RATIO * self.p0) - math.log1p(-self.p0)

    def add(self, *, matched: int, mismatched: int) -> MismatchBound:
        """Add comparisons."""
        _check_counts(matched, mismatched)
        return replace(
            self, matched=self.matched + matched, mismatched=self.mismatched + mismatched
        )

    def runs_needed(self, alpha: float) -> int:
        """Return how many more comparisons without a mismatch would prove it at ``alpha``."""
        _check_share(alpha)
        return max(0, math.ceil((-math.log(alpha) - self.log_e) / self._step))


class Shared(NamedTuple):
    """Captures that were shared out while the share was ``w``."""

    w: float
    treatment: int
    control: int


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Rule (e): captures went to the arms in another ratio than they were to.

    H0: each went to treatment with the probability that was in force.  One beta-binomial mixture
    for each share; their product is again an e-process.
    """

    shared: tuple[Shared, ...] = ()

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against the ratio."""
        return math.fsum(_ratio_evidence(*each) for each in self.shared)

    def add(self, w: float, *, treatment: int, control: int) -> SampleRatio:
        """Add captures; raises ValueError for ``w`` outside of (0, 1)."""
        _check_share(w)
        _check_counts(treatment, control)
        known = {each[0]: Shared(*each) for each in self.shared}
        before = known.get(w, Shared(w, 0, 0))
        known[w] = Shared(w, before.treatment + treatment, before.control + control)
        return SampleRatio(tuple(known.values()))


def _ratio_evidence(w: float, treatment: int, control: int) -> float:
    a, b = RATIO_WEIGHT * w, RATIO_WEIGHT * (1 - w)
    mixture = float(betaln(a + treatment, b + control) - betaln(a, b))
    return mixture - treatment * math.log(w) - control * math.log1p(-w)


class Ranks(NamedTuple):
    """The lowest and the highest number of values that may lie below a quantile."""

    low: int
    high: int


def quantile_ranks(n: int, q: float, alpha: float) -> Ranks:
    """Return rule (f): how many of ``n`` values may lie below their true ``q`` quantile.

    A confidence sequence: at every n at once the true number is kept with probability
    ``1 - alpha``.  The ends are found by bisection, so a large ``n`` costs no more.
    """
    _check_counts(n)
    _check_share(q)
    _check_share(alpha)
    a, b = QUANTILE_WEIGHT * q, QUANTILE_WEIGHT * (1 - q)

    def is_kept(k: int) -> bool:
        mixture = float(betaln(a + k, b + n - k) - betaln(a, b))
        return mixture - k * math.log(q) - (n - k) * math.log1p(-q) < -math.log(alpha)

    middle = min(n, round(q * n))
    low = _first(0, middle, is_kept)
    high = n - _first(0, n - middle, lambda k: is_kept(n - k))
    return Ranks(low, high)


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from ``low`` to ``high`` for which ``holds``; it does at ``high``."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def quantile_interval(values: Sequence[float], q: float, alpha: float) -> tuple[float, float]:
    """Return the interval that holds the true ``q`` quantile; infinite where it has no end."""
    ordered = np.sort(np.asarray(values, dtype=float))
    low, high = quantile_ranks(len(ordered), q, alpha)
    lowest = -math.inf if low == 0 else float(ordered[low - 1])
    highest = math.inf if high >= len(ordered) else float(ordered[high])
    return lowest, highest


class Evidence(Protocol):
    """What all e-processes have."""

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0."""


def fires(process: Evidence, alpha: float) -> bool:
    """Tell whether the evidence reaches ``1 / alpha`` now."""
    _check_share(alpha)
    return process.log_e >= -math.log(alpha)
