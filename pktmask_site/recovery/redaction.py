"""Lines of the service's log for an archive: of each only fields that hold no text of people."""

from __future__ import annotations

import json
import re
from collections import deque
from pathlib import Path
from typing import Any, Final

MOST_LINES: Final = 5_000
# keys whose values come from the program itself
KEPT: Final = frozenset(
    {
        "@timestamp",
        "timestamp",
        "level",
        "log.level",
        "log.logger",
        "logger",
        "event",
        "message",
        "step",
        "part",
        "kind",
        "place",
        "task",
        "state",
        "mode",
        "origin",
        "move",
        "rule",
        "outcome",
    }
)
# the program's own events and names are of such letters; anything else may come from elsewhere
HARMLESS: Final = re.compile(r"[A-Za-z0-9_.:+-]{1,80}")


def redacted_lines(path: Path) -> bytes:
    """Return the newest lines of a log; what is no JSON is left out, and counted in the last line.

    Raises OSError.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        newest = deque(file, maxlen=MOST_LINES)
    kept, left_out = [], 0
    for line in newest:
        found = redacted(line)
        if found is None:
            left_out += 1
        else:
            kept.append(json.dumps(found))
    return "\n".join([*kept, json.dumps({"left_out": left_out})]).encode() + b"\n"


def redacted(line: str) -> dict[str, Any] | None:
    """Return what is kept of one line; None for one that is no object."""
    try:
        read = json.loads(line)
    except ValueError:
        return None
    if not isinstance(read, dict):
        return None
    level = read.pop("log", None)
    if isinstance(level, dict):  # ECS nests its own fields
        read |= {f"log.{key}": value for key, value in level.items()}
    return {key: value for key, value in read.items() if _is_kept(key, value)}


def _is_kept(key: str, value: Any) -> bool:
    if not HARMLESS.fullmatch(key):
        return False
    if isinstance(value, bool | int | float):
        return True
    return key in KEPT and isinstance(value, str) and HARMLESS.fullmatch(value) is not None
