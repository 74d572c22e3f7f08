"""How long a step still takes: by what is missing and by the traffic that was seen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.choices import PHASES, PhaseName
from migration.conf import RolloutLimits
from migration.estimates import Estimate, estimate, shadow_share, traffic_of
from migration.gates.evidence import Evidence
from migration.gates.table import NAMES, judge
from migration.gates.tally import ArmCount, StepCount
from tests.migration.pure import DAY, LIMITS, limits, passing
from trimming.shadow_rules import LATELY_SECONDS, Flow

B, A, G, F, C = PHASES
FREE = Flow()


def few(
    phase: PhaseName,
    runs: int = 10**6,
    pairs: int = 10**6,
    number: int | None = None,
    **changes: Any,
) -> Evidence:
    """Return evidence with so many runs of treatment and so many pairs that matched."""
    found = passing(phase, number)
    steps = {found.step: StepCount(ArmCount(5_000), ArmCount(runs))}
    tally = replace(found.tally, steps=steps, matched=pairs)
    return replace(found, tally=tally, **changes)


def left(
    evidence: Evidence, per_second: float, using: RolloutLimits = LIMITS, flow: Flow = FREE
) -> Estimate:
    traffic = traffic_of(evidence, using, per_second, flow)
    return estimate(evidence, using, judge(evidence, using), traffic)


@pytest.mark.parametrize("phase", PHASES)
def test_nothing_is_left_when_all_is_met(phase: PhaseName) -> None:
    assert left(passing(phase), 1.0) == Estimate(0, 0.0, None)


@pytest.mark.parametrize(
    ("phase", "least"), [(B, DAY), (A, DAY), (G, DAY / 2), (F, 3 * DAY), (C, 14 * DAY)]
)
def test_the_rest_of_the_least_time_is_left(phase: PhaseName, least: float) -> None:
    found = left(passing(phase, step_seconds=least / 4), 1.0)
    assert found == Estimate(0, 0.75 * least, None)
    # time needs no traffic
    assert left(passing(phase, step_seconds=least / 4), 0.0) == found


def test_runs_come_with_the_share_of_treatment() -> None:
    # 60 of 200 are missing, and of 10 a second a quarter goes to treatment
    found = left(few(G, runs=140, number=2), 10.0)
    assert found.runs == 60
    assert found.seconds == pytest.approx(60 / 2.5)


def test_pairs_come_with_the_share_that_is_compared() -> None:
    # 332 are needed, and of 10 a second 20 % are compared
    found = left(few(A, pairs=300), 10.0)
    assert found.runs == 32
    assert found.seconds == pytest.approx(32 / 2)
    assert found.share_for_a_week is None


def test_what_takes_longest_is_what_is_left() -> None:
    both = few(A, runs=50, pairs=300, step_seconds=DAY - 10)
    found = left(both, 10.0)
    assert found.runs == 50 + 32
    # 50 runs at 1 % of 10 a second
    assert found.seconds == pytest.approx(500)
    assert left(both, 1e6).seconds == 10


def test_in_phase_1_only_comparisons_are_needed_the_larger_number_of_both_rules() -> None:
    # 500 at least by the one rule, 332 by the other
    assert left(few(B, pairs=100), 1.0) == Estimate(400, 400.0, None)
    strict = limits(mismatch_budget=0.001)
    assert left(few(B, pairs=400), 1.0, strict).runs == 3_327 - 400


@pytest.mark.parametrize(
    ("evidence", "per_second"),
    [(few(A, runs=1), 0.0), (few(B, pairs=1), 0.0), (few(A, runs=1, share=0.0), 1.0)],
)
def test_without_traffic_nobody_knows_how_long_it_takes(
    evidence: Evidence, per_second: float
) -> None:
    found = left(evidence, per_second)
    assert found.runs > 0
    assert found.seconds is None
    if per_second == 0:
        assert found.share_for_a_week is None


def test_without_comparisons_nobody_knows_either() -> None:
    assert left(few(A, pairs=1), 1.0, limits(ab_shadow_share=0.0)).seconds is None


def test_while_comparisons_wait_they_come_as_they_ended_lately() -> None:
    waits = Flow(waiting=9, oldest_seconds=LATELY_SECONDS, ended=15)
    # 32 are missing, and one ends in two seconds, however many captures come
    assert left(few(A, pairs=300), 10.0, flow=waits).seconds == pytest.approx(64)
    assert left(few(A, pairs=300), 10.0, flow=replace(waits, ended=0)).seconds is None
    # what needs none of them is estimated all the same
    assert left(few(G, runs=140, number=2), 10.0, flow=replace(waits, ended=0)).seconds is not None


@pytest.mark.parametrize(
    ("phase", "rules"), [(B, {"mismatch", "enough"}), (A, {"mismatch"}), (G, {"mismatch"})]
)
def test_in_phase_1_the_least_sample_is_of_comparisons_as_well(
    phase: PhaseName, rules: set[str]
) -> None:
    slow, stuck = Flow(waiting=9, ended=1), Flow(waiting=9, oldest_seconds=LATELY_SECONDS)
    found = traffic_of(passing(phase), LIMITS, 10.0, slow)
    assert {rule for rule in NAMES if found.of(rule) == 1 / LATELY_SECONDS} == rules
    found = traffic_of(passing(phase), LIMITS, 10.0, stuck)
    assert {rule for rule in NAMES if found.held_up_of(rule) == 9} == rules


def test_the_share_at_which_a_week_would_do_is_said() -> None:
    # 100 are missing, and 1,000 captures come in a week
    found = left(few(A, runs=0), 1_000 / (7 * DAY))
    assert found.share_for_a_week == pytest.approx(0.1)


def test_no_share_is_said_where_even_all_captures_would_not_do() -> None:
    assert left(few(A, runs=0), 100 / (7 * DAY)).share_for_a_week == pytest.approx(1)
    assert left(few(A, runs=0), 99 / (7 * DAY)).share_for_a_week is None


@pytest.mark.parametrize(("phase", "share"), [(B, 1.0), (A, 0.2), (G, 0.1), (F, 0.05), (C, 0.01)])
def test_each_phase_compares_its_own_share(phase: PhaseName, share: float) -> None:
    assert shadow_share(LIMITS, phase) == share


@given(
    st.sampled_from(PHASES),
    st.integers(0, 2_000),
    st.integers(0, 2_000),
    st.floats(0, 30 * DAY),
    st.floats(0, 1e4),
)
def test_an_estimate_is_a_time_from_now_on_and_more_traffic_shortens_it(
    phase: PhaseName, runs: int, pairs: int, seconds: float, per_second: float
) -> None:
    evidence = few(phase, runs, pairs, step_seconds=seconds)
    found, faster = left(evidence, per_second), left(evidence, 2 * per_second + 1)
    assert found.runs == faster.runs >= 0
    assert faster.seconds is not None
    assert math.isfinite(faster.seconds)
    assert found.seconds is None or found.seconds >= faster.seconds >= 0
    assert found.share_for_a_week is None or 0 < found.share_for_a_week <= 1
