"""What one worker process may use of the machine; the kernel of the system keeps to it.

Set when a worker starts, and again before each job, so that changed settings count.  Only soft
limits are set: a process may raise those again.
"""

from __future__ import annotations

import resource
import signal
import sys
from typing import Any, Final, NoReturn

from trimming.conf import worker_settings

# a kernel that does not come back to Python in this time cannot be told; it is ended
GRACE_SECONDS: Final = 30
WORD: Final = sys.maxsize


class CpuTimeError(Exception):
    """The attempt used more CPU time than it may."""


def limit_worker() -> None:
    """Limit the memory and the open files of this process."""
    limits = worker_settings()
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)


def limit_job() -> None:
    """Limit this process anew, and the CPU time of what it does next."""
    limit_worker()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime + worker_settings().cpu_seconds
    signal.signal(signal.SIGXCPU, _stop)
    _limit(resource.RLIMIT_CPU, int(seconds) + 1)


def _limit(which: int, soft: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(which, (soft, hard))


def _stop(*_: Any) -> NoReturn:
    # a second signal in the next second would cut off how the job is ended
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    raise CpuTimeError
