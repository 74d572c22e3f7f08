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
MAKE: Final = (
    "from pktmask_site.first_start import collect_static_files, prepare_database;"
    "prepare_database(); collect_static_files()"
)


@cache
def prepared_data() -> Path:
    """Return a data folder with tables and static files, and nobody and nothing in it."""
    folder = Path(tempfile.mkdtemp(prefix="pktmask-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PKTMASK_")}
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "--verbosity=0", "--command", MAKE],
        env={
            **kept,
            "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
            "PKTMASK_DATA_DIR": str(folder),
        },
        check=True,
    )
    return folder
