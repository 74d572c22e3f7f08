"""Measured values as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from config.spreadsheets import safe
from monitoring.marks import Mark
from monitoring.metrics.registry import Kind, registry
from monitoring.metrics.series import Line, Series

Column = tuple[str, Sequence[float | None]]


def csv_of(found: Series, marks: Iterable[Mark]) -> str:
    """Return a row for each step: its time, a value of each line, and what was changed in it."""
    columns = [column for key, line in found.lines.items() for column in columns_of(key, line)]
    changes = changes_by_step(found, marks)
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(["time_utc", *(safe(name) for name, _ in columns), "changes"])
    for number, at in enumerate(found.times):
        values = ["" if column[number] is None else column[number] for _, column in columns]
        rows.writerow([_utc(at), *values, safe("; ".join(changes.get(number, ())))])
    return written.getvalue()


def columns_of(key: str, line: Line) -> list[Column]:
    """Return the columns of one line, each with its unit in the name."""
    metric = registry.of_key(key)
    if metric is None:
        return [(key, line.values)]
    if metric.kind is Kind.HISTOGRAM:
        return [
            (f"{key} p50 [{metric.unit}]", line.p50),
            (f"{key} p95 [{metric.unit}]", line.values),
        ]
    if metric.kind is Kind.COUNTER:
        return [(f"{key} [{metric.unit}/s]", line.values)]
    return [(f"{key} [{metric.unit}]" if metric.unit else key, line.values)]


def changes_by_step(found: Series, marks: Iterable[Mark]) -> Mapping[int, list[str]]:
    """Return the words of marks by the number of their step."""
    by_step: dict[int, list[str]] = {}
    for mark in sorted(marks, key=lambda each: each.at):
        number = int((mark.at - found.start).total_seconds() // found.step_seconds)
        words = f"{mark.title} ({mark.detail})" if mark.detail else mark.title
        by_step.setdefault(number, []).append(words)
    return by_step


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
