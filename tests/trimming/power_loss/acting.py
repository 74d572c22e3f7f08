"""A process that takes captures in, trims them, deletes and backs up, as the service does.

``python -m tests.trimming.power_loss.acting prepare`` makes an installation in PKTMASK_DATA_DIR.
``... act TOLD`` works on it, and writes to the file TOLD, a line of JSON each, what it told people:
from then on that must be so, whatever happens.  ``... restore TOLD`` restores the backup that it
made, ``... switch TOLD`` does the last of that, ``... begin TOLD`` makes folders and a secret key.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import django

from tests.trimming.power_loss.recording import ROOT

Say = Callable[..., None]
PASSES = {"HTTP_HOST": "localhost", "HTTP_ACCEPT": "application/json"}
BACKUP = "backups/one"
SECRET = b"the payload that nobody may read"


def main() -> None:
    """Run as a process."""
    if sys.argv[1] == "prepare":
        django.setup()
        prepare()
        return
    told = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT)

    def say(kind: str, **what: Any) -> None:
        os.write(told, f"{json.dumps({'kind': kind, **what})}\n".encode())

    if sys.argv[1] in ("act", "restore"):
        django.setup()
    {"act": act, "begin": begin, "restore": restore, "switch": switch}[sys.argv[1]](say)


def begin(say: Say) -> None:
    """Make the folders and the secret key, as whatever is first called."""
    from pktmask_site.environment import read_installation

    say("key", key=read_installation(ROOT).secret_key)


def switch(say: Say) -> None:
    """Put a small installation that was built in place of what is there."""
    from pktmask_site.recovery import switching
    from pktmask_site.recovery.places import Place

    data_dir = Path(os.environ["PKTMASK_DATA_DIR"])
    place = Place(data_dir / "restoring", "")
    (place.folder / "files").mkdir(parents=True)
    for name in ("files/file", switching.DATABASE):
        (place.folder / name).write_text("new")
    switching.switch(data_dir, place, "aside", was_empty=False)
    say("switched")


def restore(say: Say) -> None:
    """Put the backup in place of what is there."""
    from django.conf import settings
    from django.utils import timezone

    from pktmask_site.recovery import restoring

    restoring.restore(Path(settings.DATA_DIR) / BACKUP, timezone.now(), replaces=True)
    say("restored")


def prepare() -> None:
    """Make the tables and a user, as the first start does."""
    from django.contrib.auth.models import Group, User

    from config.roles import ADMINISTRATOR
    from pktmask_site.first_start import prepare_database

    prepare_database()
    user = User.objects.create_user("somebody")
    user.groups.add(Group.objects.get(name=ADMINISTRATOR))


def act(say: Say) -> None:
    """Do all that the tests are about."""
    from django.conf import settings
    from django.db.backends.signals import connection_created

    def often(connection: Any, **_: Any) -> None:
        # the log of the database is put into it within the few things that are done here
        connection.cursor().execute("PRAGMA wal_autocheckpoint = 60")

    connection_created.connect(often)
    with closing(sqlite3.connect(settings.DATABASES["default"]["NAME"])) as other:
        # as others do in the service: the last one that closes the database syncs it
        other.execute("SELECT count(*) FROM auth_user").fetchone()
        _act(say, Path(settings.DATA_DIR))


def _act(say: Say, data_dir: Path) -> None:
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from pktmask_site.recovery.choices import FilesChoice
    from pktmask_site.recovery.writing import make_backup
    from tests.factories import capture_bytes
    from trimming.models import Capture
    from trimming.retention import delete_original

    client = Client()
    client.force_login(User.objects.get())
    first, second, third = (capture_bytes(SECRET + bytes([n]) * 700 * n) for n in (1, 2, 3))
    _upload(client, {"a.pcap": first, "b.pcap": second}, say)
    _work(say)
    _upload(client, {"c.pcap": third}, say)
    capture = Capture.objects.get(name="a.pcap")
    say("asked to delete the original", capture=str(capture.pk))
    delete_original(capture)
    say("deleted the original", capture=str(capture.pk))
    _work(say)
    # its original is kept again
    say("uploading again", capture=str(capture.pk))
    _upload(client, {"again.pcap": first}, say)
    make_backup(data_dir / BACKUP, FilesChoice.ALL, timezone.now())
    say("made a backup", folder=BACKUP)
    _work(say)


def _upload(client: Any, files: dict[str, bytes], say: Say) -> None:
    from tests.upload_forms import CONTENT_TYPE, form_body
    from trimming.models import Capture
    from trimming.profiles import latest

    profile = latest("standard")
    assert profile is not None
    body = form_body(files.items(), {"profile": profile.pk})
    answer = client.post("/captures/upload/", body, content_type=CONTENT_TYPE, **PASSES)
    assert answer.status_code < 300, answer.content
    for accepted in answer.json()["accepted"]:
        capture = Capture.objects.get(pk=accepted["capture"])
        say("accepted", capture=str(capture.pk), sha256=capture.sha256, size=capture.size_bytes)


def _work(say: Say) -> None:
    from django.db import close_old_connections

    from trimming.choices import JobState
    from trimming.models import TrimJob
    from trimming.runner import run_next

    while TrimJob.objects.filter(state=JobState.WAITING).exists():
        run_next("cluster/1")
        done = TrimJob.objects.filter(state=JobState.DONE).latest("finished_at")
        assert done.published_run is not None
        say("published", job=str(done.pk), sha256=done.published_run.output_sha256)
        close_old_connections()


if __name__ == "__main__":
    main()
