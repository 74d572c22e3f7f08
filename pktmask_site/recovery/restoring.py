"""Restoring: check everything, build beside, and only then put it in place."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.utils.translation import gettext as _

from config.current import processes as live_processes
from config.file_watch import settings_folder
from pktmask_site import processes
from pktmask_site.recovery.durable import copy
from pktmask_site.recovery.manifest import CONFIG, BackupError
from pktmask_site.recovery.places import build_in, new_place
from pktmask_site.recovery.reading import Opened, open_backup
from pktmask_site.recovery.stored_files import folder_of_storage
from pktmask_site.recovery.switching import ASIDE, finish, switch
from pktmask_site.recovery.tables import known_migrations
from trimming.models import Capture

# room that a restore leaves on the disk; rows unpacked and indexed take several times their size
RESERVE_BYTES = 64 << 20
UNPACKED_TIMES = 12


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.  ``aside`` keeps what was there before, None where nothing was."""

    built: dict[str, Any]
    aside: str | None
    config: tuple[str, ...]


def checked(source: Path) -> Opened:
    """Check a backup and nothing else; raises BackupError."""
    return open_backup(source.absolute(), known_migrations())


def restore(
    source: Path,
    now: datetime,
    *,
    replaces: bool,
    told: Callable[[str], None] = lambda what: None,
) -> Restored:
    """Restore a backup into this installation; raises BackupError, and nothing is changed then.

    ``replaces``: what is there may be put aside.
    """
    told(_("Checking the backup."))
    backup = checked(source)
    data_dir = Path(settings.DATA_DIR)
    try:
        lock = processes.lock_folder(data_dir)
    except processes.InUseError:
        raise _running() from None
    except OSError as error:
        raise BackupError(
            _("%(path)s cannot be written: %(why)s.") % {"path": data_dir, "why": error.strerror}
        ) from None
    with lock:
        finish(data_dir)
        _refuse_running()
        has_data = _has_data()
        if has_data and not replaces:
            raise BackupError(
                _(
                    "There is data in %(path)s. With --replace it is put aside, and the backup "
                    "takes its place."
                )
                % {"path": data_dir}
            )
        _refuse_without_room(backup, data_dir)
        return _restore(backup, data_dir, now, has_data=has_data, told=told)


def _restore(
    backup: Opened, data_dir: Path, now: datetime, *, has_data: bool, told: Callable[[str], None]
) -> Restored:
    aside = f"{ASIDE}{now:%Y%m%d_%H%M%S}"
    with new_place(data_dir, "restoring") as place:
        told(_("Building it beside what is there."))
        built = build_in(place, backup.folder, *_present())
        told(_("Putting it in place."))
        was_empty = not connection.introspection.table_names()
        connections.close_all()
        switch(data_dir, place, aside, was_empty=was_empty)
    config = _put_config(backup, data_dir / aside, replaces=has_data)
    with suppress(OSError):
        (data_dir / aside).rmdir()  # where nothing was put aside
    return Restored(built, aside if (data_dir / aside).exists() or has_data else None, config)


def _present() -> tuple[str, ...]:
    """Return the options that name the files that are here."""
    folder = folder_of_storage()
    return () if folder is None else ("--present", str(folder))


def _running() -> BackupError:
    return BackupError(_("The service runs on this data. Stop it first; nothing was changed."))


def _has_tables() -> bool:
    return Capture._meta.db_table in connection.introspection.table_names()


def _refuse_running() -> None:
    """Refuse while processes of the service give signs, on whatever machine."""
    if _has_tables() and live_processes():
        raise _running()


def _has_data() -> bool:
    stored = folder_of_storage()
    if stored is not None and stored.is_dir() and any(stored.iterdir()):
        return True
    return _has_tables() and (Capture.objects.exists() or User.objects.exists())


def _refuse_without_room(backup: Opened, data_dir: Path) -> None:
    is_on_disk = folder_of_storage() is not None
    files = sum(member.size_bytes for member in backup.manifest.files) if is_on_disk else 0
    rows = sum(member.size_bytes for member in backup.manifest.tables)
    needed = files + UNPACKED_TIMES * rows + RESERVE_BYTES
    free = shutil.disk_usage(data_dir).free
    if free < needed:
        raise BackupError(
            _("It needs about %(needed)s MB, and %(free)s MB are free in %(path)s.")
            % {"needed": f"{needed >> 20:,}", "free": f"{free >> 20:,}", "path": data_dir}
        )


def _put_config(backup: Opened, aside: Path, *, replaces: bool) -> tuple[str, ...]:
    """Put the files of settings in place; return those that were left, because others are there.

    They belong to an environment, so those of another one are left.
    """
    left = []
    folder = settings_folder()
    is_same = backup.manifest.environment == settings.INSTALLATION.name
    for member in backup.manifest.config:
        source = backup.folder / member.path
        target = folder / Path(member.path).relative_to(CONFIG)
        if target.is_file() and filecmp.cmp(source, target, shallow=False):
            continue
        try:
            if not is_same or (target.exists() and not replaces):
                left.append(str(source))
                continue
            if target.exists():
                copy(target, aside / member.path)
            unfinished = target.with_name(f".{target.name}.unfinished-{os.getpid()}")
            copy(source, unfinished)
            unfinished.replace(target)
        except OSError:  # a folder that an installation gets in another way
            left.append(str(source))
    return tuple(left)
