"""What a stretch of work takes of this process: wall time, CPU time, and memory at its peak."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # proc_pid_clear_refs(5)


class Meter:
    """A clock in seconds that notes, whenever it is read, what was taken between first and last.

    The engine reads its clock before it reads a capture and after it has written the output, so
    neither imports nor verification count.
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last = (0.0, 0.0)
        self.start_memory_bytes = 0
        self.peak_memory_bytes = 0

    def __call__(self) -> float:
        """Return the time in seconds."""
        self._last = (time.perf_counter(), time.process_time())
        peak = peak_memory_bytes()
        if self._first is None:
            self._first, self.start_memory_bytes = self._last, peak
        self.peak_memory_bytes = peak
        return self._last[0]

    @property
    def seconds(self) -> float:
        """Wall time between the first and the last look."""
        return self._last[0] - self._first[0] if self._first else 0.0

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all threads between the first and the last look."""
        return self._last[1] - self._first[1] if self._first else 0.0


def forget_peak() -> None:
    """Let the peak begin at what is in use now, where the system allows it."""
    with suppress(OSError):
        CLEAR_REFS.write_text(RESET_PEAK)


def peak_memory_bytes() -> int:
    """Return the largest resident size that this process has had.

    getrusage(2) counts, on Linux, the size of whoever started the process in, and cannot forget.
    """
    with suppress(OSError):
        for line in STATUS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.split()[0]) * 1024
    # Linux counts in KiB, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
