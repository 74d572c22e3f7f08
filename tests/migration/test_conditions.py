"""The gates: met, not met and not known; what is not met holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.choices import GateVerdict, PhaseName
from migration.conf import RolloutLimits
from migration.gates import conditions
from migration.gates.evidence import Cleanup, Evidence, Health
from migration.gates.results import Judged
from migration.gates.tally import ArmCount, Assigned, StepCount, Tally
from monitoring.choices import Dimension
from monitoring.metrics.histograms import Histogram, of_values
from monitoring.statistics import (
    BaselineRateProcess,
    MismatchBound,
    SampleRatio,
    Shared,
    SlowLimits,
)
from tests.migration.pure import BASELINE, DAY, LIMITS, limits, passing, tally_of

V = GateVerdict
B, A, G, F, C = PhaseName
Rule = Callable[[Evidence, RolloutLimits], Judged]


def counted(phase: PhaseName, control: ArmCount, treatment: ArmCount) -> Evidence:
    found = passing(phase)
    steps = {found.step: StepCount(control, treatment)}
    return replace(found, tally=replace(found.tally, steps=steps))


def with_tally(phase: PhaseName, **changes: Any) -> Evidence:
    found = passing(phase)
    return replace(found, tally=replace(found.tally, **changes))


# --- routing and build ----------------------------------------------------------------------------


def test_a_policy_of_somebody_else_is_an_error_that_says_why() -> None:
    found = passing(A, overtaken="Policy 7 by alice is in force.")
    assert conditions.routing(found, LIMITS) == Judged(V.ERROR, "Policy 7 by alice is in force.")
    assert conditions.routing(passing(A), LIMITS).verdict is V.PASSED


def test_a_new_version_of_a_strategy_holds_and_is_named() -> None:
    judged = conditions.build(passing(A, new_build="scanning 2.1"), LIMITS)
    assert judged.verdict is V.INCONCLUSIVE
    assert judged.message.startswith("scanning 2.1 is new")
    assert conditions.build(passing(A), LIMITS).verdict is V.PASSED


# --- time and number ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "least"), [(B, DAY), (A, DAY), (G, DAY / 2), (F, 3 * DAY), (C, 14 * DAY)]
)
def test_the_least_time_of_a_phase_must_pass(phase: PhaseName, least: float) -> None:
    met = conditions.dwell(passing(phase, step_seconds=least), LIMITS)
    not_met = conditions.dwell(passing(phase, step_seconds=least - 1), LIMITS)
    assert (met.verdict, not_met.verdict) == (V.PASSED, V.INCONCLUSIVE)
    assert (not_met.value, not_met.limit) == (least - 1, least)


def test_the_time_that_passed_is_said_with_its_limit() -> None:
    judged = conditions.dwell(passing(G, step_seconds=5_400.0), LIMITS)
    assert judged.message == "1 h 30 min passed at this share, at least 12 h must."


@pytest.mark.parametrize(("phase", "least"), [(A, 100), (G, 200), (F, 1_000)])
def test_so_many_runs_of_treatment_must_be_finished_at_the_present_share(
    phase: PhaseName, least: int
) -> None:
    met = conditions.enough(counted(phase, ArmCount(), ArmCount(least)), LIMITS)
    not_met = conditions.enough(counted(phase, ArmCount(9_999), ArmCount(least - 7)), LIMITS)
    assert (met.verdict, met.needed) == (V.PASSED, None)
    assert (not_met.verdict, not_met.needed) == (V.INCONCLUSIVE, 7)
    assert f"{least - 7} captures were finished on scanning here, at least {least}" in (
        not_met.message
    )


def test_in_phase_1_so_many_comparisons_must_be_made() -> None:
    assert conditions.enough(with_tally(B, matched=499, mismatched=1), LIMITS).verdict is V.PASSED
    not_met = conditions.enough(with_tally(B, matched=490), LIMITS)
    assert (not_met.verdict, not_met.needed) == (V.INCONCLUSIVE, 10)
    assert not_met.message == "490 captures were compared, at least 500 must be."


# --- rates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "phase", "control", "treatment", "verdict"),
    [
        (conditions.legacy_success, B, (100, 5), (0, 0), V.PASSED),
        (conditions.legacy_success, B, (100, 6), (0, 0), V.FAILED),
        (conditions.legacy_success, B, (0, 0), (0, 0), V.INCONCLUSIVE),
        (conditions.overall_success, A, (80, 0), (20, 5), V.PASSED),
        (conditions.overall_success, A, (80, 1), (20, 5), V.FAILED),
        (conditions.overall_success, A, (0, 0), (0, 0), V.INCONCLUSIVE),
        # 90 % in phase 2, 95 % in phase 4
        (conditions.treatment_success, A, (0, 0), (100, 10), V.PASSED),
        (conditions.treatment_success, A, (0, 0), (100, 11), V.FAILED),
        (conditions.treatment_success, A, (9, 0), (0, 0), V.INCONCLUSIVE),
        (conditions.treatment_success, F, (0, 0), (100, 5), V.PASSED),
        (conditions.treatment_success, F, (0, 0), (100, 6), V.FAILED),
        (conditions.error_rate, G, (0, 0), (100, 2), V.PASSED),
        (conditions.error_rate, G, (0, 0), (100, 3), V.FAILED),
        (conditions.error_rate, G, (9, 0), (0, 0), V.INCONCLUSIVE),
    ],
)
def test_a_rate_is_held_against_its_limit_which_is_still_allowed(
    rule: Rule,
    phase: PhaseName,
    control: tuple[int, int],
    treatment: tuple[int, int],
    verdict: GateVerdict,
) -> None:
    found = counted(phase, ArmCount(*control), ArmCount(*treatment))
    assert rule(found, LIMITS).verdict is verdict


def test_a_rate_is_said_with_its_number_of_runs_and_its_limit() -> None:
    found = counted(G, ArmCount(80, 1), ArmCount(20, 1))
    assert conditions.legacy_success(found, LIMITS).message == (
        "98.75 % of 80 runs of legacy succeeded, 95.00 % must."
    )
    assert conditions.overall_success(found, LIMITS).message == (
        "98.00 % of 100 runs of both strategies succeeded, 95.00 % must."
    )
    assert conditions.treatment_success(found, LIMITS).message == (
        "95.00 % of 20 runs of scanning succeeded, 95.00 % must."
    )
    assert conditions.error_rate(found, LIMITS).message == (
        "5.00 % of 20 runs of scanning failed, at most 2.00 % may."
    )


@given(st.integers(1, 999))
def test_exactly_the_share_that_must_succeed_is_enough(succeeded: int) -> None:
    # as 93 of 100 are for a limit of 0.93, where 1 - 0.07 is less
    found = counted(F, ArmCount(), ArmCount(1_000, 1_000 - succeeded))
    judged = conditions.treatment_success(found, limits(full_success=succeeded / 1_000))
    assert judged.verdict is V.PASSED


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        (of_values([1.08] * 3), V.PASSED),
        # the median, not the mean
        (of_values([1.0, 1.0, 50.0]), V.PASSED),
        (of_values([1.0, 1.2, 1.2]), V.FAILED),
        (Histogram(), V.INCONCLUSIVE),
    ],
)
def test_the_median_of_treatments_time_to_controls_stays_within_the_limit(
    ratios: Histogram, verdict: GateVerdict
) -> None:
    assert conditions.degradation(with_tally(A, ratios=ratios), LIMITS).verdict is verdict


def test_degradation_is_said_with_its_number_of_captures() -> None:
    judged = conditions.degradation(with_tally(A, ratios=of_values([1.2] * 7)), LIMITS)
    assert "(median of 7 captures), at most 1.100 times." in judged.message
    assert judged.value == pytest.approx(1.2, rel=0.01)
    assert judged.limit == pytest.approx(1.1)


# --- mismatches -----------------------------------------------------------------------------------


def mismatch(
    matched: int, mismatched: int = 0, elsewhere: tuple[int, int] = (0, 0), **changes: Any
) -> Judged:
    found = with_tally(B, matched=matched, mismatched=mismatched)
    found = replace(found, imported_matched=elsewhere[0], imported_mismatched=elsewhere[1])
    return conditions.mismatch(found, limits(**changes))


@pytest.mark.parametrize(
    ("matched", "mismatched", "changes", "verdict", "needed"),
    [
        (331, 0, {}, V.INCONCLUSIVE, 1),
        (332, 0, {}, V.PASSED, None),
        (0, 0, {}, V.INCONCLUSIVE, 332),
        # each mismatch costs about 255 more
        (332, 1, {}, V.INCONCLUSIVE, 254),
        (332 + 254, 1, {}, V.PASSED, None),
        # the strict preset
        (3_326, 0, {"mismatch_budget": 0.001}, V.INCONCLUSIVE, 1),
        (3_327, 0, {"mismatch_budget": 0.001}, V.PASSED, None),
    ],
)
def test_mismatches_are_rare_with_so_many_captures_that_match(
    matched: int,
    mismatched: int,
    changes: dict[str, Any],
    verdict: GateVerdict,
    needed: int | None,
) -> None:
    judged = mismatch(matched, mismatched, **changes)
    assert (judged.verdict, judged.needed) == (verdict, needed)
    assert (f"{needed} more without a difference" in judged.message) is (needed is not None)


@pytest.mark.parametrize(
    ("elsewhere", "here"),
    [
        # half of 332 at most, however many were tested elsewhere
        ((100, 0), 232),
        ((166, 0), 166),
        ((167, 0), 166),
        ((10**6, 0), 166),
        # with a difference they do not count at all
        ((10**6, 1), 332),
    ],
)
def test_what_was_tested_elsewhere_counts_for_half_of_what_is_needed_at_most(
    elsewhere: tuple[int, int], here: int
) -> None:
    assert mismatch(here, elsewhere=elsewhere).verdict is V.PASSED
    not_met = mismatch(here - 1, elsewhere=elsewhere)
    assert (not_met.verdict, not_met.needed) == (V.INCONCLUSIVE, 1)


def test_mismatches_are_said_with_budget_and_what_is_needed() -> None:
    judged = mismatch(99, 1, elsewhere=(50, 0))
    assert judged.message.startswith(
        "1 of 100 captures differ (budget 1.00 %, 50 more tested elsewhere): evidence "
    )
    assert ", needed 20. " in judged.message
    for each in (judged, mismatch(5_000)):
        assert each.limit == pytest.approx(20)


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**4),
    st.integers(0, 10**6),
    st.sampled_from([0.05, 0.01, 1e-6, 1e-13]),
)
def test_mismatches_pass_exactly_when_nothing_more_is_needed(
    matched: int, mismatched: int, elsewhere: int, alpha: float
) -> None:
    judged = mismatch(matched, mismatched, (elsewhere, 0), promotion_alpha=alpha)
    assert (judged.verdict is V.PASSED) is (judged.needed is None)
    half = MismatchBound(LIMITS.mismatch_budget).runs_needed(alpha) // 2
    bound = MismatchBound(LIMITS.mismatch_budget).update(
        matched=matched + min(elsewhere, half), mismatched=mismatched
    )
    assert (judged.needed or 0) == bound.runs_needed(alpha)


# --- the ratio of the arms ------------------------------------------------------------------------


def least_unfair(share: float) -> int:
    """Return how many captures, all on treatment, are evidence of 1000."""
    return next(
        n for n in range(1, 1_000) if SampleRatio((Shared(share, n, 0),)).log_e >= 6.907755278982137
    )


@pytest.mark.parametrize("name", ["assigned", "completed"])
def test_another_ratio_of_the_arms_is_an_error_from_1000_on(name: str) -> None:
    n = least_unfair(0.1)
    at_limit = with_tally(G, **{name: SampleRatio((Shared(0.1, n, 0),))})
    below = with_tally(G, **{name: SampleRatio((Shared(0.1, n - 1, 0),))})
    judged = conditions.sample_ratio(at_limit, LIMITS)
    assert judged.verdict is V.ERROR
    assert judged.message.endswith("it holds from 1000.")
    assert conditions.sample_ratio(below, LIMITS).verdict is V.PASSED


def test_arms_that_get_what_they_were_to_get_pass() -> None:
    fair = [Assigned(True, 0.1), *[Assigned(False, 0.1)] * 9] * 50
    found = replace(passing(G), tally=Tally().share_out(fair, fair))
    assert conditions.sample_ratio(found, LIMITS).verdict is V.PASSED
    # with nothing assigned there is nothing against it
    assert conditions.sample_ratio(passing(G, tally=Tally()), LIMITS).verdict is V.PASSED


def test_treatment_that_hangs_shows_in_what_has_ended() -> None:
    assigned = [Assigned(each % 2 == 0, 0.5) for each in range(400)]
    ended = [each for each in assigned if not each.on_treatment]
    found = replace(passing(G), tally=Tally().share_out(assigned, ended))
    judged = conditions.sample_ratio(found, LIMITS)
    assert judged.verdict is V.ERROR
    # a number beyond says no more
    assert judged.value is not None
    assert judged.value < 1e12


# --- health ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "verdict"),
    [
        (Health(0.8, 5.0), V.PASSED),
        (Health(0.79, 5.0), V.INCONCLUSIVE),
        (Health(None, 5.0), V.INCONCLUSIVE),
        (None, V.INCONCLUSIVE),
    ],
)
def test_health_must_be_known_and_good(health: Health | None, verdict: GateVerdict) -> None:
    assert conditions.health(passing(F, health=health), LIMITS).verdict is verdict


def test_health_is_said_with_its_limit() -> None:
    judged = conditions.health(passing(F, health=Health(0.5, 5.0)), LIMITS)
    assert judged.message == "The health score is 0.50, at least 0.80 must be."
    assert "nothing is known" in conditions.health(passing(F, health=None), LIMITS).message


# --- slow runs without a control ------------------------------------------------------------------


def slow(failed: int, succeeded: int) -> Judged:
    process = BaselineRateProcess(0.055).update(failed=failed, succeeded=succeeded)
    return conditions.slow_alone(with_tally(F, slow_alone=process), LIMITS)


def test_many_slow_runs_without_a_control_hold_and_do_not_fail() -> None:
    least = next(n for n in range(1, 100) if slow(n, 0).verdict is not V.PASSED)
    assert slow(least, 0).verdict is V.INCONCLUSIVE
    value = slow(least, 0).value
    assert value is not None
    assert value >= 100
    assert slow(500, 0).verdict is V.INCONCLUSIVE
    assert slow(5, 95).verdict is V.PASSED
    assert slow(5, 95).message.startswith(
        "5 of 100 runs were slower than the frozen limits of their size: evidence "
    )
    assert slow(5, 95).message.endswith("it holds from 100.")


def test_slow_runs_hold_no_longer_when_they_have_become_rare() -> None:
    # it is a gate: what is there now decides, not the most that ever was
    process = BaselineRateProcess(0.055).update(failed=10, succeeded=0)
    process = process.update(failed=0, succeeded=5_000)
    assert process.max_log_e > 10
    assert conditions.slow_alone(with_tally(F, slow_alone=process), LIMITS).verdict is V.PASSED


@pytest.mark.parametrize(
    "found",
    [
        passing(F, tally=replace(tally_of("a:0"), slow_alone=None)),
        passing(F, baseline=None),
        passing(F, baseline=replace(BASELINE, slow_alone=SlowLimits())),
    ],
)
def test_without_a_limit_for_slow_runs_there_is_nothing_to_hold_them_against(
    found: Evidence,
) -> None:
    judged = conditions.slow_alone(found, LIMITS)
    assert judged.verdict is V.PASSED
    assert "No size of captures" in judged.message


# --- the last phase, and the baseline -------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "cleanup", "verdict"),
    [
        (conditions.legacy_unused, Cleanup(legacy_unused_seconds=14 * DAY), V.PASSED),
        (conditions.legacy_unused, Cleanup(legacy_unused_seconds=14 * DAY - 1), V.INCONCLUSIVE),
        (conditions.legacy_unused, Cleanup(), V.INCONCLUSIVE),
        (conditions.drill, Cleanup(drill_age_seconds=0.0), V.PASSED),
        (conditions.drill, Cleanup(drill_age_seconds=30 * DAY), V.PASSED),
        (conditions.drill, Cleanup(drill_age_seconds=30 * DAY + 1), V.INCONCLUSIVE),
        (conditions.drill, Cleanup(), V.INCONCLUSIVE),
        (conditions.archived, Cleanup(is_archived=True), V.PASSED),
        (conditions.archived, Cleanup(), V.INCONCLUSIVE),
    ],
)
def test_what_the_last_phase_waits_for(rule: Rule, cleanup: Cleanup, verdict: GateVerdict) -> None:
    assert rule(passing(C, cleanup=cleanup), LIMITS).verdict is verdict


def test_days_are_said_with_their_limits() -> None:
    found = passing(C, cleanup=Cleanup(3 * DAY, 2 * DAY))
    assert conditions.legacy_unused(found, LIMITS).message == (
        "Legacy served nothing for 3 d, 14 d must pass."
    )
    drill = conditions.drill(found, LIMITS)
    assert drill.message == "The newest drill that passed is 2 d old, at most 30 d."
    assert (drill.value, drill.limit) == (2 * DAY, 30 * DAY)


def test_the_baseline_must_be_frozen() -> None:
    assert conditions.frozen(passing(B, baseline=None), LIMITS).verdict is V.INCONCLUSIVE
    old = replace(BASELINE, frozen_at=BASELINE.frozen_at - timedelta(days=99))
    judged = conditions.frozen(passing(B, baseline=old), LIMITS)
    assert judged == Judged(V.PASSED, "The baseline is frozen: 10 of 1000 runs failed.")


def test_a_health_report_that_is_old_says_nothing() -> None:
    old = Health(0.97, LIMITS.health_age_seconds + 1)
    evidence = replace(passing(PhaseName.FULL), health=old)
    assert conditions.health(evidence, LIMITS).verdict is GateVerdict.INCONCLUSIVE
    low = replace(evidence, health=old._replace(score=0.1))
    assert conditions.health_low(low, LIMITS).verdict is GateVerdict.PASSED


@pytest.mark.parametrize(
    ("health", "verdict"),
    [
        (Health(0.29, 5.0), GateVerdict.INCONCLUSIVE),
        (Health(0.3, 5.0), GateVerdict.PASSED),
        (Health(0.5, 5.0, low_in_a_row=3), GateVerdict.INCONCLUSIVE),
        (Health(0.5, 5.0, low_in_a_row=2), GateVerdict.PASSED),
        (Health(None, 5.0, low_in_a_row=3), GateVerdict.PASSED),
        (None, GateVerdict.PASSED),
    ],
)
def test_a_low_score_holds_and_never_rolls_back(
    health: Health | None, verdict: GateVerdict
) -> None:
    evidence = replace(passing(PhaseName.FULL), health=health)
    assert conditions.health_low(evidence, LIMITS).verdict is verdict


def test_resources_are_nothing_that_treatment_causes() -> None:
    assert set(Dimension) - conditions.CAUSED == {Dimension.RESOURCES}


def test_behind_phase_1_a_missing_baseline_says_what_to_do() -> None:
    evidence = replace(passing(PhaseName.AB_TEST), baseline=None)
    assert "restart the rollout at phase 1" in conditions.frozen(evidence, LIMITS).message
