"""Filling an empty installation from a backup: tables, rows, files, and then order.

It happens in a process of its own whose data folder and database are new ones, beside those in use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model
from django.utils.translation import gettext as _

from config.current import adopt_newest
from pktmask_site.recovery import tables
from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.codec import digest_of, fields_of
from pktmask_site.recovery.durable import copy, link_or_copy, sha256_of, sync_tree
from pktmask_site.recovery.manifest import FILES, BackupError, Manifest, Member
from pktmask_site.recovery.order import is_in_order, put_in_order
from pktmask_site.recovery.reading import Opened
from pktmask_site.recovery.stored_files import (
    fill_from,
    folder_of_storage,
    missing,
    put_into_bucket,
    references,
    rename_in_rows,
)

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Built:
    """What a backup was made into.  ``done`` are sentences."""

    tables: int
    rows: int
    files: int
    kept_files: int
    in_order: bool
    done: tuple[str, ...]


def build(backup: Opened, now: datetime, *, present: Path | None, by_links: bool) -> Built:
    """Fill this installation; raises BackupError when the result is not what the backup holds.

    ``present`` is a folder with stored files from before, which are taken where the backup lacks
    them; in a bucket they are still there.  ``by_links``: files may be second names of those of
    the backup.
    """
    if connection.introspection.table_names():
        raise BackupError(_("The place is not empty; nothing was changed."))
    manifest = backup.manifest
    models = _make_tables(manifest)
    rows = _fill(models, backup)
    # tables of an older version are brought up to date as always
    call_command("migrate", verbosity=0, interactive=False)
    root = folder_of_storage()
    files, kept = _put_files(backup, root, by_links=by_links), 0
    if root is None:
        named = len(references(FilesChoice.ALL))
        kept = max(0, named - len(list(missing())) - files)
    elif present is not None:
        kept = fill_from(present, root)
    adopt_newest()
    done = put_in_order(manifest, now)
    if root is not None:
        sync_tree(root)
    return Built(len(models), rows, files, kept, is_in_order(), tuple(done))


def _make_tables(manifest: Manifest) -> list[tuple[type[Model], Member]]:
    """Make the tables as they were, and return the models as they were."""
    executor = MigrationExecutor(connection)
    newest = _newest(executor, manifest)
    executor.migrate(newest)
    state: Any = executor.loader.project_state(newest)
    models = {model._meta.db_table: model for model in tables.models_to_keep(state.apps)}
    members = {
        Path(member.path).name.removesuffix(".jsonl.zst"): member for member in manifest.tables
    }
    if models.keys() != members.keys():
        differing = sorted(models.keys() ^ members.keys())
        raise BackupError(
            _("The table %(name)s is not both in the backup and in its version of the tables.")
            % {"name": differing[0]}
        )
    return [(models[name], members[name]) for name in sorted(models)]


def _newest(executor: MigrationExecutor, manifest: Manifest) -> list[tuple[str, str]]:
    """Return the migrations that no other one of the backup and of its app comes behind."""
    found = []
    for app, names in manifest.migrations.items():
        for name in names:
            behind = executor.loader.graph.node_map[app, name].children
            if not any(child.key[0] == app and child.key[1] in names for child in behind):
                found.append((app, name))
    return found


def _fill(models: Iterable[tuple[type[Model], Member]], backup: Opened) -> int:
    """Put all rows in, in one transaction, and read them back; return how many there are."""
    pairs = list(models)
    total = 0
    with transaction.atomic():
        kinds = [model for model, _member in pairs]
        tables.clear(kinds, DEFAULT)
        for model, member in pairs:
            tables.load(model, _rows(model, member, backup), DEFAULT)
        connection.check_constraints()
        tables.continue_numbers(kinds, DEFAULT)
        for model, member in pairs:
            total += _compare(model, member, backup)
    ContentType.objects.clear_cache()
    return total


def _rows(model: type[Model], member: Member, backup: Opened) -> Any:
    return tables.rows_in(backup.folder / member.path, fields_of(model))


def _compare(model: type[Model], member: Member, backup: Opened) -> int:
    wanted = digest_of(_rows(model, member, backup), fields_of(model))
    found = tables.digest(model, DEFAULT)
    if found != wanted or found[0] != member.rows:
        raise BackupError(
            _("The table %(name)s has %(found)s rows that are not the %(wanted)s of the backup.")
            % {"name": model._meta.db_table, "found": found[0], "wanted": member.rows}
        )
    return found[0]


def _put_files(backup: Opened, root: Path | None, *, by_links: bool) -> int:
    """Put the files in place, below ``root`` or into the bucket; each is read back."""
    place = link_or_copy if by_links else copy
    for member in backup.manifest.files:
        source, name = backup.folder / member.path, member.path.removeprefix(f"{FILES}/")
        if root is None:
            put = put_into_bucket(source, name, member.size_bytes, member.sha256)
            if put != name:
                rename_in_rows(name, put)
            continue
        place(source, root / name)
        if sha256_of(root / name) != (member.size_bytes, member.sha256):
            raise BackupError(_("%(name)s was not written as it is.") % {"name": member.path})
    return len(backup.manifest.files)
