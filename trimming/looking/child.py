"""``python -m trimming.looking.child``: one look into a capture, in a process of its own.

Reads one task as JSON from standard input and writes one answer as JSON to standard output.  It
starts no Django, knows no secret of the service, and is confined as every reader is (ADR 22).
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from trimming.apart.confinement import confine
from trimming.engine.errors import InputError
from trimming.engine.kernel import interpret
from trimming.engine.options import TrimOptions, profile_from_mapping

MEMORY_BYTES: Final = 2 << 30
CPU_SECONDS: Final = 20
NICENESS: Final = 5
PR_SET_PDEATHSIG: Final = 1
SMALL_BODY_BYTES: Final = 1 << 12

Task = Mapping[str, Any]


def main() -> None:
    """Do the task, whatever comes of it."""
    _limit()
    answer = do(json.load(sys.stdin), confine)
    sys.stdout.write(json.dumps(answer))


def do(task: Task, confined: Callable[[Path, frozenset[int]], None]) -> dict[str, Any]:
    """Return the answer to a task: a part of ``words``."""
    folder = Path(task["folder"])
    try:
        if task["is_small"]:
            interpret()
        _load(folder, task["is_small"])
        confined(folder, frozenset())
        return LOOKS[task["look"]](folder, task)
    except Exception as error:  # whoever made the capture chose how it fails
        return {"problem": _problem(error)}


def _limit() -> None:
    """Bound memory and time, step behind who serves pages, and end with the process that asks."""
    for which, most in (("RLIMIT_AS", MEMORY_BYTES), ("RLIMIT_CPU", CPU_SECONDS)):
        with suppress(AttributeError, ValueError, OSError):  # not every system has each
            resource.setrlimit(getattr(resource, which), (most, most))
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    die_with_parent()


def die_with_parent() -> None:
    """Have the kernel end this process with the thread that waits for it, where it can."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _load(folder: Path, is_small: bool) -> None:
    """Load all that is needed, with kernels while the compiler's cache can be reached."""
    from trimming.engine.warm import sample_captures
    from trimming.looking.reading import messages

    sample = folder / "sample"
    # what is interpreted has no kernels that a large body would lead to
    for content in sample_captures(SMALL_BODY_BYTES) if is_small else sample_captures():
        sample.write_bytes(content)
        messages(sample, TrimOptions(), 1, 1)
    sample.unlink()


def _messages(folder: Path, task: Task) -> dict[str, Any]:
    from trimming.looking.reading import messages

    return messages(folder / "result", _options(task), task["packet"], task["most"])


def _packet(folder: Path, task: Task) -> dict[str, Any]:
    from trimming.looking.reading import packet

    result = folder / "result"
    return packet(
        folder / "original",
        result if result.exists() else None,
        _options(task),
        task["packet"],
        task["start"],
        task["most"],
    )


LOOKS: Final[Mapping[str, Callable[[Path, Task], dict[str, Any]]]] = {
    "messages": _messages,
    "packet": _packet,
}


def _options(task: Task) -> TrimOptions:
    options = profile_from_mapping(task["profile"], "profile")
    limits = replace(options.limits, max_unpacked_bytes=task["max_unpacked_bytes"])
    return replace(options, limits=limits)


def _problem(error: Exception) -> str:
    from trimming.looking.reading import NoSuchPacketError

    match error:
        case NoSuchPacketError():
            return "no-packet"
        case InputError():
            return "damaged"
        case MemoryError():
            return "too-much"
        case _:
            return "failed"


if __name__ == "__main__":
    main()
