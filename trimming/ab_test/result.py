"""The result of a test as plain values: what ``--json`` prints and what is stored.

The keys are explained in docs/offline-tests.md.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from trimming.ab_test.captures import Choice
from trimming.ab_test.draw import ROLES
from trimming.ab_test.running import Terms
from trimming.ab_test.shown import SCHEMA, VERSION
from trimming.ab_test.summary import summarise

LIBRARIES = ("numpy", "numba", "scapy")
CPUINFO = Path("/proc/cpuinfo")


def as_result(
    choice: Choice, share: float, rows: Sequence[Mapping[str, Any]], terms: Terms, at: datetime
) -> dict[str, Any]:
    """Return the whole test; ``at`` is the time at which it ended."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "strategies": {role: _version_of(rows, role) for role in ROLES},
        "profile": terms.options.name,
        "profile_options": {
            **asdict(terms.options),
            "redact_fields": list(terms.options.redact_fields),
        },
        "sample": share,
        "seed": terms.seed,
        "repeat": terms.repeat,
        "jobs": terms.jobs,
        "summary": summarise(rows, terms.seed),
        "captures": list(rows),
        "skipped": [{"file": name, "reason": reason} for name, reason in choice.skipped],
        "duplicates": [{"file": name, "same_as": other} for name, other in choice.duplicates],
        "left_out": choice.left_out,
    }


def machine() -> dict[str, Any]:
    """Return what matters for speed, and nothing that identifies the machine."""
    return {
        "cores": os.cpu_count(),
        "cpu_model": _cpu_model(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "load": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str | None:
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, None)


def _version_of(rows: Sequence[Mapping[str, Any]], role: str) -> str | None:
    """Return the version that a strategy told; None when it never came to an end."""
    return next((row[role]["version"] for row in rows if row[role]["version"]), None)
