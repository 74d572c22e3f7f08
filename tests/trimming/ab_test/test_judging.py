"""How a capture ends, decided from what the processes answered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trimming.ab_test.rows import comparison
from trimming.ab_test.draw import Role
from trimming.ab_test.judging import Answer, is_comparable, judge, merged, settled

FAILED = {"outcome": "strategy_failure", "reason": "ValueError at strategy.py:7"}
REFUSED = {"outcome": "refused_input", "reason": "byte 9: expected a packet, found none"}
BROKEN = {"outcome": "infrastructure", "reason": "no space left"}


def both(legacy: Answer, scanning: Answer) -> dict[Role, Answer]:
    return {"legacy": legacy, "scanning": scanning}


def answer(seconds: float = 1.0, output: str = "aa", memory: int = 100) -> dict[str, Any]:
    return {
        "outcome": "succeeded",
        "reason": "",
        "verified": True,
        "seconds": seconds,
        "cpu_seconds": seconds,
        "peak_memory_bytes": memory,
        "start_memory_bytes": 90,
        "output_sha256": output,
    }


def unverified() -> dict[str, Any]:
    return {"outcome": "strategy_failure", "reason": "a body is left", "verified": False}


def compared(**changes: Any) -> dict[str, Any]:
    return {"outcome": "succeeded", "reason": "", **comparison(**changes)}


def test_repetitions_become_one_with_median_times_and_the_largest_memory() -> None:
    found = merged([answer(3, memory=100), answer(1, memory=300), answer(2, memory=200)])
    assert (found["seconds"], found["cpu_seconds"], found["peak_memory_bytes"]) == (2, 2, 300)
    assert found["outcome"] == "succeeded"


def test_one_repetition_that_fails_stands_for_all() -> None:
    assert merged([answer(), FAILED, answer()]) == FAILED


def test_a_strategy_that_does_not_repeat_its_output_has_failed() -> None:
    found = merged([answer(output="aa"), answer(output="bb")])
    assert found["outcome"] == "strategy_failure"
    assert "another one when it runs again" in found["reason"]


def test_what_both_refuse_is_refused() -> None:
    sides = settled(both(REFUSED, REFUSED))
    assert judge(sides, None) == (
        "refused",
        "both refuse it: byte 9: expected a packet, found none",
    )
    assert not is_comparable(sides)


def test_what_only_one_refuses_is_a_failure_of_that_one() -> None:
    sides = settled(both(answer(), REFUSED))
    assert sides["scanning"]["outcome"] == "strategy_failure"
    outcome, reason = judge(sides, None)
    assert outcome == "failed"
    assert reason.startswith("scanning failed: refused what the other strategy can use")


def test_a_crash_is_a_failure_that_names_its_side() -> None:
    assert judge(both(FAILED, answer()), None) == (
        "failed",
        "legacy failed: ValueError at strategy.py:7",
    )


def test_a_fault_of_the_machine_is_no_failure_of_a_strategy() -> None:
    assert judge(both(answer(), BROKEN), None) == (
        "broken",
        "scanning could not run: no space left",
    )


def test_plans_are_compared_also_where_a_verification_failed() -> None:
    sides = both(answer(), unverified())
    assert is_comparable(sides)
    assert judge(sides, compared(leaked=7))[0] == "failed"
    assert not is_comparable(both(answer(), FAILED))


def test_equal_plans_and_outputs_match() -> None:
    sides = both(answer(), answer())
    assert judge(sides, compared()) == ("matched", "")


def test_other_plans_do_not_match_and_the_reason_counts() -> None:
    sides = both(answer(), answer(output="bb"))
    assert judge(sides, compared(leaked=7, over_masked=2, checksums=1)) == (
        "mismatched",
        "7 bytes leaked, 2 bytes masked too much, 2 ranges differ, 1 checksums differ",
    )


def test_equal_plans_with_other_outputs_do_not_match() -> None:
    sides = both(answer(), answer(output="bb"))
    assert judge(sides, compared()) == ("mismatched", "the plans are equal, the outputs are not")


@pytest.mark.parametrize(("comparison", "why"), [(None, "not tried"), (FAILED, "ValueError")])
def test_what_cannot_be_compared_does_not_match(comparison: Any, why: str) -> None:
    outcome, reason = judge(both(answer(), answer()), comparison)
    assert outcome == "failed"
    assert why in reason
