"""Hours of a week, as in ``mon-fri 08:00-18:00, sat 10:00-24:00``.  Pure.

Times are of the clock on the wall in a time zone: an hour that the clock skips is not there, one
that it shows twice is there twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN: Final = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?)?"
    r"\s*(?:(?P<h1>\d\d):(?P<m1>\d\d)-(?P<h2>\d\d):(?P<m2>\d\d))?"
)
DAY_MINUTES: Final = 24 * 60
EXPECTED: Final = "expected hours, as in mon-fri 08:00-18:00, sat 10:00-24:00"


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of days: of each weekday (0 is Monday) half-open spans.  None at all is always."""

    spans: tuple[tuple[int, int, int], ...] = ()

    def hold(self, at: datetime, zone: ZoneInfo) -> bool:
        """Tell whether ``at`` lies within them."""
        if not self.spans:
            return True
        local = at.astimezone(zone)
        minute = 60 * local.hour + local.minute
        return any(
            day == local.weekday() and begin <= minute < end for day, begin, end in self.spans
        )


def read_hours(text: str) -> Hours:
    """Return the hours of a text, always for an empty one; raises ValueError.

    A span that ends before it begins goes over midnight.
    """
    parts = [part.strip().lower() for part in text.split(",")]
    return Hours(tuple(span for part in parts if part for span in _spans(part)))


def _spans(part: str) -> list[tuple[int, int, int]]:
    found = SPAN.fullmatch(part)
    if found is None:
        raise ValueError(f"{part[:40]!r} cannot be read; {EXPECTED}")
    begin, end = 0, DAY_MINUTES
    if found["h1"] is not None:
        begin = _minute(found["h1"], found["m1"], part)
        end = _minute(found["h2"], found["m2"], part)
    if begin in (end, DAY_MINUTES):
        raise ValueError(f"{part[:40]!r} holds no time; {EXPECTED}")
    spans: list[tuple[int, int, int]] = []
    for day in _days(found["first"], found["last"], part):
        if begin < end:
            spans.append((day, begin, end))
        else:
            spans.append((day, begin, DAY_MINUTES))
            if end:
                spans.append(((day + 1) % 7, 0, end))
    return spans


def _minute(hour: str, minute: str, part: str) -> int:
    found = 60 * int(hour) + int(minute)
    if int(minute) > 59 or found > DAY_MINUTES:
        raise ValueError(f"{part[:40]!r} has a time that no clock shows; {EXPECTED}")
    return found


def _days(first: str | None, last: str | None, part: str) -> list[int]:
    if first is None:
        return list(range(7))
    for name in (first, last):
        if name is not None and name not in DAYS:
            raise ValueError(f"{part[:40]!r} has no day of the week; {EXPECTED}")
    begin = DAYS.index(first)
    end = begin if last is None else DAYS.index(last)
    return [(begin + offset) % 7 for offset in range((end - begin) % 7 + 1)]


def read_zone(text: str) -> ZoneInfo:
    """Return a time zone; raises ValueError."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, as in UTC or Europe/Berlin") from None
