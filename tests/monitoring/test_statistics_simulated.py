"""False alarms and power of the e-processes when they are looked at after every run.

The seeds are fixed, so a result is a fact and not a chance.  A bound on alarms is three standard
deviations of a binomial above what the rule promises: a rule that keeps its promise to the full
exceeds it in one of 200 sets of 200 seeds, and in fewer of 1,000.  A median agrees with the
design when the design's lies within three standard deviations of a rank around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.statistics import (
    ALPHA,
    BROKEN,
    FALSE_ALARMS,
    POWER,
    Outcome,
    Simulation,
    baseline,
    discordant,
    errors,
    latency,
    main,
    mismatches,
    over,
    sample_ratio,
)
from monitoring.eprocesses import fires
from monitoring.statistics import (
    BaselineRateProcess,
    ErrorRateProcess,
    MismatchBound,
    PairedLatencyProcess,
    SampleRatio,
)

SIZES = [200, pytest.param(1000, marks=pytest.mark.long)]
DEVIATIONS = 3
# median runs until a difference is found, by the design
MEDIANS = {
    "(a') five-fold, q0 = 1 %, alpha 0.01/3": 181,
    "(b) 20 % slower": 204,
    "(b) 30 % slower": 53,
    "(b) 50 % slower": 18,
    "(b) twice as slow": 9,
}
FIVE_TIMES = "(a) each failing capture counted five times: 1 %, half each, 2,000 runs"


def noise(rate: float, seeds: int) -> float:
    """Return how far the share of seeds may lie from ``rate``."""
    return DEVIATIONS * math.sqrt(rate * (1 - rate) / seeds)


@pytest.mark.parametrize("seeds", SIZES)
@pytest.mark.parametrize("rule", FALSE_ALARMS)
def test_without_a_difference_at_most_one_percent_of_alarms(rule: str, seeds: int) -> None:
    promised = ALPHA / 3 if rule.endswith("alpha 0.01/3") else ALPHA
    assert over(FALSE_ALARMS[rule], seeds).rate <= promised + noise(promised, seeds)


@pytest.mark.parametrize("seeds", SIZES)
@pytest.mark.parametrize("rule", POWER)
def test_a_difference_is_found_as_soon_as_the_design_says(rule: str, seeds: int) -> None:
    found = over(POWER[rule], seeds)
    assert found.fired == seeds
    if rule in MEDIANS:
        low, high = found.median_within(DEVIATIONS)
        assert low <= MEDIANS[rule] <= high


@pytest.mark.parametrize("seeds", SIZES)
def test_counting_repeats_of_one_capture_breaks_the_promise(seeds: int) -> None:
    assert over(BROKEN[FIVE_TIMES], seeds).rate == pytest.approx(0.29, abs=noise(0.29, seeds))


@pytest.mark.parametrize("seeds", SIZES)
def test_a_limit_from_few_runs_of_control_breaks_the_promise_of_slow_runs(seeds: int) -> None:
    few = over(BROKEN["(a') slow runs, p95 from 400 runs of control"], seeds)
    many = over(BROKEN["(a') slow runs, p95 from 2,000 runs of control"], seeds)
    assert few.rate > ALPHA + noise(ALPHA, seeds) >= many.rate


def test_the_noise_model_gives_the_probabilities_that_the_medians_need() -> None:
    for slower, probability in ((1.2, 0.61), (1.3, 0.71), (1.5, 0.85), (2.0, 0.98)):
        deviations = math.log(slower / 1.10) / 0.30
        assert math.erfc(-deviations / math.sqrt(2)) / 2 == pytest.approx(probability, abs=0.005)


def test_an_outcome_without_an_alarm_has_no_median() -> None:
    assert Outcome(10, ()).runs is None
    assert Outcome(4, (3, 5)).runs == 4
    assert Outcome(2, (3, 5)).median_within(3) == (3, 5)


def test_the_command_prints_every_rule_in_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    for rule in (*FALSE_ALARMS, *POWER, *BROKEN):
        assert f"| {rule} | " in printed


Process = (
    ErrorRateProcess | BaselineRateProcess | PairedLatencyProcess | MismatchBound | SampleRatio
)


def errors_replayed(seed: int) -> list[Process]:
    draw = np.random.default_rng(seed)
    w = np.repeat((0.1, 0.5), 750)
    arms = draw.random(1500) < w
    looks = [ErrorRateProcess()]
    for arm, share, failed in zip(
        arms, w, draw.random(1500) < np.where(arms, 0.2, 0.05), strict=True
    ):
        looks.append(looks[-1].update(share, on_treatment=arm) if failed else looks[-1])
    return [*looks[1:]]


def discordant_replayed(seed: int) -> list[Process]:
    draw = np.random.default_rng(seed)
    treatment, control = draw.random(1500) < 0.05, draw.random(1500) < 0.01
    looks = [ErrorRateProcess()]
    for one, other in zip(treatment, control, strict=True):
        looks.append(looks[-1].update(0.5, on_treatment=one) if one != other else looks[-1])
    return [*looks[1:]]


def baseline_replayed(seed: int) -> list[Process]:
    looks = [BaselineRateProcess(1.1 * 0.01)]
    for failed in np.random.default_rng(seed).random(1500) < 0.05:
        looks.append(looks[-1].update(failed=int(failed), succeeded=int(not failed)))
    return [*looks[1:]]


def latency_replayed(seed: int) -> list[Process]:
    looks = [PairedLatencyProcess()]
    for slower in math.log(1.3) + np.random.default_rng(seed).normal(0, 0.3, 1500) > math.log(1.1):
        looks.append(looks[-1].update(slower=int(slower), not_slower=int(not slower)))
    return [*looks[1:]]


def mismatches_replayed(seed: int) -> list[Process]:
    looks = [MismatchBound(0.01)]
    for wrong in np.random.default_rng(seed).random(1500) < 0.001:
        looks.append(looks[-1].update(matched=int(not wrong), mismatched=int(wrong)))
    return [*looks[1:]]


def sample_ratio_replayed(seed: int) -> list[Process]:
    looks = [SampleRatio()]
    for treated in np.random.default_rng(seed).random(1500) < 0.4:
        looks.append(looks[-1].update(0.25, treatment=int(treated), control=int(not treated)))
    return [*looks[1:]]


REPLAYED: dict[str, tuple[Callable[[int], list[Process]], Simulation]] = {
    "errors": (
        errors_replayed,
        lambda seed: errors(seed, rate=0.05, ratio=4, share=(0.1, 0.5), runs=1500),
    ),
    "discordant": (
        discordant_replayed,
        lambda seed: discordant(seed, rate=0.01, ratio=5, runs=1500),
    ),
    "baseline": (baseline_replayed, lambda seed: baseline(seed, rate=0.05, q0=0.01, runs=1500)),
    "latency": (latency_replayed, lambda seed: latency(seed, slower=1.3, runs=1500)),
    "mismatches": (mismatches_replayed, lambda seed: mismatches(seed, rate=0.001, runs=1500)),
    "sample ratio": (sample_ratio_replayed, lambda seed: sample_ratio(seed, found=0.4, runs=1500)),
}


@pytest.mark.parametrize("name", REPLAYED)
def test_simulations_say_what_the_processes_say(name: str) -> None:
    replay, simulation = REPLAYED[name]
    for seed in (1, 2):
        fired = (number for number, each in enumerate(replay(seed), 1) if fires(each, ALPHA))
        assert next(fired) == simulation(seed)
