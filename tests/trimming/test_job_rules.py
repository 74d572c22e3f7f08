"""Decisions about jobs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.choices import JobStage
from trimming.job_rules import (
    STAGE_PERCENT,
    attempts_left,
    deadline_seconds,
    delay_after_fault_seconds,
    percent,
)


def test_a_deadline_is_four_times_what_the_measured_rate_needs() -> None:
    assert deadline_seconds(1_000_000_000, 5_000_000, 120) == 800


def test_a_small_capture_gets_the_least_deadline() -> None:
    assert deadline_seconds(1, 5_000_000, 120) == 120


def test_the_shares_of_the_stages_add_up_to_the_whole() -> None:
    assert sum(STAGE_PERCENT.values()) == 100
    assert set(STAGE_PERCENT) == set(JobStage)


def test_progress_counts_the_stages_before_and_the_part_of_this_one() -> None:
    assert percent("read", 50, 100) == 2 + 27
    assert percent("verify", 0, 100) == 70


@pytest.mark.parametrize(("stage", "done", "total"), [("", 5, 10), ("copy", 5, 0), ("odd", 1, 1)])
def test_progress_that_is_not_known_is_nothing_done(stage: str, done: int, total: int) -> None:
    assert percent(stage, done, total) == 0


def test_a_running_job_is_never_shown_as_whole() -> None:
    assert percent("store", 10, 10) == 99


@given(st.sampled_from(JobStage), st.integers(0, 100), st.integers(0, 100))
def test_progress_within_a_stage_never_goes_back(stage: JobStage, first: int, second: int) -> None:
    low, high = sorted((first, second))
    assert percent(stage, low, 100) <= percent(stage, high, 100)


def test_an_attempt_that_was_given_back_does_not_count() -> None:
    assert attempts_left(attempt=3, forgiven=0, max_attempts=3) == 0
    assert attempts_left(attempt=3, forgiven=1, max_attempts=3) == 1
    assert attempts_left(attempt=9, forgiven=0, max_attempts=3) == 0


def test_a_job_that_faults_stop_is_begun_anew_later_and_later_for_as_long_as_it_may() -> None:
    delays = [delay_after_fault_seconds(faults, 0, 3600) for faults in range(1, 9)]
    assert delays == [2, 4, 8, 16, 32, 60, 60, 60]
    assert delay_after_fault_seconds(9, 3540, 3600) == 60
    assert delay_after_fault_seconds(9, 3541, 3600) is None
