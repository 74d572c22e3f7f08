"""Series: the same as by hand, gaps stay gaps, and one query whatever is asked for."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from monitoring.metrics.histograms import from_json, merge
from monitoring.metrics.rollups import HOUR, MINUTE
from monitoring.metrics.series import PERIODS, Line, compare, level_of, ratio, series
from monitoring.models import MetricRollup, MetricSample
from tests.monitoring.measured import make_rollups, make_samples, roll_up_all

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR_AGO = NOON - timedelta(hours=1)
KEYS = ("runs_succeeded:control", "runs_failed:control", "cpu_percent", "message_ms:control")


def of_step(number: int, step: int = 10) -> list[MetricSample]:
    """Return the samples that end in a step, found in another way."""
    start = HOUR_AGO + timedelta(seconds=step * number)
    return [
        each
        for each in MetricSample.objects.order_by("at")
        if start < each.at <= start + timedelta(seconds=step)
    ]


def test_rates_means_and_quantiles_are_those_of_the_samples() -> None:
    make_samples(NOON, 720)
    found = series(KEYS, HOUR_AGO, NOON, 10)
    assert (found.start, found.size, found.step_seconds) == (HOUR_AGO, 360, 10)
    assert found.times[1] == HOUR_AGO + timedelta(seconds=10)
    for number in (0, 1, 17, 359):
        samples = of_step(number)
        assert len(samples) == 2
        failed = sum(each.values["runs_failed:control"] for each in samples)
        assert found.lines["runs_failed:control"].values[number] == failed / 10
        assert found.lines["runs_failed:control"].amounts[number] == failed
        cpu = math.fsum(each.values["cpu_percent"] for each in samples) / 2
        assert found.lines["cpu_percent"].values[number] == pytest.approx(cpu)
        both = merge(from_json(each.histograms["message_ms:control"]) for each in samples)
        line = found.lines["message_ms:control"]
        assert line.values[number] == both.quantile(0.95)
        assert line.p50[number] == both.quantile(0.5)
        assert line.amounts[number] == 6


def test_the_whole_is_of_all_samples() -> None:
    make_samples(NOON, 720)
    found = series(KEYS, HOUR_AGO, NOON, 10).lines
    samples = list(MetricSample.objects.all())
    assert found["runs_succeeded:control"].whole == 3 * 720 / 3600
    assert found["runs_succeeded:control"].amount == 3 * 720
    mean = math.fsum(each.values["cpu_percent"] for each in samples) / 720
    assert found["cpu_percent"].whole == pytest.approx(mean)
    merged = merge(from_json(each.histograms["message_ms:control"]) for each in samples)
    assert found["message_ms:control"].whole == merged.quantile(0.95)
    assert found["message_ms:control"].whole_p50 == merged.quantile(0.5)
    assert found["message_ms:control"].amount == 3 * 720


def test_rollups_give_what_their_samples_give() -> None:
    make_samples(NOON, 720)
    roll_up_all(NOON + timedelta(minutes=5))
    by_minute = series(KEYS, HOUR_AGO, NOON, MINUTE)
    samples = series(KEYS, HOUR_AGO, NOON, 20)
    assert MetricRollup.objects.filter(resolution_seconds=MINUTE).count() == 60
    for key in KEYS:
        assert by_minute.lines[key].whole == pytest.approx(samples.lines[key].whole)
        assert by_minute.lines[key].amount == pytest.approx(samples.lines[key].amount)
    five = series(KEYS, HOUR_AGO, NOON, 5 * MINUTE).lines["runs_succeeded:control"]
    assert five.values == [pytest.approx(0.6)] * 12


def test_gaps_stay_gaps() -> None:
    make_samples(NOON, 720)
    gap = (HOUR_AGO + timedelta(minutes=10), HOUR_AGO + timedelta(minutes=20))
    MetricSample.objects.filter(at__gt=gap[0], at__lte=gap[1]).delete()
    found = series(KEYS, HOUR_AGO, NOON, 10)
    for key in KEYS:
        values = found.lines[key].values
        assert values[60:120] == [None] * 60
        assert None not in values[:60] + values[120:]
        assert found.lines[key].amounts[60:120] == [None] * 60


def test_a_step_without_a_run_has_no_quantile_but_a_rate_of_zero() -> None:
    make_samples(NOON, 12, **{"runs_succeeded:control": 0})
    MetricSample.objects.update(histograms={"message_ms:control": {}})
    found = series(KEYS, NOON - timedelta(minutes=1), NOON, 10)
    assert found.lines["message_ms:control"].values == [None] * 6
    assert found.lines["runs_succeeded:control"].values == [0.0] * 6


def test_a_key_that_nobody_knows_or_that_is_missing_is_a_gap() -> None:
    make_samples(NOON, 12)
    found = series(["no_such_metric", "leaks"], NOON - timedelta(minutes=1), NOON, 10)
    assert found.is_empty
    for key in ("no_such_metric", "leaks"):
        line = found.lines[key]
        assert line.values == [None] * 6
        assert (line.whole, line.amount) == (None, None)


def test_a_sample_that_covers_a_hole_is_a_rate_over_the_hole() -> None:
    at = NOON - timedelta(seconds=5)
    MetricSample.objects.create(
        at=at, covers_seconds=50, late_ms=1, missed=9, values={"runs_failed:control": 100}
    )
    found = series(["runs_failed:control"], NOON - timedelta(minutes=1), NOON, 10)
    assert found.lines["runs_failed:control"].values == [None] * 5 + [2.0]
    assert found.missed == 9


def test_a_value_that_some_samples_lack_is_a_rate_over_those_that_have_it() -> None:
    MetricRollup.objects.create(
        resolution_seconds=MINUTE,
        at=NOON,
        samples=12,
        covers_seconds=60,
        values={"runs_failed:control": [6, 30, 5, 5]},
    )
    found = series(["runs_failed:control"], NOON, NOON + timedelta(minutes=1), MINUTE)
    assert found.lines["runs_failed:control"].values == [1.0]


def test_a_period_lies_over_the_one_before_it() -> None:
    make_rollups(NOON, 2 * 168, HOUR)
    now, before = compare(["cpu_percent"], PERIODS["7d"], NOON - timedelta(seconds=1))
    assert now.size == before.size == 168
    assert before.start + timedelta(days=7) == now.start
    assert None not in now.lines["cpu_percent"].values + before.lines["cpu_percent"].values


@pytest.mark.parametrize(
    ("step", "level"),
    [
        (10, None),
        (90, None),
        (60, 60),
        (120, 60),
        (600, 300),
        (3600, 3600),
        (7200, 3600),
        (86_400, 86_400),
    ],
)
def test_the_coarsest_rollups_that_fit_are_read(step: int, level: int | None) -> None:
    assert level_of(step) == level


def test_it_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_rollups(NOON, 60, MINUTE)
    with django_assert_num_queries(1):
        series(KEYS, HOUR_AGO, NOON, MINUTE)
    with django_assert_num_queries(1):
        series(["message_ms:control"], HOUR_AGO, NOON, MINUTE)


def test_the_tail_is_the_mean_of_what_is_known_of_the_end() -> None:
    make_samples(NOON, 4, cpu_percent=40.0)
    found = series(["cpu_percent"], NOON - timedelta(minutes=1), NOON, 10)
    assert found.tail("cpu_percent", 6) == 40.0
    assert (
        series(["cpu_percent"], HOUR_AGO, NOON - timedelta(minutes=1), 10).tail("cpu_percent", 6)
        is None
    )


def line_of(*amounts: float | None) -> Line:
    known = [each for each in amounts if each is not None]
    return Line([], list(amounts), None, sum(known) if known else None, [])


def test_a_ratio_is_known_where_there_was_anything() -> None:
    found = ratio(line_of(1, 0, None, None, 0), line_of(3, 4, None, 2, 0))
    assert found.values == [0.25, 0.0, None, 0.0, None]
    assert found.whole == 0.1
    assert ratio(line_of(None), line_of(None)).whole is None
