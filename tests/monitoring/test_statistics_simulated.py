"""False alarms and power of the e-processes when they are looked at after every run.

The seeds are fixed, so a result is a fact and not a chance.  A bound is three standard deviations
of a binomial above 1 %: a rule that keeps its promise exceeds it once in about 700 tests.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.statistics import (
    ALPHA,
    FALSE_ALARMS,
    POWER,
    WRONG_UNIT,
    baseline,
    errors,
    latency,
    over,
    sample_ratio,
)
from monitoring.statistics import BaselineRate, ErrorRate, PairedLatency, SampleRatio, fires

SHORT, LONG = 60, 1000
# rule: median runs until a difference is found, by the design, and how far noise may take it
MEDIANS = {
    "(a') five-fold, q0 = 1 %, alpha 0.01/3": (181, 0.25),
    "(b) twice as slow": (9, 0.25),
}


def most(seeds: int) -> float:
    """Return how many false alarms are within the noise of ALPHA."""
    return seeds * ALPHA + 3 * math.sqrt(seeds * ALPHA * (1 - ALPHA))


@pytest.mark.parametrize("rule", FALSE_ALARMS)
def test_without_a_difference_hardly_any_alarm(rule: str) -> None:
    assert over(FALSE_ALARMS[rule], SHORT).fired <= most(SHORT)


@pytest.mark.long
@pytest.mark.parametrize("rule", FALSE_ALARMS)
def test_without_a_difference_at_most_one_percent_of_alarms(rule: str) -> None:
    assert over(FALSE_ALARMS[rule], LONG).fired <= most(LONG)


@pytest.mark.parametrize("rule", POWER)
def test_a_difference_is_found(rule: str) -> None:
    assert over(POWER[rule], SHORT).fired == SHORT


@pytest.mark.long
@pytest.mark.parametrize("rule", MEDIANS)
def test_a_difference_is_found_as_soon_as_the_design_says(rule: str) -> None:
    expected, noise = MEDIANS[rule]
    assert over(POWER[rule], LONG).runs == pytest.approx(expected, rel=noise)


def test_counting_repeats_of_one_capture_breaks_the_promise() -> None:
    (wrong,) = WRONG_UNIT.values()
    assert over(wrong, SHORT).rate > 0.2


def replay(name: str, seed: int, runs: int) -> int | None:
    """Return after how many runs the class itself fires on the draws of a simulation."""
    draw = np.random.default_rng(seed)
    process: ErrorRate | BaselineRate | PairedLatency | SampleRatio
    match name:
        case "errors":
            process = ErrorRate()
            arms = draw.random(runs) < 0.25
            failed = draw.random(runs) < np.where(arms, 0.05 * 4, 0.05)
            for number in range(runs):
                if failed[number]:
                    process = process.add_failure(0.25, on_treatment=bool(arms[number]))
                if fires(process, ALPHA):
                    return number + 1
        case "baseline":
            process = BaselineRate(1.1 * 0.01)
            for number, failed_one in enumerate(draw.random(runs) < 0.05):
                process = process.add(failed=int(failed_one), succeeded=int(not failed_one))
                if fires(process, ALPHA):
                    return number + 1
        case "latency":
            process = PairedLatency()
            noise = draw.normal(0, 0.25, runs)
            for number, slower in enumerate(math.log(1.3) + noise > math.log1p(0.10)):
                process = process.add(slower=int(slower), not_slower=int(not slower))
                if fires(process, ALPHA):
                    return number + 1
        case _:
            process = SampleRatio()
            for number, treated in enumerate(draw.random(runs) < 0.4):
                process = process.add(0.25, treatment=int(treated), control=int(not treated))
                if fires(process, ALPHA):
                    return number + 1
    return None


@pytest.mark.parametrize(
    ("name", "simulated"),
    [
        ("errors", lambda seed: errors(seed, rate=0.05, ratio=4, runs=1500)),
        ("baseline", lambda seed: baseline(seed, rate=0.05, q0=0.01, runs=1500)),
        ("latency", lambda seed: latency(seed, slower=1.3, runs=1500)),
        ("sample ratio", lambda seed: sample_ratio(seed, found=0.4, runs=1500)),
    ],
)
def test_simulations_say_what_the_processes_say(name: str, simulated: object) -> None:
    assert callable(simulated)
    for seed in (1, 2):
        assert replay(name, seed, 1500) == simulated(seed)
