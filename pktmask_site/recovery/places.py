"""Places to build a restored installation in: a folder and a database beside those in use.

SQLite: a data folder of its own.  PostgreSQL: a schema of its own in the same database, so nobody
needs the right to make databases.  A process that is given ``environ()`` works there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from pktmask_site.environment import BUCKET, OF_A_BUCKET
from pktmask_site.recovery.manifest import BackupError

NAME_BYTES: Final = 4
# the mark of a place, so that nothing is ever filled by mistake
PLACE: Final = "restore-place"


@dataclass(frozen=True, slots=True)
class Place:
    """A place: its data folder, and its schema where the database is PostgreSQL.

    ``in_folder``: stored files go into the folder, also where the service keeps them in a bucket.
    """

    folder: Path
    schema: str
    in_folder: bool = False

    def environ(self) -> dict[str, str]:
        """Return the variables with which a process works there."""
        found = {"PKTMASK_DATA_DIR": str(self.folder)}
        key = Path(settings.DATA_DIR) / "secret_key"
        if "PKTMASK_SECRET_KEY_FILE" not in os.environ and key.is_file():
            found["PKTMASK_SECRET_KEY_FILE"] = str(key)
        if self.in_folder:
            found |= dict.fromkeys((BUCKET, *OF_A_BUCKET), "")
        if self.schema:
            found["PKTMASK_DATABASE_URL"] = in_schema(
                settings.INSTALLATION.database_url, self.schema
            )
            # the file would win over the variable
            found["PKTMASK_DATABASE_URL_FILE"] = ""
        return found


def in_schema(url: str, schema: str) -> str:
    """Return the address of a database so that its tables are those of ``schema``."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    asked = f"{query.get('options', '')} -c search_path={schema}".strip()
    query["options"] = asked
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


@contextmanager
def new_place(parent: Path, kind: str, *, in_folder: bool = False) -> Iterator[Place]:
    """Make a place in ``parent``; what is still there of it at the end is removed."""
    name = f"{kind}_{secrets.token_hex(NAME_BYTES)}"
    schema = name if connection.vendor == "postgresql" else ""
    place = Place(parent / name, schema, in_folder)
    place.folder.mkdir(mode=0o700, parents=True)
    (place.folder / PLACE).touch()
    try:
        if schema:
            _execute(f"CREATE SCHEMA {schema}")
        yield place
    finally:
        shutil.rmtree(place.folder, ignore_errors=True)
        if schema:
            _execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def build_in(place: Place, source: Path, *options: str) -> dict[str, Any]:
    """Have a process build the backup ``source`` in a place; return what it says of it.

    Raises BackupError with its words.
    """
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "build_restored"]
    done = subprocess.run(
        [*command, str(source), *options],
        env={**os.environ, **place.environ()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # the last line is the sentence, or the kind of an error that nobody foresaw
        said = (done.stderr.strip().splitlines() or [_("it was ended")])[-1]
        raise BackupError(_("The backup could not be built: %(why)s") % {"why": said})
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def is_new_place() -> bool:
    """Tell whether this installation is a place that a restore has made for itself."""
    return (Path(settings.DATA_DIR) / PLACE).is_file()
