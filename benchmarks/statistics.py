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
    SLOWER_GRID,
    baseline_limit,
)

ALPHA = 0.01
Simulation = Callable[[int], int | None]


def first_at(log_e: np.ndarray, alpha: float = ALPHA) -> int | None:
    """Return after how many runs the evidence first reached 1/alpha; None if it never did."""
    reached = np.flatnonzero(log_e >= -math.log(alpha))
    return int(reached[0]) + 1 if reached.size else None


def _mean(steps: np.ndarray) -> np.ndarray:
    """Return the log of the mean over the grid (rows), cumulated over runs (columns)."""
    found: np.ndarray = logsumexp(np.cumsum(steps, axis=1), axis=0) - math.log(len(steps))
    return found


def errors(
    seed: int,
    *,
    rate: float,
    ratio: float = 1.0,
    share: float = 0.25,
    runs: int = 4000,
    repeats: int = 1,
    alpha: float = ALPHA,
) -> int | None:
    """Rule (a): ``rate`` is control's; each failing capture counts ``repeats`` times."""
    draw = np.random.default_rng(seed)
    on_treatment = draw.random(runs) < share
    failed = draw.random(runs) < np.where(on_treatment, rate * ratio, rate)
    under_h0 = share * RISK_RATIO / (share * RISK_RATIO + 1 - share)
    psi = np.array(RISK_GRID)[:, None]
    step = np.where(on_treatment, np.log(psi), 0.0) - np.log(under_h0 * psi + 1 - under_h0)
    return first_at(_mean(np.where(failed, repeats * step, 0.0)), alpha)


def baseline(
    seed: int, *, rate: float, q0: float, runs: int = 4000, alpha: float = ALPHA
) -> int | None:
    """Rule (a'): the true rate against a baseline whose upper bound is ``q0``."""
    failed = np.random.default_rng(seed).random(runs) < rate
    p0 = RISK_RATIO * q0
    p1 = np.minimum(np.array(RISK_GRID) * p0, 0.99)[:, None]
    step = np.where(failed, np.log(p1 / p0), np.log1p(-p1) - math.log1p(-p0))
    return first_at(_mean(step), alpha)


def measured_baseline(seed: int, *, rate: float, runs: int = 4000) -> int | None:
    """Rule (a') against a baseline that was itself measured on 500 runs."""
    draw = np.random.default_rng(seed)
    p0 = baseline_limit(int(draw.binomial(500, rate)), 500)
    return baseline(int(draw.integers(2**31)), rate=rate, q0=p0 / RISK_RATIO, runs=runs)


def latency(
    seed: int, *, slower: float = 1.0, runs: int = 4000, spread: float = 0.25
) -> int | None:
    """Rule (b): treatment takes ``slower`` times as long, each time with log-normal noise.

    ``spread`` is the standard deviation of the logarithm of the ratio of two times.
    """
    noise = np.random.default_rng(seed).normal(0, spread, runs)
    # at the edge of H0 exactly half of the pairs are slower by more than the tolerance
    is_slower = math.log(slower) + noise > math.log1p(0.10)
    theta = np.array(SLOWER_GRID)[:, None]
    return first_at(_mean(np.where(is_slower, np.log(2 * theta), np.log(2 * (1 - theta)))))


def mismatches(seed: int, *, rate: float, p0: float = 0.01, runs: int = 4000) -> int | None:
    """Rule (c): here reaching 1/alpha says that mismatches are rarer than ``p0``."""
    wrong = np.random.default_rng(seed).random(runs) < rate
    right = math.log1p(-MISMATCH_RATIO * p0) - math.log1p(-p0)
    return first_at(np.cumsum(np.where(wrong, math.log(MISMATCH_RATIO), right)))


def sample_ratio(seed: int, *, found: float, share: float = 0.25, runs: int = 4000) -> int | None:
    """Rule (e): captures go to treatment with ``found`` instead of ``share``."""
    k = np.cumsum(np.random.default_rng(seed).random(runs) < found)
    n = np.arange(1, runs + 1)
    a, b = RATIO_WEIGHT * share, RATIO_WEIGHT * (1 - share)
    evidence = betaln(a + k, b + n - k) - betaln(a, b)
    return first_at(evidence - k * math.log(share) - (n - k) * math.log1p(-share))


def quantile(seed: int, *, q: float = 0.95, runs: int = 4000) -> int | None:
    """Rule (f): when the sequence first excludes the true quantile."""
    k = np.cumsum(np.random.default_rng(seed).random(runs) < q)
    n = np.arange(1, runs + 1)
    a, b = QUANTILE_WEIGHT * q, QUANTILE_WEIGHT * (1 - q)
    evidence = betaln(a + k, b + n - k) - betaln(a, b)
    return first_at(evidence - k * math.log(q) - (n - k) * math.log1p(-q))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often a rule fired over the seeds, and the median number of runs until it did."""

    fired: int
    seeds: int
    runs: float | None

    @property
    def rate(self) -> float:
        """Share of the seeds in which it fired."""
        return self.fired / self.seeds


def over(simulation: Simulation, seeds: int) -> Outcome:
    """Run a simulation with the seeds from 0 on."""
    found = [simulation(seed) for seed in range(seeds)]
    fired = [each for each in found if each is not None]
    return Outcome(len(fired), seeds, median(fired) if fired else None)


# no difference: what fires is a false alarm
FALSE_ALARMS: Mapping[str, Simulation] = {
    "(a) errors, 5 % on both": lambda seed: errors(seed, rate=0.05),
    "(a) errors, at the edge (1.1 times)": lambda seed: errors(seed, rate=0.05, ratio=1.1),
    "(a) errors, share 1 %": lambda seed: errors(seed, rate=0.05, share=0.01),
    "(a') baseline, at the edge": lambda seed: baseline(seed, rate=0.011, q0=0.01),
    "(a') measured baseline, 1 %": lambda seed: measured_baseline(seed, rate=0.01),
    "(b) latency, same": lambda seed: latency(seed),
    "(b) latency, at the edge (1.1 times)": lambda seed: latency(seed, slower=1.10),
    "(c) mismatches, exactly p0": lambda seed: mismatches(seed, rate=0.01),
    "(e) sample ratio, right": lambda seed: sample_ratio(seed, found=0.25),
    "(f) quantile, true one excluded": quantile,
}
# a difference: what does not fire is missed
POWER: Mapping[str, Simulation] = {
    "(a) errors, 5 times 1 %, half each": lambda seed: errors(seed, rate=0.01, ratio=5, share=0.5),
    "(a') five-fold, q0 = 1 %, alpha 0.01/3": lambda seed: baseline(
        seed, rate=0.05, q0=0.01, alpha=ALPHA / 3
    ),
    "(b) 20 % slower": lambda seed: latency(seed, slower=1.2),
    "(b) 30 % slower": lambda seed: latency(seed, slower=1.3),
    "(b) 50 % slower": lambda seed: latency(seed, slower=1.5),
    "(b) twice as slow": lambda seed: latency(seed, slower=2.0),
    "(c) no mismatch": lambda seed: mismatches(seed, rate=0.0),
    "(e) 30 % instead of 25 %": lambda seed: sample_ratio(seed, found=0.30),
}
# why the distinct capture is the unit
WRONG_UNIT: Mapping[str, Simulation] = {
    "(a) each failing capture counted five times": lambda seed: errors(seed, rate=0.05, repeats=5),
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
        ("no difference, wrong unit", WRONG_UNIT),
    ):
        print(as_table(title, {name: over(each, seeds) for name, each in table.items()}), "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
