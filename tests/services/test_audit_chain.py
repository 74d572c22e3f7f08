"""Many processes write into the audit log at once: one chain comes of it, with every event."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.services.console import ROOT
from tests.services.prepared import SECRET_KEY

pytestmark = pytest.mark.slow
WRITERS = 4
EVENTS = 60


def start(folder: Path, url: str, *arguments: str) -> subprocess.Popen[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PKTMASK_", "DJANGO_"))}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={
            **kept,
            "PKTMASK_DATA_DIR": str(folder),
            "PKTMASK_DATABASE_URL": url,
            "PKTMASK_SECRET_KEY": SECRET_KEY,
            "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen[str], said: str | None = None) -> list[str]:
    out, _ = process.communicate(said, timeout=300)
    assert process.returncode == 0
    return out.splitlines()


@pytest.mark.parametrize(
    "database", [pytest.param("sqlite", marks=pytest.mark.long), "postgresql"], indirect=True
)
def test_events_of_many_processes_make_one_chain(database: str, tmp_path: Path) -> None:
    before = verified(tmp_path, database)
    module = ("-m", "tests.services.audit_writer")
    writers = [start(tmp_path, database, *module, "write", str(EVENTS)) for _ in range(WRITERS)]
    for writer in writers:
        assert writer.stdout is not None
        assert "ready" in writer.stdout.readline()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    took = [json.loads(answer(writer)[-1])["ms"] for writer in writers]
    sys.stdout.write(f"{json.dumps(took)} ms for each event\n")
    found = verified(tmp_path, database)
    # alone, in twos, and the one that was left behind; what was rolled back is no gap
    written = WRITERS * (EVENTS + EVENTS // 3 + 1)
    assert found["faults"] == []
    assert found["is_sound"]
    assert found["rows"] == before["rows"] + written
    assert found["events"] == found["newest"] == found["rows"]


def verified(folder: Path, url: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(
        answer(start(folder, url, "-m", "tests.services.audit_writer", "verify"))[-1]
    )
    return said
