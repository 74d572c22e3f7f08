"""Whose turn it is among the jobs that wait: plain values in, an order out.  No database, no clock.

Jobs of one person, one priority and one size stand in a line, the oldest first; a turn is given
to a line.  What is urgent comes first, then who has the fewest workers busy, then the size whose
turn was longest ago.  So a small job stands behind one of each size, however many larger ones wait,
and many small ones do not keep a large one waiting.  One worker is kept free of long jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

# where a size ends, in parts of what is long; jobs of the last size are the long ones
ENDS: Final = (1 / 64, 1 / 8, 1.0)
LONG: Final = len(ENDS)
SIZES: Final = range(LONG + 1)
NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """Jobs behind each other.  ``since`` is when the first of them was queued."""

    owner: int
    priority: int
    size: int
    since: datetime

    @property
    def is_long(self) -> bool:
        """Whether its jobs leave a worker free for others."""
        return self.size == LONG


@dataclass(frozen=True, slots=True)
class Busy:
    """What the ``workers`` do now: jobs by person, and how many of all are long.

    ``begun`` is when a job of a person and a size was begun last, as far as that is remembered.
    """

    by_owner: Mapping[int, int]
    long: int
    workers: int
    begun: Mapping[tuple[int, int], datetime] = field(default_factory=dict)

    @property
    def has_room_for_long(self) -> bool:
        """Whether another long job may begin; a single worker cannot be kept free."""
        return self.long < max(1, self.workers - 1)


def bounds(size: int, longer_than: float) -> tuple[float, float]:
    """Return what jobs of a size are larger than and at most, where long ones are ``longer_than``.

    All in the same unit.
    """
    ends = (-1.0, *(end * longer_than for end in ENDS), float("inf"))
    return ends[size], ends[size + 1]


def size_of(amount: float, longer_than: float) -> int:
    """Return the size of a job; long ones are larger than ``longer_than``, in the same unit."""
    return sum(amount > end * longer_than for end in ENDS)


def in_turn(lines: Iterable[Line], busy: Busy, most_per_owner: int) -> list[Line]:
    """Return the lines whose first job may begin, the next first.

    Nobody has more than ``most_per_owner`` jobs done at the same time; 0 is no limit.
    """

    def may_begin(line: Line) -> bool:
        if most_per_owner and busy.by_owner.get(line.owner, 0) >= most_per_owner:
            return False
        return busy.has_room_for_long or not line.is_long

    def rank(line: Line) -> tuple[int, int, datetime, datetime, int]:
        return (
            -line.priority,
            busy.by_owner.get(line.owner, 0),
            busy.begun.get((line.owner, line.size), NEVER),
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
