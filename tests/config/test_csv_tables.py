"""Tables as CSV files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from config.csv_tables import cell, table

BERLIN: Final = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (3, 3),
        (0.5, 0.5),
        (datetime(2026, 3, 2, 1, 30, 5, tzinfo=BERLIN), "2026-03-02T00:30:05Z"),
        ("=1+1", "'=1+1"),
        (" @sum", "' @sum"),
        ("plain", "plain"),
    ],
)
def test_a_cell_is_never_a_formula_and_its_time_is_utc(value: Any, written: Any) -> None:
    assert cell(value) == written


def test_a_table_is_a_file_with_a_head() -> None:
    answer = table("things", ("a", "b"), [[1, datetime(2026, 1, 1, tzinfo=UTC)], ["x,y", None]])
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="pktmask-things-')
    assert answer.content.decode().splitlines() == ["a,b", "1,2026-01-01T00:00:00Z", '"x,y",']
