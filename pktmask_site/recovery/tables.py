"""The tables of a backup: which, how they are read in one state, and how they are filled again."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import zstandard
from django.apps import apps
from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.models import CharField, F, Model
from django.db.models.functions import Collate

from pktmask_site.recovery.codec import (
    AnyField,
    digest_of,
    fields_of,
    line_of,
    prepared,
    row_of,
)
from pktmask_site.recovery.manifest import TABLES, Member

BATCH: Final = 1000
LEVEL: Final = 6
ENDING: Final = ".jsonl.zst"
# what is made anew: messages to workers, signs of life, leases, who is signed in or tries to.
# Tokens of scripts stay out as well: one that was revoked since must not come back
LEFT_OUT: Final = frozenset(
    {
        "django_session",
        "django_migrations",
        "config_adoption",
        "config_fileslook",
        "monitoring_heartbeat",
        "monitoring_liveupdate",
        "monitoring_monitorlease",
        "pktmask_site_apitoken",
        "pktmask_site_signintry",
        "trimming_guardlease",
    }
)
LEFT_OUT_APPS: Final = frozenset({"django_q"})
Migrations = dict[str, tuple[str, ...]]


def models_to_keep(registry: Apps = apps) -> list[type[Model]]:
    """Return the models whose rows a backup holds, by the name of their table."""
    found = {
        model._meta.db_table: model
        for model in registry.get_models(include_auto_created=True)
        if not model._meta.proxy
        and model._meta.managed
        and model._meta.app_label not in LEFT_OUT_APPS
        and model._meta.db_table not in LEFT_OUT
    }
    return [found[name] for name in sorted(found)]


def known_migrations() -> list[tuple[str, str]]:
    """Return the migrations of this version."""
    return list(MigrationLoader(None).disk_migrations)


def applied_migrations(using: str) -> Migrations:
    """Return what the tables are at, app to names."""
    applied = MigrationLoader(connections[using]).applied_migrations
    found: dict[str, list[str]] = {}
    for app, name in sorted(applied):
        found.setdefault(app, []).append(name)
    return {app: tuple(names) for app, names in found.items()}


def rows_of(model: type[Model], using: str) -> Iterator[Sequence[Any]]:
    """Yield the rows of a table by its key, in an order that does not depend on the database."""
    fields = fields_of(model)
    rows = model._base_manager.using(using).order_by(_by_key(model, using))
    return rows.values_list(*(field.attname for field in fields)).iterator(chunk_size=BATCH)


def _by_key(model: type[Model], using: str) -> Any:
    key: Any = model._meta.pk
    while key.remote_field is not None:
        key = key.target_field
    is_text = isinstance(key, CharField) and connections[using].vendor == "postgresql"
    return Collate(F("pk"), "C") if is_text else "pk"


def table_of(member: Member) -> str:
    """Return the name of the table that a member holds."""
    return Path(member.path).name.removesuffix(ENDING)


def dump(model: type[Model], folder: Path, using: str) -> Member:
    """Write the rows of a table into ``folder``; return the member."""
    path = f"{TABLES}/{model._meta.db_table}{ENDING}"
    rows = 0
    with (folder / path).open("xb") as file:
        seen: Any = _Hashed(file)
        with zstandard.ZstdCompressor(level=LEVEL).stream_writer(seen, closefd=False) as packed:
            for row in rows_of(model, using):
                packed.write(line_of(row))
                rows += 1
    return Member(path, seen.size_bytes, seen.sha256, rows)


class _Hashed(io.RawIOBase):
    """Passes on what is written, and hashes it."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self._digest.update(data)
        self.size_bytes += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def rows_in(path: Path, fields: Sequence[AnyField]) -> Iterator[list[Any]]:
    """Yield the rows of a member; raises ValueError for what is none."""
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as plain:
        for line in io.BufferedReader(plain):
            yield row_of(line, fields)


def load(model: type[Model], rows: Iterable[Sequence[Any]], using: str) -> None:
    """Put rows into a table as they are: no default, no signal and no rule of a model is asked."""
    connection = connections[using]
    fields = fields_of(model)
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places})"
    with connection.cursor() as cursor:
        batch: list[list[Any]] = []
        for row in rows:
            batch.append(prepared(row, fields, connection))
            if len(batch) == BATCH:
                cursor.executemany(statement, batch)
                batch.clear()
        if batch:
            cursor.executemany(statement, batch)


def clear(models: Sequence[type[Model]], using: str) -> None:
    """Remove what migrations put into new tables.  Keys are checked when the caller commits."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")


def continue_numbers(models: Sequence[type[Model]], using: str) -> None:
    """Let new rows take numbers behind those that are there."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models)):
            cursor.execute(statement)


def digest(model: type[Model], using: str) -> tuple[int, str]:
    """Return how many rows a table has, and their digest."""
    return digest_of(rows_of(model, using), fields_of(model))
