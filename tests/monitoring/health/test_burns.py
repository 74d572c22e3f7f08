"""Windows of burn rates: every run once, whatever was rolled up so far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.health.burns import burns
from monitoring.health.rules import BURN_WINDOWS
from monitoring.metrics.rollups import roll_up
from monitoring.models import MetricRollup, MetricSample

pytestmark = pytest.mark.django_db

# in the middle of a minute and of an hour
NOW = datetime(2026, 1, 4, 12, 34, 25, tzinfo=UTC)
DAYS = 3 * 86_400


def make_samples(times: list[datetime]) -> None:
    values = {"runs_failed:control": 1, "runs_succeeded:treatment": 2}
    MetricSample.objects.bulk_create(
        MetricSample(at=at, covers_seconds=5, late_ms=1, values=values) for at in times
    )


def every(seconds: int, count: int, until: datetime = NOW) -> list[datetime]:
    return [until - timedelta(seconds=seconds * number) for number in range(count)]


def roll_up_all(now: datetime) -> None:
    for _ in range(5):
        roll_up(now)


def test_without_a_run_there_is_nothing_to_burn() -> None:
    assert burns(NOW) == {}
    MetricSample.objects.create(at=NOW, covers_seconds=5, late_ms=1, values={"cpu_percent": 1})
    assert burns(NOW) == {}


@pytest.mark.parametrize("minutes_ago", [None, 0, 1, 7, 40])
def test_runs_count_once_however_far_rollups_have_come(minutes_ago: int | None) -> None:
    make_samples(every(30, 100))
    if minutes_ago is not None:
        roll_up_all(NOW - timedelta(minutes=minutes_ago))
    found = burns(NOW)
    assert set(found) == set(BURN_WINDOWS)
    assert found[300] == (10, 30)
    assert found[1800] == (60, 180)
    assert found[3600] == found[21600] == found[DAYS] == (100, 300)


def test_long_windows_are_exact_but_for_the_rollup_at_their_edge() -> None:
    make_samples(every(600, 4 * 144))
    roll_up_all(NOW)
    for seconds, edge in ((3600, 1), (21600, 1), (DAYS, 6)):
        expected = seconds // 600
        assert expected <= burns(NOW)[seconds][0] <= expected + edge


def test_samples_that_are_gone_live_on_in_rollups() -> None:
    make_samples(every(60, 10, NOW - timedelta(hours=30)))
    roll_up_all(NOW)
    MetricSample.objects.all().delete()
    assert burns(NOW)[DAYS] == (10, 30)
    assert burns(NOW)[21600] == (0, 0)


def test_rollups_that_were_not_made_for_hours_cost_runs_and_no_time() -> None:
    make_samples(every(60, 600))
    found = burns(NOW)
    # what is read is limited to an hour of samples
    assert 60 <= found[DAYS][0] <= 61
    assert found[3600][0] == 60
    assert not MetricRollup.objects.exists()


def test_it_takes_five_queries() -> None:
    make_samples(every(60, 10))
    with CaptureQueriesContext(connection) as found:
        burns(NOW)
    assert len(found) == 5
