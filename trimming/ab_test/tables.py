"""A result as tables at the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from trimming.ab_test.draw import ROLES
from trimming.ab_test.shown import gravest_first, lines, sentence, tiles

MAX_LINES = 100
STYLES = {"ok": "green", "fail": "red"}
TITLES = (
    "capture",
    "size",
    "outcome",
    *ROLES,
    "ratio",
    "leaked",
)


def tables(result: Mapping[str, Any]) -> Iterator[Table | Text]:
    """Yield what is printed, in its order."""
    yield Text(f"{_subject(result)}: {sentence(result['summary'])}")
    yield Text()
    yield _figures(result["summary"])
    yield Text()
    yield from _captures(result)
    for each in result["skipped"]:
        yield Text(f"skipped {each['file']}: {each['reason']}", style="yellow")
    for each in result["duplicates"]:
        yield Text(f"counted once: {each['file']} is the same as {each['same_as']}")
    if result["left_out"]:
        yield Text(f"not in the sample of {result['sample']:g}: {result['left_out']:,} captures")


def _subject(result: Mapping[str, Any]) -> str:
    names = " and ".join(f"{role} {result['strategies'][role] or '?'}" for role in ROLES)
    return f"{names}, profile {result['profile']}"


def _figures(summary: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for tile in tiles(summary):
        table.add_row(Text(tile.title.lower(), style="bold"), Text(tile.figure), Text(tile.note))
    return table


def _captures(result: Mapping[str, Any]) -> Iterator[Table | Text]:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in TITLES:
        is_text = title in ("capture", "outcome")
        table.add_column(title, justify="left" if is_text else "right", overflow="fold")
    shown = lines(gravest_first(result["captures"])[:MAX_LINES])
    for line in shown:
        outcome = Text(line.outcome, style=STYLES.get(line.tone, ""))
        cells = (line.size, outcome, *line.seconds, line.ratio, line.leaked)
        table.add_row(Text(line.file), *cells)
    yield table
    if len(result["captures"]) > MAX_LINES:
        yield Text(f"and {len(result['captures']) - MAX_LINES:,} more")
    for line in shown:
        if line.reason:
            yield Text(f"{line.file}: {line.reason}", style=STYLES.get(line.tone, ""))
