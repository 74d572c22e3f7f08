"""Where a new attempt begins, and why."""

from __future__ import annotations

from typing import Any

import pytest

from migration.choices import PhaseName
from migration.restarting import Before, first_phase

GOOD = Before(
    baseline_days=3.0, is_baseline_passed=True, mismatched=0, cause="errors", new_build=""
)


def test_while_the_baseline_holds_it_begins_at_phase_2() -> None:
    found = first_phase(GOOD, most_days=14)
    assert found.phase is PhaseName.AB_TEST
    assert found.why == "the baseline still holds"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"baseline_days": None}, "no baseline was frozen"),
        ({"baseline_days": 14.2}, "the baseline is 14.2 days old, at most 14.0 are allowed"),
        ({"is_baseline_passed": False}, "phase 1 was not passed"),
        ({"cause": "leak"}, "the cause was a leak"),
        ({"mismatched": 1}, "the outputs of a capture differed"),
        ({"new_build": "scanning 2.1"}, "scanning 2.1 is new"),
    ],
)
def test_otherwise_it_begins_at_phase_1_and_says_why(change: dict[str, Any], why: str) -> None:
    found = first_phase(GOOD._replace(**change), most_days=14)
    assert found == (PhaseName.BASELINE, why)
