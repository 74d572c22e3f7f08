"""The rules of harm: each fails at its limit, not before, and never for want of data."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.choices import GateVerdict, PhaseName, RuleKind
from migration.conf import RolloutLimits
from migration.gates import harm
from migration.gates.evidence import Evidence
from migration.gates.results import Judged
from migration.gates.table import RULES, harms, judge
from migration.gates.tally import ROUND_WEIGHTS, ArmCount, Tally
from monitoring.statistics import BaselineRateProcess, ErrorRateProcess, PairedLatencyProcess
from tests.migration.pure import BASELINE, LIMITS, SLOW_MS, limits, pair, passing, run

V = GateVerdict
GOOD = passing(PhaseName.FULL)
Rule = Callable[[Evidence, RolloutLimits], Judged]
# rules over chances: the process that each goes by, and one of its kind
CHANCES: list[tuple[Rule, str, Any]] = [
    (harm.errors, "errors", ErrorRateProcess()),
    (harm.slow, "slow", ErrorRateProcess()),
    (harm.discordant, "discordant", ErrorRateProcess()),
    (harm.paired, "paired", PairedLatencyProcess()),
    (harm.errors_alone, "errors_alone", BaselineRateProcess(BASELINE.error_limit)),
]
BY_CHANCE = pytest.mark.parametrize(
    ("rule", "name", "process"), CHANCES, ids=[name for _, name, _ in CHANCES]
)


def with_tally(**changes: Any) -> Evidence:
    return replace(GOOD, tally=replace(GOOD.tally, **changes))


def with_most(name: str, process: Any, max_log_e: float) -> Evidence:
    return with_tally(**{name: replace(process, max_log_e=max_log_e)})


def numbers(judged: Judged) -> list[str]:
    return re.findall(r"\d[\d.]*", judged.message)


# --- rules over chances ---------------------------------------------------------------------------


@BY_CHANCE
@pytest.mark.parametrize("alpha", [0.01, 0.002, 1e-9])
def test_a_rule_over_a_chance_fails_from_its_part_of_alpha_on(
    rule: Rule, name: str, process: Any, alpha: float
) -> None:
    at_limit = math.log(harm.CHANCE_RULES / (alpha * ROUND_WEIGHTS))
    below = math.nextafter(at_limit, 0)
    assert rule(with_most(name, process, at_limit), limits(alpha=alpha)).verdict is V.FAILED
    assert rule(with_most(name, process, below), limits(alpha=alpha)).verdict is V.PASSED


@BY_CHANCE
def test_a_rule_over_a_chance_names_evidence_and_limit(rule: Rule, name: str, process: Any) -> None:
    judged = rule(with_most(name, process, math.log(12.5)), LIMITS)
    assert judged.message.endswith(": evidence 12.5, it rolls back at 822.")
    assert judged.value == pytest.approx(12.5)
    assert judged.limit == pytest.approx(5 / (0.01 * ROUND_WEIGHTS))


@BY_CHANCE
def test_evidence_of_harm_does_not_fade(rule: Rule, name: str, process: Any) -> None:
    # the most that there ever was decides, not what is there now
    assert replace(process, max_log_e=50.0).log_e < 1
    judged = rule(with_most(name, process, 50.0), LIMITS)
    assert judged.verdict is V.FAILED
    # and a number that says no more is not written out
    assert judged.value == pytest.approx(1e12)


def test_alpha_is_shared_among_all_rules_over_chances() -> None:
    shared = [
        rule.name
        for rule in RULES
        if rule.kind is RuleKind.HARM and "evidence" in rule.judge(GOOD, LIMITS).message
    ]
    assert shared == [
        *("errors", "slow_runs", "pairs_errors", "pairs_latency", "errors_against_baseline"),
    ]
    assert len(shared) == len(CHANCES) == harm.CHANCE_RULES


def test_without_a_frozen_baseline_the_rule_against_it_holds() -> None:
    judged = harm.errors_alone(with_tally(errors_alone=None), LIMITS)
    assert judged.verdict is V.INCONCLUSIVE
    assert "no frozen baseline" in judged.message


@pytest.mark.parametrize(
    ("rule", "facts"),
    [
        (harm.errors, {"runs": [run(failed=True)] * 60}),
        (harm.slow, {"runs": [run(duration_ms=SLOW_MS + 1)] * 60}),
        (harm.errors_alone, {"runs": [run(share=1.0, failed=True)] * 20}),
        (harm.discordant, {"pairs": [pair(treatment_failed=True)] * 20}),
        (harm.paired, {"pairs": [pair(treatment_ms=60.0)] * 20}),
    ],
)
def test_harm_that_is_there_is_found_by_its_rule(rule: Rule, facts: dict[str, Any]) -> None:
    tally = Tally().with_baseline(BASELINE).serve(facts.get("runs", []), BASELINE)
    found = replace(GOOD, tally=tally.compare(facts.get("pairs", []), LIMITS.slower_by))
    failing = [each for each, name, _ in CHANCES if each(found, LIMITS).verdict is V.FAILED]
    assert failing == [rule]


def test_the_same_harm_on_both_arms_is_none_of_treatment() -> None:
    runs = [run(failed=True), *[run(on_treatment=False, failed=True)] * 9] * 20
    pairs = [pair(treatment_failed=True), pair(control_failed=True), pair(treatment_ms=21.0)] * 20
    tally = Tally().serve(runs, BASELINE).compare(pairs, LIMITS.slower_by)
    found = replace(GOOD, tally=tally)
    for rule, _, _ in CHANCES[:4]:
        assert rule(found, LIMITS).verdict is V.PASSED


# --- leaks and failures in a row ------------------------------------------------------------------


def test_one_leak_is_too_many() -> None:
    assert harm.leak(GOOD, LIMITS) == Judged(V.PASSED, "0 leaks are confirmed, 0 must be.", 0, 0)
    judged = harm.leak(with_tally(leaks=1), LIMITS)
    assert (judged.verdict, judged.value, judged.limit) == (V.FAILED, 1, 0)


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_failures_in_a_row_fail_at_their_limit(limit: int) -> None:
    allowed = limits(failures_in_a_row=limit)
    at_limit = harm.in_a_row(replace(with_tally(most_in_a_row=limit), baseline=None), allowed)
    below = harm.in_a_row(replace(with_tally(most_in_a_row=limit - 1), baseline=None), allowed)
    assert (at_limit.verdict, below.verdict) == (V.FAILED, V.PASSED)
    assert numbers(below) == [f"{limit - 1}", f"{limit}."]


@pytest.mark.parametrize(
    ("failed", "least"), [(0, 3), (4, 3), (5, 4), (17, 4), (18, 5), (600, 24), (1000, 24)]
)
def test_more_failures_in_a_row_are_needed_where_the_baseline_fails_often(
    failed: int, least: int
) -> None:
    baseline = replace(BASELINE, runs=1_000, failed=failed)
    assert harm.least_in_a_row(baseline, LIMITS) == least


def test_failures_in_a_row_count_when_a_success_came_before_the_look() -> None:
    judged = harm.in_a_row(with_tally(row=(), most_in_a_row=4), LIMITS)
    assert judged.verdict is V.FAILED


# --- the rate of all runs -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finished", "failed", "verdict"),
    [
        (100, 10, V.PASSED),  # the limit itself is allowed
        (100, 11, V.FAILED),
        (200, 20, V.PASSED),
        (99, 99, V.PASSED),  # too few to say anything
        (0, 0, V.PASSED),
    ],
)
def test_the_rate_of_all_runs_fails_above_its_limit_and_from_enough_runs_on(
    finished: int, failed: int, verdict: GateVerdict
) -> None:
    judged = harm.error_rate(replace(GOOD, recent=ArmCount(finished, failed)), LIMITS)
    assert judged.verdict is verdict
    assert f"{finished}" in judged.message


def test_the_rate_of_all_runs_is_said_with_its_limit() -> None:
    judged = harm.error_rate(replace(GOOD, recent=ArmCount(200, 25)), LIMITS)
    assert judged.message == "12.5 % of the last 200 runs failed, it rolls back above 10.0 %."
    few = harm.error_rate(replace(GOOD, recent=ArmCount(7, 7)), LIMITS)
    assert numbers(few) == ["100", "7."]


# --- what is critical for long --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["memory", "latency"])
def test_what_is_critical_for_the_whole_hold_time_rolls_back(name: str) -> None:
    at_limit = harm.critical(replace(GOOD, critical_seconds={name: 600.0}), LIMITS)
    below = harm.critical(replace(GOOD, critical_seconds={name: 599.9}), LIMITS)
    assert (at_limit.verdict, below.verdict) == (V.FAILED, V.PASSED)
    assert numbers(at_limit) == ["600", "600"]


def test_of_what_is_critical_the_longest_time_is_said() -> None:
    judged = harm.critical(
        replace(GOOD, critical_seconds={"memory": 10.0, "latency": 45.0}), LIMITS
    )
    assert numbers(judged) == ["45", "600"]
    assert (judged.value, judged.limit) == (45, 600)


# --- no data --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (0.0, V.PASSED),
        (29.9, V.PASSED),
        (30.0, V.INCONCLUSIVE),
        (299.9, V.INCONCLUSIVE),
        (300.0, V.FAILED),
        # there never was one
        (None, V.INCONCLUSIVE),
    ],
)
def test_samples_that_stopped_hold_first_and_roll_back_later(
    age: float | None, verdict: GateVerdict
) -> None:
    assert harm.stale(replace(GOOD, sample_age_seconds=age), LIMITS).verdict is verdict


def test_the_age_of_the_newest_sample_is_said_with_both_limits() -> None:
    judged = harm.stale(replace(GOOD, sample_age_seconds=45.0), LIMITS)
    assert numbers(judged) == ["45", "30", "300"]


@pytest.mark.parametrize("phase", PhaseName)
def test_no_data_never_rolls_back(phase: PhaseName) -> None:
    nothing = Evidence(GOOD.now, phase, f"{phase}:0", 0.1, 1e9, Tally())
    assert harms(judge(nothing, LIMITS)) == []


@given(*[st.integers(0, 60)] * 4)
def test_nothing_but_good_runs_never_rolls_back(
    treatment: int, control: int, alone: int, compared: int
) -> None:
    runs = [run()] * treatment + [run(on_treatment=False)] * control + [run(share=1.0)] * alone
    tally = Tally().with_baseline(BASELINE).serve(runs, BASELINE)
    tally = tally.compare([pair()] * compared, LIMITS.slower_by)
    for phase in PhaseName:
        assert harms(judge(passing(phase, tally=tally), LIMITS)) == []
