"""A process that starts an installation after power was lost, and says what is wrong with it.

``python -m tests.trimming.power_loss.starting`` reads a line of JSON for each installation: its
``folder``, what was ``said`` before, and whether what waits is ``trimmed``.  It answers a line with
the list of what is wrong.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

NOW = timedelta(0)
LATER = timedelta(hours=3)
Said = list[dict[str, Any]]


def main() -> None:
    """Run as a process."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # logs go elsewhere
    django.setup()
    for line in sys.stdin:
        asked = json.loads(line)
        folder = Path(asked["folder"])
        with installed(folder):
            try:
                wrong = list(found_wrong(folder, asked["said"], is_trimmed=asked["trimmed"]))
            except Exception:
                wrong = [f"it cannot be started: {traceback.format_exc()}"]
        print(json.dumps(wrong), file=answers, flush=True)


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """Work on the installation in ``folder``."""
    from django.db import connection
    from django.test import override_settings

    connection.close()
    connection.settings_dict["NAME"] = folder / "pktmask.sqlite3"
    with override_settings(
        DATA_DIR=folder,
        MEDIA_ROOT=folder / "files",
        FILE_UPLOAD_TEMP_DIR=folder / "incoming",
        WORK_ROOT=folder / "work",
    ):
        yield
    connection.close()


def found_wrong(folder: Path, said: Said, *, is_trimmed: bool) -> Iterator[str]:
    """Yield what is wrong, as sentences: as it was left, after the start, and after the work."""
    from django.db import connection

    from pktmask_site.recovery.switching import finish

    finish(folder)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA integrity_check")
        if (found := cursor.fetchone()[0]) != "ok":
            yield f"the database is damaged: {found}"
            return
    yield from _broken(said, "as it was left")
    yield from _of_backups(folder, said)
    start()
    yield from _broken(said, "after the start")
    yield from _left_over(folder)
    if is_trimmed:
        yield from _work()
        yield from _broken(said, "after the work")
        yield from _left_over(folder)


def start() -> None:
    """Do what the next start and the monitor do, with all time that must pass passed."""
    from django.conf import settings
    from django.utils import timezone

    from pktmask_site.recovery.clearing import orphans
    from trimming import sweeper
    from trimming.intake import remove_orphans
    from trimming.leftovers import remove_left_folders
    from trimming.retention import remove_deleted_files
    from trimming.uploads import remove_stale_uploads

    for name in ("incoming", "work", "files"):
        Path(settings.DATA_DIR, name).mkdir(exist_ok=True, mode=0o700)
    sweeper.take_back("cluster/", forgiven=False)
    sweeper.sweep()
    remove_left_folders(NOW)
    remove_stale_uploads(NOW)
    remove_deleted_files()
    remove_orphans(NOW)
    orphans(timezone.now() + LATER, False)


def _broken(said: Said, when: str) -> Iterator[str]:
    yield from (f"{when}: {each}" for each in (*_not_kept(said), *_not_whole()))


def _not_kept(said: Said) -> Iterator[str]:
    """Yield what was said and is not so."""
    from config.models import AuditEvent
    from trimming.choices import JobState
    from trimming.intake import RESTORED
    from trimming.models import Capture, TrimJob

    for number, each in enumerate(said):
        after = [later["kind"] for later in said[number + 1 :] if _same(later, each)]
        match each["kind"]:
            case "accepted":
                row = Capture.objects.filter(pk=each["capture"], deleted_at=None).first()
                if row is None or (row.sha256, row.size_bytes) != (each["sha256"], each["size"]):
                    yield "a capture that was accepted is not known"
                elif not row.has_original and "asked to delete the original" not in after:
                    yield "the original of a capture that was accepted is not named"
            case "deleted the original":
                row = Capture.objects.get(pk=each["capture"])
                if row.has_original and not (set(after) & {"accepted", "uploading again"}):
                    yield "an original that was deleted is there again"
            case "published":
                job = TrimJob.objects.filter(pk=each["job"]).first()
                run = job.published_run if job is not None else None
                if run is None or job is None or job.state != JobState.DONE:
                    yield "a job that was done is not"
                elif run.output_sha256 != each["sha256"] or not run.output:
                    yield "a result that was published is not named as it was"

            case "restored":
                if not AuditEvent.objects.filter(action=RESTORED).exists():
                    yield "what was restored is not in place"


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return "capture" in one and one["capture"] == other.get("capture")


def _not_whole() -> Iterator[str]:
    """Yield which files that rows name are not there, whole."""
    from pktmask_site.recovery.choices import FilesChoice
    from pktmask_site.recovery.stored_files import folder_of_storage, references

    root = folder_of_storage()
    assert root is not None
    for each in references(FilesChoice.ALL):
        path = root / each.name
        if not path.is_file():
            yield f"{each.kind} is missing and its row names it"
        elif _digest(path) != (each.size_bytes, each.sha256):
            yield f"{each.kind} is not what its row says"


def _digest(path: Path) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), hashlib.sha256(data).hexdigest()


def _left_over(folder: Path) -> Iterator[str]:
    """Yield what is there and belongs to nobody."""
    from pktmask_site.recovery.choices import FilesChoice
    from pktmask_site.recovery.stored_files import listed, references

    for name in ("incoming", "work"):
        if left := sorted(path.name for path in (folder / name).iterdir()):
            yield f"left in {name}: {left}"
    named = {each.name for each in references(FilesChoice.ALL)}
    if strange := sorted({each.name for each in listed()} - named):
        yield f"stored and not named by a row: {strange}"


def _of_backups(folder: Path, said: Said) -> Iterator[str]:
    """Yield what is wrong with backups: one that was made is whole, and no other looks so."""
    from pktmask_site.recovery.manifest import BackupError
    from pktmask_site.recovery.restoring import checked

    made = {each["folder"] for each in said if each["kind"] == "made a backup"}
    there = {f"backups/{path.name}" for path in (folder / "backups").glob("[!.]*")}
    for name in sorted(made | there):
        try:
            checked(folder / name)
        except BackupError as error:
            yield f"the backup {name}: {error}"


def _work() -> Iterator[str]:
    """Do what waits; yield what did not end well."""
    from trimming.choices import JobState
    from trimming.models import TrimJob
    from trimming.runner import run_next

    for _ in range(TrimJob.objects.filter(state=JobState.WAITING).count()):
        run_next("cluster/2")
    for job in TrimJob.objects.exclude(state=JobState.DONE):
        yield f"a job is {job.state} after the work: {job.reason}"


if __name__ == "__main__":
    main()
