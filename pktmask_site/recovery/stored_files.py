"""Stored files and the rows that name them, in both directions.

A file is stored before its row is committed, and a row says that its file is deleted before it is:
so each file that a state of the database names was there, and where it is gone since, somebody
deleted it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage
from django.utils import timezone
from django.utils.translation import gettext as _

from pktmask_site.recovery.choices import KINDS, FileKind, FilesChoice
from pktmask_site.recovery.durable import link_or_copy, sha256_of, sha256_of_open, write
from pktmask_site.recovery.manifest import FILES, BackupError, Member
from trimming.choices import JobState
from trimming.intake import ORIGINALS, OUTPUTS
from trimming.jobs import apply_move, tell
from trimming.models import Capture, TrimJob, TrimRun
from trimming.moves import Move
from trimming.storage import Stored


@dataclass(frozen=True, slots=True)
class Reference:
    """A stored file that a row names.  Without a digest where the row has none."""

    kind: FileKind
    key: str
    name: str
    size_bytes: int
    sha256: str


def storage() -> Storage:
    """Return where captures and results are kept."""
    found: Storage = Capture._meta.get_field("original").storage
    return found


def folder_of_storage() -> Path | None:
    """Return the folder of stored files; None where they are in a bucket."""
    found = storage()
    return Path(found.location) if isinstance(found, FileSystemStorage) else None


def references(choice: FilesChoice, using: str = "default") -> list[Reference]:
    """Return the files that rows name, without those that are being deleted."""
    found: list[Reference] = []
    if FileKind.ORIGINAL in KINDS[choice]:
        rows = Capture.objects.using(using).filter(original_deleted_at=None, deleted_at=None)
        found += (
            Reference(FileKind.ORIGINAL, str(pk), name, size, sha256)
            for pk, name, size, sha256 in rows.exclude(original="")
            .order_by("pk")
            .values_list("pk", "original", "size_bytes", "sha256")
        )
    if FileKind.OUTPUT in KINDS[choice]:
        runs = TrimRun.objects.using(using).filter(job__capture__deleted_at=None)
        found += (
            Reference(FileKind.OUTPUT, str(pk), name, size or 0, sha256)
            for pk, name, size, sha256 in runs.exclude(output="")
            .order_by("pk")
            .values_list("pk", "output", "output_bytes", "output_sha256")
        )
    return found


def is_named(reference: Reference) -> bool:
    """Tell whether the row still names the file, now."""
    if reference.kind is FileKind.ORIGINAL:
        return Capture.objects.filter(
            pk=reference.key, original=reference.name, original_deleted_at=None, deleted_at=None
        ).exists()
    return TrimRun.objects.filter(
        pk=reference.key, output=reference.name, job__capture__deleted_at=None
    ).exists()


def take(reference: Reference, backup: Path) -> Member | None:
    """Put a stored file into a backup; None when it is not there."""
    path = f"{FILES}/{reference.name}"
    target = backup / path
    root = folder_of_storage()
    try:
        if root is not None:
            link_or_copy(root / reference.name, target)
        else:
            with storage().open(reference.name) as source:
                write(source, target)
    except FileNotFoundError:
        return None
    size, sha256 = sha256_of(target)
    return Member(path, size, sha256)


def put_into_bucket(source: Path, name: str, size_bytes: int, sha256: str) -> str:
    """Store a file of a backup and read it back; return the name that it has now.

    An object that is there is never changed, because a state that was put aside may name it: one
    of the same content is taken as it is, and beside another one the file gets a name of its own.
    """
    place, wanted = storage(), (size_bytes, sha256)
    if place.exists(name):
        if _stored_digest(name) == wanted:
            return name
        name = f"{name}-{sha256[:8]}"
    with source.open("rb") as file:
        name = place.save(name, File(file))
    if _stored_digest(name) != wanted:
        raise BackupError(_("%(name)s was not written as it is.") % {"name": name})
    return name


def _stored_digest(name: str) -> tuple[int, str]:
    with storage().open(name) as file:
        return sha256_of_open(file)


def rename_in_rows(old: str, new: str) -> None:
    """Have rows name a file by its new name."""
    Capture.objects.filter(original=old).update(original=new)
    TrimRun.objects.filter(output=old).update(output=new)


def fault_of(reference: Reference, member: Member | None) -> str:
    """Return what is wrong with a file by its row, as a sentence; nothing when all is well."""
    if member is None:
        return _("%(name)s is missing, and its row names it.") % {"name": reference.name}
    differs = reference.sha256 and reference.sha256 != member.sha256
    if differs or (reference.size_bytes and reference.size_bytes != member.size_bytes):
        return _("%(name)s is not what its row says.") % {"name": reference.name}
    return ""


def missing(choice: FilesChoice = FilesChoice.ALL) -> Iterator[Reference]:
    """Yield the files that rows name and that are not there."""
    named = references(choice)
    there = {each.name for each in listed()}
    return (each for each in named if each.name not in there)


def listed() -> Iterator[Stored]:
    """Yield all stored files."""
    place: Any = storage()
    for folder in (ORIGINALS, OUTPUTS):
        yield from place.listed(folder)


def fill_from(present: Path, into: Path) -> int:
    """Give files that rows name and a backup lacks from where they are still; return how many.

    Only a file with the digest of its row is taken.
    """
    taken = 0
    for each in references(FilesChoice.ALL):
        source, target = present / each.name, into / each.name
        if target.exists() or not source.is_file() or not each.sha256:
            continue
        if sha256_of(source) == (each.size_bytes, each.sha256):
            link_or_copy(source, target)
            taken += 1
    return taken


def note_missing() -> int:
    """Write into the rows that their files are gone, and end what waits for them.

    Returns how many files there are not.
    """
    gone = list(missing())
    originals = [each.key for each in gone if each.kind is FileKind.ORIGINAL]
    outputs = [each.key for each in gone if each.kind is FileKind.OUTPUT]
    now = timezone.now()
    for key in originals:
        Capture.objects.filter(pk=key).update(original="", original_deleted_at=now)
    for key in outputs:
        TrimRun.objects.filter(pk=key).update(output="")
    reason = _("The original is not in the backup that was restored.")
    without = TrimJob.objects.filter(state=JobState.WAITING, capture__original="")
    for job_id in list(without.values_list("pk", flat=True)):
        mine = TrimJob.objects.filter(pk=job_id)
        if apply_move(mine, Move.CANCEL, finished_at=now, reason=reason):
            tell(job_id)
    return len(gone)
