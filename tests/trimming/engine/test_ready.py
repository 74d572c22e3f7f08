"""Telling whether every kernel is compiled, without loading Numba."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trimming.engine import ready
from trimming.engine.kernel import CACHE_VARIABLE
from trimming.engine.ready import MARK, is_ready, kernel_folders, mark_ready


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled kernels would lie."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    return tmp_path


def test_what_was_compiled_is_known_until_a_source_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not is_ready()
    mark_ready()
    assert is_ready()
    monkeypatch.setattr(ready, "cache_name", lambda folder: "another source")
    assert not is_ready()


def test_what_was_compiled_for_another_processor_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark_ready()
    other = tmp_path / "cpuinfo"
    other.write_text("processor : 0\nflags : fpu sse\nprocessor : 1\nflags : fpu sse\n")
    monkeypatch.setattr(ready, "CPU", other)
    assert not is_ready()
    mark_ready()
    assert is_ready()
    monkeypatch.setattr(ready, "CPU", tmp_path / "none")
    assert not is_ready()


def test_a_mark_that_cannot_be_read_is_none(cache: Path) -> None:
    (cache / MARK).write_bytes(b"\xff\xfe")
    assert not is_ready()


def test_looking_loads_neither_numba_nor_numpy() -> None:
    code = (
        "import sys; from trimming.engine.ready import is_ready; is_ready();"
        "print([each for each in ('numba', 'numpy', 'scapy') if each in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_every_folder_of_kernels_counts() -> None:
    assert {path.name for path in kernel_folders()} == {"kernels"}
    assert len(kernel_folders()) >= 3
