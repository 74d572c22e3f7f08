"""Making a backup while the service runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connections
from django.utils.translation import gettext as _

from config.file_watch import settings_folder
from config.files import settings_files
from pktmask_site.recovery import tables
from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.durable import copy, make_folders, sha256_of, sync, sync_tree
from pktmask_site.recovery.manifest import (
    CONFIG,
    FINISHED,
    MANIFEST,
    TABLES,
    BackupError,
    Manifest,
    Member,
    mark_of,
)
from pktmask_site.recovery.snapshot import snapshot
from pktmask_site.recovery.stored_files import Reference, fault_of, is_named, references, take
from pktmask_site.version import app_version

log = structlog.get_logger("pktmask.recovery")
UNFINISHED = ".unfinished-"


def make_backup(
    target: Path,
    choice: FilesChoice,
    now: datetime,
    *,
    using: str = "",
    told: Callable[[str], None] = lambda what: None,
) -> Manifest:
    """Write a backup into the new folder ``target``, whole or not at all; return what it holds.

    ``using`` is a connection that is in a transaction already; without it one is made.  Raises
    BackupError; nothing is left then.
    """
    target = target.absolute()
    if target.exists() or target.is_symlink():
        raise BackupError(_("%(path)s is there already; name a new folder.") % {"path": target})
    unfinished = target.with_name(f".{target.name}{UNFINISHED}{os.getpid()}")
    try:
        make_folders(target.parent)
        unfinished.mkdir(mode=0o700)
        found = _write(unfinished, choice, now, using, told)
        sync_tree(unfinished)
        unfinished.rename(target)
        sync(target.parent)
    except OSError as error:
        raise BackupError(
            _("The backup could not be written to %(path)s: %(why)s. Nothing was kept of it.")
            % {"path": target, "why": error.strerror or type(error).__name__}
        ) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    log.info("backup_made", rows=found.rows, files=len(found.files), faults=len(found.faults))
    return found


def _write(
    folder: Path, choice: FilesChoice, now: datetime, using: str, told: Callable[[str], None]
) -> Manifest:
    (folder / TABLES).mkdir(mode=0o700)
    with nullcontext(using) if using else snapshot() as alias:
        migrations = tables.applied_migrations(alias)
        _refuse_unapplied(migrations)
        named = references(choice, alias)
        members = []
        for model in tables.models_to_keep():
            told(model._meta.db_table)
            members.append(tables.dump(model, folder, alias))
    # a long copy must not keep the database from tidying up, so files come behind its state
    files, gone, faults = _take_files(named, folder, told)
    found = Manifest(
        app_version=app_version(),
        made_at=now,
        environment=settings.INSTALLATION.name,
        database=connections["default"].vendor,
        files_choice=choice.value,
        migrations=migrations,
        tables=tuple(members),
        files=files,
        config=_take_config(folder),
        gone=gone,
        faults=faults,
    )
    content = found.as_bytes()
    (folder / MANIFEST).write_bytes(content)
    (folder / FINISHED).write_bytes(mark_of(content))
    return found


def _refuse_unapplied(applied: tables.Migrations) -> None:
    lacking = [
        f"{app}.{name}"
        for app, name in sorted(tables.known_migrations())
        if name not in applied.get(app, ())
    ]
    if lacking:
        raise BackupError(
            _("The database is not up to date (%(first)s is missing): run manage.py migrate.")
            % {"first": lacking[0]}
        )


def _take_files(
    named: list[Reference], folder: Path, told: Callable[[str], None]
) -> tuple[tuple[Member, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the members, the names of files that were deleted meanwhile, and what is wrong."""
    members: list[Member] = []
    gone: list[str] = []
    faults: list[str] = []
    for each in named:
        told(each.name)
        member = take(each, folder)
        if member is not None:
            members.append(member)
        elif not is_named(each):
            gone.append(each.name)
            continue
        if fault := fault_of(each, member):
            faults.append(fault)
    return tuple(members), tuple(gone), tuple(faults)


def _take_config(folder: Path) -> tuple[Member, ...]:
    root = settings_folder()
    members = []
    for path in settings_files(root):
        name = f"{CONFIG}/{path.relative_to(root)}"
        copy(path, folder / name)
        members.append(Member(name, *sha256_of(folder / name)))
    return tuple(members)
