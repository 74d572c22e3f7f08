"""Removing files: when a person asks, and originals that were kept long enough.  Rows stay.

Apps above may hold originals that they still need: ``register`` their conditions.  A hold keeps
them from expiring; people may delete them all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from config.audit import record
from config.faults import type_and_place
from trimming.choices import OPEN_STATES
from trimming.conf import trimming_settings
from trimming.models import Capture, TrimJob, TrimRun
from trimming.signals import capture_changed

log = structlog.get_logger("pktmask.retention")
# at most so many originals are removed in one go
BATCH = 500
# which captures' originals must not expire: a condition over Capture, or a query for their ids
Hold = Callable[[], Q | QuerySet[Any, Any]]
holds: list[Hold] = []


def register(hold: Hold) -> Hold:
    """Add a hold, once; it is asked before each round of deleting.  Usable as a decorator."""
    if hold not in holds:
        holds.append(hold)
    return hold


class BusyError(Exception):
    """A job needs the files; the text says what to do."""


def delete_capture(capture: Capture, request: HttpRequest | None = None) -> None:
    """Delete a capture with its original and its outputs; raises BusyError while a job is open."""
    with transaction.atomic():
        kept = _unused(capture)
        if kept is None:
            return
        now = timezone.now()
        Capture.objects.filter(pk=kept.pk).update(
            deleted_at=now, original_deleted_at=kept.original_deleted_at or now
        )
        record("delete", request=request, target=kept, sha256=kept.sha256)
        transaction.on_commit(lambda: _finish(kept))


def delete_original(capture: Capture, request: HttpRequest | None = None) -> None:
    """Delete the uploaded bytes and keep the results; raises BusyError while a job is open."""
    with transaction.atomic():
        kept = _unused(capture)
        if kept is None or not kept.has_original:
            return
        Capture.objects.filter(pk=kept.pk).update(original_deleted_at=timezone.now())
        record("delete_original", request=request, target=kept, sha256=kept.sha256)
        transaction.on_commit(lambda: _finish(kept))


def delete_expired_originals() -> int:
    """Delete the originals that were kept for the time that is set; return how many.

    Those that a hold names are spared.  When a hold cannot be asked nothing is deleted.
    """
    try:
        expired = list(expired_originals().order_by("uploaded_at")[:BATCH])
    except Exception as error:  # nobody knows then what is needed
        log.error("nothing_expires", **type_and_place(error))
        return 0
    deleted = 0
    for capture in expired:
        try:
            delete_original(capture)
        except BusyError:
            continue  # it is looked at again after its job
        deleted += 1
    if deleted:
        log.info("originals_expired", count=deleted)
    return deleted


def expired_originals() -> QuerySet[Capture]:
    """Return the captures whose originals would be deleted by the time that is set."""
    days = trimming_settings().keep_originals_days
    return _expired(days) if days else Capture.objects.none()


def _expired(days: float) -> QuerySet[Capture]:
    """Return the captures whose originals are old enough and that no hold names."""
    old = Capture.objects.filter(
        uploaded_at__lt=timezone.now() - timedelta(days=days), original_deleted_at=None
    ).exclude(original="")
    for hold in holds:
        found = hold()
        held: Any = Capture.objects.filter(found).values("pk") if isinstance(found, Q) else found
        old = old.exclude(pk__in=held)
    return old


def remove_deleted_files() -> None:
    """Remove the files of what was deleted, also where a process died before it had done so.

    A row names its file until the file is gone, so that none can be forgotten.
    """
    originals = Capture.objects.exclude(original_deleted_at=None).exclude(original="")
    for capture in originals[:BATCH]:
        capture.original.storage.delete(str(capture.original.name))
        Capture.objects.filter(pk=capture.pk).exclude(original_deleted_at=None).update(original="")
    outputs = TrimRun.objects.exclude(job__capture__deleted_at=None).exclude(output="")
    for run in outputs[:BATCH]:
        run.output.storage.delete(str(run.output.name))
        TrimRun.objects.filter(pk=run.pk).update(output="")


def _unused(capture: Capture) -> Capture | None:
    """Lock the capture and return it; None when it is gone."""
    kept = Capture.objects.select_for_update().filter(pk=capture.pk, deleted_at=None).first()
    if kept is not None and TrimJob.objects.filter(capture=kept, state__in=OPEN_STATES).exists():
        raise BusyError(
            _("A job still works on %(name)s. Cancel it first, then delete.") % {"name": kept.name}
        )
    return kept


def _finish(capture: Capture) -> None:
    try:
        remove_deleted_files()
    except OSError as error:  # it is deleted all the same; the monitor removes its files
        log.warning("files_not_removed", error=error.strerror)
    capture_changed.send(Capture, capture_id=capture.pk, owner_id=capture.owner_id)
