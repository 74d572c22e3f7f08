"""Decisions about jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.choices import JobStage
from trimming.job_rules import (
    STAGE_PERCENT,
    attempts_left,
    deadline_seconds,
    message_is_lost,
    percent,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PATIENCE = timedelta(seconds=20)


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


def lost(
    waited: float,
    *,
    newest_claimed: float | None = None,
    last_claim: float | None = None,
    busy: int = 0,
) -> bool:
    """Ask the rule; all times are seconds ago, two workers."""

    def ago(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOW - timedelta(seconds=seconds)

    return message_is_lost(
        queued_at=NOW - timedelta(seconds=waited),
        now=NOW,
        resend_after=PATIENCE,
        newest_claimed_queued_at=ago(newest_claimed),
        last_claim_at=ago(last_claim),
        busy_workers=busy,
        workers=2,
    )


def test_a_message_that_has_just_been_sent_is_not_lost() -> None:
    assert not lost(19.9)


def test_a_job_that_nobody_claims_while_a_worker_is_free_has_lost_its_message() -> None:
    assert lost(20)
    assert lost(60, last_claim=25, newest_claimed=70, busy=1)


def test_a_job_that_was_overtaken_has_lost_its_message() -> None:
    assert lost(60, newest_claimed=30, last_claim=1, busy=2)


def test_a_job_in_a_long_queue_waits_its_turn() -> None:
    assert not lost(3600, newest_claimed=3601, last_claim=1, busy=2)
    assert not lost(3600, newest_claimed=3600 - 10, last_claim=1, busy=1)


def test_a_job_behind_busy_workers_waits_its_turn() -> None:
    assert not lost(600, last_claim=500, newest_claimed=700, busy=2)
