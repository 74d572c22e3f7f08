"""Which backups are kept, and when a task is due.  Pure: no clock, no files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


def kept(
    made: Iterable[datetime], now: datetime, daily_days: int, weekly_days: int
) -> set[datetime]:
    """Return the backups that are kept, by when they were made.

    The newest of all, the newest of each of the last ``daily_days`` days, and the newest of each
    week (from Monday) of the last ``weekly_days`` days.
    """
    found: dict[object, datetime] = {}
    for each in sorted(made):
        found["newest"] = each
        if now - each < timedelta(days=daily_days):
            found["day", each.date()] = each
        if now - each < timedelta(days=weekly_days):
            found["week", each.isocalendar()[:2]] = each
    return set(found.values())


def next_at(last: datetime | None, now: datetime, hours: float) -> datetime | None:
    """Return when a task is due next; None when it never is.

    Without a run before it is due now; one that was missed is made up for once.
    """
    if not hours:
        return None
    return now if last is None else max(now, last + timedelta(hours=hours))


def is_due(last: datetime | None, now: datetime, hours: float) -> bool:
    """Tell whether a task is due."""
    following = next_at(last, now, hours)
    return following is not None and following <= now
