"""The list of captures as CSV: one line for each, none of whose texts is taken for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import IO, Final

from config.spreadsheets import safe
from trimming.listing import Row

CHUNK: Final = 1000
MAX_EXPORTED: Final = 100_000
COLUMNS: Final = (
    "id",
    "name",
    "owner",
    "uploaded_utc",
    "size_bytes",
    "sha256",
    "format",
    "state",
    "strategy",
    "started_utc",
    "duration_ms",
    "messages",
    "masked_bytes",
    "quarantine",
    "reason",
)
Cell = str | int | float | None


def write_csv(rows: Iterable[Row], file: IO[bytes]) -> int:
    """Write a line for each row, after one of the names of columns; return how many."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    count = 0
    for row in rows:
        lines.writerow([safe(cell) if isinstance(cell, str) else cell for cell in cells_of(row)])
        count += 1
    text.detach()  # or the file would be closed with it
    return count


def cells_of(row: Row) -> list[Cell]:
    """Return the cells of a line; what is not known is empty."""
    capture, run = row.capture, row.run
    return [
        str(capture.pk),
        capture.name,
        capture.owner.get_username(),
        _moment(capture.uploaded_at),
        capture.size_bytes,
        capture.sha256,
        capture.file_format,
        row.state,
        row.strategy,
        _moment(run.started_at if run else None),
        run.duration_ms if run else None,
        run.messages if run else None,
        run.masked_bytes if run else None,
        "yes" if row.is_in_quarantine else "",
        row.reason,
    ]


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
