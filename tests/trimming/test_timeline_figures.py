"""Figures of a timeline: in a unit that reads well, and nothing of what is damaged or missing."""

from __future__ import annotations

from typing import Any

import pytest

from trimming.timeline_figures import timeline_figures

STORED: dict[str, Any] = {
    "start_ns": 1_700_000_000_000_000_000,
    "step_ns": 10_000_000,
    "packets": [1, 0, 2],
    "bytes": [500, 0, 3000],
    "masked": [0, 0, 1500],
    "untimed_packets": 4,
}


def test_a_timeline_is_two_charts_over_seconds() -> None:
    found = timeline_figures(STORED)
    assert found is not None
    assert (found.step, found.length, found.untimed_packets) == ("10 ms", "30 ms", 4)
    assert (found.bytes["unit"], found.bytes["step"], found.bytes["size"]) == ("kB", 0.01, 3)
    assert [line["values"] for line in found.bytes["lines"]] == [[0.5, 0, 3], [0, 0, 1.5]]
    assert [line["values"] for line in found.packets["lines"]] == [[1, 0, 2]]


@pytest.mark.parametrize(
    ("step_ns", "shown"),
    [(1_000, "1 µs"), (2_000_000, "2 ms"), (2_000_000_000, "2.0 s"), (3600 * 10**9, "1 h 0 min")],
)
def test_steps_have_units(step_ns: int, shown: str) -> None:
    found = timeline_figures({**STORED, "step_ns": step_ns, "bytes": [0, 0, 0]})
    assert found is not None
    assert found.step == shown
    assert found.bytes["unit"] == "B"


@pytest.mark.parametrize(
    "change",
    [
        {"packets": []},
        {"packets": [1, 2]},
        {"bytes": [1, 2, -3]},
        {"masked": "none"},
        {"packets": [1, 2, 3.5]},
        {"step_ns": 0},
        {"step_ns": None},
        {"packets": [True, 0, 0]},
        {name: [1] * 301 for name in ("packets", "bytes", "masked")},
    ],
)
def test_a_damaged_one_is_none(change: dict[str, Any]) -> None:
    assert timeline_figures({**STORED, **change}) is None


def test_older_reports_have_none() -> None:
    assert timeline_figures(None) is None
