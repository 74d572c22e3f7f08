"""Backups hold one state of the database, and the files that it names."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from django.db import connection

from config.files import MAIN
from pktmask_site.recovery import stored_files, tables, writing
from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.reading import open_backup
from tests.factories import make_capture, make_user
from tests.pktmask_site.recovery.conftest import back_up, listing
from trimming.models import Capture, TrimJob, TrimRun
from trimming.retention import delete_original

pytestmark = pytest.mark.django_db


def test_a_backup_is_whole_and_holds_every_row(tmp_path: Path, running_job: TrimJob) -> None:
    found = back_up(tmp_path / "b")
    assert open_backup(tmp_path / "b", tables.known_migrations()).manifest == found
    with connection.cursor() as cursor:
        for member in found.tables:
            cursor.execute(f"SELECT count(*) FROM {tables.table_of(member)}")
            assert cursor.fetchone()[0] == member.rows
    assert found.rows > 100
    assert not found.faults


def test_what_is_made_anew_is_left_out(tmp_path: Path, db: None) -> None:
    names = {tables.table_of(member) for member in back_up(tmp_path / "b").tables}
    there = set(connection.introspection.table_names())
    assert {name for name in there - names if not name.startswith("django_q")} == tables.LEFT_OUT


@pytest.mark.parametrize(
    ("choice", "folders"),
    [
        (FilesChoice.NONE, set()),
        (FilesChoice.ORIGINALS, {"originals"}),
        (FilesChoice.OUTPUTS, {"outputs"}),
        (FilesChoice.ALL, {"originals", "outputs"}),
    ],
)
def test_files_are_held_by_choice(
    tmp_path: Path, data_dir: Path, running_job: TrimJob, choice: FilesChoice, folders: set[str]
) -> None:
    name = f"outputs/{running_job.pk}/1"
    (data_dir / "files" / name).parent.mkdir(parents=True)
    (data_dir / "files" / name).write_bytes(b"result")
    TrimRun.objects.update(output=name, output_bytes=6)
    found = back_up(tmp_path / "b", choice)
    assert {member.path.split("/")[1] for member in found.files} == folders
    assert not found.faults


def test_a_stored_file_gets_a_second_name_and_outlives_its_deletion(
    tmp_path: Path, data_dir: Path
) -> None:
    capture = make_capture(make_user())
    stored = data_dir / "files" / str(capture.original.name)
    content = stored.read_bytes()
    back_up(tmp_path / "b")
    held = tmp_path / "b" / "files" / str(capture.original.name)
    assert held.stat().st_ino == stored.stat().st_ino
    stored.unlink()
    assert held.read_bytes() == content


def test_on_another_file_system_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_capture(make_user())

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    (member,) = back_up(tmp_path / "b").files
    assert (tmp_path / "b" / member.path).stat().st_nlink == 1


def test_a_file_that_somebody_deletes_meanwhile_is_named_and_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    capture = make_capture(make_user())
    name = str(capture.original.name)
    take = stored_files.take

    def delete_first(*arguments: object) -> object:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture
            delete_original(capture)
        return take(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(writing, "take", delete_first)
    found = back_up(tmp_path / "b")
    assert (found.gone, found.files, found.faults) == ((name,), (), ())


def test_a_file_that_is_missing_is_a_fault_and_the_rest_is_backed_up(
    tmp_path: Path, data_dir: Path
) -> None:
    lost, kept = make_capture(make_user()), make_capture(make_user())
    (data_dir / "files" / str(lost.original.name)).unlink()
    found = back_up(tmp_path / "b")
    assert found.faults == (f"{lost.original.name} is missing, and its row names it.",)
    assert [member.path for member in found.files] == [f"files/{kept.original.name}"]


def test_a_file_that_is_not_what_its_row_says_is_a_fault(tmp_path: Path, data_dir: Path) -> None:
    capture = make_capture(make_user())
    (data_dir / "files" / str(capture.original.name)).write_bytes(b"something else")
    assert back_up(tmp_path / "b").faults == (f"{capture.original.name} is not what its row says.",)


def test_a_capture_that_is_being_deleted_is_left_out(tmp_path: Path) -> None:
    capture = make_capture(make_user())
    Capture.objects.filter(pk=capture.pk).update(original_deleted_at=capture.uploaded_at)
    found = back_up(tmp_path / "b")
    assert (found.files, found.gone) == ((), ())


def test_files_of_settings_are_held(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "local"
    (folder / "conf.d").mkdir(parents=True)
    (folder / MAIN).write_text("{}")
    (folder / "conf.d" / "10.yaml").write_text("{}")
    found = back_up(tmp_path / "b")
    assert [each.path for each in found.config] == [f"config/{MAIN}", "config/conf.d/10.yaml"]


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    before = listing(tmp_path)
    with pytest.raises(BackupError, match="is there already"):
        back_up(tmp_path / "b")
    assert listing(tmp_path) == before


def test_of_a_backup_that_cannot_be_written_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tables, "dump", full)
    with pytest.raises(BackupError, match="No space left on device"):
        back_up(tmp_path / "backups" / "b")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_database_that_is_not_up_to_date_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "known_migrations", lambda: [("trimming", "9999_more")])
    with pytest.raises(BackupError, match=r"trimming.9999_more is missing"):
        back_up(tmp_path / "b")


def test_a_backup_is_for_this_user_only(tmp_path: Path, running_job: TrimJob) -> None:
    back_up(tmp_path / "b")
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0
