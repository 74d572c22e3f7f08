"""Strategies that strain a worker, each in its own way, and one that tells what its limits are."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import resource
import signal
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from trimming.engine.formats.capture import CaptureFile
from trimming.engine.kernel import cache_root
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy


class _Straining:
    name, version = "straining", "1"

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Any) -> None:
        """Take everything."""
        self.strain(capture)

    def strain(self, capture: CaptureFile) -> None:
        """Take more than there is."""
        raise NotImplementedError


class Grasping(_Straining):
    """Wants more memory at once than any worker may use."""

    def strain(self, capture: CaptureFile) -> None:
        bytearray(1 << 45)


class Hoarding(_Straining):
    """Takes all the memory that there is, in small pieces."""

    def strain(self, capture: CaptureFile) -> None:
        kept = []
        while True:
            kept.append(bytes(200))


class Opening(_Straining):
    """Opens files until it may not."""

    def strain(self, capture: CaptureFile) -> None:
        kept = []
        while True:
            kept.append(capture.path.open("rb"))


class Spinning(_Straining):
    """Never ends, and takes whatever is raised for a packet that cannot be read."""

    def strain(self, capture: CaptureFile) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:
                continue


class SpinningNatively(_Straining):
    """Never comes back to Python."""

    def strain(self, capture: CaptureFile) -> None:
        deque(itertools.repeat(0), maxlen=0)


class Calling(_Straining):
    """Wants to speak to another machine."""

    def strain(self, capture: CaptureFile) -> None:
        socket.create_connection(("127.0.0.1", 9), timeout=1)


class Prying(LegacyStrategy):
    """Tries all that a reader may not do, tells what was let through, and does its work."""

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """Pry, then walk the capture."""
        folder = capture.path.parent
        tries: dict[str, Callable[[], object]] = {
            "a socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "a socket of this machine": lambda: socket.socket(socket.AF_UNIX),
            "an inherited connection": lambda: _spoken_to(),
            "another program": lambda: os.execv("/bin/true", ["true"]),
            "another process": lambda: _left(os.fork()),
            "a signal to the parent": lambda: os.kill(os.getppid(), 0),
            "the memory of the parent": lambda: open(f"/proc/{os.getppid()}/mem", "r+b"),  # noqa: SIM115 - refused
            "the environment of the parent": lambda: open(f"/proc/{os.getppid()}/environ", "rb"),  # noqa: SIM115 - see above
            "a file beside its folder": lambda: os.listdir(folder.parent),
            "a file beside its folder to write": lambda: (folder.parent / "x").write_bytes(b""),
            "a link": lambda: os.symlink("/etc/passwd", folder / "link"),
            "a kernel": lambda: (cache_root() / "planted").write_bytes(b""),
        }
        for name, attempt in tries.items():
            try:
                attempt()
            except OSError:
                continue
            tally.warn(f"let through: {name}")
        super().plan(capture, plan, tally, progress)


def _spoken_to() -> None:
    """Raise OSError unless a connection, a second pipe or a database is open."""
    kinds = [os.readlink(f"/proc/self/fd/{number}") for number in _descriptors()]
    pipes = [kind for kind in kinds if kind.startswith("pipe:")]
    if len(pipes) < 2 and not any("socket:" in kind or "sqlite" in kind for kind in kinds):
        raise OSError


def _descriptors() -> list[int]:
    return [number for number in range(3, 64) if os.path.lexists(f"/proc/self/fd/{number}")]


def _left(child: int) -> None:
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


class Crashing(_Straining):
    """Ends its process as broken native code does."""

    def strain(self, capture: CaptureFile) -> None:
        ctypes.string_at(0)


class Killing(_Straining):
    """Is killed, as by a system out of memory."""

    def strain(self, capture: CaptureFile) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Telling(LegacyStrategy):
    """Tells its limits in a warning of its report, and does its work."""

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """Tell, then walk the capture."""
        memory, files, cpu = (
            resource.getrlimit(which)[0]
            for which in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU)
        )
        used = resource.getrusage(resource.RUSAGE_SELF)
        tally.warn(json.dumps((memory, files, cpu - used.ru_utime - used.ru_stime)))
        super().plan(capture, plan, tally, progress)
