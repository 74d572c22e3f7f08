"""The states of a job: the table, by hand and by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.choices import OPEN_STATES, JobState
from trimming.moves import MOVES, Move, result, sources

ENDED = set(JobState) - set(OPEN_STATES)


def test_every_move_is_in_the_table() -> None:
    assert set(MOVES) == set(Move)


@pytest.mark.parametrize("move", Move)
def test_nothing_moves_a_job_that_has_ended(move: Move) -> None:
    assert not sources(move) & ENDED


@given(st.lists(st.sampled_from(Move), max_size=30))
def test_only_an_attempt_that_runs_can_publish(moves: list[Move]) -> None:
    state = JobState.WAITING
    before = state
    for move in moves:
        if state in sources(move):
            before, state = state, result(move)
    if state == JobState.DONE:
        assert before == JobState.RUNNING


@given(st.lists(st.sampled_from(Move), max_size=30))
def test_an_ended_job_stays_as_it_is(moves: list[Move]) -> None:
    state = JobState.WAITING
    ended: JobState | None = None
    for move in moves:
        if state in sources(move):
            assert ended is None
            state = result(move)
            ended = state if state in ENDED else None
