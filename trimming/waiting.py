"""The jobs that wait as rows: whose turn it is, and calling workers to them.

A message of the broker is a call: "a job waits".  Which job the worker does is decided when it
comes, so that a short one need not stand behind many long ones, and nobody behind somebody else.
The job that the message names was waiting when it was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min, Q
from django.db.models.functions import Now

from trimming import jobs
from trimming.capacity import workers
from trimming.choices import JobState
from trimming.conf import trimming_settings
from trimming.models import TrimJob, TrimRun
from trimming.policy import newest_policy
from trimming.rates import measured_bytes_per_s
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Mode
from trimming.turns import LONG, SIZES, Busy, Line, bounds, in_turn, size_of

# workers that come at once try different jobs of a line
AT_ONCE: Final = 8
# of so many jobs that were begun last it is remembered whose and how large they were
REMEMBERED: Final = 64
# "pktturn" in ASCII: held while a long job is begun, so that two do not take the same room
LOCK: Final = int.from_bytes(b"pktturn", "big")


def may_begin() -> Q:
    """Return what holds of a waiting job that was not put off, or whose time has come."""
    return Q(not_before=None) | Q(not_before__lte=Now())


def claim_next(worker: str) -> TrimRun | None:
    """Take the job whose turn it is for ``worker``; None when there is none that may begin."""
    for _ in range(AT_ONCE):
        found = _next_jobs(AT_ONCE)
        for each in found:
            run = jobs.claim(each.job_id, worker, each.has_room)
            if run is not None:
                return run
        if not found:
            return None
    return None  # others were faster each time, and call again when they have done


def call_next() -> bool:
    """Call a worker if a job may begin that nobody was called for; return whether one was called.

    Whoever has done a job does so: calls that came to nothing, since another job had to end first,
    are made good.
    """
    found = _next_jobs(1)
    return bool(found) and jobs.call(found[0].job_id, only_if_nobody_is=True)


def oldest() -> datetime | None:
    """Return since when one has waited of the jobs that may begin; None when none may."""
    lines = _lines_in_turn(_longer_than())
    return min((line.since for line in lines), default=None)


class _InTurn(NamedTuple):
    """A job whose turn it is, and what is asked in the transaction that begins it."""

    job_id: UUID
    has_room: Callable[[], bool]


def _next_jobs(count: int) -> list[_InTurn]:
    """Return the first jobs in turn."""
    longer_than = _longer_than()
    found: list[_InTurn] = []
    for line in _lines_in_turn(longer_than):
        first = TrimJob.objects.filter(
            _of_size(line.size, longer_than),
            may_begin(),
            state=JobState.WAITING,
            requested_by=line.owner,
            priority=line.priority,
        ).order_by("queued_at")
        ids = first.values_list("pk", flat=True)[: count - len(found)]
        has_room = _RoomForLong(longer_than) if line.is_long else _always
        found += [_InTurn(job_id, has_room) for job_id in ids]
        if len(found) >= count:
            break
    return found


def _longer_than() -> float:
    """Return the size, in bytes, above which a job is long by the strategy that does most."""
    is_scanning = newest_policy().mode == Mode.SCANNING
    rate = measured_bytes_per_s(TREATMENT if is_scanning else CONTROL)
    return trimming_settings().long_seconds * rate


def _of_size(size: int, longer_than: float) -> Q:
    """Return what holds of the jobs of a size."""
    above, at_most = bounds(size, longer_than)
    found = Q(total_bytes__gt=above)
    return found if size == LONG else found & Q(total_bytes__lte=at_most)


def _lines_in_turn(longer_than: float) -> list[Line]:
    rows = TrimJob.objects.filter(may_begin(), state=JobState.WAITING).order_by()
    oldest = {
        f"oldest_{size}": Min("queued_at", filter=_of_size(size, longer_than)) for size in SIZES
    }
    grouped: Any = rows.values("requested_by", "priority").annotate(**oldest)
    lines = [
        Line(row["requested_by"], row["priority"], size, row[f"oldest_{size}"])
        for row in grouped
        for size in SIZES
        if row[f"oldest_{size}"] is not None
    ]
    if not lines:
        return []
    return in_turn(lines, _busy(longer_than), trimming_settings().person_running_files)


def _busy(longer_than: float) -> Busy:
    running: Any = (
        TrimJob.objects.filter(state=JobState.RUNNING)
        .order_by()
        .values("requested_by")
        .annotate(jobs=Count("pk"), long=Count("pk", filter=_of_size(LONG, longer_than)))
    )
    found = list(running)
    return Busy(
        by_owner={row["requested_by"]: row["jobs"] for row in found},
        long=sum(row["long"] for row in found),
        workers=workers(),
        begun=_begun(longer_than),
    )


def _begun(longer_than: float) -> dict[tuple[int, int], datetime]:
    """Return when a job of a person and a size was begun last, among those begun last."""
    runs = TrimRun.objects.order_by("-started_at").values_list(
        "job__requested_by", "job__total_bytes", "started_at"
    )
    return {
        (owner, size_of(amount, longer_than)): at
        for owner, amount, at in reversed(runs[:REMEMBERED])
    }


def _always() -> bool:
    return True


class _RoomForLong:
    """Asked in the transaction that begins a long job: whether there is room for it still."""

    def __init__(self, longer_than: float) -> None:
        self._longer_than = longer_than

    def __call__(self) -> bool:
        # on SQLite there is one transaction at a time
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        return _busy(self._longer_than).has_room_for_long
