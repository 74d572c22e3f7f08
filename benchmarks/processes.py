"""Running a command and measuring what it takes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process took, its children included where they were waited for."""

    exit_code: int
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    output: str


def run_measured(command: Sequence[str], folder: Path) -> Usage:
    """Run ``command`` in ``folder``, its errors going to ours, and return what it took.

    The kernel counts the memory of the process that starts a command as if it were the command's
    own until the new program is loaded, so the caller must be small: it should not import NumPy.

    Raises:
        OSError: the command cannot be started.
    """
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output)
        _, status, resources = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Usage(
        exit_code=process.returncode,
        wall_seconds=wall_seconds,
        cpu_seconds=resources.ru_utime + resources.ru_stime,
        peak_rss_bytes=resources.ru_maxrss * _MAX_RSS_UNIT_BYTES,
        output=text,
    )


# getrusage(2): kilobytes on Linux, bytes on macOS.
_MAX_RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024
