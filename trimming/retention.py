"""Removing files: when a person asks, and originals that were kept long enough.  Rows stay."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from config.audit import record
from trimming.choices import OPEN_STATES
from trimming.conf import trimming_settings
from trimming.models import Capture, TrimJob, TrimRun
from trimming.signals import capture_changed

log = structlog.get_logger("pktmask.retention")
# at most so many originals are removed in one go
BATCH = 500


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
    """Delete the originals that were kept for the time that is set; return how many."""
    days = trimming_settings().keep_originals_days
    if not days:
        return 0
    expired = Capture.objects.filter(
        uploaded_at__lt=timezone.now() - timedelta(days=days), original_deleted_at=None
    ).exclude(original="")
    deleted = 0
    for capture in expired.order_by("uploaded_at")[:BATCH]:
        try:
            delete_original(capture)
        except BusyError:
            continue  # it is looked at again after its job
        deleted += 1
    if deleted:
        log.info("originals_expired", count=deleted)
    return deleted


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
    remove_deleted_files()
    capture_changed.send(Capture, capture_id=capture.pk, owner_id=capture.owner_id)
