"""The timeline: steps that people count in, bounded, whatever the order of the packets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.engine.timeline import MAX_STEPS, Timeline

SECOND = 1_000_000_000


def timeline(times: list[int], pieces: int = 1) -> Timeline:
    """One packet of 10 bytes at each time, 4 of them masked."""
    made = Timeline()
    for part in np.array_split(np.array(times, np.int64), pieces):
        made.add(part, np.full(len(part), 10), np.full(len(part), 4))
    return made


def shown(made: Timeline) -> dict[str, Any]:
    found = made.as_dict()
    assert found is not None
    return found


def test_nothing_with_a_time_makes_no_timeline() -> None:
    assert timeline([]).as_dict() is None


def test_two_timelines_are_equal_when_they_tell_the_same() -> None:
    assert timeline([1, 2]) == timeline([2, 1])
    assert timeline([1]) != timeline([2_000])
    assert timeline([1]) != "a timeline"


def test_packets_are_counted_in_the_step_of_their_time() -> None:
    found = shown(timeline([5_000, 5_400, 7_000]))
    assert (found["start_ns"], found["step_ns"]) == (5_000, 1_000)
    assert found["packets"] == [2, 0, 1]
    assert found["bytes"] == [20, 0, 10]
    assert found["masked"] == [8, 0, 4]


@pytest.mark.parametrize(
    ("seconds", "step_seconds"),
    [
        (0.001, 1e-5),
        (1, 0.01),
        (60, 1),
        (3600, 30),
        (86400, 600),
        (30 * 86400, 21600),
        (9e9, 2**53),
    ],
)
def test_steps_are_such_as_people_count_in(seconds: float, step_seconds: float) -> None:
    found = shown(timeline([0, int(seconds * SECOND)]))
    assert len(found["packets"]) <= MAX_STEPS
    if seconds < 9e9:
        assert found["step_ns"] == int(step_seconds * SECOND)


@given(
    st.lists(st.integers(-(2**62), 2**62) | st.integers(0, 10**7), min_size=1, max_size=30),
    st.integers(1, 5),
)
def test_it_is_the_same_in_one_piece_and_in_many(times: list[int], pieces: int) -> None:
    found = shown(timeline(times, pieces))
    assert found == shown(timeline(sorted(times)))
    assert sum(found["packets"]) == len(times)
    first = min(times) // found["step_ns"]
    assert found["start_ns"] == first * found["step_ns"]
    for time in times:
        assert found["packets"][time // found["step_ns"] - first]
