"""A backup that is not whole is refused before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pktmask_site.recovery import restoring
from pktmask_site.recovery.manifest import FINISHED, MANIFEST, BackupError, mark_of
from pktmask_site.recovery.reading import open_backup
from pktmask_site.recovery.tables import known_migrations
from tests.pktmask_site.recovery.conftest import NOW, back_up, listing
from trimming.models import TrimJob

EXAMPLES = 60
MANY = 5_000


@pytest.fixture
def backup(tmp_path: Path, running_job: TrimJob) -> Path:
    back_up(tmp_path / "b")
    # members are second names of stored files, and tests change them
    for path in (tmp_path / "b" / "files").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    return tmp_path / "b"


def refusal(backup: Path, data_dir: Path) -> str:
    """Return why a restore is refused; nothing may have been touched."""
    before = listing(data_dir)
    with pytest.raises(BackupError) as error:
        restoring.restore(backup, NOW, replaces=True)
    assert listing(data_dir) == before
    return str(error.value)


@pytest.mark.parametrize("examples", [EXAMPLES, pytest.param(MANY, marks=pytest.mark.long)])
def test_any_damage_anywhere_is_refused_and_nothing_is_touched(
    backup: Path, data_dir: Path, examples: int
) -> None:
    paths = sorted(path for path in backup.rglob("*") if path.is_file())

    @settings(max_examples=examples)
    @given(st.data())
    def damaged(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(paths))
        whole = path.read_bytes()
        place = data.draw(st.integers(0, max(len(whole) - 1, 0)))
        how = data.draw(st.sampled_from(["flip", "cut", "longer", "missing"]))
        if how == "flip" and whole:
            bit = 1 << data.draw(st.integers(0, 7))
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        elif how == "cut" and whole:
            path.write_bytes(whole[:place])
        elif how == "longer":
            path.write_bytes(whole + b"\0")
        else:
            path.unlink()
        try:
            assert refusal(backup, data_dir)
        finally:
            path.write_bytes(whole)

    damaged()
    assert open_backup(backup, known_migrations())


def test_each_missing_member_is_refused(backup: Path, data_dir: Path) -> None:
    for path in [path for path in backup.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        path.unlink()
        assert str(path.relative_to(backup)) in refusal(backup, data_dir)
        path.write_bytes(whole)


def test_what_does_not_belong_to_it_is_refused(backup: Path, data_dir: Path) -> None:
    (backup / "files" / "more").write_bytes(b"")
    assert "files/more does not belong" in refusal(backup, data_dir)


def test_a_member_that_leads_elsewhere_is_refused(backup: Path, data_dir: Path) -> None:
    path = next(path for path in (backup / "files").rglob("*") if path.is_file())
    path.rename(backup.parent / "elsewhere")
    path.symlink_to(backup.parent / "elsewhere")
    assert "is damaged" in refusal(backup, data_dir)


def test_a_newer_backup_is_refused(backup: Path, data_dir: Path) -> None:
    content = (backup / MANIFEST).read_bytes().replace(b"0001_initial", b"9001_initial", 1)
    (backup / MANIFEST).write_bytes(content)
    (backup / FINISHED).write_bytes(mark_of(content))
    assert "made by a newer version" in refusal(backup, data_dir)


def test_a_folder_that_is_no_backup_is_refused(tmp_path: Path, data_dir: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "was not finished" in refusal(tmp_path / "empty", data_dir)
    assert "is no folder" in refusal(tmp_path / "nowhere", data_dir)
