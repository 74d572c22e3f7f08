"""Processes as groups: started so that they die with their parent, and ended to the last one.

Belongs here: what the operating system knows.  What is started, and why, is the supervisor's.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.05
# how long a process that was killed may take to vanish: it may be in the middle of a write
VANISH_SECONDS = 10.0


class InUseError(RuntimeError):
    """Something that this process needs for itself belongs to another one."""


def _load_prctl() -> Callable[[int, int], int] | None:
    """Return prctl(2) where there is one; loaded before a fork, so that a child only calls it."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)

    def call(option: int, value: int) -> int:
        return int(library.prctl(option, value, 0, 0, 0))

    return call


_prctl = _load_prctl()


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent ends.  Call first thing after a fork.

    The kernel watches the thread that forked, so fork in main threads only.  Without prctl(2)
    nothing is done.
    """
    if _prctl is None:
        return
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before it was watched
        os._exit(1)


def die_with_parent_after_each_fork() -> None:
    """Make every process that is forked from this one, at any depth, die with its parent."""
    parent = [os.getpid()]

    def remember() -> None:
        parent[0] = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: die_with_parent(parent[0]))


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends, so that they can be waited for."""
    if _prctl is not None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)


def spawn(arguments: Sequence[str], extra_environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program as the leader of a session, and so of a process group, of its own.

    Keys of a terminal reach only its own group: whoever started the program stops it.
    """
    parent_pid = os.getpid()
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **extra_environ},
        start_new_session=True,
        # what it calls was loaded before and takes no lock of another thread
        preexec_fn=lambda: die_with_parent(parent_pid),
    )


def members(group: int) -> list[psutil.Process]:
    """Return the processes of a group, also those that are dead and not yet collected.

    A dead one whose parent is about to die comes to us when that happens, and must be collected.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getpgid(process.pid) == group:
                found.append(process)
    return found


def end_group(leader: subprocess.Popen[bytes]) -> bool:
    """Kill a whole process group and wait until it is gone; False when something is left of it."""
    group = leader.pid
    deadline = time.monotonic() + VANISH_SECONDS
    while True:
        # a group that is forking while it is killed may need to be killed again
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        leader.poll()
        _reap(group)
        if leader.returncode is not None and not members(group):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)


def _reap(group: int) -> None:
    """Collect the dead of a group that were adopted."""
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass


def lock_folder(folder: Path) -> IO[str]:
    """Take a data folder for this process until it ends; close the result to give it back.

    Raises InUseError when another process has it, OSError when nothing can be written there.
    """
    file = (folder / "up.lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read(20).strip()
        file.close()
        raise InUseError(holder) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def check_address(host: str, port: int, patience_seconds: float = 2.0) -> None:
    """Raise InUseError when another program listens there, OSError for an address that is wrong.

    Waits a little: a server that was just killed keeps its port for a moment.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    deadline = time.monotonic() + patience_seconds
    while True:
        with socket.socket(family, kind, protocol) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(address)
                # binding alone succeeds on some systems where another one listens
                listener.listen(1)
            except OSError as error:
                if not _is_taken(error):
                    raise
                if time.monotonic() >= deadline:
                    raise InUseError(f"{host}:{port}") from None
            else:
                return
        time.sleep(POLL_SECONDS)


def _is_taken(error: OSError) -> bool:
    import errno

    return error.errno == errno.EADDRINUSE
