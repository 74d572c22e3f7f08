"""Hours of a week in a time zone, as a line of text."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitoring.alerts.hours import read_hours, read_zone

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "at", "hold"),
    [
        ("", "2026-03-01T03:00", True),
        ("mon-fri 08:00-18:00", "2026-03-02T08:00", True),
        ("mon-fri 08:00-18:00", "2026-03-02T07:59", False),
        ("mon-fri 08:00-18:00", "2026-03-02T18:00", False),
        ("mon-fri 08:00-18:00", "2026-03-01T12:00", False),
        ("mon-fri 08:00-18:00, sat", "2026-02-28T23:59", True),
        ("09:00-17:00", "2026-03-01T12:00", True),
        ("Sat-Mon 10:00-24:00", "2026-03-02T23:59", True),
        ("sat-mon 10:00-24:00", "2026-03-03T12:00", False),
        ("fri 22:00-06:00", "2026-03-07T05:59", True),
        ("fri 22:00-06:00", "2026-03-06T05:59", False),
        ("sun 22:00-00:00", "2026-03-02T00:00", False),
        ("sun 22:00-00:00", "2026-03-01T23:00", True),
    ],
)
def test_hours_are_of_the_clock_on_the_wall(text: str, at: str, hold: bool) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=BERLIN)
    assert read_hours(text).hold(moment.astimezone(UTC), BERLIN) is hold


def test_an_hour_that_the_clock_shows_twice_is_there_twice() -> None:
    night = read_hours("02:00-03:00")
    for utc_hour in (0, 1):
        assert night.hold(datetime(2026, 10, 25, utc_hour, 30, tzinfo=UTC), BERLIN)


@pytest.mark.parametrize(
    "text",
    ["noon", "mon 8-18", "mon-xyz", "abc 08:00-18:00", "08:00-08:00", "24:00-25:00", "08:60-09:00"],
)
def test_what_is_no_hours_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected hours, as in mon-fri 08:00-18:00"):
        read_hours(text)


def test_a_span_from_the_end_of_the_day_holds_no_time() -> None:
    with pytest.raises(ValueError, match="holds no time"):
        read_hours("24:00-06:00")


def test_a_zone_is_one_of_the_list() -> None:
    assert read_zone("Europe/Berlin") == BERLIN
    for wrong in ("Berlin", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="time zone, as in UTC"):
            read_zone(wrong)
