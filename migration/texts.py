"""Limits that are texts: shares, phases, rules, days and hours of promotions.  Pure.

Each reader raises ValueError that says what is wrong and what is accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from migration.choices import PhaseName

if TYPE_CHECKING:
    from migration.conf import RolloutLimits

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
# nobody is told of a window further away than this
LOOK_AHEAD: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Window:
    """When a promotion may happen.  ``begin`` and ``end`` are times of day in ``zone``.

    Midnight as ``end`` is that at the end of the day.
    """

    days: frozenset[int]
    begin: time
    end: time
    zone: ZoneInfo
    freezes: tuple[tuple[date, date], ...]

    def opens(self, now: datetime) -> datetime | None:
        """Return ``now`` when it is open, else when it opens, in ``zone``.

        None when it does not within 400 days.  A freeze holds from its first to its last day, both
        included.
        """
        today = now.astimezone(self.zone).date()
        for ahead in range(LOOK_AHEAD.days):
            day = today + timedelta(days=ahead)
            if day.weekday() not in self.days or self._is_frozen(day):
                continue
            begin, end = self._span(day)
            opens = max(begin, now.astimezone(UTC))
            if opens < end:
                return opens.astimezone(self.zone)
        return None

    def _span(self, day: date) -> tuple[datetime, datetime]:
        """Return begin and end of a day's window in UTC, where hours of clocks do not matter.

        Of a time that the clock shows twice it is the first.  Where the clock is put forward over
        an end, the window ends before: an hour too early, never one too late.
        """
        begin = datetime.combine(day, self.begin, self.zone).astimezone(UTC)
        if self.end == time.min:
            next_day = datetime.combine(day + timedelta(days=1), time.min, self.zone)
            return begin, next_day.astimezone(UTC)
        end = datetime.combine(day, self.end, self.zone)
        return begin, min(end.astimezone(UTC), end.replace(fold=1).astimezone(UTC))

    def _is_frozen(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.freezes)


def names(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(each for each in (part.strip() for part in text.split(",")) if each)


def shares(text: str) -> tuple[float, ...]:
    """Return growing shares from 0 to 1 of a text of percents."""
    try:
        found = tuple(float(each.removesuffix("%")) / 100 for each in names(text))
    except ValueError:
        raise ValueError("expected numbers separated by commas, as in 5, 10, 25, 50, 75") from None
    if not found or not all(0 < each < 1 for each in found) or sorted(set(found)) != list(found):
        raise ValueError("expected percents above 0 and below 100, each larger than the one before")
    return found


def phases(text: str) -> frozenset[PhaseName]:
    """Return the phases that are named."""
    known = {each.value: each for each in PhaseName}
    wrong = [each for each in names(text) if each not in known]
    if wrong:
        raise ValueError(f"{wrong[0][:40]!r} is no phase; expected some of: {', '.join(known)}")
    return frozenset(known[each] for each in names(text))


def days(text: str) -> frozenset[int]:
    """Return days of the week, 0 is Monday; all of them for an empty text."""
    wrong = [each for each in names(text) if each.lower() not in DAYS]
    if wrong:
        raise ValueError(f"{wrong[0][:40]!r} is no day; expected some of: {', '.join(DAYS)}")
    return frozenset(DAYS.index(each.lower()) for each in names(text)) or frozenset(range(7))


def hours(text: str) -> tuple[time, time]:
    """Return begin and end; midnight twice for an empty text, which is all of the day."""
    if not text.strip():
        return time.min, time.min
    found = HOURS.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        first_hour, first_minute, last_hour, last_minute = map(int, found.groups())
        to_midnight = (last_hour, last_minute) == (24, 0)
        begin = time(first_hour, first_minute)
        end = time.min if to_midnight else time(last_hour, last_minute)
        if begin >= end and not to_midnight:
            raise ValueError
    except ValueError:
        raise ValueError("expected hours of one day, as in 09:00-17:00 or 18:00-24:00") from None
    return begin, end


def zone(text: str) -> ZoneInfo:
    """Return a time zone."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, as in UTC or Europe/Berlin") from None


def freezes(text: str) -> tuple[tuple[date, date], ...]:
    """Return spans of days, both ends included."""
    return tuple(_freeze(each) for each in names(text))


def _freeze(text: str) -> tuple[date, date]:
    first, slash, last = text.partition("/")
    try:
        begin = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if slash else begin
    except ValueError:
        raise ValueError("expected days, as in 2026-12-20/2027-01-03") from None
    if begin > end:
        raise ValueError(f"{text[:40]!r} ends before it begins")
    return begin, end


def window_of(limits: RolloutLimits) -> Window:
    """Return when promotions may happen under these limits."""
    begin, end = hours(limits.window_hours)
    return Window(
        days(limits.window_days), begin, end, zone(limits.window_zone), freezes(limits.freezes)
    )
