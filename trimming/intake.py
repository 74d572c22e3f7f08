"""Keeping a received capture: once per owner, with a job that trims it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from config.audit import record
from config.models import AuditEvent
from trimming.choices import CaptureOrigin, Priority
from trimming.jobs import create_job
from trimming.models import Capture, Profile, TrimJob
from trimming.signals import capture_changed
from trimming.uploads import ReceivedCapture

log = structlog.get_logger("pktmask.intake")
# the folders of models.original_path and models.output_path
ORIGINALS: Final = "originals"
OUTPUTS: Final = "outputs"
# the audit log says so of a restore, and so long what was there before may be wanted back
RESTORED: Final = "restored"
AFTER_RESTORE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A capture that is kept.  ``note`` says, to the person, what was special about it."""

    capture: Capture
    duplicate: bool
    note: str


def take_in(
    uploaded: ReceivedCapture,
    owner: AbstractBaseUser,
    profile: Profile,
    strategy: str,
    request: HttpRequest | None = None,
    priority: int = Priority.NORMAL,
) -> Accepted:
    """Keep ``uploaded`` for ``owner`` and make a job for it; ``strategy`` "" is the usual one.

    Bytes that the owner has here already are not stored again.  Raises OSError, DatabaseError, and
    Capture.DoesNotExist when the owner deletes the same bytes in this moment.  Nothing was stored
    then, unless the connection broke at the commit: taking it in again is right in both cases.
    """
    known = _known(owner, uploaded.sha256)
    if known is None:
        try:
            return _take_new(uploaded, owner, profile, strategy, request, priority)
        except IntegrityError:
            # somebody else, as the same user, was first with the same bytes
            known = _known(owner, uploaded.sha256)
            if known is None:
                raise
    return _take_known(known, uploaded, owner, profile, strategy, request, priority)


def remove_orphans(older_than: timedelta) -> int:
    """Remove stored originals that no capture has; return how many.

    A process that is killed between storing and committing, or between committing a deletion and
    removing the file, leaves one.  ``older_than`` is the time since it was written.
    """
    storage: Any = Capture._meta.get_field("original").storage
    now = timezone.now()
    newest, keeps = now - older_than, kept_from(now)
    old = [
        each.name
        for each in storage.listed(ORIGINALS)
        if each.stored_at < newest and (keeps is None or each.stored_at >= keeps)
    ]
    known = set(Capture.objects.exclude(original="").values_list("original", flat=True))
    orphans = [name for name in old if name not in known]
    for name in orphans:
        storage.delete(name)
    if orphans:
        log.warning("orphans_removed", count=len(orphans))
    return len(orphans)


def kept_from(now: datetime) -> datetime | None:
    """Return the time before which stored files stay, also those that no row names.

    After a restore the state that was put aside may name them, and somebody may want it back.
    """
    restored = AuditEvent.objects.filter(action=RESTORED, at__gt=now - AFTER_RESTORE)
    return restored.order_by("-at").values_list("at", flat=True).first()


def drop_unfinished(older_than: timedelta) -> int:
    """Remove what killed processes left of uploads into a storage that takes them in parts.

    Returns of how many uploads; ``older_than`` is the time since one was begun.
    """
    storage: Any = Capture._meta.get_field("original").storage
    drop = getattr(storage, "drop_unfinished", None)
    dropped = sum(drop(folder, older_than) for folder in (ORIGINALS, OUTPUTS)) if drop else 0
    if dropped:
        log.warning("unfinished_uploads_dropped", count=dropped)
    return dropped


def _known(owner: AbstractBaseUser, sha256: str) -> Capture | None:
    return Capture.objects.filter(owner_id=owner.pk, sha256=sha256, deleted_at=None).first()


def _take_new(
    uploaded: ReceivedCapture,
    owner: AbstractBaseUser,
    profile: Profile,
    strategy: str,
    request: HttpRequest | None,
    priority: int,
) -> Accepted:
    capture = Capture(
        owner_id=owner.pk,
        name=uploaded.name or "",
        origin=CaptureOrigin.UPLOAD,
        size_bytes=uploaded.size or 0,
        sha256=uploaded.sha256,
        file_format=uploaded.file_format,
        uploaded_at=timezone.now(),
    )
    with _stored(capture, uploaded):
        capture.save(force_insert=True)
        create_job(capture, profile, owner, strategy, priority)
        _record(capture, uploaded, profile, strategy, request, duplicate=False)
    return Accepted(capture, duplicate=False, note="")


def _take_known(
    capture: Capture,
    uploaded: ReceivedCapture,
    owner: AbstractBaseUser,
    profile: Profile,
    strategy: str,
    request: HttpRequest | None,
    priority: int,
) -> Accepted:
    note = _("Already here as %(name)s.") % {"name": capture.name}
    if not capture.has_original and _restore(capture, uploaded):
        note += " " + _("Its original had been deleted and is kept again.")
    asked = {"profile": profile, "strategy_override": strategy}
    with _transaction():
        # two uploads at a time make one job
        Capture.objects.select_for_update().get(pk=capture.pk, deleted_at=None)
        if not TrimJob.objects.filter(capture=capture, **asked).exists():
            create_job(capture, profile, owner, strategy, priority)
            note += " " + _("It is trimmed again with the profile %(profile)s.") % {
                "profile": profile.name
            }
        _record(capture, uploaded, profile, strategy, request, duplicate=True)
    return Accepted(capture, duplicate=True, note=note)


class _OvertakenError(Exception):
    """The capture was deleted, or its original restored, in this moment."""


def _restore(capture: Capture, uploaded: ReceivedCapture) -> bool:
    """Keep the bytes for a capture whose original was deleted; the time to keep it begins anew."""
    gone = Capture.objects.filter(pk=capture.pk, deleted_at=None, original="")
    try:
        with _stored(capture, uploaded):
            restored = gone.update(
                original=capture.original.name,
                original_deleted_at=None,
                uploaded_at=timezone.now(),
            )
            if not restored:
                raise _OvertakenError
    except _OvertakenError:
        return False
    finally:
        capture.refresh_from_db()
    return True


@contextmanager
def _stored(capture: Capture, uploaded: ReceivedCapture) -> Iterator[None]:
    """Store the file, then run the block as one transaction; remove the file if the block fails.

    The storage may be slow, and a transaction keeps others from writing.
    """
    capture.original.save(uploaded.name or "", uploaded, save=False)
    name, storage = str(capture.original.name), capture.original.storage
    with _transaction(undo=lambda: storage.delete(name)):
        transaction.on_commit(lambda: _tell(capture))
        yield


@contextmanager
def _transaction(undo: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Run the block as one transaction, and ``undo`` if it fails.

    Where the commit fails nobody knows whether it was done - the connection may have broken behind
    it - and nothing is undone: what a row may name must stay.  What none names is an orphan.
    """
    ended = False
    committed: list[bool] = []
    try:
        with transaction.atomic():
            transaction.on_commit(lambda: committed.append(True))
            yield
            ended = True
    except BaseException as error:
        if not ended:
            undo()
        if not committed or not isinstance(error, Exception):
            raise
        # what follows a commit failed: the monitor sends a job again that no worker heard of
        log.exception("not_told")


def _tell(capture: Capture) -> None:
    capture_changed.send(Capture, capture_id=capture.pk, owner_id=capture.owner_id)


def _record(
    capture: Capture,
    uploaded: ReceivedCapture,
    profile: Profile,
    strategy: str,
    request: HttpRequest | None,
    *,
    duplicate: bool,
) -> None:
    record(
        "upload",
        request=request,
        target=capture,
        name=uploaded.name,
        size_bytes=uploaded.size,
        sha256=uploaded.sha256,
        profile=str(profile),
        strategy=strategy,
        duplicate=duplicate,
    )
