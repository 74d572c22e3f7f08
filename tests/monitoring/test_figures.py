"""Charts, small traces, words of numbers, and CSV as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.staticfiles import finders

from config.spreadsheets import safe
from monitoring.exports import changes_by_step, columns_of
from monitoring.figures import LONGEST_LABEL, Scale, byte_scale, mark_lines, significant
from monitoring.marks import Mark
from monitoring.metrics.series import Line, Series
from monitoring.overview import spark
from monitoring.templatetags import figures as filters
from pktmask_site.static_finders import PLOTLY, PlotlyFinder

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def line_of(*values: float | None) -> Line:
    return Line(list(values), list(values), None, None, [])


@pytest.mark.parametrize(
    ("most", "unit"), [(5e9, "GB/s"), (2e6, "MB/s"), (999.0, "B/s"), (1500.0, "kB/s")]
)
def test_bytes_have_the_unit_of_the_largest_value(most: float, unit: str) -> None:
    assert byte_scale([line_of(1.0, None, most)]).unit == unit
    assert byte_scale([]).unit == "B/s"


def test_values_have_four_figures_and_gaps_stay() -> None:
    assert significant(1234567.0) == 1235000.0
    assert significant(0.000123456) == 0.0001235
    assert significant(0.0) == 0.0
    assert Scale(1000, "s")(None) is None


def test_marks_of_an_axis_are_in_order_and_short() -> None:
    found = mark_lines([Mark(NOON, "x" * 100, ""), Mark(NOON - timedelta(hours=1), "first", "")])
    assert [each["label"] for each in found] == ["first", "x" * (LONGEST_LABEL - 1) + "…"]


def test_a_trace_has_no_line_over_a_gap() -> None:
    path = spark([1.0, 2.0, None, None, 4.0, 4.0])
    assert path.count("M") == 2
    assert spark([None, None]) == ""
    assert spark([]) == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"])
def test_text_is_never_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert safe(f"x{text}") == f"x{text}"


def test_columns_name_their_unit() -> None:
    assert [name for name, _ in columns_of("message_ms:control", line_of(1.0))] == [
        "message_ms:control p50 [ms]",
        "message_ms:control p95 [ms]",
    ]
    assert columns_of("input_bytes:control", line_of())[0][0] == "input_bytes:control [bytes/s]"
    assert columns_of("cpu_percent", line_of())[0][0] == "cpu_percent [%]"
    assert columns_of("policy_version", line_of())[0][0] == "policy_version"
    assert columns_of("gone", line_of())[0][0] == "gone"


def test_changes_stand_in_their_step() -> None:
    steps = Series(NOON, 60, 10, {}, 0)
    found = changes_by_step(
        steps, [Mark(NOON + timedelta(seconds=130), "", "b", "why"), Mark(NOON, "", "a")]
    )
    assert found == {0: ["a"], 2: ["b (why)"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [(6.4, "6.4"), (0.2812, "0.281"), (1250, "1,250"), (74.0, "74"), ("on", "on"), (None, "")],
)
def test_figures_in_words(value: object, text: str) -> None:
    assert filters.figures(value) == text


def test_differences_have_a_sign() -> None:
    assert filters.signed(2.5) == "+2.5"
    assert filters.signed(-2.5) == "\N{MINUS SIGN}2.5"
    assert filters.signed(0) == "±0"
    assert filters.signed_tenths(1.26) == "+1.3"


def test_the_chart_library_is_found_where_its_package_has_it() -> None:
    assert str(finders.find(PLOTLY)).endswith("plotly.min.js")
    assert [name for name, _ in PlotlyFinder().list(None)] == ["plotly.min.js"]
    assert PlotlyFinder().find("other.js") == []
    assert len(PlotlyFinder().find(PLOTLY, find_all=True)) == 1
