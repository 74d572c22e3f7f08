"""Tables as CSV files that are safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.http import HttpResponse
from django.utils import timezone

from config.spreadsheets import safe

CONTENT_TYPE: Final = "text/csv; charset=utf-8"


def cell(value: Any) -> str | int | float:
    """Return a value as it stands in a cell: times in UTC, nothing for None."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return value
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case _:
            return safe(str(value))


def table(name: str, heads: Sequence[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """Answer with a file that is named after the table and the time at which it was asked for."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(heads)
    lines.writerows([cell(value) for value in row] for row in rows)
    file = f"pktmask-{name}-{timezone.now():%Y-%m-%d-%H%M}.csv"
    return HttpResponse(
        written.getvalue(),
        content_type=CONTENT_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )
