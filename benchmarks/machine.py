"""A description of the machine that says what matters for speed and nothing that identifies it."""

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from benchmarks.captures import PROJECT

_LIBRARIES = ("numpy", "numba", "scapy")


def describe_machine(folder: Path) -> dict[str, str | int | float | None]:
    """Return what matters of the machine, None for what is not known.

    ``folder`` is where the captures lie. The load is the mean number of processes that ran or
    waited in the minute before: a machine that does nothing else says 0.
    """
    return {
        "cores": os.cpu_count(),
        "cpu_model": _first_value(Path("/proc/cpuinfo"), "model name"),
        "memory_bytes": _memory_bytes(),
        "filesystem": _filesystem(folder),
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def describe_versions(programs: Iterable[str]) -> dict[str, str]:
    """Return the versions of the libraries in use and of the programs, as they name it first."""
    found = {library: version(library) for library in _LIBRARIES}
    for program in programs:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, errors="replace"
        )
        named = re.search(r"\d+(\.\d+)+", done.stdout or done.stderr)
        found[program] = named[0] if named else "of unknown version"
    return found


def describe_commit() -> str | None:
    """Return the commit that is measured, marked when files differ from it; None without git."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


def _filesystem(folder: Path) -> str | None:
    """Return the type of the file system that ``folder`` is on, of proc_mounts(5)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    best, kind = "", None
    for _, place, found, *_ in (line.split() for line in mounts.splitlines()):
        if folder.is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind


def _memory_bytes() -> int | None:
    total = _first_value(Path("/proc/meminfo"), "MemTotal")
    return int(total.split()[0]) * 1024 if total else None


def _first_value(path: Path, name: str) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None
