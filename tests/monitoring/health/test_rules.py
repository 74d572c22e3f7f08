"""The truth table of health, and that no average hides a broken dimension."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.choices import Dimension, Verdict
from monitoring.health.facts import GAUGES
from monitoring.health.findings import ORDER, WEIGHTS, Finding, overall, worst
from monitoring.health.inputs import ArmFacts, Facts, Limits
from monitoring.health.parts import score_between
from monitoring.health.rules import BURN_WINDOWS, judge

LIMITS = Limits(
    stale_seconds=30,
    least_runs=20,
    least_failures=3,
    error_rate=(0.02, 0.05),
    fallback_rate=(0.01, 0.05),
    success_target=0.99,
    cpu_percent=(70, 90),
    memory_percent=(80, 92),
    disk_percent=(80, 95),
    worker_rss_bytes=(1.5e9, 3e9),
    queue_age_seconds=(120, 600),
    message_p95_ms=100,
    promised_seconds=600,
    accuracy=0.9,
)
# a service with work on both arms, and nothing wrong
WELL = Facts(
    age_seconds=3,
    window_seconds=900,
    ages=dict.fromkeys(GAUGES, 3.0),
    control=ArmFacts("legacy", succeeded=700, failed=3, message_p95_ms=6.4),
    treatment=ArmFacts("scanning", succeeded=240, failed=1, message_p95_ms=0.3),
    fallbacks=1,
    breakers_open=0,
    assigned=944,
    assigned_to_treatment=241,
    assigned_share=0.25,
    treatment_share=0.25,
    sample_ratio_e=0.3,
    harm_e=0.8,
    pairs=100,
    slower_e=0.01,
    baseline_bytes_per_second=1e8,
    bytes_per_second=1.1e8,
    cpu_percent=40,
    memory_percent=61,
    disk_percent=50,
    worker_rss_bytes=3e8,
    oldest_waiting_seconds=12,
    workers_answer=True,
    shadows=100,
    mismatched=1,
    leaks=0,
    verification_failures=0,
    compared_bytes=10**9,
    disagreeing_bytes=10**6,
    messages=9000,
    masked_bytes=10**8,
    finished=940,
    finished_late=2,
    burns=dict.fromkeys(BURN_WINDOWS, (4, 944)),
)
# the same machine, and nobody uploads anything
IDLE = replace(
    WELL,
    control=ArmFacts("legacy"),
    treatment=ArmFacts("scanning"),
    fallbacks=0,
    assigned=0,
    assigned_to_treatment=0,
    assigned_share=None,
    treatment_share=0.0,
    sample_ratio_e=None,
    harm_e=None,
    pairs=0,
    slower_e=None,
    bytes_per_second=None,
    shadows=0,
    mismatched=0,
    compared_bytes=0,
    disagreeing_bytes=0,
    messages=0,
    masked_bytes=0,
    finished=0,
    finished_late=0,
    oldest_waiting_seconds=0,
    burns={},
)
FAILING = ArmFacts("scanning", succeeded=140, failed=101, message_p95_ms=0.3)
WORST: list[tuple[Dimension, dict[str, Any], Verdict]] = [
    (Dimension.STRATEGY_SELECTION, {"breakers_open": 1}, Verdict.FAIL),
    (Dimension.STRATEGY_SELECTION, {"fallbacks": 4}, Verdict.WARN),
    (Dimension.STRATEGY_SELECTION, {"fallbacks": 241}, Verdict.FAIL),
    (Dimension.STRATEGY_SELECTION, {"sample_ratio_e": 1000.0}, Verdict.FAIL),
    (Dimension.STRATEGY_SELECTION, {"breakers_open": None}, Verdict.UNKNOWN),
    (Dimension.STRATEGY_SELECTION, {"changed_arm": 1}, Verdict.FAIL),
    (Dimension.PERFORMANCE, {"slower_e": 100.0}, Verdict.FAIL),
    (Dimension.PERFORMANCE, {"bytes_per_second": 8.5e7}, Verdict.WARN),
    (Dimension.PERFORMANCE, {"bytes_per_second": 5e7}, Verdict.FAIL),
    (Dimension.PERFORMANCE, {"bytes_per_second": None}, Verdict.UNKNOWN),
    (
        Dimension.PERFORMANCE,
        {"treatment": replace(WELL.treatment, message_p95_ms=150)},
        Verdict.WARN,
    ),
    (Dimension.PERFORMANCE, {"control": replace(WELL.control, message_p95_ms=1e4)}, Verdict.FAIL),
    (
        Dimension.PERFORMANCE,
        {"control": replace(WELL.control, message_p95_ms=None)},
        Verdict.UNKNOWN,
    ),
    (Dimension.ERROR_RATE, {"treatment": FAILING}, Verdict.FAIL),
    (Dimension.ERROR_RATE, {"harm_e": 100.0}, Verdict.FAIL),
    (Dimension.ERROR_RATE, {"control": replace(WELL.control, failed=25)}, Verdict.WARN),
    (Dimension.RESOURCES, {"cpu_percent": 74}, Verdict.WARN),
    (Dimension.RESOURCES, {"cpu_percent": 100}, Verdict.FAIL),
    (Dimension.RESOURCES, {"memory_percent": 99}, Verdict.FAIL),
    (Dimension.RESOURCES, {"disk_percent": 99}, Verdict.FAIL),
    (Dimension.RESOURCES, {"worker_rss_bytes": 9e9}, Verdict.FAIL),
    (Dimension.RESOURCES, {"oldest_waiting_seconds": 700}, Verdict.FAIL),
    (Dimension.RESOURCES, {"workers_answer": False}, Verdict.FAIL),
    (Dimension.RESOURCES, {"workers_answer": None}, Verdict.UNKNOWN),
    (Dimension.RESOURCES, {"cpu_percent": None}, Verdict.UNKNOWN),
    (Dimension.BUSINESS, {"leaks": 1}, Verdict.FAIL),
    (Dimension.BUSINESS, {"mismatched": 100}, Verdict.WARN),
    (Dimension.BUSINESS, {"masked_bytes": 0}, Verdict.WARN),
    (Dimension.BUSINESS, {"verification_failures": 1}, Verdict.FAIL),
    (Dimension.BUSINESS, {"disagreeing_bytes": 3 * 10**8}, Verdict.FAIL),
    (Dimension.BUSINESS, {"finished_late": 100}, Verdict.WARN),
]


def verdicts(facts: Facts) -> dict[Dimension, Verdict]:
    return {each.dimension: each.verdict for each in judge(facts, LIMITS)}


def test_when_nothing_is_wrong_everything_is_ok() -> None:
    findings = judge(WELL, LIMITS)
    assert {each.verdict for each in findings} == {Verdict.OK}
    whole = overall(findings)
    assert whole.verdict is Verdict.OK
    assert whole.score is not None
    assert 0.8 <= whole.score <= 1
    assert whole.score == whole.mean


@pytest.mark.parametrize(("dimension", "change", "verdict"), WORST)
def test_one_dimension_alone_decides_and_recovers(
    dimension: Dimension, change: dict[str, Any], verdict: Verdict
) -> None:
    facts = replace(WELL, **change)
    found = verdicts(facts)
    assert found.pop(dimension) is verdict
    assert set(found.values()) == {Verdict.OK}
    whole = overall(judge(facts, LIMITS))
    assert whole.verdict is verdict
    match verdict:
        case Verdict.FAIL:
            assert whole.score is not None
            assert whole.score <= 0.29
        case Verdict.WARN:
            assert whole.score is not None
            assert whole.score <= 0.79
        case _:
            assert whole.score is None
    assert overall(judge(WELL, LIMITS)).verdict is Verdict.OK


@pytest.mark.parametrize("age", [None, 31])
def test_without_a_fresh_sample_nothing_is_known(age: float | None) -> None:
    findings = judge(replace(WELL, age_seconds=age), LIMITS)
    assert {each.verdict for each in findings} == {Verdict.UNKNOWN}
    whole = overall(findings)
    assert (whole.verdict, whole.score, whole.mean) == (Verdict.UNKNOWN, None, None)
    assert "sample" in whole.sentence


def test_a_fresh_system_without_work_is_judged_by_its_resources() -> None:
    found = verdicts(IDLE)
    assert found[Dimension.RESOURCES] is Verdict.OK
    assert found[Dimension.PERFORMANCE] is Verdict.NOT_APPLICABLE
    assert found[Dimension.ERROR_RATE] is Verdict.NOT_APPLICABLE
    assert found[Dimension.BUSINESS] is Verdict.NOT_APPLICABLE
    assert overall(judge(IDLE, LIMITS)).verdict is Verdict.OK


@pytest.mark.parametrize(
    "busy", [{"cpu_percent": 100.0}, {"memory_percent": 99.0}, {"disk_percent": 99.0}]
)
def test_a_busy_machine_with_an_idle_service_never_blames_the_strategy(
    busy: dict[str, Any],
) -> None:
    found = verdicts(replace(IDLE, **busy))
    assert found.pop(Dimension.RESOURCES) is Verdict.FAIL
    assert set(found.values()) <= {Verdict.OK, Verdict.NOT_APPLICABLE}


def test_what_is_not_applicable_leaves_the_weights() -> None:
    findings = judge(IDLE, LIMITS)
    scored = [each for each in findings if each.score is not None]
    assert {each.dimension for each in scored} == {
        Dimension.STRATEGY_SELECTION,
        Dimension.RESOURCES,
    }
    expected = sum(WEIGHTS[each.dimension] * (each.score or 0) for each in scored) / 0.40
    assert overall(findings).mean == pytest.approx(expected)


@pytest.mark.parametrize("facts", [WELL, *(replace(WELL, **each[1]) for each in WORST)])
def test_every_sentence_names_value_and_limit(facts: Facts) -> None:
    for finding in judge(facts, LIMITS):
        numbers = re.findall(r"\d", finding.sentence)
        assert len(numbers) >= 2, finding.sentence
        assert finding.evidence
        assert all(each.limit is not None for each in finding.evidence)


@pytest.mark.parametrize(
    ("burns", "verdict"),
    [
        ({3600: (40, 200), 300: (10, 20)}, Verdict.FAIL),
        # the short window says that it is over
        ({3600: (40, 200), 300: (0, 20)}, Verdict.OK),
        # too few failures to say anything
        ({3600: (2, 5), 300: (2, 5)}, Verdict.OK),
        ({21600: (80, 1000), 1800: (10, 100)}, Verdict.FAIL),
        ({259200: (50, 4000), 21600: (10, 400)}, Verdict.WARN),
    ],
)
def test_a_budget_that_burns_too_fast_is_told_by_both_of_its_windows(
    burns: dict[int, tuple[int, int]], verdict: Verdict
) -> None:
    # few enough runs in the present window that only the burn rate is judged
    facts = replace(
        WELL, control=ArmFacts("legacy", 5), treatment=ArmFacts("scanning"), burns=burns
    )
    assert verdicts(replace(facts, harm_e=None))[Dimension.ERROR_RATE] is verdict


def test_a_share_of_all_or_nothing_has_no_ratio_to_check() -> None:
    facts = replace(IDLE, treatment_share=1.0, sample_ratio_e=5.0, assigned=10)
    assert verdicts(facts)[Dimension.STRATEGY_SELECTION] is Verdict.OK


@pytest.mark.parametrize("fact", GAUGES)
@pytest.mark.parametrize(("age", "said"), [(95.0, "95 s ago"), (None, "the last 900 s")])
def test_a_source_that_fails_is_said_with_the_time_since_when(
    fact: str, age: float | None, said: str
) -> None:
    ages = {key: each for key, each in WELL.ages.items() if key != fact}
    facts = replace(WELL, ages=ages if age is None else {**ages, fact: age})
    (found,) = [each for each in judge(facts, LIMITS) if each.verdict is not Verdict.OK]
    assert found.verdict is Verdict.UNKNOWN
    assert found.score is None
    assert said in found.sentence
    assert found.evidence[0].age_seconds == age or age is None


def test_evidence_has_the_age_of_what_it_rests_on() -> None:
    facts = replace(WELL, ages={**WELL.ages, "cpu_percent": 8.0})
    found = {each.dimension: each for each in judge(facts, LIMITS)}
    ages = {each.name: each.age_seconds for each in found[Dimension.RESOURCES].evidence}
    assert ages["CPU"] == 8
    assert set(ages.values()) == {3.0, 8.0}
    assert None not in {each.age_seconds for one in found.values() for each in one.evidence}


def test_a_failure_stays_one_beside_what_is_unknown_and_a_warning_does_not() -> None:
    no_disk = replace(WELL, disk_percent=None)
    assert verdicts(replace(no_disk, cpu_percent=99))[Dimension.RESOURCES] is Verdict.FAIL
    assert verdicts(replace(no_disk, cpu_percent=75))[Dimension.RESOURCES] is Verdict.UNKNOWN


@pytest.mark.parametrize("ended", [0, 1, 19])
def test_few_runs_are_not_judged_and_the_sentence_says_how_few(ended: int) -> None:
    few = ArmFacts("legacy", succeeded=0, failed=ended, message_p95_ms=1e6)
    facts = replace(IDLE, control=few)
    found = {each.dimension: each for each in judge(facts, LIMITS)}
    for dimension in (Dimension.PERFORMANCE, Dimension.ERROR_RATE):
        assert found[dimension].verdict is Verdict.NOT_APPLICABLE
    assert f"{ended} run" in found[Dimension.ERROR_RATE].sentence
    assert "20 are needed" in found[Dimension.ERROR_RATE].sentence
    assert (found[Dimension.ERROR_RATE].evidence[0].value) == ended


def test_a_throughput_is_judged_by_enough_runs_only() -> None:
    facts = replace(IDLE, bytes_per_second=1.0)
    assert verdicts(facts)[Dimension.PERFORMANCE] is Verdict.NOT_APPLICABLE


def test_the_value_that_is_said_is_not_rounded_to_its_limit() -> None:
    found = {each.dimension: each for each in judge(replace(WELL, cpu_percent=70.4), LIMITS)}
    assert found[Dimension.RESOURCES].sentence.startswith("CPU is 70.4 %, must be below 70 %.")


VERDICTS = st.sampled_from(list(ORDER))


@given(st.lists(st.tuples(VERDICTS, st.floats(0, 1)), min_size=5, max_size=5))
def test_the_worst_dimension_decides_and_unknown_has_no_score(
    drawn: list[tuple[Verdict, float]],
) -> None:
    findings = [
        Finding(
            dimension,
            verdict,
            None if verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE) else score,
            f"{dimension} {verdict}",
        )
        for dimension, (verdict, score) in zip(Dimension, drawn, strict=True)
    ]
    whole = overall(findings)
    found = worst(verdict for verdict, _ in drawn)
    assert whole.verdict is (Verdict.UNKNOWN if found is Verdict.NOT_APPLICABLE else found)
    if any(verdict is Verdict.UNKNOWN for verdict, _ in drawn):
        assert whole.score is None
    assert whole.sentence
    if whole.score is not None and found is Verdict.FAIL:
        assert whole.score <= 0.29


def test_the_whole_says_only_what_decided() -> None:
    findings = judge(replace(WELL, breakers_open=1), LIMITS)
    [failed] = [each for each in findings if each.verdict is Verdict.FAIL]
    assert overall(findings).sentence == "1 breaker is open, 0 must be."
    assert len(failed.sentence) > len("1 breaker is open, 0 must be.")  # its own says all


def finding(*reasons: str) -> Finding:
    return Finding(Dimension.ERROR_RATE, Verdict.FAIL, 0.1, "All. Of. It.", (), reasons)


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([finding("A."), finding("B.", "A.")], "A. B."),
        ([finding("A.", "B.", "C.")], "A. B. 1 more reason."),
        ([finding("A."), finding("B.", "C.", "D.")], "A. B. 2 more reasons."),
        ([finding()], "All. Of. It."),
    ],
)
def test_the_whole_is_said_in_one_line(findings: list[Finding], said: str) -> None:
    assert overall(findings).sentence == said


def test_nothing_judged_is_unknown() -> None:
    assert overall([]).verdict is Verdict.UNKNOWN
    assert overall([]).sentence


@given(st.floats(0, 1e6))
def test_a_score_falls_as_the_value_grows(value: float) -> None:
    assert 0 <= score_between(value * 1.01, 70, 90) <= score_between(value, 70, 90) <= 1


def test_a_score_is_080_at_the_warning_and_030_at_the_failure() -> None:
    assert math.isclose(score_between(70, 70, 90), 0.8)
    assert math.isclose(score_between(90, 70, 90), 0.3)
    assert score_between(1, 1, 1) == 0.3


def test_a_finding_is_kept_as_plain_values() -> None:
    kept = judge(WELL, LIMITS)[0].as_json()
    assert kept["dimension"] == "strategy_selection"
    assert kept["weight"] == 0.25
    assert set(kept["evidence"][0]) == {"name", "value", "limit", "unit", "n", "age_seconds"}
