"""Which files of a folder are tested, and what is said of the others."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from tests.factories import capture_bytes
from trimming.ab_test.captures import choose, shown_name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep" / "down").mkdir(parents=True)
    return tmp_path


def add(folder: Path, name: str, body: str = "") -> Path:
    path = folder / name
    path.write_bytes(capture_bytes(f"a body of {body or name}".encode()))
    return path


def test_captures_are_found_in_all_folders_whatever_their_names(folder: Path) -> None:
    add(folder, "b.pcap")
    add(folder, "deep/down/a.txt")
    (folder / "deep/packed.gz").write_bytes(gzip.compress(capture_bytes(b"packed")))
    choice = choose(folder, 1, seed=1)
    assert [each.path.name for each in choice.captures] == ["b.pcap", "packed.gz", "a.txt"]
    assert choice.captures[0].size_bytes == (folder / "b.pcap").stat().st_size


def test_what_is_no_capture_is_skipped_and_says_why(folder: Path) -> None:
    (folder / "README.md").write_text("# hello")
    (folder / "empty").touch()
    (folder / "gone").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    choice = choose(folder, 1, seed=1)
    assert choice.captures == []
    reasons = dict(choice.skipped)
    assert "starts with the bytes" in reasons["README.md"]
    assert "an empty file" in reasons["empty"]
    assert "No such file" in reasons["gone"]
    assert "a regular file" in reasons["pipe"]


def test_a_capture_that_is_there_twice_is_tested_once(folder: Path) -> None:
    add(folder, "one.pcap", "x")
    add(folder, "deep/two.pcap", "x")
    choice = choose(folder, 1, seed=1)
    assert [each.path.name for each in choice.captures] == ["one.pcap"]
    assert choice.duplicates == [("two.pcap", "one.pcap")]


def test_a_sample_leaves_captures_out_and_a_larger_one_contains_it(folder: Path) -> None:
    for number in range(40):
        add(folder, f"{number}.pcap")
    half, most = choose(folder, 0.5, seed=1), choose(folder, 0.8, seed=1)
    assert 0 < len(half.captures) < len(most.captures) < 40
    assert len(half.captures) + half.left_out == 40
    assert {each.digest for each in half.captures} < {each.digest for each in most.captures}


def test_links_that_lead_in_a_circle_are_not_followed(folder: Path) -> None:
    add(folder, "a.pcap")
    (folder / "deep" / "circle").symlink_to(folder, target_is_directory=True)
    assert len(choose(folder, 1, seed=1).captures) == 1


def test_a_folder_that_is_missing_or_a_file_is_an_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        choose(folder / "missing", 1, seed=1)
    with pytest.raises(NotADirectoryError):
        choose(add(folder, "a.pcap"), 1, seed=1)


def test_what_cannot_be_read_is_skipped_and_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root reads everything, so the refusals of the system are brought about
    add(folder, "a.pcap")
    scan, open_path = os.scandir, Path.open

    def refuse_folder(path: Any) -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    def refuse_file(self: Path, *arguments: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.scandir", refuse_folder)
    monkeypatch.setattr(Path, "open", refuse_file)
    found = choose(folder, 1, seed=1).skipped
    monkeypatch.setattr(Path, "open", open_path)
    assert sorted(found) == [
        ("a.pcap", "cannot be read: Input/output error"),
        ("deep", "cannot be read: Permission denied"),
    ]


def test_a_name_is_always_text_that_can_be_stored() -> None:
    assert shown_name(Path("/secret/place", os.fsdecode(b"caf\xe9.pcap"))) == "caf\ufffd.pcap"
