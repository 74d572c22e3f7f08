"""False alarms and power of the e-processes, looked at after every run.

Usage: python -m benchmarks.statistics [--seeds 1000]

Every simulation is a function of a seed: whether its rule fires within so many runs, and after how
many.  Rules are looked at after every single run, as the service does.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy.special import betaln, logsumexp

from monitoring.statistics import (
    MISMATCH_RATIO,
    QUANTILE_WEIGHT,
    RATIO_WEIGHT,
    RISK_GRID,
    RISK_RATIO,
    SLOW_QUANTILE,
    SLOWER_GRID,
    baseline_limit,
)

ALPHA = 0.01
RUNS = 4000
# standard deviation of the logarithm of a time, and of the ratio of two: 30 % of noise
SPREAD = 0.30
Simulation = Callable[[int], int | None]


def first_at(log_e: np.ndarray, alpha: float = ALPHA) -> int | None:
    """Return after how many runs the evidence first reached 1/alpha; None if it never did."""
    reached = np.flatnonzero(log_e >= -math.log(alpha))
    return int(reached[0]) + 1 if reached.size else None


def _mean(steps: np.ndarray) -> np.ndarray:
    """Return the log of the mean over the grid (rows), cumulated over runs (columns)."""
    found: np.ndarray = logsumexp(np.cumsum(steps, axis=1), axis=0) - math.log(len(steps))
    return found


def _risk_steps(w: np.ndarray | float, on_treatment: np.ndarray) -> np.ndarray:
    """Return what a failure adds to the sum of each psi of rule (a)."""
    under_h0 = w * RISK_RATIO / (w * RISK_RATIO + 1 - w)
    psi = np.array(RISK_GRID)[:, None]
    found: np.ndarray = np.where(on_treatment, np.log(psi), 0.0) - np.log(
        under_h0 * psi + 1 - under_h0
    )
    return found


def errors(
    seed: int,
    *,
    rate: float,
    ratio: float = 1.0,
    share: float | Sequence[float] = 0.25,
    runs: int = RUNS,
    repeats: int = 1,
    alpha: float = ALPHA,
) -> int | None:
    """Rule (a): ``rate`` is control's; each failing capture counts ``repeats`` times.

    Several shares are in force one after the other, each for equally many runs.
    """
    draw = np.random.default_rng(seed)
    w = np.atleast_1d(share)[np.arange(runs) * np.size(share) // runs]
    on_treatment = draw.random(runs) < w
    failed = draw.random(runs) < np.where(on_treatment, rate * ratio, rate)
    step = _risk_steps(w, on_treatment)
    return first_at(_mean(np.where(failed, repeats * step, 0.0)), alpha)


def discordant(seed: int, *, rate: float, ratio: float = 1.0, runs: int = RUNS) -> int | None:
    """Rule (a) on pairs: both arms try each capture and fail independently of each other."""
    draw = np.random.default_rng(seed)
    treatment, control = draw.random(runs) < rate * ratio, draw.random(runs) < rate
    step = _risk_steps(0.5, treatment)
    return first_at(_mean(np.where(treatment != control, step, 0.0)))


def _measured_p95(draw: np.random.Generator, buckets: int, runs: int) -> np.ndarray:
    """Return the limits of a standardised time, each from ``runs`` runs of control."""
    times = draw.standard_normal((buckets, runs))
    found: np.ndarray = np.quantile(times, SLOW_QUANTILE, axis=1, method="inverted_cdf")
    return found


def slow_runs(
    seed: int,
    *,
    slower: float = 1.0,
    control_runs: int = 400,
    share: float = 0.25,
    runs: int = RUNS,
) -> int | None:
    """Rule (a) on slow runs: three size buckets, whose p95 was measured on runs of control."""
    draw = np.random.default_rng(seed)
    limit = _measured_p95(draw, 3, control_runs)[draw.integers(3, size=runs)]
    on_treatment = draw.random(runs) < share
    times = draw.standard_normal(runs) + on_treatment * math.log(slower) / SPREAD
    return first_at(_mean(np.where(times > limit, _risk_steps(share, on_treatment), 0.0)))


def slow_against_baseline(seed: int, *, control_runs: int, runs: int = RUNS) -> int | None:
    """Rule (a') on slow runs, p0 = 0.05 * rho, where the p95 was measured and nothing changed."""
    draw = np.random.default_rng(seed)
    limit = float(_measured_p95(draw, 1, control_runs)[0])
    rate = math.erfc(limit / math.sqrt(2)) / 2
    return baseline(int(draw.integers(2**31)), rate=rate, q0=1 - SLOW_QUANTILE, runs=runs)


def baseline(
    seed: int, *, rate: float, q0: float, runs: int = RUNS, alpha: float = ALPHA
) -> int | None:
    """Rule (a'): the true rate against a baseline whose upper bound is ``q0``."""
    failed = np.random.default_rng(seed).random(runs) < rate
    p0 = RISK_RATIO * q0
    p1 = np.minimum(np.array(RISK_GRID) * p0, 0.99)[:, None]
    step = np.where(failed, np.log(p1 / p0), np.log1p(-p1) - math.log1p(-p0))
    return first_at(_mean(step), alpha)


def measured_baseline(seed: int, *, rate: float, runs: int = RUNS) -> int | None:
    """Rule (a') against a baseline that was itself measured on 500 runs."""
    draw = np.random.default_rng(seed)
    p0 = baseline_limit(int(draw.binomial(500, rate)), 500)
    return baseline(int(draw.integers(2**31)), rate=rate, q0=p0 / RISK_RATIO, runs=runs)


def latency(
    seed: int, *, slower: float = 1.0, runs: int = RUNS, spread: float = SPREAD
) -> int | None:
    """Rule (b): treatment takes ``slower`` times as long, and the ratio has log-normal noise.

    ``spread`` is the standard deviation of the logarithm of the ratio of two times.  A pair counts
    with probability Phi(ln(slower / 1.1) / spread): by 0.30 that is 0.61, 0.71, 0.85 and 0.98 for
    a treatment that is 20, 30, 50 and 100 % slower, and the medians are those of the design.
    """
    noise = np.random.default_rng(seed).normal(0, spread, runs)
    # at the edge of H0 exactly half of the pairs are slower by more than the tolerance
    is_slower = math.log(slower) + noise > math.log1p(0.10)
    theta = np.array(SLOWER_GRID)[:, None]
    return first_at(_mean(np.where(is_slower, np.log(2 * theta), np.log(2 * (1 - theta)))))


def mismatches(seed: int, *, rate: float, p0: float = 0.01, runs: int = RUNS) -> int | None:
    """Rule (c): here reaching 1/alpha says that mismatches are rarer than ``p0``."""
    wrong = np.random.default_rng(seed).random(runs) < rate
    right = math.log1p(-MISMATCH_RATIO * p0) - math.log1p(-p0)
    return first_at(np.cumsum(np.where(wrong, math.log(MISMATCH_RATIO), right)))


def sample_ratio(seed: int, *, found: float, share: float = 0.25, runs: int = RUNS) -> int | None:
    """Rule (e): captures go to treatment with ``found`` instead of ``share``."""
    k = np.cumsum(np.random.default_rng(seed).random(runs) < found)
    n = np.arange(1, runs + 1)
    a, b = RATIO_WEIGHT * share, RATIO_WEIGHT * (1 - share)
    evidence = betaln(a + k, b + n - k) - betaln(a, b)
    return first_at(evidence - k * math.log(share) - (n - k) * math.log1p(-share))


def quantile(seed: int, *, q: float = 0.95, runs: int = RUNS) -> int | None:
    """Rule (f): when the sequence first excludes the true quantile."""
    k = np.cumsum(np.random.default_rng(seed).random(runs) < q)
    n = np.arange(1, runs + 1)
    a, b = QUANTILE_WEIGHT * q, QUANTILE_WEIGHT * (1 - q)
    evidence = betaln(a + k, b + n - k) - betaln(a, b)
    return first_at(evidence - k * math.log(q) - (n - k) * math.log1p(-q))


@dataclass(frozen=True, slots=True)
class Outcome:
    """In how many of the seeds a rule fired, and after how many runs, in order."""

    seeds: int
    stops: tuple[int, ...]

    @property
    def fired(self) -> int:
        """Number of the seeds in which it fired."""
        return len(self.stops)

    @property
    def rate(self) -> float:
        """Share of the seeds in which it fired."""
        return self.fired / self.seeds

    @property
    def runs(self) -> float | None:
        """The median number of runs until it fired; None where it never did."""
        return median(self.stops) if self.stops else None

    def median_within(self, deviations: float) -> tuple[int, int]:
        """Return the stops so many standard deviations of a rank (binomial) around the median."""
        reach = deviations * math.sqrt(self.fired) / 2
        low, high = math.floor(self.fired / 2 - reach), math.ceil(self.fired / 2 + reach)
        return self.stops[max(0, low)], self.stops[min(self.fired - 1, high)]


def over(simulation: Simulation, seeds: int) -> Outcome:
    """Run a simulation with the seeds from 0 on."""
    found = [simulation(seed) for seed in range(seeds)]
    return Outcome(seeds, tuple(sorted(each for each in found if each is not None)))


RAMP = (0.01, 0.05, 0.25, 0.5, 0.75)
# no difference: what fires is a false alarm
FALSE_ALARMS: Mapping[str, Simulation] = {
    "(a) errors, 5 % on both": lambda seed: errors(seed, rate=0.05),
    "(a) errors, at the edge (1.1 times)": lambda seed: errors(seed, rate=0.05, ratio=1.1),
    "(a) errors, share 1 %": lambda seed: errors(seed, rate=0.05, share=0.01),
    "(a) errors, at the edge, share ramps": lambda seed: errors(
        seed, rate=0.05, ratio=1.1, share=RAMP
    ),
    "(a) discordant pairs, 5 % on both": lambda seed: discordant(seed, rate=0.05),
    "(a) discordant pairs, at the edge": lambda seed: discordant(seed, rate=0.01, ratio=1.1),
    "(a) slow runs, same": slow_runs,
    "(a') baseline, at the edge": lambda seed: baseline(seed, rate=0.011, q0=0.01),
    "(a') baseline, at the edge, alpha 0.01/3": lambda seed: baseline(
        seed, rate=0.011, q0=0.01, alpha=ALPHA / 3
    ),
    "(a') measured baseline, 1 %": lambda seed: measured_baseline(seed, rate=0.01),
    "(a') slow runs, exactly 5 %": lambda seed: baseline(seed, rate=0.05, q0=0.05),
    "(b) latency, same": latency,
    "(b) latency, at the edge (1.1 times)": lambda seed: latency(seed, slower=1.10),
    "(c) mismatches, exactly p0": lambda seed: mismatches(seed, rate=0.01),
    "(e) sample ratio, right": lambda seed: sample_ratio(seed, found=0.25),
    "(f) quantile, true one excluded": quantile,
}
# a difference: what does not fire is missed
POWER: Mapping[str, Simulation] = {
    "(a) errors, 5 times 1 %, half each": lambda seed: errors(seed, rate=0.01, ratio=5, share=0.5),
    "(a) discordant pairs, 5 times 1 %": lambda seed: discordant(seed, rate=0.01, ratio=5),
    "(a) slow runs, 50 % slower": lambda seed: slow_runs(seed, slower=1.5),
    "(a') five-fold, q0 = 1 %, alpha 0.01/3": lambda seed: baseline(
        seed, rate=0.05, q0=0.01, alpha=ALPHA / 3
    ),
    "(b) 20 % slower": lambda seed: latency(seed, slower=1.2),
    "(b) 30 % slower": lambda seed: latency(seed, slower=1.3),
    "(b) 50 % slower": lambda seed: latency(seed, slower=1.5),
    "(b) twice as slow": lambda seed: latency(seed, slower=2.0),
    "(c) no mismatch": lambda seed: mismatches(seed, rate=0.0),
    "(e) 30 % instead of 25 %": lambda seed: sample_ratio(seed, found=0.30),
    "(e) arms swapped at 5 %": lambda seed: sample_ratio(seed, found=0.95, share=0.05),
}
# what breaks the promise: a capture that counts several times, a limit that is itself a guess
BROKEN: Mapping[str, Simulation] = {
    "(a) each failing capture counted five times: 1 %, half each, 2,000 runs": lambda seed: errors(
        seed, rate=0.01, share=0.5, repeats=5, runs=2000
    ),
    "(a) each failing capture counted five times: 5 %, share 25 %": lambda seed: errors(
        seed, rate=0.05, repeats=5
    ),
    "(a') slow runs, p95 from 400 runs of control": lambda seed: slow_against_baseline(
        seed, control_runs=400
    ),
    "(a') slow runs, p95 from 2,000 runs of control": lambda seed: slow_against_baseline(
        seed, control_runs=2000
    ),
}


def as_table(title: str, found: Mapping[str, Outcome]) -> str:
    """Return outcomes as Markdown."""
    rows = [f"| {title} | fired | median runs until then |", "| --- | --- | --- |"]
    for name, each in found.items():
        runs = "" if each.runs is None else f"{each.runs:,.0f}"
        rows.append(f"| {name} | {each.fired:,} of {each.seeds:,} ({each.rate:.1%}) | {runs} |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    seeds = parser.parse_args(arguments).seeds
    for title, table in (
        ("no difference", FALSE_ALARMS),
        ("a difference", POWER),
        ("no difference, wrong use", BROKEN),
    ):
        print(as_table(title, {name: over(each, seeds) for name, each in table.items()}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
