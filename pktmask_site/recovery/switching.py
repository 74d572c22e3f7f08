"""Putting what was built in place of what was there, so that it can be finished after any end.

A journal says what is renamed; each step may be done twice.  What was there before is kept aside.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from pktmask_site.recovery.durable import sync, sync_tree, write_durably
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.places import Place

JOURNAL: Final = "restore-journal.json"
ASIDE: Final = "before_restore_"
DATABASE: Final = "pktmask.sqlite3"
# of SQLite in WAL mode
BESIDE: Final = ("", "-wal", "-shm")


def switch(data_dir: Path, place: Place, aside: str, *, was_empty: bool) -> None:
    """Put the folder and the schema of ``place`` in place of those in use.

    ``was_empty``: there were no tables, so there is no database to keep aside.
    """
    if was_empty and not place.schema:
        for end in BESIDE:
            (data_dir / f"{DATABASE}{end}").unlink(missing_ok=True)
    names = ["files"]
    if not place.schema:
        names += [f"{DATABASE}{end}" for end in BESIDE]
    built = place.folder.relative_to(data_dir)
    moves = [[name, f"{aside}/{name}"] for name in names if _is_there(data_dir / name)]
    moves += [[f"{built}/{name}", name] for name in names if _is_there(place.folder / name)]
    journal = {
        "schema": place.schema,
        "aside": aside,
        "was_empty": was_empty,
        "moves": moves,
    }
    (data_dir / aside).mkdir(mode=0o700)
    # from the journal on nobody looks back: all that it names is on the disk before
    sync_tree(place.folder)
    sync(data_dir)
    write_durably(data_dir / JOURNAL, json.dumps(journal).encode())
    finish(data_dir)


def finish(data_dir: Path) -> bool:
    """Finish what a journal says, if there is one; return whether there was."""
    path = data_dir / JOURNAL
    try:
        journal: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        raise BackupError(
            _("%(path)s cannot be read; look at the folder before anything is started.")
            % {"path": path}
        ) from None
    if journal["schema"]:
        _rename_schemas(journal["schema"], journal["aside"], was_empty=journal["was_empty"])
    _rename(data_dir, journal["moves"])
    path.unlink()
    sync(data_dir)
    return True


def _rename(data_dir: Path, moves: Sequence[Sequence[str]]) -> None:
    for source, target in moves:
        if _is_there(data_dir / source) and not _is_there(data_dir / target):
            (data_dir / source).rename(data_dir / target)
            sync((data_dir / target).parent)


def _is_there(path: Path) -> bool:
    """Tell whether there is something; a folder without anything in it can be renamed over."""
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _rename_schemas(built: str, aside: str, *, was_empty: bool) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [built])
        if cursor.fetchone() is None:
            return  # it was done before
        cursor.execute("SELECT current_schema()")
        quote = connection.ops.quote_name
        used = quote(cursor.fetchone()[0])
        cursor.execute(f"ALTER SCHEMA {used} RENAME TO {quote(aside)}")
        cursor.execute(f"ALTER SCHEMA {quote(built)} RENAME TO {used}")
        if was_empty:
            cursor.execute(f"DROP SCHEMA {quote(aside)}")
