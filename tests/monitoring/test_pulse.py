"""Decisions about signs of life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.pulse import (
    Pulse,
    best,
    is_outstanding,
    is_silent,
    pulse_of_workers,
    workers_are_stuck,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


# workers that were asked 20 s ago, have not answered, and claim nothing
STUCK: dict[str, Any] = {
    "now": NOW,
    "asked_at": ago(20),
    "at": ago(25),
    "started_at": ago(600),
    "last_claim_at": ago(300),
    "busy_workers": 1,
    "workers": 2,
    "patience": timedelta(seconds=15),
    "start_patience": timedelta(seconds=30),
}


@pytest.mark.parametrize(
    ("pulses", "wanted"),
    [
        ([], Pulse.STOPPED),
        ([Pulse.STOPPED, Pulse.UNKNOWN], Pulse.UNKNOWN),
        ([Pulse.UNKNOWN, Pulse.WORKING, Pulse.STOPPED], Pulse.WORKING),
    ],
)
def test_workers_of_several_machines_work_as_the_best_of_them(
    pulses: list[Pulse], wanted: Pulse
) -> None:
    assert best(pulses) is wanted


def test_workers_that_leave_a_sign_unanswered_and_claim_nothing_are_stuck() -> None:
    assert workers_are_stuck(**STUCK)


@pytest.mark.parametrize(
    "difference",
    [
        pytest.param({"asked_at": None}, id="nobody-asked"),
        pytest.param({"at": ago(19)}, id="answered"),
        pytest.param({"asked_at": ago(15)}, id="asked-just-now"),
        pytest.param({"busy_workers": 2}, id="all-busy-with-long-jobs"),
        pytest.param({"last_claim_at": ago(15)}, id="claimed-a-job-since"),
        pytest.param({"at": None, "started_at": ago(30)}, id="just-started"),
        pytest.param({"at": ago(40), "started_at": ago(30)}, id="sign-of-a-predecessor"),
    ],
)
def test_workers_are_not_stuck_when(difference: dict[str, Any]) -> None:
    assert not workers_are_stuck(**{**STUCK, **difference})


@pytest.mark.parametrize(
    "difference",
    [
        {"last_claim_at": None},
        {"started_at": None, "at": None},
        {"at": None, "started_at": ago(31)},
        {"busy_workers": 0},
    ],
)
def test_workers_are_stuck_also_when(difference: dict[str, Any]) -> None:
    assert workers_are_stuck(**{**STUCK, **difference})


@pytest.mark.parametrize(
    ("asked_at", "at", "expected"),
    [
        (None, None, False),
        (None, ago(1), False),
        (ago(1), None, True),
        (ago(1), ago(2), True),
        (ago(1), ago(1), False),
        (ago(2), ago(1), False),
    ],
)
def test_a_sign_is_outstanding_from_the_question_to_the_answer(
    asked_at: datetime | None, at: datetime | None, expected: bool
) -> None:
    assert is_outstanding(asked_at, at) is expected


@pytest.mark.parametrize(
    ("at", "started_at", "expected"),
    [
        (None, None, False),
        (ago(31), None, True),
        (ago(31), ago(30), False),
        (ago(30), ago(500), False),
        (ago(31), ago(500), True),
    ],
)
def test_a_part_is_silent_when_neither_sign_nor_start_is_recent(
    at: datetime | None, started_at: datetime | None, expected: bool
) -> None:
    patience = timedelta(seconds=30)
    assert is_silent(now=NOW, at=at, started_at=started_at, patience=patience) is expected


@pytest.mark.parametrize(
    ("asked_at", "at", "asker_at", "busy", "expected"),
    [
        (ago(3), ago(2), ago(1), 0, Pulse.WORKING),
        (ago(3), ago(8), ago(1), 0, Pulse.WORKING),
        (ago(300), ago(310), ago(1), 2, Pulse.WORKING),
        (ago(300), ago(310), ago(300), 2, Pulse.WORKING),
        (ago(16), ago(20), ago(1), 1, Pulse.STOPPED),
        (ago(16), None, ago(1), 0, Pulse.STOPPED),
        (ago(3), None, ago(1), 0, Pulse.UNKNOWN),
        (None, None, ago(1), 0, Pulse.UNKNOWN),
        (None, ago(46), ago(1), 0, Pulse.UNKNOWN),
        (ago(50), ago(49), ago(46), 0, Pulse.UNKNOWN),
        (ago(3), ago(2), None, 0, Pulse.UNKNOWN),
    ],
)
def test_people_are_told_what_is_known(
    asked_at: datetime | None,
    at: datetime | None,
    asker_at: datetime | None,
    busy: int,
    expected: Pulse,
) -> None:
    assert (
        pulse_of_workers(
            now=NOW,
            asked_at=asked_at,
            at=at,
            asker_at=asker_at,
            busy_workers=busy,
            workers=2,
            patience=timedelta(seconds=15),
            known=timedelta(seconds=45),
        )
        is expected
    )
