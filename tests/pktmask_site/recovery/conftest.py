"""A service with captures, and a backup of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.manifest import Manifest
from pktmask_site.recovery.writing import make_backup
from tests.factories import make_job, make_user
from trimming import jobs
from trimming.models import TrimJob

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, settings: Any) -> Path:
    """Give each test a data folder of its own."""
    folder = tmp_path / "data"
    for name in ("files", "work", "incoming"):
        (folder / name).mkdir(parents=True)
    settings.DATA_DIR = folder
    settings.MEDIA_ROOT = folder / "files"
    settings.WORK_ROOT = folder / "work"
    settings.CONFIG_DIR = tmp_path / "config"
    return folder


@pytest.fixture
def running_job(db: None) -> TrimJob:
    """Return a job that a worker holds."""
    job = make_job(make_user())
    assert jobs.claim(job.pk, "cluster/1/1") is not None
    job.refresh_from_db()
    return job


def back_up(folder: Path, choice: FilesChoice = FilesChoice.ALL) -> Manifest:
    """Make a backup in the transaction of a test."""
    return make_backup(folder, choice, NOW, using="default")


def listing(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
