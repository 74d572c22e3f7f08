"""Private copies and files on their way into storage."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage, default_storage

from trimming.files import CHUNK_BYTES, CountedFile, private_folder, work_root

DATA = bytes(range(256)) * 8192  # two chunks


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Any) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"


def test_a_private_folder_begins_empty_and_vanishes_also_after_an_error() -> None:
    def fail() -> None:
        with private_folder("job-1") as folder:
            (folder / "copy").write_bytes(b"x")
            raise ZeroDivisionError

    folder = work_root() / "job-1"
    with pytest.raises(ZeroDivisionError):
        fail()
    assert not folder.exists()
    folder.mkdir()
    (folder / "of a killed attempt").write_bytes(b"x")
    with private_folder("job-1") as folder:
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_on_its_way_is_hashed_and_told_chunk_by_chunk(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(DATA)
    told: list[int] = []
    with CountedFile(tmp_path / "output", told.append) as file:
        name = default_storage.save("outputs/a/1", file)
        assert file.sha256 == hashlib.sha256(DATA).hexdigest()
    assert told == [CHUNK_BYTES, 2 * CHUNK_BYTES]
    assert Path(default_storage.path(name)).read_bytes() == DATA


def test_storage_on_the_same_file_system_takes_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(DATA)
    number = (tmp_path / "output").stat().st_ino
    with CountedFile(tmp_path / "output", lambda done: None) as file:
        name = default_storage.save("outputs/a/3", file)
    assert Path(default_storage.path(name)).stat().st_ino == number
    assert not (tmp_path / "output").exists()


def test_storage_elsewhere_gets_the_file_chunk_by_chunk(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(DATA)
    with CountedFile(tmp_path / "output", lambda done: None) as file:
        storage = InMemoryStorage()
        name = storage.save("outputs/a/4", file)
        assert file.sha256 == hashlib.sha256(DATA).hexdigest()
    with storage.open(name) as kept:
        assert kept.read() == DATA


def test_stored_files_are_for_this_user_only(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(DATA)
    with CountedFile(tmp_path / "output", lambda done: None) as file:
        path = Path(default_storage.path(default_storage.save("outputs/a/2", file)))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
