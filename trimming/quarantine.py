"""Taking outputs out of people's reach, and giving them back.

Whoever grants a download and whoever begins a quarantine lock the rows of the runs, in the order of
their keys, and look only after that (``lock_runs``).  So a download is on record when the
quarantine begins, or it is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from config.audit import record
from trimming.models import Capture, Quarantine, TrimRun
from trimming.signals import capture_changed

# so many runs are locked, written and audited at a time
BATCH: Final = 500
# open pages of so many captures are told at once; the others say it when they are loaded again
MOST_TOLD: Final = 500
IN_FORCE: Final[dict[str, Any]] = {
    "released_at": None,
    "released_by": None,
    "release_reason": "",
}


def lock_runs(run_ids: Collection[int]) -> list[int]:
    """Lock runs until the end of the transaction; return the ids of those that there are, in order.

    Their quarantines must be read by a later statement: one that waited for the lock has not seen
    what was committed meanwhile.  On SQLite the transaction itself is the lock.
    """
    locked = TrimRun.objects.select_for_update(no_key=True).filter(pk__in=run_ids)
    return list(locked.order_by("pk").values_list("pk", flat=True))


def put(
    run_ids: Iterable[int],
    reason: str,
    *,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
) -> int:
    """Put the outputs of runs into quarantine, all or none; return how many were not in it.

    Those that are in it stay as they are.  Those that were released go into it again: whoever
    released them did not know of this reason.  ``reason`` is read by people; never payload.
    """
    wanted = sorted(set(run_ids))
    done: list[int] = []
    with transaction.atomic():
        for start in range(0, len(wanted), BATCH):
            batch = _put(wanted[start : start + BATCH], reason)
            if batch:
                record("quarantine", request=request, actor=actor, reason=reason, runs=batch)
            done += batch
        _tell(done)
    return len(done)


def _put(run_ids: list[int], reason: str) -> list[int]:
    now = timezone.now()
    there = lock_runs(run_ids)
    rows = Quarantine.objects.filter(run__in=there)
    known = dict(rows.values_list("run_id", "released_at"))
    again = [run_id for run_id, released_at in known.items() if released_at is not None]
    new = [run_id for run_id in there if run_id not in known]
    Quarantine.objects.bulk_create(Quarantine(run_id=each, reason=reason, at=now) for each in new)
    rows.filter(run__in=again).update(reason=reason, at=now, **IN_FORCE)
    return sorted(new + again)


def release(
    run_id: int,
    *,
    reason: str,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
) -> bool:
    """Offer the output of a run again; False when it is in no quarantine.

    Who may do that is decided by whoever calls.
    """
    if request is not None and actor is None:
        actor = request.user
    with transaction.atomic():
        mine = Quarantine.objects.in_force().filter(run_id=run_id)
        released = mine.update(
            released_at=timezone.now(),
            released_by=None if actor is None else actor.pk,
            release_reason=reason,
        )
        if released:
            capture = Capture.objects.get(jobs__runs=run_id)
            record(
                "quarantine_released",
                request=request,
                actor=actor,
                target=capture,
                run=run_id,
                reason=reason,
            )
            _tell([run_id])
    return released == 1


def _tell(run_ids: list[int]) -> None:
    """Tell the apps above, once what was done is committed."""

    def send() -> None:
        captures = Capture.objects.filter(jobs__runs__in=run_ids[-MOST_TOLD:]).distinct()
        for capture_id, owner_id in captures.order_by().values_list("pk", "owner_id"):
            capture_changed.send(Capture, capture_id=capture_id, owner_id=owner_id)

    if run_ids:
        # robust: whoever listens must not keep from what follows, a rollback perhaps
        transaction.on_commit(send, robust=True)
