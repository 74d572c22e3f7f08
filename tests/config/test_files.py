"""The files of an environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.files import MAIN, read_file, read_files, signature
from config.layers import ConfigurationError, Given


def wrong(folder: Path, *, needed: bool = False) -> list[str]:
    with pytest.raises(ConfigurationError) as found:
        read_files(folder, needed=needed)
    return [str(problem) for problem in found.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conf.d").mkdir()
    return tmp_path


def test_without_files_nothing_is_given(tmp_path: Path) -> None:
    assert read_files(tmp_path / "none", needed=False) == {}


def test_a_file_that_is_needed_is_missed_by_its_name(folder: Path) -> None:
    assert wrong(folder, needed=True) == [
        f"{folder / MAIN}: the file is missing; put it back, or one that holds {{}} for no "
        "settings at all."
    ]


def test_files_of_conf_d_win_over_the_main_one_in_the_order_of_their_names(folder: Path) -> None:
    (folder / MAIN).write_text("a:\n  x: 1\n  y: 1\n  z: 1\n")
    (folder / "conf.d" / "20.yaml").write_text("a:\n  z: 20\nb:\n  w: 2\n")
    (folder / "conf.d" / "10.yaml").write_text("a:\n  y: 10\n  z: 10\n")
    assert read_files(folder, needed=True) == {
        "a": {
            "x": Given(1, f"{MAIN}, line 2"),
            "y": Given(10, "conf.d/10.yaml, line 2"),
            "z": Given(20, "conf.d/20.yaml, line 2"),
        },
        "b": {"w": Given(2, "conf.d/20.yaml, line 4")},
    }


def test_drafts_of_editors_and_other_files_are_left_alone(folder: Path) -> None:
    for name in (".10.yaml", "10.yaml~", "10.yml.swp", "notes.txt"):
        (folder / "conf.d" / name).write_text("no: yaml: at all")
    (folder / "conf.d" / "folder.yaml").mkdir()
    assert read_files(folder, needed=False) == {}


def test_the_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    (folder / MAIN).write_text("a: 1\n")
    (folder / "conf.d" / "10.yaml").write_text("")
    assert [sentence.partition(":")[0] for sentence in wrong(folder)] == [
        f"{MAIN}, line 1",
        "conf.d/10.yaml",
    ]


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^a\.yaml: cannot be read: No such file"):
        read_file(tmp_path / "none", "a.yaml")


def test_of_a_file_of_100_megabytes_only_the_start_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(ConfigurationError, match=r"large\.yaml: the file is larger than 262,144"):
        read_file(path, path.name)


def test_the_signature_changes_with_every_write_and_every_replacement(folder: Path) -> None:
    path = folder / MAIN
    seen = {signature(folder)}
    path.write_text("a: {}\n")
    seen.add(signature(folder))
    (folder / "new").write_text("b: {}\n")
    (folder / "new").replace(path)
    seen.add(signature(folder))
    os.utime(path, ns=(1, 1))
    seen.add(signature(folder))
    (folder / "conf.d" / "10.yaml").write_text("a: {}\n")
    seen.add(signature(folder))
    path.unlink()
    seen.add(signature(folder))
    assert len(seen) == 6
