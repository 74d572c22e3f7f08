"""Decisions about comparisons in the background."""

from __future__ import annotations

import pytest

from trimming.routing_choices import LeakState, ShadowOutcome
from trimming.shadow_rules import (
    LATELY_SECONDS,
    MAX_ATTEMPTS,
    Answer,
    Flow,
    held_up,
    leak_of,
    may_begin_again,
    outcome_of,
    per_second,
    room,
)

PLANNED, REFUSED, FAILED = Answer.PLANNED, Answer.REFUSED, Answer.FAILED


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_nothing_begins_while_a_job_waits(workers: int) -> None:
    assert room(workers=workers, serving=0, waiting=1, comparing=0) == 0


def test_one_worker_is_always_left_to_jobs() -> None:
    assert room(workers=4, serving=0, waiting=0, comparing=0) == 3
    assert room(workers=4, serving=1, waiting=0, comparing=1) == 1
    assert room(workers=4, serving=2, waiting=0, comparing=1) == 0
    assert room(workers=2, serving=1, waiting=0, comparing=0) == 0


def test_more_than_there_are_workers_leave_no_room() -> None:
    # after workers were taken away, or when a job was claimed while ids were on their way
    assert room(workers=2, serving=3, waiting=0, comparing=1) == 0


def test_a_single_worker_compares_while_there_is_nothing_else_to_do() -> None:
    assert room(workers=1, serving=0, waiting=0, comparing=0) == 1
    assert room(workers=1, serving=1, waiting=0, comparing=0) == 0
    assert room(workers=1, serving=0, waiting=0, comparing=1) == 0


def test_while_none_waits_they_come_as_captures_do() -> None:
    assert per_second(5.0, Flow()) == 5.0
    assert per_second(5.0, Flow(running=3, ended=1)) == 5.0


def test_while_some_wait_they_come_as_they_ended_lately() -> None:
    assert per_second(5.0, Flow(waiting=1, ended=30)) == 30 / LATELY_SECONDS
    assert per_second(0.1, Flow(waiting=1, ended=30)) == 0.1
    assert per_second(5.0, Flow(waiting=1)) == 0.0


@pytest.mark.parametrize(
    ("flow", "count"),
    [
        (Flow(waiting=7, oldest_seconds=LATELY_SECONDS), 7),
        (Flow(waiting=7, oldest_seconds=LATELY_SECONDS - 1), 0),
        (Flow(waiting=7, oldest_seconds=LATELY_SECONDS, running=1), 0),
        (Flow(waiting=7, oldest_seconds=LATELY_SECONDS, ended=1), 0),
        (Flow(), 0),
    ],
)
def test_they_are_held_up_where_they_wait_and_none_begins(flow: Flow, count: int) -> None:
    assert held_up(flow) == count


def test_what_lost_its_worker_is_begun_a_second_time_and_no_third() -> None:
    assert [may_begin_again(attempt) for attempt in (1, MAX_ATTEMPTS, 3)] == [True, False, False]


@pytest.mark.parametrize(
    ("control", "treatment", "is_equal", "outcome"),
    [
        (PLANNED, PLANNED, True, ShadowOutcome.MATCHED),
        (PLANNED, PLANNED, False, ShadowOutcome.MISMATCHED),
        (PLANNED, FAILED, False, ShadowOutcome.MISMATCHED),
        (PLANNED, REFUSED, False, ShadowOutcome.MISMATCHED),
        (FAILED, PLANNED, False, ShadowOutcome.MISMATCHED),
        (REFUSED, PLANNED, False, ShadowOutcome.MISMATCHED),
        (REFUSED, FAILED, False, ShadowOutcome.MISMATCHED),
        (FAILED, REFUSED, False, ShadowOutcome.MISMATCHED),
        (REFUSED, REFUSED, False, ShadowOutcome.IGNORED),
        (FAILED, FAILED, False, ShadowOutcome.IGNORED),
    ],
)
def test_only_what_both_failed_at_in_the_same_way_is_ignored(
    control: Answer, treatment: Answer, is_equal: bool, outcome: ShadowOutcome
) -> None:
    assert outcome_of(control, treatment, is_equal=is_equal) is outcome


def test_a_leak_is_confirmed_when_the_answers_repeat_and_something_shows() -> None:
    assert leak_of(5, repeats=True, shows=True) is LeakState.CONFIRMED
    assert leak_of(5, repeats=False, shows=True) is LeakState.SUSPECTED
    assert leak_of(5, repeats=True, shows=False) is LeakState.SUSPECTED
    assert leak_of(0, repeats=True, shows=True) is LeakState.NONE
