"""Strategies that strain a worker, each in its own way, and one that tells what its limits are."""

from __future__ import annotations

import itertools
import resource
from collections import deque
from collections.abc import Callable
from typing import Any

from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy

# limits that Telling saw: of memory, of open files, and the CPU time that was left
SEEN: list[tuple[int, int, float]] = []


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


class Telling(LegacyStrategy):
    """Tells its limits, and does its work."""

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
        SEEN.append((memory, files, cpu - used.ru_utime - used.ru_stime))
        super().plan(capture, plan, tally, progress)
