"""Limits that are texts: what is accepted, what is said of all else, and when a window opens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration import texts
from migration.choices import PhaseName

BERLIN = ZoneInfo("Europe/Berlin")
ALL_DAYS = frozenset(range(7))
MIDNIGHT = time(0)


def window(days: str = "", hours: str = "", zone: str = "UTC", freezes: str = "") -> texts.Window:
    begin, end = texts.hours(hours)
    return texts.Window(texts.days(days), begin, end, texts.zone(zone), texts.freezes(freezes))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opens(found: texts.Window, now: str) -> str:
    """Return the time in UTC at which a window opens, as text."""
    opened = found.opens(utc(now))
    assert opened is not None
    return f"{opened.astimezone(UTC):%Y-%m-%d %H:%M}"


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (texts.names, "", ()),
        (texts.names, " a ,, b,", ("a", "b")),
        (texts.shares, "5, 10, 25, 50, 75", (0.05, 0.1, 0.25, 0.5, 0.75)),
        (texts.shares, "0.5%, 97.5 %", (0.005, 0.975)),
        (texts.phases, "", frozenset()),
        (
            texts.phases,
            "legacy_cleanup, small_ab_test",
            frozenset({PhaseName.CLEANUP, PhaseName.AB_TEST}),
        ),
        (texts.days, "", ALL_DAYS),
        (texts.days, "Mon, sun", frozenset({0, 6})),
        (texts.hours, "  ", (MIDNIGHT, MIDNIGHT)),
        (texts.hours, " 09:00-17:30 ", (time(9), time(17, 30))),
        (texts.hours, "18:00-24:00", (time(18), MIDNIGHT)),
        (texts.hours, "00:00-24:00", (MIDNIGHT, MIDNIGHT)),
        (texts.zone, "Europe/Berlin", BERLIN),
        (texts.freezes, "", ()),
        (texts.freezes, "2026-12-24", ((date(2026, 12, 24), date(2026, 12, 24)),)),
        (
            texts.freezes,
            "2026-12-20/2027-01-03, 2026-05-01 / 2026-05-02",
            (
                (date(2026, 12, 20), date(2027, 1, 3)),
                (date(2026, 5, 1), date(2026, 5, 2)),
            ),
        ),
    ],
)
def test_a_text_is_read(reader: Callable[[str], Any], text: str, value: object) -> None:
    assert reader(text) == value


@pytest.mark.parametrize(
    ("reader", "text", "said"),
    [
        (texts.shares, "5, many", "expected numbers separated by commas, as in 5, 10, 25, 50, 75"),
        *(
            (
                texts.shares,
                text,
                "expected percents above 0 and below 100, each larger than the one before",
            )
            for text in ("", "0, 5", "5, 100", "10, 5", "5, 5", "nan", "-1", "inf")
        ),
        (
            texts.phases,
            "small_ab_test, everything",
            "'everything' is no phase; expected some of: baseline_validation, small_ab_test, "
            "gradual_rollout, full_migration, legacy_cleanup",
        ),
        (
            texts.days,
            "mon, monday",
            "'monday' is no day; expected some of: mon, tue, wed, thu, fri, sat, sun",
        ),
        *(
            (texts.hours, text, "expected hours of one day, as in 09:00-17:00 or 18:00-24:00")
            for text in (
                *("always", "9:00-17:00", "09:00-17:00-18:00", "09:00-17:60", "25:00-26:00"),
                *("17:00-09:00", "09:00-09:00", "18:00-24:01", "24:00-24:00"),
                # nobody knows whether that is all of the day or nothing of it
                *("00:00-00:00", "18:00-00:00"),
            )
        ),
        *(
            (texts.zone, text, "expected the name of a time zone, as in UTC or Europe/Berlin")
            for text in ("", "Mars/Base", "../etc/passwd", "Europe", "a\0b", "x" * 5_000)
        ),
        *(
            (texts.freezes, text, "expected days, as in 2026-12-20/2027-01-03")
            for text in (
                *("christmas", "2026-02-30", "2026-12-20/", "/2026-12-20"),
                "2026-12-20/2026-12-21/2026-12-22",
            )
        ),
        (texts.freezes, "2027-01-03/2026-12-20", "'2027-01-03/2026-12-20' ends before it begins"),
    ],
)
def test_a_text_that_is_none_is_refused_and_told_what_is_expected(
    reader: Callable[[str], Any], text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=r"expected|ends") as refused:
        reader(text)
    assert str(refused.value) == said


@pytest.mark.parametrize("reader", [texts.phases, texts.days])
def test_of_a_long_name_only_the_beginning_is_said(reader: Callable[[str], Any]) -> None:
    with pytest.raises(ValueError, match="expected some of") as refused:
        reader("x" * 5_000)
    assert str(refused.value).startswith(f"'{'x' * 40}' is no")


# --- windows --------------------------------------------------------------------------------------


def test_without_limits_it_is_always_open() -> None:
    for now in ("2026-03-04 12:00", "2026-03-04 00:00", "2026-03-04 23:59:59.999999"):
        assert window().opens(utc(now)) == utc(now)


@pytest.mark.parametrize(
    ("now", "opened"),
    [
        ("2026-03-04 08:59", "2026-03-04 09:00"),
        ("2026-03-04 09:00", "2026-03-04 09:00"),
        ("2026-03-04 16:59", "2026-03-04 16:59"),
        # half-open: the end is outside
        ("2026-03-04 17:00", "2026-03-05 09:00"),
    ],
)
def test_hours_begin_with_their_first_minute_and_end_before_their_last(
    now: str, opened: str
) -> None:
    assert opens(window(hours="09:00-17:00"), now) == opened


def test_hours_to_24_last_to_the_end_of_the_day() -> None:
    late = window(hours="18:00-24:00")
    assert late.opens(utc("2026-03-04 23:59:59.999999")) == utc("2026-03-04 23:59:59.999999")
    assert opens(late, "2026-03-05 00:00") == "2026-03-05 18:00"


@pytest.mark.parametrize(
    ("now", "opened"),
    [
        ("2026-03-04 12:00", "2026-03-04 12:00"),  # a Wednesday
        ("2026-03-04 17:00", "2026-03-09 09:00"),  # to the Monday after
        ("2026-03-08 12:00", "2026-03-09 09:00"),
    ],
)
def test_days_of_the_week_are_kept(now: str, opened: str) -> None:
    assert opens(window("mon, wed", "09:00-17:00"), now) == opened


def test_days_and_hours_are_those_of_the_zone() -> None:
    wednesdays = window("wed", zone="Pacific/Auckland")
    # Tuesday noon in UTC is Wednesday in New Zealand, 13 hours ahead in March
    assert opens(wednesdays, "2026-03-03 12:00") == "2026-03-03 12:00"
    assert opens(wednesdays, "2026-03-04 12:00") == "2026-03-10 11:00"
    assert opens(window(hours="09:00-17:00", zone="Europe/Berlin"), "2026-03-04 07:00") == (
        "2026-03-04 08:00"
    )


def test_a_window_says_when_it_opens_in_its_own_zone() -> None:
    opened = window(hours="09:00-17:00", zone="Europe/Berlin").opens(utc("2026-07-01 06:00"))
    assert f"{opened:%Y-%m-%d %H:%M %Z}" == "2026-07-01 09:00 CEST"


@pytest.mark.parametrize(
    ("now", "opened"),
    [
        ("2026-12-19 23:59", "2026-12-19 23:59"),
        ("2026-12-20 00:00", "2027-01-04 00:00"),
        ("2027-01-01 00:00", "2027-01-04 00:00"),
        ("2027-01-03 23:59", "2027-01-04 00:00"),
    ],
)
def test_a_freeze_across_new_year_holds_from_its_first_to_its_last_day(
    now: str, opened: str
) -> None:
    assert opens(window(freezes="2026-12-20/2027-01-03"), now) == opened


def test_a_freeze_is_of_days_in_the_zone() -> None:
    frozen = window(zone="Europe/Berlin", freezes="2026-03-05")
    assert opens(frozen, "2026-03-04 22:59") == "2026-03-04 22:59"
    assert opens(frozen, "2026-03-04 23:00") == "2026-03-05 23:00"


def test_a_freeze_on_the_only_day_puts_it_off_by_a_week() -> None:
    assert opens(window("thu", freezes="2026-03-05"), "2026-03-04 12:00") == "2026-03-12 00:00"


def test_what_does_not_open_within_400_days_never_opens() -> None:
    now = utc("2026-03-04 12:00")
    assert window(freezes="2026-03-01/2027-04-07").opens(now) is None
    assert window(freezes="2026-03-01/2027-04-06").opens(now) == utc("2027-04-07 00:00")


@pytest.mark.parametrize(
    ("hours", "now", "opened"),
    [
        # clocks are put forward on 2026-03-29, from 02:00 to 03:00, which is 01:00 in UTC
        ("09:00-17:00", "2026-03-28 16:00", "2026-03-29 07:00"),
        ("01:00-04:00", "2026-03-29 01:30", "2026-03-29 01:30"),
        # an end that the clock jumps over is never passed: 03:15 is not before 02:30
        ("01:00-02:30", "2026-03-29 01:15", "2026-03-29 23:00"),
        # a begin that the clock jumps over comes when as much of the night is over
        ("02:30-05:00", "2026-03-29 00:00", "2026-03-29 01:30"),
        # a window that the clock jumps over as a whole is left out
        ("02:15-02:45", "2026-03-29 00:00", "2026-03-30 00:15"),
        ("18:00-24:00", "2026-03-29 21:59", "2026-03-29 21:59"),
        ("18:00-24:00", "2026-03-29 22:00", "2026-03-30 16:00"),
        # clocks are put back on 2026-10-25, from 03:00 to 02:00, which is 01:00 in UTC
        ("09:00-17:00", "2026-10-24 15:00", "2026-10-25 08:00"),
        # it opens with the first 02:30 of two and stays open
        ("02:30-04:00", "2026-10-25 00:00", "2026-10-25 00:30"),
        ("02:30-04:00", "2026-10-25 01:10", "2026-10-25 01:10"),
        # it closes with the first of two
        ("01:00-02:30", "2026-10-25 00:29", "2026-10-25 00:29"),
        ("01:00-02:30", "2026-10-25 00:30", "2026-10-26 00:00"),
    ],
)
def test_on_days_when_clocks_change_hours_are_those_of_the_clock(
    hours: str, now: str, opened: str
) -> None:
    assert opens(window(hours=hours, zone="Europe/Berlin"), now) == opened


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        # where midnight does not exist, is there twice, and where a whole day was left out
        ("America/Santiago", "2026-09-06 03:30"),
        ("America/Havana", "2026-11-01 04:30"),
        ("America/Havana", "2026-11-01 05:30"),
        ("Pacific/Apia", "2011-12-30 09:59"),
        ("Pacific/Apia", "2011-12-30 10:01"),
    ],
)
def test_all_of_the_day_is_open_also_where_midnight_is_odd(zone: str, now: str) -> None:
    assert opens(window(zone=zone), now) == now


def test_a_time_in_the_zone_of_the_window_is_taken_as_it_is_meant() -> None:
    # the second 02:10 of that night, after the window has closed with the first 02:30
    second = datetime(2026, 10, 25, 2, 10, tzinfo=BERLIN, fold=1)
    opened = window(hours="01:00-02:30", zone="Europe/Berlin").opens(second)
    assert opened == datetime(2026, 10, 26, 1, tzinfo=BERLIN)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.sets(st.sampled_from(texts.DAYS)),
    st.sampled_from(
        ["", "00:00-02:30", "01:00-02:00", "02:15-02:45", "09:00-17:00", "22:00-24:00"]
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]),
    st.sampled_from(["", "2026-12-20/2027-01-03", "2026-03-29, 2026-10-25"]),
)
def test_a_window_opens_at_a_time_at_which_it_is_open(
    now: datetime, days: set[str], hours: str, zone: str, freezes: str
) -> None:
    found = window(", ".join(days), hours, zone, freezes)
    opened = found.opens(now)
    assert opened is not None
    assert opened >= now
    again = found.opens(opened)
    assert again is not None
    assert again.timestamp() == opened.timestamp()
    # what is in between is closed
    if opened > now:
        between = found.opens(now + (opened - now) / 2)
        assert between is not None
        assert between.timestamp() == opened.timestamp()
    local = opened.astimezone(found.zone)
    assert local.weekday() in found.days
    assert not any(first <= local.date() <= last for first, last in found.freezes)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)))
def test_an_open_window_is_never_outside_its_hours_but_where_an_hour_comes_twice(
    now: datetime,
) -> None:
    found = window(hours="01:00-02:30", zone="Europe/Berlin")
    if found.opens(now) == now:
        shown = now.astimezone(BERLIN).time()
        assert time(1) <= shown < time(2, 30)
