"""Whatever ends a restore while it puts things in place, the next start finishes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pktmask_site.recovery import switching
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.places import Place, in_schema
from tests.pktmask_site.recovery.conftest import listing


class KilledError(BaseException):
    """The process ends here."""


def make(data_dir: Path) -> Place:
    (data_dir / "files" / "old").write_text("old")
    (data_dir / "pktmask.sqlite3").write_text("old")
    (data_dir / "pktmask.sqlite3-wal").write_text("old")
    place = Place(data_dir / "restoring", "")
    (place.folder / "files").mkdir(parents=True)
    (place.folder / "files" / "new").write_text("new")
    (place.folder / "pktmask.sqlite3").write_text("new")
    return place


def assert_switched(data_dir: Path) -> None:
    found = {name: text for name, text in listing(data_dir).items() if text is not None}
    assert found == {
        "files/new": b"new",
        "pktmask.sqlite3": b"new",
        "aside/files/old": b"old",
        "aside/pktmask.sqlite3": b"old",
        "aside/pktmask.sqlite3-wal": b"old",
    }


def test_what_was_built_takes_the_place_of_what_is_kept_aside(data_dir: Path) -> None:
    switching.switch(data_dir, make(data_dir), "aside", was_empty=False)
    assert_switched(data_dir)
    assert not switching.finish(data_dir)


@pytest.mark.parametrize("renames", range(6))
def test_a_restore_that_is_killed_at_any_rename_is_finished(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    place = make(data_dir)
    rename, left = Path.rename, [renames]

    def killed(path: Path, target: Path) -> Path:
        if not left[0]:
            raise KilledError
        left[0] -= 1
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        try:
            switching.switch(data_dir, place, "aside", was_empty=False)
        except KilledError:
            assert renames < 5
    assert switching.finish(data_dir) == (renames < 5)
    assert_switched(data_dir)


def test_an_empty_database_is_not_kept(data_dir: Path) -> None:
    place = make(data_dir)
    (data_dir / "files" / "old").unlink()
    switching.switch(data_dir, place, "aside", was_empty=True)
    assert (data_dir / "pktmask.sqlite3").read_text() == "new"
    assert list((data_dir / "aside").iterdir()) == []


def test_a_journal_that_cannot_be_read_stops_everything(data_dir: Path) -> None:
    (data_dir / switching.JOURNAL).write_text("{")
    with pytest.raises(BackupError, match="look at the folder"):
        switching.finish(data_dir)


def test_the_address_of_a_schema_keeps_what_it_had() -> None:
    assert in_schema("postgresql://u:p%40@h:1/n", "s") == (
        "postgresql://u:p%40@h:1/n?options=-c%20search_path%3Ds"
    )
    assert in_schema("postgresql://h/n?sslmode=require&options=-c%20a%3D1", "s") == (
        "postgresql://h/n?sslmode=require&options=-c%20a%3D1%20-c%20search_path%3Ds"
    )
