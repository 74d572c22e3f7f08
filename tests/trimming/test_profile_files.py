"""Profiles from files: what is read, and that a hostile file ends with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from trimming.engine.errors import OptionsError
from trimming.profile_files import MAX_PROFILE_BYTES, load_profile

LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.yaml"


def test_a_profile_is_read_from_a_file_and_named_by_it(file: Path) -> None:
    file.write_text("slice: true\n", encoding="utf-8")
    assert (load_profile(str(file)).name, load_profile(str(file)).slice) == ("own", True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (LAUGHS.encode(), "aliases are not accepted"),
        (b"[" * 50_000 + b"]" * 50_000, "line 1: lists and tables are nested more than 20 deep"),
        (b"a: 2026-99-99\n", "is not YAML"),
        (b"slice: [\n", "line 2: "),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"x: \x00\n", "is not YAML"),
        (b"!!python/object/apply:os.system [id]\n", "line 1: could not determine a constructor"),
        (b"- a\n", "expected a table of settings, found list"),
        (b"#" * (MAX_PROFILE_BYTES + 1), "a profile has at most"),
    ],
    ids=["laughs", "nesting", "no date", "open", "no text", "nul", "python", "list", "too long"],
)
def test_what_is_no_profile_is_refused_with_a_sentence(file: Path, data: bytes, said: str) -> None:
    file.write_bytes(data)
    with pytest.raises(OptionsError) as refused:
        load_profile(str(file))
    assert said in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_file_that_is_not_there_is_said(file: Path) -> None:
    with pytest.raises(OptionsError, match="cannot be read"):
        load_profile(str(file))
