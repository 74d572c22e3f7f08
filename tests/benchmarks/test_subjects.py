import shutil
from pathlib import Path

import pytest

from benchmarks.processes import run_measured
from benchmarks.subjects import SUBJECTS, absences, variants_of

_VARIANTS = [variant for variants in SUBJECTS.values() for variant in variants]


def test_no_two_variants_have_one_label() -> None:
    labels = [variant.label for variant in _VARIANTS]
    assert len(set(labels)) == len(labels)


def test_places_are_filled_in() -> None:
    [cp, _] = SUBJECTS["cp"]
    assert cp.arguments(Path("a"), Path("b")) == ["cp", "a", "b"]


def test_a_peer_that_waits_for_the_disk_copies_as_well(tmp_path: Path) -> None:
    (tmp_path / "in put").write_bytes(b"capture")
    [_, synced] = SUBJECTS["cp"]
    usage = run_measured(synced.arguments(tmp_path / "in put", tmp_path / "output"), tmp_path)
    assert usage.exit_code == 0
    assert (tmp_path / "output").read_bytes() == b"capture"


def test_what_is_not_on_the_machine_is_left_out_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "editcap" else f"/{name}")
    assert [variant.label for variant in variants_of(["editcap", "cp"])] == ["cp", "cp + sync"]
    assert absences(["editcap", "cp"]) == [
        "editcap is left out: editcap not on this machine",
        "editcap + sync is left out: editcap not on this machine",
    ]
