"""What was counted only grows, whatever is rolled up and removed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.exposition.totals import forget, totals
from monitoring.metrics.histograms import of_values
from monitoring.metrics.rollups import prune, roll_up
from monitoring.models import MetricRollup, MetricSample

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _no_days() -> Iterator[None]:
    forget()
    yield
    forget()


def add(at: datetime, runs: int = 1) -> None:
    MetricSample.objects.create(
        at=at,
        covers_seconds=5,
        late_ms=0,
        missed=1,
        values={"fallbacks": runs},
        histograms={"waited_seconds": of_values([3.0] * runs).as_json()},
    )


def counted() -> tuple[float, int, int, int]:
    found = totals()
    assert found is not None
    return (
        found.sums["fallbacks"],
        found.histograms["waited_seconds"].count,
        found.samples,
        found.missed,
    )


def test_before_the_first_sample_nothing_is_known() -> None:
    assert totals() is None


def test_every_sample_is_in_it_once_at_every_moment() -> None:
    # more than two days, with gaps, on and beside the ends of minutes, hours and days
    moments = sorted(
        NOON + timedelta(hours=hours, seconds=seconds)
        for hours in range(0, 60, 5)
        for seconds in (-5, 0, 5, 55, 60, 300)
    )
    for number, at in enumerate(moments, start=1):
        add(at)
        assert counted() == (number, number, number, number)
        if number % 5 == 0:
            roll_up(at)
            assert counted() == (number, number, number, number)


def test_what_is_removed_was_counted() -> None:
    for hours in range(0, 80, 8):
        add(NOON + timedelta(hours=hours), runs=2)
    now = NOON + timedelta(hours=80)
    roll_up(now)
    before = counted()
    assert prune(now) > 0
    assert counted() == before == (20, 20, 10, 10)


def test_another_database_is_counted_anew() -> None:
    for days in range(4):
        add(NOON + timedelta(days=days))
    roll_up(NOON + timedelta(days=4))
    assert counted()[0] == 4
    MetricSample.objects.all().delete()
    MetricRollup.objects.all().delete()
    add(NOON - timedelta(days=9))
    add(NOON - timedelta(days=7), runs=3)
    roll_up(NOON)
    assert counted()[0] == 4
    assert counted()[2] == 2
