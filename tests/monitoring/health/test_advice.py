"""Thresholds from the past: few alerts, and none where too little is known."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from monitoring.health.advice import (
    LEAST_MINUTES,
    advise,
    count_alerts,
    rolling_percent,
    rounded_up,
    scaled,
)
from monitoring.metrics.rollups import MINUTE
from monitoring.models import MetricRollup


def test_an_excess_counts_once_when_it_holds_and_a_gap_ends_it() -> None:
    high: list[float | None] = [90.0] * 12
    assert count_alerts([10.0, *high, 10.0], 80) == 1
    assert count_alerts([*high[:4], 10.0, *high[:4]], 80) == 0
    assert count_alerts([*high[:4], None, *high[:4]], 80) == 0
    assert count_alerts([*high, 10.0, *high], 80) == 2


def test_a_threshold_that_alerts_all_day_is_raised_above_what_is_normal() -> None:
    day = [75.0, 75, 75, 75, 75, 75, 40] * 300
    found = advise(day, warn=70, fail=90, ceiling=100)
    assert found is not None
    assert (found.present.warnings, found.proposed.warnings) == (300, 0)
    assert found.proposed.warn == pytest.approx(83)
    assert found.proposed.fail == pytest.approx(99)


def test_too_little_measured_gives_no_advice() -> None:
    assert advise([1.0] * (LEAST_MINUTES - 1), 1, 2) is None
    assert advise([None] * 10_000, 1, 2) is None


@given(st.floats(1, 1e9))
def test_what_is_proposed_is_readable_and_not_below(value: float) -> None:
    found = rounded_up(value)
    assert value * 0.999999 <= found <= value * 1.11
    assert float(f"{found:.2g}") == pytest.approx(found)


def test_nothing_is_proposed_below_one() -> None:
    assert rounded_up(0) == 1


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_the_levels_that_are_proposed_are_in_order(values: list[float]) -> None:
    found = advise(values * LEAST_MINUTES, 70, 90, 100)
    assert found is not None
    assert found.proposed.warn < found.proposed.fail <= 99


def test_a_share_is_taken_over_the_window_and_of_enough_runs_only() -> None:
    found = rolling_percent([1, None, 0, 5], [10, None, 10, 2], minutes=2, least=10)
    assert found == [10, 10, 0, pytest.approx(100 * 5 / 12)]
    assert rolling_percent([1], [9], 5, 10) == rolling_percent([0], [0], 5, 0) == [None]
    assert rolling_percent([30], [20], 5, 10) == [100]


def test_advice_in_another_unit_keeps_its_alerts() -> None:
    found = advise([3.0] * LEAST_MINUTES, 2, 5, 100)
    assert found is not None
    shares = scaled(found, 0.01)
    assert (shares.present.warn, shares.present.fail, shares.most) == (0.02, 0.05, 0.03)
    assert shares.present.warnings == found.present.warnings == 1
    assert shares.proposed.warn == pytest.approx(0.033, abs=0.002)


def advice(*options: str) -> str:
    out = StringIO()
    call_command("advise_thresholds", *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_says_so_when_nothing_was_measured() -> None:
    assert advice().count("nothing is proposed") == 7


@pytest.mark.django_db
def test_the_command_proposes_from_rollups() -> None:
    now = timezone.now()
    MetricRollup.objects.bulk_create(
        MetricRollup(
            resolution_seconds=MINUTE,
            at=now.replace(second=0, microsecond=0) - timedelta(minutes=number),
            samples=12,
            covers_seconds=60,
            values={
                "cpu_percent": [12, 12 * 75.0, 70, 80],
                "runs_failed:control": [12, 3, 0, 1],
                "runs_succeeded:control": [12, 97, 0, 20],
            },
        )
        for number in range(1, 1000)
    )
    found = json.loads(advice("--json"))
    assert found["cpu_percent"]["present"]["warnings"] == 1
    assert found["cpu_percent"]["proposed"]["warnings"] == 0
    assert found["disk_percent"] is None
    assert found["error_rate"]["most"] == pytest.approx(0.03)
    assert found["error_rate"]["present"] == {
        "warn": 0.02, "fail": 0.05, "warnings": 1, "failures": 0
    }  # fmt: skip
    assert found["error_rate"]["proposed"]["warn"] == pytest.approx(0.033)
    assert found["fallback_rate"] is None
    assert "proposed warning 83" in advice()


@pytest.mark.django_db
@pytest.mark.parametrize("days", ["0", "-1", "99999"])
def test_a_past_that_is_none_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="--days"):
        advice("--days", days)
