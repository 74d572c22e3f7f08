"""Whose turn it is among the jobs that wait: plain values in, an order out.  No database, no clock.

Jobs of one person, one priority and one length stand in a line, the oldest first; a turn is given
to a line.  What is urgent comes first, then who has the fewest workers busy, then what is short.
One worker is kept free of long jobs, so that a short one never waits for the end of many long ones;
and a long one goes first while none is being done, so that many short ones do not keep it waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Line:
    """Jobs behind each other.  ``since`` is when the first of them was queued."""

    owner: int
    priority: int
    is_long: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Busy:
    """What the ``workers`` do now: jobs by person, and how many of all are long."""

    by_owner: Mapping[int, int]
    long: int
    workers: int

    @property
    def has_room_for_long(self) -> bool:
        """Whether another long job may begin; a single worker cannot be kept free."""
        return self.long < max(1, self.workers - 1)


def in_turn(lines: Iterable[Line], busy: Busy, most_per_owner: int) -> list[Line]:
    """Return the lines whose first job may begin, the next first.

    Nobody has more than ``most_per_owner`` jobs done at the same time; 0 is no limit.
    """

    def may_begin(line: Line) -> bool:
        if most_per_owner and busy.by_owner.get(line.owner, 0) >= most_per_owner:
            return False
        return busy.has_room_for_long or not line.is_long

    def rank(line: Line) -> tuple[int, int, bool, datetime, int]:
        is_favoured = line.is_long == (busy.long == 0)
        return (
            -line.priority,
            busy.by_owner.get(line.owner, 0),
            not is_favoured,
            line.since,
            line.owner,
        )

    return sorted(filter(may_begin, lines), key=rank)


def calls_owed(
    *,
    waiting: int,
    oldest: datetime | None,
    last_claim_at: datetime | None,
    now: datetime,
    patience: timedelta,
    busy_workers: int,
    workers: int,
) -> int:
    """Return how many workers are to be called because messages to them seem to be lost.

    Brokers lose messages when a worker or the broker dies.  A message is a call and not a job, so
    what counts is whether jobs that may begin have waited for a while, nothing was begun meanwhile,
    and workers are free.
    """
    if not waiting or oldest is None or now - oldest < patience:
        return 0
    if last_claim_at is not None and now - last_claim_at < patience:
        return 0
    return max(0, min(waiting, workers - busy_workers))
