"""What the system forbids a process that reads hostile bytes; it cannot be undone there.

Sockets and whatever else reaches other machines or processes, by seccomp; all files but its own
and the code, by Landlock.  Both need no privileges.  Where a system lacks one, the other one holds.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from trimming.engine.errors import EngineError
from trimming.engine.kernel import cache_root

# what a call says that would reach the network; nothing else says it
NO_NETWORK: Final = errno.ENONET if hasattr(errno, "ENONET") else errno.ENETDOWN
# io_uring makes sockets without asking seccomp
NETWORK: Final = (
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
)
# other programs, other processes, other namespaces, the kernel's own machinery
OTHERS: Final = (
    *("execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("pidfd_getfd", "pidfd_send_signal", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "open_by_handle_at"),
    *("bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key"),
)
# to itself alone
SIGNALS: Final = ("kill", "tgkill")
# seccomp and Landlock
MEANS: Final = 2
CLONE_THREAD: Final = 0x10000
# of the system: libraries, and what Python and Numba look up
SYSTEM_FOLDERS: Final = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime")


@cache
def seccomp() -> ModuleType | None:
    """Return the binding of libseccomp; None where there is none."""
    return _imported("pyseccomp")


@cache
def landlock() -> ModuleType | None:
    """Return the binding of Landlock; None where the kernel has none."""
    found = _imported("landlock")
    if found is not None:
        ctypes.set_errno(0)  # it takes an old one for its own
        with suppress(OSError):
            if found.landlock_abi_version() > 0:
                return found
    return None


def _imported(name: str) -> ModuleType | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return import_module(name)
    except (ImportError, RuntimeError, OSError):  # without its library it says RuntimeError
        return None


def lacking() -> tuple[str, ...]:
    """Return the names of what this system lacks; all MEANS of them: a reader is not confined."""
    asked = {"seccomp (libseccomp)": seccomp, "Landlock": landlock}
    return tuple(name for name, have in asked.items() if have() is None)


def confine(folder: Path, kept: frozenset[int]) -> None:
    """Confine this process, which was just forked, to ``folder`` and the descriptors ``kept``.

    Raises EngineError when the system has the means and refuses them.
    """
    _let_go(kept)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold payload
    try:
        if landlock() is not None:
            _own_files(folder)
        if seccomp() is not None:
            _no_network()
    except OSError as error:
        raise EngineError(f"The system did not confine the reader: {error.strerror}.") from None


def _let_go(kept: frozenset[int]) -> None:
    """Make nothing of what was inherited: connections to database, queue and storage.

    The numbers stay taken, or whatever still believes in one would write into another file.
    """
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"):
        number = int(each)
        if number > 2 and number not in kept and number != nothing:
            with suppress(OSError):  # the one that was listing them
                os.fstat(number)
                os.dup2(nothing, number)
    os.close(nothing)


def _own_files(folder: Path) -> None:
    found: Any = landlock()
    access = found.FSAccess
    read = access.READ_FILE | access.READ_DIR
    write = read | access.WRITE_FILE | access.MAKE_REG | access.REMOVE_FILE
    if found.landlock_abi_version() >= 3:
        write |= access.TRUNCATE
    ctypes.set_errno(0)
    rules = found.Ruleset()
    for path in _readable():
        rules.allow(path, rules=read if path.is_dir() else access.READ_FILE)
    rules.allow(os.devnull, rules=access.READ_FILE | access.WRITE_FILE)
    rules.allow(folder, rules=write)
    rules.apply()
    os.close(rules._fd)


def _readable() -> Iterator[Path]:
    """Yield the code, and compiled kernels: nothing that an installation keeps its data in."""
    package = Path(__file__).resolve().parents[1]
    ours: list[str | Path] = [package, package.parent / "config", package.parent / "locale"]
    for each in (*ours, sys.prefix, sys.base_prefix, cache_root(), *SYSTEM_FOLDERS):
        path = Path(each)
        if path.exists():
            yield path


def _no_network() -> None:
    found: Any = seccomp()
    rules = found.SyscallFilter(found.ALLOW)
    refused = {found.ERRNO(NO_NETWORK): NETWORK, found.ERRNO(errno.EPERM): OTHERS}
    for action, names in refused.items():
        for name in names:
            _refuse(rules, action, name)
    other = found.Arg(0, found.NE, os.getpid())
    for name in SIGNALS:
        _refuse(rules, found.ERRNO(errno.EPERM), name, other)
    # threads yes, processes no; the newer call hides its flags, and without it the older one serves
    process = found.Arg(0, found.MASKED_EQ, CLONE_THREAD, 0)
    _refuse(rules, found.ERRNO(errno.EPERM), "clone", process)
    _refuse(rules, found.ERRNO(errno.ENOSYS), "clone3")
    rules.load()


def _refuse(rules: Any, action: int, name: str, *conditions: Any) -> None:
    # a processor or a library that does not know a call needs no rule for it
    with suppress(OSError):
        rules.add_rule(action, name, *conditions)
