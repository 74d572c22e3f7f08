"""Backup, restore and upkeep of files in a bucket."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from config.audit import record
from pktmask_site.recovery import clearing, running, stored_files
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.places import Place
from pktmask_site.recovery.stored_files import put_into_bucket, rename_in_rows
from pktmask_site.recovery.upkeep import tasks
from pktmask_site.scaling import Bucket
from tests.buckets import ACCESS_KEY, SECRET_KEY, storage_of
from tests.factories import make_capture, make_user
from tests.pktmask_site.recovery.conftest import back_up
from trimming.intake import RESTORED, remove_orphans

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[3]
CONTENT = b"what was in the file"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def objects(storage: Any) -> list[str]:
    return [each.name for each in storage.listed("")]


def content(storage: Any, name: str) -> bytes:
    with storage.open(name) as file:
        return bytes(file.read())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(CONTENT)
    return tmp_path / "source"


def test_a_backup_holds_what_is_in_the_bucket(in_a_bucket: Any, tmp_path: Path) -> None:
    capture = make_capture(make_user())
    found = back_up(tmp_path / "b")
    (member,) = found.files
    assert (member.path, member.sha256) == (f"files/{capture.original.name}", capture.sha256)
    assert (tmp_path / "b" / member.path).stat().st_mode & 0o777 == 0o600
    assert not found.faults


def test_an_object_that_is_missing_is_a_fault_and_the_rest_is_backed_up(
    in_a_bucket: Any, tmp_path: Path
) -> None:
    gone, kept = make_capture(make_user()), make_capture(make_user())
    in_a_bucket.delete(str(gone.original.name))
    found = back_up(tmp_path / "b")
    assert [member.path for member in found.files] == [f"files/{kept.original.name}"]
    assert found.faults == (f"{gone.original.name} is missing, and its row names it.",)
    assert [each.key for each in stored_files.missing()] == [str(gone.pk)]


def test_without_its_server_there_is_no_backup_and_nothing_is_left(
    in_a_bucket: Any, tmp_path: Path
) -> None:
    make_capture(make_user())
    for name in objects(in_a_bucket):
        in_a_bucket.delete(name)
    in_a_bucket.client.delete_bucket(Bucket=in_a_bucket.bucket_name)
    with pytest.raises(BackupError, match="the object storage answered NoSuchBucket"):
        back_up(tmp_path / "b")
    assert list(tmp_path.glob("*b*unfinished*")) == list(tmp_path.glob("b")) == []


class TestPuttingBack:
    def test_what_is_gone_is_stored_again(self, in_a_bucket: Any, source: Path) -> None:
        assert put_into_bucket(source, "originals/a", len(CONTENT), DIGEST) == "originals/a"
        assert content(in_a_bucket, "originals/a") == CONTENT

    def test_what_is_there_stays_as_it_is(self, in_a_bucket: Any, source: Path) -> None:
        in_a_bucket.save("originals/a", ContentFile(CONTENT))
        before = in_a_bucket.get_modified_time("originals/a")
        assert put_into_bucket(source, "originals/a", len(CONTENT), DIGEST) == "originals/a"
        assert in_a_bucket.get_modified_time("originals/a") == before

    def test_beside_another_content_it_gets_a_name_of_its_own_and_its_row_follows(
        self, in_a_bucket: Any, source: Path
    ) -> None:
        capture = make_capture(make_user())
        name, before = str(capture.original.name), content(in_a_bucket, str(capture.original.name))
        put = put_into_bucket(source, name, len(CONTENT), DIGEST)
        rename_in_rows(name, put)
        capture.refresh_from_db()
        assert capture.original.name == put == f"{name}-{DIGEST[:8]}"
        assert content(in_a_bucket, put) == CONTENT
        assert content(in_a_bucket, name) == before

    def test_what_does_not_arrive_as_it_was_is_refused(
        self, in_a_bucket: Any, source: Path
    ) -> None:
        with pytest.raises(BackupError, match="originals/a was not written as it is"):
            put_into_bucket(source, "originals/a", len(CONTENT), "0" * 64)


class TestUpkeep:
    def test_objects_without_a_row_are_removed_when_they_are_old(
        self, in_a_bucket: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        capture = make_capture(make_user())
        in_a_bucket.save("outputs/gone/1", ContentFile(b"left"))
        task = tasks.named("orphans")
        assert task is not None
        (run,) = running.run_all([task], is_dry=False)
        assert run.details["files"] == 0
        monkeypatch.setattr(clearing, "STALE_UPLOAD", timedelta(hours=-1))
        (run,) = running.run_all([task], is_dry=True)
        assert run.details["orphans"] == ["outputs/gone/1"]
        running.run_all([task], is_dry=False)
        assert objects(in_a_bucket) == [capture.original.name]

    def test_what_was_there_before_a_restore_stays_for_who_wants_it_back(
        self, in_a_bucket: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clearing, "STALE_UPLOAD", timedelta(hours=-1))
        in_a_bucket.save("originals/of-the-state-before", ContentFile(b"left"))
        record(RESTORED)
        later = timezone.now() + timedelta(seconds=5)
        assert list(clearing._without_rows(later)) == []
        assert remove_orphans(timedelta(hours=-1)) == 0
        after = timezone.now() + timedelta(days=31)
        assert list(clearing._without_rows(after)) == ["originals/of-the-state-before"]

    def test_a_drill_works_in_a_folder_and_leaves_the_bucket_alone(self, tmp_path: Path) -> None:
        drill = Place(tmp_path, "", in_folder=True).environ()
        assert drill["PKTMASK_S3_BUCKET"] == drill["PKTMASK_S3_SECRET_KEY_FILE"] == ""
        assert "PKTMASK_S3_BUCKET" not in Place(tmp_path, "").environ()


BEFORE = """
import json
from tests.factories import make_capture, make_user
from trimming.models import Capture
"""


@pytest.mark.slow
def test_a_restore_brings_rows_and_objects_back(bucket: Bucket, tmp_path: Path) -> None:
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PKTMASK_", "DJANGO_"))},
        "PKTMASK_DATA_DIR": str(tmp_path / "service"),
        "PKTMASK_S3_BUCKET": bucket.name,
        "PKTMASK_S3_ENDPOINT": bucket.endpoint,
        "PKTMASK_S3_REGION": bucket.region,
        "PKTMASK_S3_ACCESS_KEY": ACCESS_KEY,
        "PKTMASK_S3_SECRET_KEY": SECRET_KEY,
        "PYTHONPATH": str(ROOT),
    }

    def manage(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(code: str) -> Any:
        said = manage("shell", "--no-imports", "-c", f"{BEFORE}{code}")
        return json.loads(said.splitlines()[-1])

    manage("migrate", "--verbosity", "0")
    names = shell(
        "owner = make_user(); made = [make_capture(owner) for _ in range(3)];"
        "print(json.dumps([each.original.name for each in made]))"
    )
    storage = storage_of(bucket)
    before = {name: content(storage, name) for name in names}
    manage("backup", str(tmp_path / "b"))
    lost, changed, _kept = names
    storage.delete(lost)
    storage.save(changed, ContentFile(b"another"))
    said = manage("restore", str(tmp_path / "b"), "--replace")
    assert "3 files." in said
    found = shell("print(json.dumps([each.original.name for each in Capture.objects.all()]))")
    assert sorted(content(storage, name) for name in found) == sorted(before.values())
    assert content(storage, changed) == b"another"
    folder = tmp_path / "service" / "files"
    assert [path for path in folder.rglob("*") if path.is_file()] == []
