"""Running the modules beside this one, on a database and a folder of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.services.console import ROOT
from tests.services.prepared import SECRET_KEY


def environ(folder: Path, url: str) -> dict[str, str]:
    """Return the environment of processes on the database at ``url``; SQLite where it is empty."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PKTMASK_", "DJANGO_"))}
    return {
        **kept,
        "PKTMASK_DATA_DIR": str(folder),
        "PKTMASK_DATABASE_URL": url,
        "PKTMASK_SECRET_KEY": SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "tests.services.rollouts.settings",
        # the breaker would take the treatment away before the rollout does, and nothing would race
        "PKTMASK_ROUTING__BREAKER_FAILURES": "1000",
        # a job may lose its worker as often as a test wants
        "PKTMASK_TRIMMING__MAX_ATTEMPTS": "100",
    }


def run(module: str, folder: Path, url: str, *arguments: str, seconds: float) -> dict[str, Any]:
    """Run a module to its end and return the JSON that it printed last."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environ(folder, url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, complaints = process.communicate(timeout=seconds)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # with all that it has started
        raise
    sys.stderr.write(complaints[-3000:])  # pytest shows it where a test fails
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    sys.stdout.write(f"{json.dumps(found)}\n")  # a measurement; `pytest -s` shows it
    return found
