"""Settings of the tests: a data folder that is thrown away, plain static files, cheap passwords."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_DATA_DIR = tempfile.mkdtemp(prefix="pktmask-tests-")
atexit.register(shutil.rmtree, _DATA_DIR, ignore_errors=True)
os.environ["PKTMASK_DATA_DIR"] = _DATA_DIR
os.environ.pop("PKTMASK_ENVIRONMENT", None)

(Path(_DATA_DIR) / "static").mkdir()  # WhiteNoise warns about a folder that is missing

from pktmask_site.settings import *  # noqa: E402, F403 - the folder must be known before

STORAGES["staticfiles"] = {  # noqa: F405 - from the settings above
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
