"""What a backup says of itself.  Pure: no database, no files.

``manifest.json`` lists every member with its size and SHA-256; ``FINISHED`` holds the SHA-256 of
the manifest and is written last.  So a backup that is cut off, or changed by a single bit, is told
from a whole one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
FINISHED: Final = "FINISHED"
FILES: Final = "files"
TABLES: Final = "tables"
CONFIG: Final = "config"


class BackupError(Exception):
    """A backup cannot be made, or cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup, by its path in it."""

    path: str
    size_bytes: int
    sha256: str
    # of a table: how many rows it has
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole of a backup.

    ``migrations`` are those that the tables are at, app to names in order; ``tables`` are names in
    the database; ``gone`` are stored files that were deleted while the backup was made, ``faults``
    what was found wrong with files, as sentences.
    """

    app_version: str
    made_at: datetime
    environment: str
    database: str
    files_choice: str
    migrations: Mapping[str, tuple[str, ...]]
    tables: tuple[Member, ...]
    files: tuple[Member, ...]
    config: tuple[Member, ...]
    gone: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[Member, ...]:
        """All files beside the manifest and the mark of the end."""
        return self.tables + self.files + self.config

    @property
    def rows(self) -> int:
        """How many rows all tables have."""
        return sum(member.rows for member in self.tables)

    @property
    def size_bytes(self) -> int:
        """How large all members are."""
        return sum(member.size_bytes for member in self.members)

    def as_bytes(self) -> bytes:
        """Return it as it is written."""
        plain = {**asdict(self), "format": FORMAT, "made_at": self.made_at.isoformat()}
        return json.dumps(plain, indent=1, sort_keys=True).encode() + b"\n"


def mark_of(manifest: bytes) -> bytes:
    """Return the content of the mark of the end."""
    return hashlib.sha256(manifest).hexdigest().encode() + b"\n"


def parsed(manifest: bytes, mark: bytes) -> Manifest:
    """Return what a backup says of itself; raises BackupError for one that is damaged or newer."""
    if mark != mark_of(manifest):
        raise BackupError(
            _("%(name)s and %(mark)s do not belong together: the backup is damaged. Use another.")
            % {"name": MANIFEST, "mark": FINISHED}
        )
    try:
        plain = json.loads(manifest)
        found = plain.pop("format")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BackupError(_("%(name)s is no manifest.") % {"name": MANIFEST}) from None
    if found != FORMAT:
        raise BackupError(
            _(
                "The backup has the format %(found)s, and this version reads %(known)s. Use the "
                "version that made it: %(version)s."
            )
            % {"found": found, "known": FORMAT, "version": plain.get("app_version", "?")}
        )
    try:
        return _from_plain(plain)
    except (TypeError, KeyError, ValueError, AttributeError):
        raise BackupError(_("%(name)s is no manifest.") % {"name": MANIFEST}) from None


def _from_plain(plain: Mapping[str, Any]) -> Manifest:
    lists = {
        name: tuple(Member(**each) for each in plain[name]) for name in (TABLES, FILES, CONFIG)
    }
    found = Manifest(
        **{
            **plain,
            **lists,
            "made_at": datetime.fromisoformat(plain["made_at"]),
            "migrations": {app: tuple(names) for app, names in plain["migrations"].items()},
            "gone": tuple(plain["gone"]),
            "faults": tuple(plain["faults"]),
        }
    )
    for member in found.members:
        if member.path.startswith("/") or ".." in member.path.split("/"):
            raise ValueError(member.path)
    return found


def unknown_migrations(
    manifest: Manifest, known: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Return the migrations of a backup that this version lacks: a newer one made it."""
    have = set(known)
    of_backup = [(app, name) for app, names in manifest.migrations.items() for name in names]
    return tuple(each for each in of_backup if each not in have)
