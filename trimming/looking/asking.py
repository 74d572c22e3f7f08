"""Having a process look into a capture: files, limits, the process, its answer.

Belongs here: what a look may cost.  It is asked for by a page, so it is done within seconds or not
at all, a few at a time, and nothing of it stays: not the copies, not the answer.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final
from uuid import uuid4

import structlog
from django.db.models.fields.files import FieldFile

from trimming.files import copy_out, private_folder, work_root
from trimming.looking.words import MAX_BYTES, LookedAt, Messages, Trouble, read_answer
from trimming.management.alone import INTERPRET_BELOW_BYTES

log = structlog.get_logger("pktmask.looking")
ROOT: Final = Path(__file__).resolve().parents[2]
COMMAND: Final = (sys.executable, "-m", "trimming.looking.child")
# all that the process gets to know of its surroundings; no secret of the service is among it
SURROUNDINGS: Final = (
    *("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL"),
    *("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH"),
)
# of a file, and of what it holds when it is unpacked: read within seconds
MAX_FILE_BYTES: Final = 2 << 30
SECONDS: Final = 20.0
AT_A_TIME: Final = 2
TURN_SECONDS: Final = 5.0
FOLDER: Final = "look-"
LEFT_AFTER_SECONDS: Final = 600.0
READ_BYTES: Final = 1 << 16

# the kernel ends a process without CPU time left
OUT_OF_TIME: Final = (-signal.SIGXCPU, -signal.SIGKILL)

_turns = BoundedSemaphore(AT_A_TIME)


class Why(StrEnum):
    """Why a look shows nothing."""

    LARGE = "large"
    BUSY = "busy"
    LATE = "late"
    UNREACHED = "unreached"
    DAMAGED = "damaged"
    NO_PACKET = "no-packet"
    TOO_MUCH = "too-much"
    FAILED = "failed"


class LookError(Exception):
    """A look that shows nothing, and why."""

    def __init__(self, why: Why) -> None:
        self.why = why
        super().__init__(why.value)


def look(
    task: Mapping[str, Any],
    files: Mapping[str, FieldFile],
    *,
    command: tuple[str, ...] = COMMAND,
    seconds: float = SECONDS,
) -> Messages | LookedAt:
    """Return what a process of its own found; ``files`` are given it by name.

    Raises LookError.
    """
    with _turn(), _copies(files) as folder:
        whole = {
            **task,
            "folder": str(folder),
            "max_unpacked_bytes": MAX_FILE_BYTES,
            "is_small": _is_small(folder) and not task["is_packed"],
        }
        said = _said(command, whole, folder, seconds)
    try:
        answer = read_answer(said)
    except ValueError:  # it holds payload, so no word of it is told
        log.warning("look_ended_without_an_answer")
        raise LookError(Why.FAILED) from None
    if isinstance(answer, Trouble):
        raise LookError(Why(answer.problem))
    return answer


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=TURN_SECONDS):
        raise LookError(Why.BUSY)
    try:
        yield
    finally:
        _turns.release()


@contextmanager
def _copies(files: Mapping[str, FieldFile]) -> Iterator[Path]:
    """Copy the files into a folder that vanishes."""
    _remove_left()
    with private_folder(f"{FOLDER}{uuid4()}") as folder:
        try:
            for name, file in files.items():
                if file.size > MAX_FILE_BYTES:
                    raise LookError(Why.LARGE)
                copy_out(file, folder / name, lambda done: None)
        except OSError as error:
            log.warning("storage_unreached", error=error.strerror)
            raise LookError(Why.UNREACHED) from None
        yield folder


def _remove_left() -> None:
    """Remove the folders of looks whose process was killed together with ours."""
    before = time.time() - LEFT_AFTER_SECONDS
    for folder in work_root().glob(f"{FOLDER}*"):
        with suppress(FileNotFoundError):  # another look removes it as well
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)


def _is_small(folder: Path) -> bool:
    return all(path.stat().st_size < INTERPRET_BELOW_BYTES for path in folder.iterdir())


def _said(command: tuple[str, ...], task: Mapping[str, Any], folder: Path, seconds: float) -> bytes:
    """Return all that the process says; it is gone then, however it ends."""
    known = {name: os.environ[name] for name in SURROUNDINGS if name in os.environ}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**known, "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what a crash says may quote payload
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(BrokenPipeError), process.stdin as asking:
            asking.write(json.dumps(task).encode())
        said = _heard(process.stdout.fileno(), time.monotonic() + seconds)
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise LookError(Why.LATE) from None
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    if code in OUT_OF_TIME:
        raise LookError(Why.LATE)
    return said


def _heard(reading: int, deadline: float) -> bytes:
    said = bytearray()
    waiting = select.poll()
    waiting.register(reading, select.POLLIN)
    while True:
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise LookError(Why.LATE)
        data = os.read(reading, READ_BYTES)
        if not data:
            return bytes(said)
        said += data
        if len(said) > MAX_BYTES:
            raise LookError(Why.FAILED)
