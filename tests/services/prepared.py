"""What every first start makes alike, made once for all consoles of a test process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DATABASE: Final = "pktmask.sqlite3"
# what was sealed when the tables were made is checked with the same key
SECRET_KEY: Final = "no secret, and as long as keys must be: " + "k" * 40
MAKE: Final = (
    "from pktmask_site.first_start import collect_static_files, prepare_database;"
    "prepare_database(); collect_static_files()"
)


@cache
def prepared_data() -> Path:
    """Return a data folder with tables and static files, and nobody and nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="pktmask-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    key = folder / "secret_key"
    key.touch(0o600)
    key.write_text(SECRET_KEY, encoding="ascii")
    _manage("shell", "--verbosity=0", "--command", MAKE, PKTMASK_DATA_DIR=str(folder))
    return folder


def make_tables(url: str) -> None:
    """Make the tables in an empty database of a server."""
    with tempfile.TemporaryDirectory(prefix="pktmask-prepared-") as folder:
        environ = {"PKTMASK_DATA_DIR": folder, "PKTMASK_SECRET_KEY": SECRET_KEY}
        _manage("migrate", "--verbosity=0", **environ, PKTMASK_DATABASE_URL=url)


def _manage(*arguments: str, **environ: str) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PKTMASK_")}
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**kept, "DJANGO_SETTINGS_MODULE": "pktmask_site.settings", **environ},
        check=True,
    )
