"""Compiling everything beforehand: what is compiled, what is kept, what is removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.captures import Conversation, pcap, pcapng_of, request, response
from trimming.engine import formats, warm
from trimming.engine.kernel import CACHE_VARIABLE, cache_name, cache_root

ROOT = Path(__file__).resolve().parents[3]


def test_only_what_was_compiled_of_sources_that_are_no_more_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    present = cache_name(Path(str(formats.__file__)).parent / "kernels")
    kept = {present, "somebody-elses", "fedcba98765432100"}
    for name in (*kept, "0123456789abcdef", "fedcba9876543210"):
        (tmp_path / name / "kernels").mkdir(parents=True)
    warm.remove_old()
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_cache_that_is_not_there_yet_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "nothing"))
    warm.remove_old()
    assert list(tmp_path.iterdir()) == []


def times(folder: Path) -> dict[Path, int]:
    """Return when each file of a cache was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_afterwards_whatever_is_trimmed_nothing_is_left_to_compile(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    if cache_root().is_dir():  # what is compiled already need not be compiled again
        shutil.copytree(cache_root(), cache)
    environ = {**os.environ, CACHE_VARIABLE: str(cache)}
    subprocess.run(
        [sys.executable, "-m", "trimming.engine.warm"], cwd=ROOT, env=environ, check=True
    )
    compiled = times(cache)
    assert compiled
    talk = Conversation()
    talk.handshake()
    talk.client(request("POST", "/form", body=b"hidden"))
    talk.server(response(body=b"hidden" * 200_000))
    talk.fin()
    for name, content in (("in.pcap", pcap(talk.packets)), ("in.pcapng", pcapng_of(talk.packets))):
        (tmp_path / name).write_bytes(content)
        for profile in ("standard", "share_safe"):
            arguments = [name, "out", "--strategy", "scanning", "--profile", profile]
            subprocess.run(
                [sys.executable, str(ROOT / "manage.py"), "trim", *arguments],
                cwd=tmp_path,
                env=environ,
                check=True,
                capture_output=True,
            )
    assert times(cache) == compiled
