"""What a system lacks is told; what it has, it does."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trimming.apart import confinement
from trimming.apart.process import Tell, Values, apart
from trimming.conf import worker_settings
from trimming.engine.errors import EngineError

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="readers are apart on Linux"),
    pytest.mark.no_cover,
]
KINDS = (confinement.seccomp, confinement.landlock)
done = partial(apart, tell=lambda *_: None, silence_seconds=120.0)


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    yield
    for asked in KINDS:
        asked.cache_clear()


def lack(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let bindings be missing."""
    real = confinement._imported
    monkeypatch.setattr(
        confinement, "_imported", lambda name: None if name in names else real(name)
    )
    confinement.seccomp.cache_clear()
    confinement.landlock.cache_clear()


def what_is_refused(tell: Tell) -> Values:
    """Try a socket and a file of others."""
    found = []
    for name, attempt in (
        ("socket", lambda: socket.socket().close()),
        ("file", lambda: os.listdir("/proc/1")),
    ):
        try:
            attempt()
        except OSError:
            found.append(name)
    return {"refused": found}


@pytest.mark.skipif(bool(confinement.lacking()), reason="needs libseccomp and Landlock")
@pytest.mark.parametrize(
    ("missing", "refused"),
    [
        ((), ["socket", "file"]),
        (("landlock",), ["socket"]),
        (("pyseccomp",), ["file"]),
        (("landlock", "pyseccomp"), []),
    ],
)
def test_where_a_system_lacks_one_of_the_two_the_other_one_holds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: tuple[str, ...], refused: list[str]
) -> None:
    lack(monkeypatch, *missing)
    assert len(confinement.lacking()) == len(missing)
    assert done(what_is_refused, folder=tmp_path) == {"refused": refused}


@pytest.mark.skipif(bool(confinement.lacking()), reason="needs libseccomp and Landlock")
def test_a_reader_writes_its_folder_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()

    def work(tell: Tell) -> Values:
        (tmp_path / "mine" / "a").write_bytes(b"a")
        (tmp_path / "mine" / "a").rename(tmp_path / "mine" / "b")
        (tmp_path / "mine" / "c").write_bytes(b"c")
        (tmp_path / "mine" / "c").unlink()
        try:
            (tmp_path / "other").write_bytes(b"a")
        except PermissionError:
            return {"refused": True}
        return {"refused": False}

    assert done(work, folder=tmp_path / "mine") == {"refused": True}
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["b"]


def test_a_reader_writes_no_file_that_is_larger_than_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits = worker_settings().model_copy(update={"file_bytes": 1000})
    monkeypatch.setattr("trimming.worker_limits.worker_settings", lambda: limits)

    def work(tell: Tell) -> Values:
        with (tmp_path / "output").open("wb", buffering=0) as file:
            file.write(bytes(1000))
            file.write(b"x")
        return {}

    with pytest.raises(OSError, match="File too large"):
        done(work, folder=tmp_path)
    assert (tmp_path / "output").stat().st_size == 1000


def test_what_was_open_before_is_open_no_more(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()

    def work(tell: Tell) -> Values:
        os.write(theirs.fileno(), b"from a reader")
        return {}

    with ours, theirs:
        done(work, folder=tmp_path)
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(1)


@pytest.mark.skipif(confinement.seccomp() is None, reason="needs libseccomp")
def test_a_system_that_refuses_to_confine_fails_the_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse() -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(confinement, "_no_network", refuse)
    with pytest.raises(EngineError, match="The system did not confine the reader: Operation not"):
        done(what_is_refused, folder=tmp_path)


def test_a_kernel_without_landlock_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> int:
        raise OSError(errno.ENOSYS, "no")

    found: Any = SimpleNamespace(landlock_abi_version=version)
    monkeypatch.setattr(confinement, "_imported", lambda name: found)
    confinement.landlock.cache_clear()
    assert confinement.landlock() is None


def test_other_systems_than_linux_have_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    confinement.seccomp.cache_clear()
    confinement.landlock.cache_clear()
    assert confinement.lacking() == ("seccomp (libseccomp)", "Landlock")


def test_a_binding_without_its_library_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise RuntimeError("Unable to find libseccomp")

    monkeypatch.setattr(confinement, "import_module", missing)
    confinement.seccomp.cache_clear()
    assert confinement.seccomp() is None
