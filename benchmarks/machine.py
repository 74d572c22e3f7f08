"""A description of the machine that says what matters for speed and nothing that identifies it."""

import os
import platform
from pathlib import Path


def describe_machine() -> dict[str, str | int | None]:
    """Return cores, CPU model, memory, Python version and kernel; None for what is not known."""
    return {
        "cores": os.cpu_count(),
        "cpu_model": _first_value(Path("/proc/cpuinfo"), "model name"),
        "memory_bytes": _memory_bytes(),
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release()}",
    }


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
