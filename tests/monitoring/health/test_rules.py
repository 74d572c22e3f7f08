"""The truth table of health, and that no average hides a broken dimension."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.choices import Dimension, Verdict
from monitoring.health.rules import (
    BURN_WINDOWS,
    ORDER,
    WEIGHTS,
    ArmFacts,
    Facts,
    Finding,
    Limits,
    judge,
    overall,
    score_between,
    worst,
)

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
    control=ArmFacts("legacy", succeeded=700, failed=3, message_p95_ms=6.4),
    treatment=ArmFacts("scanning", succeeded=240, failed=1, message_p95_ms=0.3),
    fallbacks=1,
    breakers_open=0,
    assigned=944,
    assigned_to_treatment=241,
    treatment_share=0.25,
    sample_ratio_e=0.3,
    harm_e=0.8,
    cpu_percent=40,
    memory_percent=61,
    disk_percent=50,
    worker_rss_bytes=3e8,
    oldest_waiting_seconds=12,
    workers_answer=True,
    shadows=100,
    leaks=0,
    verification_failures=0,
    compared_bytes=10**9,
    disagreeing_bytes=10**6,
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
    treatment_share=0.0,
    sample_ratio_e=None,
    harm_e=None,
    shadows=0,
    compared_bytes=0,
    disagreeing_bytes=0,
    finished=0,
    finished_late=0,
    oldest_waiting_seconds=0,
    burns={},
)
FAILING = ArmFacts("scanning", succeeded=140, failed=101, message_p95_ms=0.3)
WORST = [
    (Dimension.STRATEGY_SELECTION, {"breakers_open": 1}, Verdict.FAIL),
    (Dimension.STRATEGY_SELECTION, {"fallbacks": 4}, Verdict.WARN),
    (Dimension.STRATEGY_SELECTION, {"fallbacks": 241}, Verdict.FAIL),
    (Dimension.STRATEGY_SELECTION, {"sample_ratio_e": 1000.0}, Verdict.FAIL),
    (Dimension.STRATEGY_SELECTION, {"breakers_open": None}, Verdict.UNKNOWN),
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
    dimension: Dimension, change: dict[str, object], verdict: Verdict
) -> None:
    facts = replace(WELL, **change)  # type: ignore[arg-type]
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
    busy: dict[str, float],
) -> None:
    found = verdicts(replace(IDLE, **busy))  # type: ignore[arg-type]
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


@pytest.mark.parametrize("facts", [WELL, *(replace(WELL, **each[1]) for each in WORST)])  # type: ignore[arg-type]
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
