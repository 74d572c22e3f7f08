"""Days, weeks and months by the clock on the wall, also where it is put forward or back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring.reports.choices import ReportKind
from monitoring.reports.periods import before, day_begin, due, period_of, starting, steps_of

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 28), "Europe/Berlin", 24),
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 10, 25), "UTC", 24),
        # half an hour only
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        # midnight itself is skipped, or comes twice
        (date(2024, 9, 8), "America/Santiago", 23),
        (date(2024, 11, 3), "America/Havana", 25),
        # a zone that went over the date line
        (date(2011, 12, 30), "Pacific/Apia", 0),
    ],
)
def test_a_day_is_as_long_as_the_clock_makes_it(day: date, zone: str, hours: float) -> None:
    period = starting(ReportKind.DAY, day, ZoneInfo(zone))
    assert period.end - period.begin == hours * HOUR


def test_a_day_whose_midnight_is_skipped_begins_with_its_first_moment() -> None:
    santiago = ZoneInfo("America/Santiago")
    begin = day_begin(date(2024, 9, 8), santiago)
    assert begin.astimezone(santiago).hour == 1
    assert (begin - timedelta(seconds=1)).astimezone(santiago).date() == date(2024, 9, 7)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Havana", "Africa/Cairo", "UTC"])
@pytest.mark.parametrize("kind", list(ReportKind))
def test_periods_lie_close_and_hold_each_of_their_moments(kind: ReportKind, zone: str) -> None:
    period = period_of(kind, datetime(2027, 1, 2, tzinfo=UTC), ZoneInfo(zone))
    for _ in range(400 if kind is ReportKind.DAY else 60):
        earlier = before(period)
        assert earlier.end == period.begin
        for moment in (period.begin, period.end - timedelta(microseconds=1)):
            assert period_of(kind, moment, period.zone) == period
        period = earlier


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    moment = at("2026-03-04T12:00")
    week = period_of(ReportKind.WEEK, moment, BERLIN)
    month = period_of(ReportKind.MONTH, moment, BERLIN)
    assert (week.first, week.after) == (date(2026, 3, 2), date(2026, 3, 9))
    assert (month.first, month.after) == (date(2026, 3, 1), date(2026, 4, 1))
    assert before(period_of(ReportKind.MONTH, at("2026-01-15"), BERLIN)).first == date(2025, 12, 1)
    assert (month.end - month.begin) == timedelta(days=31) - HOUR


def test_the_zone_says_to_which_day_a_moment_belongs() -> None:
    moment = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    assert period_of(ReportKind.MONTH, moment, BERLIN).first == date(2026, 4, 1)
    assert period_of(ReportKind.MONTH, moment, ZoneInfo("UTC")).first == date(2026, 3, 1)


def test_a_report_is_due_at_its_hour_on_the_wall_also_when_the_clock_was_put_forward() -> None:
    for day, utc_hour in ((date(2026, 3, 27), 5), (date(2026, 3, 28), 4), (date(2026, 10, 24), 5)):
        due_at = starting(ReportKind.DAY, day, BERLIN).due_at(6)
        assert due_at.astimezone(BERLIN).hour == 6
        assert (due_at.hour, due_at.minute) == (utc_hour, 5)


def test_an_hour_that_the_clock_skips_is_due_when_it_skips() -> None:
    due_at = starting(ReportKind.DAY, date(2026, 3, 28), BERLIN).due_at(2)
    assert due_at.astimezone(BERLIN).hour == 3


def test_what_is_due_is_over_its_hour_has_come_and_it_ended_lately() -> None:
    now = at("2026-03-30T06:04")
    found = due(ReportKind.DAY, BERLIN, 6, now, now - timedelta(days=3))
    assert [each.first for each in found] == [date(2026, 3, 27), date(2026, 3, 28)]
    found = due(ReportKind.DAY, BERLIN, 6, now + timedelta(minutes=1), now - timedelta(days=3))
    assert [each.first for each in found][-1] == date(2026, 3, 29)
    assert due(ReportKind.MONTH, BERLIN, 6, now, now - timedelta(days=3)) == []


def test_a_day_that_a_zone_skipped_is_never_due() -> None:
    apia = ZoneInfo("Pacific/Apia")
    now = datetime(2012, 1, 3, tzinfo=UTC)
    found = due(ReportKind.DAY, apia, 0, now, datetime(2011, 12, 28, tzinfo=UTC))
    assert date(2011, 12, 29) in [each.first for each in found]
    assert date(2011, 12, 30) not in [each.first for each in found]
    month = starting(ReportKind.MONTH, date(2011, 12, 1), apia)
    assert len(list(month.days())) == 30


def test_the_days_of_a_period_are_all_of_it() -> None:
    month = starting(ReportKind.MONTH, date(2026, 3, 1), BERLIN)
    days = list(month.days())
    assert len(days) == 31
    assert (days[0].begin, days[-1].end) == (month.begin, month.end)
    assert sum((day.end - day.begin for day in days), timedelta()) == month.end - month.begin


def test_steps_cover_a_time_and_the_last_one_takes_what_is_left() -> None:
    month = starting(ReportKind.MONTH, date(2026, 3, 1), BERLIN)
    steps = steps_of(ReportKind.MONTH, month.begin, month.end)
    assert (steps.size, steps.number(month.begin)) == (62, 0)
    assert steps.number(month.end - timedelta(seconds=1)) == 61
    assert sum(steps.lengths()) == (month.end - month.begin).total_seconds()
    assert steps.lengths()[-1] == 11 * 3600
    october = starting(ReportKind.MONTH, date(2026, 10, 1), BERLIN)
    steps = steps_of(ReportKind.MONTH, october.begin, october.end)
    assert (steps.size, steps.lengths()[-1]) == (62, 13 * 3600)
    assert steps.number(october.end - timedelta(seconds=1)) == 61
    begun = steps_of(ReportKind.MONTH, month.begin, month.begin + timedelta(minutes=5))
    assert (begun.size, begun.lengths(), begun.hours) == (1, [300], 12)
    nothing = steps_of(ReportKind.DAY, month.begin, month.begin)
    assert (nothing.size, nothing.lengths()) == (0, [])
