"""Audit events as files: CSV for people with spreadsheets, JSON with all that seals them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

from config.chain import COLUMNS
from config.spreadsheets import safe

CHUNK: Final = 2000
CSV_COLUMNS: Final = (
    "number",
    "at",
    "actor_name",
    "actor_id",
    "address",
    "action",
    "target_kind",
    "target_id",
    "request_id",
    "details",
)
Event = Mapping[str, Any]


def write_csv(events: Iterable[Event], file: IO[bytes]) -> int:
    """Write a line for each event, none of whose texts is taken for a formula; return how many."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    rows = csv.writer(text)
    rows.writerow(CSV_COLUMNS)
    count = 0
    for event in events:
        rows.writerow([_cell(event[name]) for name in CSV_COLUMNS])
        count += 1
    text.detach()  # or the file would be closed with it
    return count


def _cell(value: Any) -> str | int:
    match value:
        case None:
            return ""
        case int():
            return value
        case datetime():
            return _moment(value)
        case dict():
            return safe(json.dumps(value, ensure_ascii=False))
        case _:
            return safe(str(value))


def write_json(events: Iterable[Event], file: IO[bytes]) -> int:
    """Write a list of objects, with seals and links; return how many."""
    count = 0
    for event in events:
        file.write(b",\n" if count else b"[\n")
        plain = {name: event[name] for name in COLUMNS} | {"at": _moment(event["at"])}
        file.write(json.dumps(plain).encode())
        count += 1
    file.write(b"\n]\n" if count else b"[]\n")
    return count


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
