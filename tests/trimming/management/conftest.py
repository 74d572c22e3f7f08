"""Runs the command as ``manage.py`` does, in this process; and a file system that is too small."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import execute_from_command_line

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Finished]


def _command(name: str, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> Finished:
        code = 0
        try:
            execute_from_command_line(["manage.py", name, *map(str, arguments)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return run


@pytest.fixture
def trim(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs ``manage.py trim`` with its arguments."""
    return _command("trim", capsys)


@pytest.fixture
def compare(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs ``manage.py compare`` with its arguments."""
    return _command("compare", capsys)


def in_own_process(*arguments: object, **environ: str) -> Finished:
    """Run ``manage.py`` in a process of its own."""
    run = subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=ROOT,
        env={**without_settings(), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return Finished(run.returncode, run.stdout, run.stderr)


def imported_by(*arguments: object, looked_for: Sequence[str], **environ: str) -> list[str]:
    """Return which of the modules ``looked_for`` a run of ``manage.py`` imports."""
    code = (
        "import contextlib, io, manage, sys\n"
        f"sys.argv = {['manage.py', *map(str, arguments)]!r}\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    manage.main()\n"
        f"print(*(name for name in {list(looked_for)!r} if name in sys.modules))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**without_settings(), **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.split()


def without_settings() -> dict[str, str]:
    """Return the environment of somebody who has not chosen any settings."""
    return {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a file system of 64 KiB; skips where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
