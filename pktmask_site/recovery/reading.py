"""Opening a backup: everything is checked before anything is done with it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from pktmask_site.recovery.durable import sha256_of
from pktmask_site.recovery.manifest import (
    FINISHED,
    MANIFEST,
    BackupError,
    Manifest,
    Member,
    parsed,
    unknown_migrations,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that was checked."""

    folder: Path
    manifest: Manifest


def open_backup(folder: Path, known: Iterable[tuple[str, str]]) -> Opened:
    """Check a backup to its last byte; ``known`` are the migrations of this version.

    Raises BackupError that says what is wrong with it.
    """
    found = parsed(_read(folder, MANIFEST), _read(folder, FINISHED))
    newer = unknown_migrations(found, known)
    if newer:
        raise BackupError(
            _(
                "The backup was made by a newer version (%(version)s): %(name)s is not known here. "
                "Use that version or a later one."
            )
            % {"version": found.app_version, "name": ".".join(newer[0])}
        )
    _check_names(folder, found)
    for member in found.members:
        _check(folder, member)
    return Opened(folder, found)


def _read(folder: Path, name: str) -> bytes:
    if not folder.is_dir():
        raise BackupError(_("%(path)s is no folder with a backup.") % {"path": folder})
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise BackupError(
            _("%(path)s has no %(name)s: it is no backup, or one that was not finished.")
            % {"path": folder, "name": name}
        ) from None
    except OSError as error:
        raise BackupError(
            _("%(name)s cannot be read: %(why)s.") % {"name": name, "why": error.strerror}
        ) from None


def _check_names(folder: Path, manifest: Manifest) -> None:
    there = {
        str(Path(root, name).relative_to(folder))
        for root, _folders, names in os.walk(folder)
        for name in names
    }
    wanted = {member.path for member in manifest.members} | {MANIFEST, FINISHED}
    if missing := sorted(wanted - there):
        raise BackupError(
            _("%(count)s files of the backup are missing, the first is %(name)s. Use another.")
            % {"count": len(missing), "name": missing[0]}
        )
    if strange := sorted(there - wanted):
        raise BackupError(
            _("%(name)s does not belong to the backup; take it out of the folder.")
            % {"name": strange[0]}
        )


def _check(folder: Path, member: Member) -> None:
    path = folder / member.path
    try:
        found = None if path.is_symlink() else sha256_of(path)
    except OSError as error:
        raise BackupError(
            _("%(name)s cannot be read: %(why)s.") % {"name": member.path, "why": error.strerror}
        ) from None
    if found != (member.size_bytes, member.sha256):
        raise BackupError(
            _("%(name)s is damaged: it is not what the manifest says. Use another backup.")
            % {"name": member.path}
        )
