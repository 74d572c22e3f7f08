"""Whether a log line is what the Elastic Common Schema says, by the list that stands beside."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final

from pktmask_site.logs import HideBytes, line_formatter

LIST: Final = Path(__file__).with_name("ecs_fields.csv")
TYPES: Final[Mapping[str, str]] = {
    row["field"]: row["type"]
    for row in csv.DictReader(
        line for line in LIST.read_text().splitlines() if not line.startswith("#")
    )
}
OURS: Final = "pktmask."


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def _is_long(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "date": _is_date,
    "long": _is_long,
    "float": lambda value: isinstance(value, int | float),
    "keyword": lambda value: isinstance(value, str),
    "match_only_text": lambda value: isinstance(value, str),
    "wildcard": lambda value: isinstance(value, str),
}


def flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Give each field by its whole name."""
    for key, value in found.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            yield from flat(value, f"{name}.")
        else:
            yield name, value


def problems(line: Mapping[str, Any]) -> list[str]:
    """Return what is not as the schema says; each value of a list counts by itself."""
    found = []
    for name, value in flat(line):
        if name.startswith(OURS):
            continue
        if name not in TYPES:
            found.append(f"{name} is no field")
            continue
        values = value if isinstance(value, list) else [value]
        found += [
            f"{name} is {each!r}, no {TYPES[name]}"
            for each in values
            if not CHECKS[TYPES[name]](each)
        ]
    needed = {"@timestamp", "message", "ecs.version", "log.level"} - dict(flat(line)).keys()
    return found + [f"{name} is missing" for name in sorted(needed)]


@contextmanager
def logged(level: int = logging.DEBUG) -> Iterator[StringIO]:
    """Give all that is logged meanwhile, as the lines of an installation."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(line_formatter(as_json=True))
    handler.addFilter(HideBytes())
    loggers = [logging.getLogger(name) for name in ("", "pktmask", "django", "django-q")]
    before = [each.level for each in loggers]
    loggers[0].addHandler(handler)
    for each in loggers:
        each.setLevel(level)
    try:
        yield written
    finally:
        loggers[0].removeHandler(handler)
        for each, old in zip(loggers, before, strict=True):
            each.setLevel(old)


def lines(written: StringIO) -> list[dict[str, Any]]:
    """Return the lines as objects."""
    return [json.loads(line) for line in written.getvalue().splitlines()]
