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

from monitoring.health.advice import LEAST_MINUTES, advise, count_alerts, rounded_up
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


def advice(*options: str) -> str:
    out = StringIO()
    call_command("advise_thresholds", *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_command_says_so_when_nothing_was_measured() -> None:
    assert advice().count("nothing is proposed") == 5


@pytest.mark.django_db
def test_the_command_proposes_from_rollups() -> None:
    now = timezone.now()
    MetricRollup.objects.bulk_create(
        MetricRollup(
            resolution_seconds=MINUTE,
            at=now.replace(second=0, microsecond=0) - timedelta(minutes=number),
            samples=12,
            covers_seconds=60,
            values={"cpu_percent": [12, 12 * 75.0, 70, 80]},
        )
        for number in range(1, 1000)
    )
    found = json.loads(advice("--json"))
    assert found["cpu_percent"]["present"]["warnings"] == 1
    assert found["cpu_percent"]["proposed"]["warnings"] == 0
    assert found["disk_percent"] is None
    assert "proposed warning 83" in advice()


@pytest.mark.django_db
@pytest.mark.parametrize("days", ["0", "-1", "99999"])
def test_a_past_that_is_none_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="--days"):
        advice("--days", days)
