"""The figures of a test, of rows whose figures are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trimming.ab_test.rows import MIB, comparison, row, side
from trimming.ab_test.summary import agrees, class_pairs, summarise

LOST = side(None, outcome="strategy_failure", reason="its process was killed by signal SIGSEGV")
REFUSED = side(None, outcome="refused_input", reason="byte 9")


def test_a_clean_test_agrees_wholly_and_says_how_much_that_proves() -> None:
    found = summarise([row(number) for number in range(1, 35)], seed=1)
    assert found["captures"] == found["distinct_digests"] == found["outcomes"]["matched"] == 34
    assert found["agreement"]["share"] == 1
    assert found["agreement"]["low"] == pytest.approx(0.8972, abs=1e-4)
    assert found["mismatch_bound"]["upper"] == pytest.approx(1 - 0.05 ** (1 / 34))
    assert found["byte_accuracy"] == {
        "share": 1,
        "low": 1,
        "high": 1,
        "matched_bytes": 3400,
        "classed_bytes": 3400,
    }
    assert (found["leaked_bytes"], found["over_masked_bytes"], found["leaking_captures"]) == (
        0,
        0,
        0,
    )


def test_a_mismatch_lowers_agreement_and_accuracy_and_its_bytes_are_counted() -> None:
    other = row(2, outcome="mismatched", compared=comparison(leaked=7, over_masked=3))
    found = summarise([row(1), other], seed=1)
    assert (found["agreement"]["matched"], found["agreement"]["compared"]) == (1, 2)
    assert found["byte_accuracy"]["share"] == pytest.approx(190 / 200)
    assert found["byte_accuracy"]["low"] == pytest.approx(0.9)
    assert (found["leaked_bytes"], found["over_masked_bytes"], found["leaking_captures"]) == (
        7,
        3,
        1,
    )
    assert found["mismatch_bound"]["mismatched"] == 1


def test_a_failure_counts_against_its_strategy_only() -> None:
    rows = [row(1), row(2, outcome="failed", scanning=LOST)]
    success = summarise(rows, seed=1)["success"]
    assert (success["legacy"]["succeeded"], success["legacy"]["runs"]) == (2, 2)
    assert (success["scanning"]["succeeded"], success["scanning"]["runs"]) == (1, 2)


def test_refused_and_broken_captures_count_in_no_share() -> None:
    rows = [
        row(1),
        row(2, outcome="refused", legacy=REFUSED, scanning=REFUSED),
        row(3, outcome="broken", scanning=side(None, outcome="infrastructure")),
    ]
    found = summarise(rows, seed=1)
    assert found["success"]["legacy"]["runs"] == 2
    assert found["success"]["scanning"]["runs"] == 1
    assert found["agreement"]["compared"] == 1
    assert (found["outcomes"]["refused"], found["outcomes"]["broken"]) == (1, 1)


def test_a_leak_that_verification_caught_is_counted_all_the_same() -> None:
    caught = side(None, outcome="strategy_failure", reason="a body is left")
    rows = [row(1, outcome="failed", scanning=caught, compared=comparison(leaked=7))]
    found = summarise(rows, seed=1)
    assert found["leaked_bytes"] == 7
    assert found["agreement"] == {
        "share": 0,
        "low": 0,
        "high": pytest.approx(0.975),
        "matched": 0,
        "compared": 1,
    }


def test_speed_is_paired_and_throughput_is_of_all_bytes() -> None:
    rows = [
        row(1, legacy=side(4.0), scanning=side(1.0)),
        row(2, legacy=side(8.0), scanning=side(1.0)),
        row(3, legacy=side(16.0), scanning=side(1.0)),
    ]
    found = summarise(rows, seed=1)
    assert found["speed_ratio"]["median"] == pytest.approx(8)
    assert 4 <= found["speed_ratio"]["low"] <= 8 <= found["speed_ratio"]["high"] <= 16.001
    assert found["throughput_bytes_per_s"]["scanning"] == pytest.approx(5400 / 3)
    assert found["seconds"] == {"legacy": 28, "scanning": 3}


def test_memory_is_told_as_median_and_maximum() -> None:
    peaks = [191 * MIB, 195 * MIB, 290 * MIB]
    rows = [row(n, scanning=side(peak=peak)) for n, peak in enumerate(peaks, 1)]
    found = summarise(rows, seed=1)
    assert found["peak_memory_bytes"]["scanning"] == {"median": 195 * MIB, "max": 290 * MIB}
    assert found["memory_growth_bytes"]["scanning"] == {"median": 5 * MIB, "max": 100 * MIB}


def test_of_no_captures_nothing_is_said() -> None:
    found = summarise([], seed=1)
    assert found["agreement"]["share"] is found["agreement"]["low"] is None
    assert found["mismatch_bound"]["upper"] is found["byte_accuracy"]["share"] is None
    assert found["speed_ratio"]["median"] is found["throughput_bytes_per_s"]["legacy"] is None
    assert found["peak_memory_bytes"]["legacy"] == {"median": None, "max": None}
    assert found["classes"] == []


def test_bytes_are_told_by_the_pair_of_classes() -> None:
    nameless = {"classes": [None, "header"], "ranges": 1, "bytes": 4}
    compared = comparison(leaked=7)
    compared["mismatched"].append(nameless)
    found = class_pairs([row(1), row(2, outcome="mismatched", compared=compared)])
    assert {tuple(each["classes"]): each["bytes"] for each in found} == {
        ("body", "body"): 113,
        ("body", "header"): 7,
        ("header", "header"): 80,
        (None, "header"): 4,
    }


def test_captures_without_a_plan_of_legacy_have_no_pairs() -> None:
    lost = row(1, outcome="failed", legacy=LOST, compared=comparison())
    assert class_pairs([lost, row(2, outcome="failed", scanning=LOST)]) == []


def test_equal_plans_with_other_outputs_do_not_agree() -> None:
    assert agrees(row())
    assert not agrees(row(scanning=side(output="bb")))


@given(st.lists(st.sampled_from(["matched", "mismatched", "failed", "refused"]), max_size=30))
def test_every_capture_is_in_one_outcome_and_shares_stay_within_their_intervals(
    outcomes: list[str],
) -> None:
    made = {
        "matched": lambda n: row(n),
        "mismatched": lambda n: row(n, outcome="mismatched", compared=comparison(leaked=n)),
        "failed": lambda n: row(n, outcome="failed", scanning=LOST),
        "refused": lambda n: row(n, outcome="refused", legacy=REFUSED, scanning=REFUSED),
    }
    rows = [made[outcome](number) for number, outcome in enumerate(outcomes, 1)]
    found = summarise(rows, seed=1)
    assert sum(found["outcomes"].values()) == found["captures"] == len(outcomes)
    for figure in (found["agreement"], *found["success"].values()):
        if figure["share"] is not None:
            assert figure["low"] <= figure["share"] <= figure["high"]
    assert sum(each["bytes"] for each in found["classes"]) == sum(
        each["comparison"]["matched_bytes"] + each["comparison"]["mismatched_bytes"]
        for each in rows
        if each["comparison"]
    )
