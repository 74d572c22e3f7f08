"""Rollups hold what the samples held, in any order, any number of times."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.alerts.models import Alert
from monitoring.metrics.histograms import of_values
from monitoring.metrics.rollups import (
    DAY,
    HOUR,
    MINUTE,
    Part,
    forget_counted,
    prune,
    put_together,
    roll_up,
    span_of,
)
from monitoring.models import HealthReport, MetricRollup, MetricSample

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_samples(count: int, start: datetime = NOON, every_seconds: int = 5) -> None:
    MetricSample.objects.bulk_create(
        MetricSample(
            at=start + timedelta(seconds=every_seconds * (number + 1)),
            covers_seconds=every_seconds,
            late_ms=1.0,
            values={"runs_succeeded:control": number, "cpu_percent": 10.0},
            histograms={"run_ms:control": of_values([number + 1.0]).as_json()},
        )
        for number in range(count)
    )


def rollups(level: int) -> list[MetricRollup]:
    return list(MetricRollup.objects.filter(resolution_seconds=level).order_by("at"))


@pytest.mark.django_db
def test_a_minute_holds_its_twelve_samples() -> None:
    make_samples(24)
    roll_up(NOON + timedelta(minutes=3))
    first, second = rollups(MINUTE)
    assert (first.at, first.samples, first.covers_seconds) == (NOON, 12, 60)
    assert first.values["runs_succeeded:control"] == [12, sum(range(12)), 0, 11]
    assert second.values["runs_succeeded:control"] == [12, sum(range(12, 24)), 12, 23]
    assert sum(first.histograms["run_ms:control"].values()) == 12


@pytest.mark.django_db
def test_rolling_up_in_small_steps_or_twice_gives_the_same() -> None:
    for begin in range(0, 90, 9):
        make_samples(9, NOON + timedelta(seconds=5 * begin))
        roll_up(NOON + timedelta(seconds=5 * (begin + 9)))
    stepwise = [(each.at, each.samples, each.covers_seconds) for each in rollups(MINUTE)]
    MetricRollup.objects.all().delete()
    roll_up(NOON + timedelta(hours=1))
    roll_up(NOON + timedelta(hours=1))
    assert [(each.at, each.samples, each.covers_seconds) for each in rollups(MINUTE)] == stepwise


@pytest.mark.django_db
def test_hours_and_days_hold_what_their_minutes_hold() -> None:
    make_samples(2 * 720)
    for _ in range(3):
        roll_up(NOON + timedelta(hours=3))
    assert [each.samples for each in rollups(HOUR)] == [720, 720]
    (day,) = rollups(DAY)
    assert day.at == NOON - timedelta(hours=12)
    assert day.values["runs_succeeded:control"] == [1440, sum(range(1440)), 0, 1439]


@pytest.mark.django_db
def test_what_was_kept_long_enough_goes_and_days_stay() -> None:
    make_samples(24)
    roll_up(NOON + timedelta(minutes=3))
    prune(NOON + timedelta(hours=49))
    assert not MetricSample.objects.exists()
    assert len(rollups(MINUTE)) == 2
    prune(NOON + timedelta(days=5000))
    assert [len(rollups(level)) for level in (MINUTE, HOUR, DAY)] == [0, 0, 1]


@pytest.mark.django_db
def test_health_reports_go_with_the_hours_but_not_those_that_raised_an_alert() -> None:
    _old, raised, newest = (
        HealthReport.objects.create(at=NOON + timedelta(days=days), verdict="fail")
        for days in (0, 0, 300)
    )
    Alert.objects.create(
        key="k", rule="health_business", severity="high", since=NOON, seen_at=NOON, report=raised
    )
    prune(NOON + timedelta(days=401))
    assert set(HealthReport.objects.values_list("pk", flat=True)) == {raised.pk, newest.pk}


@pytest.mark.django_db
def test_rollups_that_outlive_their_samples_are_not_made_anew_without_them() -> None:
    make_samples(12)
    roll_up(NOON + timedelta(minutes=2))
    MetricSample.objects.all().delete()
    roll_up(NOON + timedelta(minutes=5))
    assert [each.samples for each in rollups(MINUTE)] == [12]


@pytest.mark.django_db
def test_without_a_sample_nothing_is_forgotten() -> None:
    forget_counted(NOON)


NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(NUMBERS, min_size=2, max_size=12), st.randoms())
def test_the_order_of_the_parts_does_not_matter(
    numbers: list[float], chance: random.Random
) -> None:
    parts = [Part(NOON, 1, 0, 5, {"x": (1, each, each, each)}, {}) for each in numbers]
    shuffled = sorted(parts, key=lambda _: chance.random())
    one, other = put_together(parts).values["x"], put_together(shuffled).values["x"]
    assert one[0] == other[0] == len(numbers)
    assert one[1] == pytest.approx(other[1], abs=1e-6)
    assert (one[2], one[3]) == (other[2], other[3]) == (min(numbers), max(numbers))


def test_nothing_is_not_put_together() -> None:
    with pytest.raises(ValueError, match="nothing"):
        put_together([])


def test_a_span_is_half_open() -> None:
    span = span_of(NOON + timedelta(seconds=59), MINUTE)
    assert (span.start, span.end) == (NOON, NOON + timedelta(seconds=60))
    assert span_of(span.end, MINUTE).start == span.end
