"""How reports and their values are written."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import matplotlib.image
import pytest
from django.utils import translation

from monitoring.figures import NEUTRAL, Scale, figure, line
from monitoring.metrics.series import Series
from monitoring.reports.choices import ReportKind
from monitoring.reports.models import Report
from monitoring.reports.parts import (
    MOST_ROWS,
    Chart,
    Figure,
    Kind,
    Part,
    Value,
    moment,
    shortened,
    text,
)
from monitoring.reports.periods import starting
from monitoring.reports.pictures import png
from monitoring.reports.shown import (
    about,
    in_words,
    interval_text,
    shown,
    time_of,
    title_of,
    value_text,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def report_of(kind: ReportKind, first: date) -> Report:
    period = starting(kind, first, BERLIN)
    return Report(
        kind=kind.value, begin=period.begin, end=period.end, until=period.end, zone=BERLIN.key
    )


@pytest.mark.parametrize(
    ("kind", "first", "title"),
    [
        (ReportKind.DAY, date(2026, 3, 29), "Daily report: Sunday, 29 March 2026"),
        (ReportKind.WEEK, date(2026, 3, 23), "Weekly report: week 13, 23 March to 29 March 2026"),
        (
            ReportKind.WEEK,
            date(2025, 12, 29),
            "Weekly report: week 1, 29 December 2025 to 4 January 2026",
        ),
        (ReportKind.MONTH, date(2026, 3, 1), "Monthly report: March 2026"),
    ],
)
def test_a_report_is_called_by_the_days_of_its_zone(
    kind: ReportKind, first: date, title: str
) -> None:
    assert title_of(report_of(kind, first)) == title
    assert str(report_of(kind, first)) == f"{kind.value} {first}"


def test_a_chinese_page_shows_a_report_in_chinese_with_its_days_as_they_are_written_there() -> None:
    drawn = {"lines": [{"name": "Memory", "values": [1.0]}]}
    chart = Chart("c", "Captures", drawn)
    part = Part("arms", "Legacy and scanning", "", charts=[chart]).as_json()
    with translation.override("zh-hans"):
        assert title_of(report_of(ReportKind.DAY, date(2026, 3, 29))).endswith(
            "2026年3月29日 星期日"
        )
        [said] = in_words([part], BERLIN, {})
        assert value_text(asdict(moment(NOON, Kind.WEEKDAY)), BERLIN) == "3月29日 星期日"
    assert (said["title"], said["charts"][0]["title"]) == ("legacy 与 scanning", "抓包文件")
    assert said["charts"][0]["figure"]["lines"] == [{"name": "内存", "values": [1.0]}]


def test_what_is_not_finished_says_so() -> None:
    report = report_of(ReportKind.DAY, date(2026, 3, 29))
    report.is_whole = True
    assert about(report) == "From 29 Mar 2026, 00:00 to 30 Mar 2026, 00:00, Europe/Berlin."
    report.is_whole, report.until = False, NOON
    assert about(report).startswith(
        "Not finished: from 29 Mar 2026, 00:00 up to 29 Mar 2026, 14:00"
    )
    assert time_of(report) == "Sunday, 29 March 2026"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Value(Kind.COUNT, 1234), "1,234"),
        (Value(Kind.BYTES, 9_800_000), "9.8 MB"),
        (Value(Kind.RATE, 4_100_000), "4.1 MB/s"),
        (Value(Kind.SECONDS, 521), "8 min 41 s"),
        (Value(Kind.MILLISECONDS, 6.41), "6.41 ms"),
        (Value(Kind.PERCENT, 0.25), "0.25 %"),
        (Value(Kind.NUMBER, 0.5, unit="%/d"), "0.5 %/d"),
        (Value(Kind.NUMBER, 0.5), "0.5"),
        (moment(NOON), "29 Mar 2026, 14:00"),
        (moment(NOON, Kind.DAY), "29 Mar 2026"),
        (moment(NOON, Kind.WEEKDAY), "Sun 29 Mar"),
        (moment(None), "\N{EN DASH}"),
        (Value(Kind.COUNT, None), "\N{EN DASH}"),
        (Value(Kind.CAPTURE, "0123456789abcdef"), "01234567"),
        (Value(Kind.ARM, "treatment"), "scanning"),
        (Value(Kind.VERDICT, "warn"), "Warn"),
        (Value(Kind.SEVERITY, "critical"), "Critical"),
        (text("as it is"), "as it is"),
    ],
)
def test_a_value_is_written_by_its_kind_and_an_unknown_one_is_a_dash(
    value: Value, written: str
) -> None:
    assert value_text(asdict(value), BERLIN) == written


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [(None, None, ""), (1, 2.5, "1 to 2.5"), (None, 2.5, "up to 2.5"), (1, None, "1 or more")],
)
def test_an_interval_may_be_open(low: float | None, high: float | None, written: str) -> None:
    assert interval_text(asdict(Value(Kind.PERCENT, 2, low, high))) == written


def test_a_capture_has_its_name_where_that_is_given() -> None:
    value = asdict(Value(Kind.CAPTURE, "0123456789abcdef"))
    named = shown(value, BERLIN, {"0123456789abcdef": "edge.pcap"})
    assert (named["text"], named["is_named"]) == ("edge.pcap", True)
    assert shown(value, BERLIN, {})["text"] == "01234567"


def test_of_a_long_table_the_number_of_rows_without_room_is_said() -> None:
    found = shortened("All", ("n",), [(Value(Kind.COUNT, n),) for n in range(MOST_ROWS + 3)])
    assert (len(found.rows), found.left_out) == (MOST_ROWS, 3)


def test_a_part_is_stored_with_all_that_it_holds() -> None:
    figures = [Figure("last", moment(NOON)), Figure("worst", text("none"))]
    stored = Part("jobs", "Jobs", "All is well.", figures=figures).as_json()
    assert (stored["name"], stored["is_known"], stored["permission"]) == ("jobs", True, "")
    assert [each["value"] for each in stored["figures"]] == [asdict(each.value) for each in figures]


def chart(*lines: list[float | None]) -> dict[str, object]:
    steps = Series(NOON, 3600, max(map(len, lines), default=0), {}, 0)
    drawn = [line(f"line {n}", NEUTRAL, each, Scale(1, "%")) for n, each in enumerate(lines)]
    return figure(steps, "%", drawn)


def test_a_picture_is_drawn_of_what_is_known() -> None:
    for found in (chart([1.0, None, 3.0]), chart([1.0] * 150, [2.0] * 150)):
        picture = png(found, BERLIN)
        assert picture is not None
        height, width, _colours = matplotlib.image.imread(BytesIO(picture)).shape
        assert (width, height) == (1120, 400)


def test_there_is_no_picture_of_nothing() -> None:
    assert png(chart(), BERLIN) is None
    assert png(chart([None, None]), BERLIN) is None
