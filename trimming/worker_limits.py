"""What one worker process may use of the machine; the kernel of the system keeps to it.

Set when a worker starts, and again before each job, so that changed settings count.  Only soft
limits are set: a process may raise those again.  A limit that the system does not know - macOS
refuses that of memory - is left out.

A job that is out of CPU time is told first, and may say why it ended.  Native code that does not
come back to Python cannot be told: its process is ended by the system.  Where that is a reader
(``apart``), its worker says why; where it is the worker itself, the job counts as lost.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn

from trimming.conf import worker_settings
from trimming.engine.errors import EngineError

# not every system has it
_MEMORY: Final[int | None] = getattr(resource, "RLIMIT_AS", None)
# CPU time between telling a job that it is out of it and ending its worker
GRACE_SECONDS: Final = 30
# of 19: on a machine that is busy with jobs, a page answers and a rollback commits all the same
NICENESS: Final = 5
# what the end of a job that used up all it may may take on top, to clean up and say so
ROOM_BYTES: Final = 64 << 20
ROOM_FILES: Final = 16
# how the system says that files are too many, or one is too large
OWN_LIMITS: Final = (errno.EMFILE, errno.EFBIG)
NO_THREAD: Final = "can't start new thread"  # CPython's words for a stack that finds no room


class CpuTimeError(BaseException):
    """The attempt used more CPU time than it may.

    No Exception: it is raised wherever the job is, also within code that takes any Exception for
    a packet that cannot be read.
    """


def step_back() -> None:
    """Put this process behind pages, the monitor and rollbacks, for good."""
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def limit_worker() -> None:
    """Limit the memory and the open files of this process."""
    limits = worker_settings()
    _limit(_MEMORY, limits.memory_bytes)
    _limit(resource.RLIMIT_NOFILE, limits.open_files)


def limit_files() -> None:
    """Let this process, a reader, write no file that is larger than it may, for good."""
    largest = worker_settings().file_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))


@contextmanager
def limited_job() -> Iterator[None]:
    """Limit this process anew, and the CPU time of what is done within.  Main thread only."""
    limit_worker()
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = worker_settings().cpu_seconds
    signal.signal(signal.SIGXCPU, _stop)
    # its default action ends the process, without a core file that would hold payload
    signal.setitimer(signal.ITIMER_PROF, seconds + GRACE_SECONDS)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + seconds) + 1)
    try:
        yield
    finally:
        # or a worker that waits for long would be ended for what its last job left
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_PROF, 0)
        _limit(resource.RLIMIT_CPU, resource.RLIM_INFINITY)


@contextmanager
def room_behind() -> Iterator[None]:
    """Raise the limits a little behind what is done within, until the next job."""
    try:
        yield
    finally:
        for which, room in ((_MEMORY, ROOM_BYTES), (resource.RLIMIT_NOFILE, ROOM_FILES)):
            soft = resource.RLIM_INFINITY if which is None else resource.getrlimit(which)[0]
            if soft != resource.RLIM_INFINITY:
                _limit(which, soft + room)


def limit_behind(error: BaseException) -> BaseException:
    """Return the limit of this process that an error comes from, where it does, else the error."""
    behind = error.__context__ if isinstance(error, EngineError) else error
    if isinstance(behind, OSError) and behind.errno in OWN_LIMITS:
        return behind
    out_of_memory = isinstance(behind, OSError) and behind.errno == errno.ENOMEM
    no_thread = isinstance(behind, RuntimeError) and str(behind) == NO_THREAD
    return MemoryError() if out_of_memory or no_thread else error


def replace_worker() -> None:
    """Have django-q2 replace this worker once its task is done: its memory may be in pieces."""
    from django_q.conf import Conf

    Conf.MAX_RSS = 1  # KiB: every worker is above it


def _limit(which: int | None, soft: int) -> None:
    if which is None:
        return
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(which, (soft, hard))


def _stop(*_: Any) -> NoReturn:
    # a second signal in the next second would cut off how the job is ended
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    raise CpuTimeError
