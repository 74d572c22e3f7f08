"""What runs come to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring.metrics.histograms import of_values
from monitoring.reports.periods import Steps
from monitoring.reports.tally import CHUNK, Ended, Times, tally_of
from trimming.choices import OutcomeKind
from trimming.routing_choices import Arm

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = Steps(BEGIN, BEGIN + timedelta(hours=4), 3600)
DAYS = [BEGIN.date()]


def ended(outcome: str = "done", strategy: str = "legacy", **more: object) -> Ended:
    facts: dict[str, object] = {
        "finished_at": BEGIN + timedelta(minutes=90),
        "duration_ms": 40.0,
        "input_bytes": 100,
        "messages": 4,
        "masked_bytes": 10,
        "failed_on": "",
        "blame": "",
    }
    return Ended(strategy=strategy, outcome=outcome, **{**facts, **more})  # type: ignore[arg-type]


def test_a_result_counts_for_its_arm_its_step_and_its_day() -> None:
    found = tally_of([ended(), ended(strategy="scanning")], STEPS, DAYS, ZoneInfo("UTC"))
    treatment = found.arms[Arm.TREATMENT]
    assert treatment.step_bytes == [0, 100, 0, 0]
    assert treatment.message_ms.histogram() == of_values([10.0])
    assert (found.ended, found.total("input_bytes"), found.days[DAYS[0]].succeeded) == (2, 200, 2)


def test_only_a_failure_of_the_strategy_counts_as_failed_and_brings_no_bytes() -> None:
    outcomes = ("failed", "unverified", "late", "refused", "cancelled", "lost", "broken")
    found = tally_of(map(ended, outcomes), STEPS, DAYS, ZoneInfo("UTC"))
    assert (found.total("failed"), found.total("succeeded"), found.unverified) == (3, 0, 1)
    assert (found.total("input_bytes"), found.days[DAYS[0]].failed) == (0, 3)
    assert found.kinds[OutcomeKind.INFRASTRUCTURE] == 2


def test_an_odd_capture_is_no_failure_of_a_strategy() -> None:
    found = tally_of([ended("unverified", blame="capture")], STEPS, DAYS, ZoneInfo("UTC"))
    assert (found.total("failed"), found.unverified) == (0, 1)
    assert found.kinds[OutcomeKind.ODD_CAPTURE] == 1


def test_a_fallback_is_served_by_another_strategy_than_the_one_that_failed() -> None:
    runs = [ended(failed_on="scanning"), ended(strategy="scanning", failed_on="scanning")]
    assert tally_of(runs, STEPS, DAYS, ZoneInfo("UTC")).fallbacks == 1


def test_what_is_not_known_of_a_run_is_left_out() -> None:
    run = ended(duration_ms=None, messages=None, masked_bytes=None)
    found = tally_of([run], STEPS, DAYS, ZoneInfo("UTC")).arms[Arm.CONTROL]
    assert (found.succeeded, found.messages, found.message_ms.histogram().count) == (1, 0, 0)


def test_a_day_is_that_of_the_zone() -> None:
    late = ended(finished_at=BEGIN + timedelta(minutes=30))
    days = [date(2026, 3, 1), date(2026, 3, 2)]
    found = tally_of([late], STEPS, days, ZoneInfo("America/New_York"))
    assert found.days[days[0]].succeeded == 1


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1])
def test_times_come_in_any_number(count: int) -> None:
    times = Times()
    for number in range(count):
        times.add(float(number % 7))
    assert times.histogram() == of_values(float(number % 7) for number in range(count))
