"""The e-processes of the gates: valid at every look, however often one looks.  Pure.

An e-process is at most 1 in expectation while its null hypothesis H0 holds, whenever one stops;
by Ville's inequality it reaches 1/alpha with probability alpha at most.  All are kept as
logarithms.  Values are frozen: ``update`` returns a new one, and one call is one look.  What
``as_dict`` returns can be stored as JSON and given back to ``from_dict``; it names its own grid,
so that a decision can be recomputed after the grid of the code has changed.

Sources: Lindon et al., KDD 2022 (arXiv 2205.14762); Lindon and Malek, NeurIPS 2022 (2011.03567);
Howard and Ramdas (1906.09712); Waudby-Smith et al. (2103.06476).  The letters are those of the
gates in the design of the rollout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Self

import numpy as np
from scipy.special import betaincinv, betaln

from monitoring.eprocesses import (
    Harm,
    Kept,
    check_above,
    check_counts,
    check_share,
    check_times,
    log_mean,
    whole_count,
)

RISK_RATIO: Final = 1.1
RISK_GRID: Final = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
SLOWER_GRID: Final = (0.55, 0.6, 0.7, 0.8, 0.9, 0.97)
SLOWER_BY: Final = 0.10
LEAST_BASELINE_RATE: Final = 0.001
LARGEST_RATE: Final = 0.99
MISMATCH_RATIO: Final = 0.1
RATIO_WEIGHT: Final = 1000.0
QUANTILE_WEIGHT: Final = 50.0
# what is above the frozen quantile of its size is slow: one in 20 runs of control
SLOW_QUANTILE: Final = 0.95
SMALLEST_BUCKET_BYTES: Final = 1024


class Failures(NamedTuple):
    """Failed captures of one arm that were given to treatment with probability ``w``."""

    w: float
    on_treatment: bool
    failed: int = 1


@dataclass(frozen=True, slots=True)
class ErrorRateProcess(Harm):
    """Rule (a): more failures on treatment than on control, while the share may change.

    H0: the risk ratio of treatment to control is at most ``rho``.  Only failures count, each with
    the probability w that its capture was given to treatment (arXiv 2205.14762).  For discordant
    pairs w is 1/2, and the ratio is that of failures of treatment alone to those of control alone.
    """

    rho: float = RISK_RATIO
    psi: tuple[float, ...] = RISK_GRID
    sums: tuple[float, ...] = (0.0,) * len(RISK_GRID)

    def __post_init__(self) -> None:
        check_above(0, self.rho, *self.psi)
        check_above(-math.inf, self.max_log_e, *self.sums)
        if not 0 < len(self.psi) == len(self.sums):
            raise ValueError(f"{len(self.psi)} risk ratios cannot have {len(self.sums)} sums")

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0, now."""
        return log_mean(self.sums)

    def update(self, w: float, *, on_treatment: bool, count: int = 1) -> Self:
        """Add failures of one arm; ValueError for ``w`` outside of (0, 1), or a count below 0."""
        return self.update_all((Failures(w, on_treatment, count),))

    def update_all(self, failures: Iterable[Failures]) -> Self:
        """Add failures that were looked at together, in any order; errors are those of update."""
        steps = [list[float]() for _ in self.psi]
        for w, on_treatment, failed in failures:
            check_share(w)
            times = whole_count(failed)
            under_h0 = w * self.rho / (w * self.rho + 1 - w)
            for step, psi in zip(steps, self.psi, strict=True):
                whole = math.log(under_h0 * psi + 1 - under_h0)
                step.append(times * ((math.log(psi) if on_treatment else 0.0) - whole))
        pairs = zip(self.sums, steps, strict=True)
        sums = tuple(total + math.fsum(step) for total, step in pairs)
        return replace(self, sums=sums).looked_at()


@dataclass(frozen=True, slots=True)
class BaselineRateProcess(Harm):
    """Rule (a'): more failures than the frozen baseline allows, where there is no control.

    H0: the rate is at most ``p0``.  A likelihood ratio, mixed over a grid.  For slow runs p0 is
    ``RISK_RATIO * (1 - SLOW_QUANTILE)``.
    """

    p0: float
    psi: tuple[float, ...] = RISK_GRID
    failed: int = 0
    succeeded: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.p0 < LARGEST_RATE:
            raise ValueError(f"a rate under H0 lies between 0 and {LARGEST_RATE}, not {self.p0}")
        check_above(0, *self.psi)
        check_above(-math.inf, self.max_log_e)
        check_counts(self.failed, self.succeeded)

    @classmethod
    def from_baseline(cls, failed: int, runs: int, rho: float = RISK_RATIO) -> Self:
        """Return the process whose p0 is the limit of a baseline; see ``baseline_limit``."""
        return cls(baseline_limit(failed, runs, rho))

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0, now."""
        sums = []
        for psi in self.psi:
            p1 = min(psi * self.p0, LARGEST_RATE)
            success = math.log1p(-p1) - math.log1p(-self.p0)
            sums.append(self.failed * math.log(p1 / self.p0) + self.succeeded * success)
        return log_mean(sums)

    def update(self, *, failed: int, succeeded: int) -> Self:
        """Add runs that were looked at together; ValueError for counts below 0."""
        failed, succeeded = (
            self.failed + whole_count(failed),
            self.succeeded + whole_count(succeeded),
        )
        return replace(self, failed=failed, succeeded=succeeded).looked_at()


def baseline_limit(failed: int, runs: int, rho: float = RISK_RATIO) -> float:
    """Return p0 of rule (a'): rho times the upper 99 % Clopper-Pearson bound of the rate.

    The bound is at least 0.001: a baseline without failures does not promise that there are none.
    Raises ValueError without runs, and for counts that cannot be.  (Biometrika 26, 1934.)
    """
    if not 0 < whole_count(runs) >= whole_count(failed):
        raise ValueError(f"a baseline of {runs} runs cannot have {failed} failures")
    check_above(0, rho)
    upper = 1.0 if failed == runs else float(betaincinv(failed + 1, runs - failed, 0.99))
    return min(rho * max(upper, LEAST_BASELINE_RATE), LARGEST_RATE - 1e-9)


@dataclass(frozen=True, slots=True)
class PairedLatencyProcess(Harm):
    """Rule (b): treatment slower than control on the same capture, in random order.

    H0: with probability 1/2 at most a pair is slower (see ``is_slower``).  A likelihood ratio,
    mixed over a grid.
    """

    theta: tuple[float, ...] = SLOWER_GRID
    slower: int = 0
    not_slower: int = 0

    def __post_init__(self) -> None:
        for each in self.theta:
            check_share(each)
        check_above(-math.inf, self.max_log_e)
        check_counts(self.slower, self.not_slower)

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0, now."""
        return log_mean(
            [
                self.slower * math.log(2 * theta) + self.not_slower * math.log(2 * (1 - theta))
                for theta in self.theta
            ]
        )

    def update(self, *, slower: int, not_slower: int) -> Self:
        """Add pairs that were looked at together; ValueError for counts below 0."""
        slower, not_slower = (
            self.slower + whole_count(slower),
            self.not_slower + whole_count(not_slower),
        )
        return replace(self, slower=slower, not_slower=not_slower).looked_at()


def is_slower(treatment_ms: float, control_ms: float, delta: float = SLOWER_BY) -> bool:
    """Tell whether treatment took more than ``1 + delta`` times as long as control.

    Raises ValueError for times that are NaN, infinite or negative.
    """
    check_times(treatment_ms, control_ms)
    check_above(-1, delta)
    return treatment_ms > (1 + delta) * control_ms


def size_bucket(size_bytes: int) -> int:
    """Return the least size, in bytes, in the bucket of a capture.

    Buckets are half-open, from one power of 4 to the next: 0, 1 KiB, 4 KiB, 16 KiB and so on.
    """
    if whole_count(size_bytes) < SMALLEST_BUCKET_BYTES:
        return 0
    return 1 << (size_bytes.bit_length() - 1) // 2 * 2


@dataclass(frozen=True, slots=True)
class SlowLimits(Kept):
    """The p95 of control's times in ms, frozen in phase 1: rows of bucket (bytes) and limit."""

    p95_ms: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        check_times(*(limit for _, limit in self.p95_ms))

    @classmethod
    def freeze(cls, control: Iterable[tuple[int, float]], least_runs: int = 100) -> Self:
        """Return limits from sizes in bytes and times in ms; none for buckets with few runs."""
        buckets: dict[int, list[float]] = {}
        for size_bytes, time_ms in control:
            check_times(time_ms)
            buckets.setdefault(size_bucket(size_bytes), []).append(time_ms)
        return cls(
            tuple(
                (bucket, float(np.quantile(times, SLOW_QUANTILE, method="inverted_cdf")))
                for bucket, times in sorted(buckets.items())
                if len(times) >= max(1, least_runs)
            )
        )


def is_slow(time_ms: float, size_bytes: int, limits: SlowLimits) -> bool | None:
    """Tell whether a run took longer than the frozen p95 of its size; None where there is none.

    The unpaired rule of (b) is rule (a) with slow runs for failures.  Errors are those of
    ``is_slower`` and ``size_bucket``.
    """
    check_times(time_ms)
    limit = dict(limits.p95_ms).get(size_bucket(size_bytes))
    return None if limit is None else time_ms > limit


@dataclass(frozen=True, slots=True)
class MismatchBound(Kept):
    """Rule (c): the share of mismatching captures is below ``p0``: what promotion needs.

    H0: the share is at least ``p0``.  The likelihood ratio of a share of ``r * p0`` to it.
    """

    p0: float
    r: float = MISMATCH_RATIO
    matched: int = 0
    mismatched: int = 0

    def __post_init__(self) -> None:
        check_share(self.p0)
        check_share(self.r)
        check_counts(self.matched, self.mismatched)

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence that mismatches are rarer than ``p0``."""
        return self.matched * self._step + self.mismatched * math.log(self.r)

    @property
    def _step(self) -> float:
        return math.log1p(-self.r * self.p0) - math.log1p(-self.p0)

    def update(self, *, matched: int, mismatched: int) -> Self:
        """Add comparisons; ValueError for counts below 0."""
        matched, mismatched = (
            self.matched + whole_count(matched),
            self.mismatched + whole_count(mismatched),
        )
        return replace(self, matched=matched, mismatched=mismatched)

    def runs_needed(self, alpha: float) -> int:
        """Return how many more comparisons without a mismatch would prove it at ``alpha``."""
        check_share(alpha)
        return max(0, math.ceil((-math.log(alpha) - self.log_e) / self._step))


def sample_ratio_evidence(k: int, n: int, w: float, weight: float = RATIO_WEIGHT) -> float:
    """Return log E of rule (e): ``k`` of ``n`` captures on treatment, each with probability ``w``.

    The mixture is Beta(weight * w, weight * (1 - w)) (arXiv 2011.03567).  Raises ValueError for
    ``w`` outside of (0, 1) and for counts that cannot be.
    """
    check_share(w)
    if not whole_count(k) <= whole_count(n):
        raise ValueError(f"{k} of {n} captures cannot be")
    a, b = weight * w, weight * (1 - w)
    mixture = float(betaln(a + k, b + n - k) - betaln(a, b))
    return mixture - k * math.log(w) - (n - k) * math.log1p(-w)


class Shared(NamedTuple):
    """Captures that were shared out while the share was ``w``."""

    w: float
    treatment: int
    control: int


@dataclass(frozen=True, slots=True)
class SampleRatio(Kept):
    """Rule (e): captures went to the arms in another ratio than they were to.

    H0: each went to treatment with the probability that was in force.  One mixture for each share
    (see ``sample_ratio_evidence``); their product is again an e-process.
    """

    shared: tuple[Shared, ...] = ()

    def __post_init__(self) -> None:
        rows = tuple(Shared(*each) for each in self.shared)
        for each in rows:
            check_share(each.w)
            check_counts(each.treatment, each.control)
        object.__setattr__(self, "shared", rows)

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against the ratio."""
        rows = self.shared
        return math.fsum(sample_ratio_evidence(k, k + rest, w) for w, k, rest in rows)

    def update(self, w: float, *, treatment: int, control: int) -> Self:
        """Add captures; ValueError for ``w`` outside of (0, 1), or counts below 0."""
        known = {each.w: each for each in self.shared}
        before = known.get(w, Shared(w, 0, 0))
        more = Shared(
            w, before.treatment + whole_count(treatment), before.control + whole_count(control)
        )
        return replace(self, shared=tuple({**known, w: more}.values()))


class Ranks(NamedTuple):
    """The lowest and the highest number of values that may lie below a quantile."""

    low: int
    high: int


def quantile_confidence_sequence(n: int, q: float, alpha: float) -> Ranks:
    """Return rule (f): how many of ``n`` values may lie below their true ``q`` quantile.

    At every n at once the true number is kept with probability ``1 - alpha`` (arXiv 1906.09712).
    The kept numbers have no gaps, so both ends are found by bisection.  Raises ValueError for
    ``q`` or ``alpha`` outside of (0, 1), or a count below 0.
    """
    n = whole_count(n)
    check_share(q)
    check_share(alpha)

    def is_kept(k: int) -> bool:
        return sample_ratio_evidence(k, n, q, QUANTILE_WEIGHT) < -math.log(alpha)

    middle = min(n, round(q * n))
    low = _first(0, middle, is_kept)
    return Ranks(low, n - _first(0, n - middle, lambda k: is_kept(n - k)))


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
    """Return the interval that holds the true ``q`` quantile of values in any order and unit.

    It is infinite where it has no end.  Raises ValueError for NaN.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    if np.isnan(ordered).any():
        raise ValueError("NaN has no place among values in order")
    low, high = quantile_confidence_sequence(len(ordered), q, alpha)
    lowest = -math.inf if low == 0 else float(ordered[low - 1])
    highest = math.inf if high >= len(ordered) else float(ordered[high])
    return lowest, highest
