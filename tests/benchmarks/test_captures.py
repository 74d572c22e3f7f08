import os
from pathlib import Path

import pytest

from benchmarks.captures import Recipe, make_captures, warm

WEB = Recipe("web", 2_000, 1)
CONNECTIONS = Recipe("single-packet", 20, 1)


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests not wait for what others write to the disk."""
    monkeypatch.setattr(os, "sync", lambda: None)


def test_captures_are_made_with_their_expected_forms(tmp_path: Path) -> None:
    make_captures([WEB, CONNECTIONS], tmp_path)
    for recipe in (WEB, CONNECTIONS):
        size_bytes = recipe.capture(tmp_path).stat().st_size
        assert size_bytes == recipe.expected(tmp_path).stat().st_size > 1_000
        assert not recipe.output(tmp_path).exists()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_capture_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    WEB.capture(tmp_path).write_bytes(b"kept")
    make_captures([WEB], tmp_path)
    assert WEB.capture(tmp_path).read_bytes() == b"kept"


def test_the_size_of_many_connections_is_known_roughly(tmp_path: Path) -> None:
    recipe = Recipe("single-packet", 2_000, 1)
    make_captures([recipe], tmp_path)
    assert recipe.about_bytes == pytest.approx(recipe.capture(tmp_path).stat().st_size, rel=0.1)


def test_warming_reads_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    warm([path])
    assert path.read_bytes() == b"bytes"
