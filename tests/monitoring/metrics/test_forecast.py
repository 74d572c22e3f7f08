"""When a limit would be met."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.metrics.forecast import LEAST_VALUES, Trend, reach, trend_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def daily(*values: float | None) -> list[tuple[datetime, float | None]]:
    days = len(values)
    return [(NOW - timedelta(days=days - number), value) for number, value in enumerate(values)]


def test_a_straight_line_goes_on() -> None:
    trend = trend_of(daily(*range(50, 70)), NOW)
    assert trend is not None
    assert trend.slope == pytest.approx(1)
    assert trend.level == pytest.approx(70)
    found = reach(trend, 80)
    assert found.at is not None
    assert abs(found.at - (NOW + timedelta(days=10))) < timedelta(seconds=1)
    assert not found.is_met


def test_wild_values_hardly_move_it() -> None:
    values: list[float | None] = [50 + 0.5 * number for number in range(30)]
    values[3], values[17], values[25] = 400.0, 0.0, 1000.0
    trend = trend_of(daily(*values), NOW)
    assert trend is not None
    assert trend.slope == pytest.approx(0.5, abs=0.02)
    assert trend.low <= trend.slope <= trend.high


def test_gaps_are_left_out() -> None:
    values = [None if number % 3 else float(number) for number in range(30)]
    trend = trend_of(daily(*values), NOW)
    assert trend is not None
    assert trend.values == 10
    assert trend.slope == pytest.approx(1)


@pytest.mark.parametrize(
    "points",
    [
        [],
        daily(*[1.0] * (LEAST_VALUES - 1)),
        daily(*[None] * 20),
        [(NOW, float(number)) for number in range(10)],
    ],
)
def test_too_little_has_no_trend(points: list[tuple[datetime, float | None]]) -> None:
    assert trend_of(points, NOW) is None


def test_a_limit_that_is_met_has_no_date() -> None:
    found = reach(Trend(NOW, 81, 1, 0.5, 2, 30), 80)
    assert (found.is_met, found.at, found.earliest, found.latest) == (True, None, None, None)


def test_early_and_late_come_from_the_interval() -> None:
    found = reach(Trend(NOW, 60, 1, 0.5, 2, 30), 80)
    assert found.at == NOW + timedelta(days=20)
    assert found.earliest == NOW + timedelta(days=10)
    assert found.latest == NOW + timedelta(days=40)


@pytest.mark.parametrize("slope", [0.0, -1.0, 0.01])
def test_not_within_a_year_has_no_date(slope: float) -> None:
    found = reach(Trend(NOW, 60, slope, slope, slope, 30), 80)
    assert (found.at, found.earliest, found.latest, found.is_met) == (None, None, None, False)
