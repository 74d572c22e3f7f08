"""Faults on purpose: a strategy fails, is slow or leaks for a while, so that people can rehearse.

Nothing of it happens unless the setting ``drills.permitted`` is on, and every drill ends by itself.
The output of a drill is verified like any other: one that leaks is not offered.
"""

from __future__ import annotations

from trimming.drills.faults import NO_FAULT, Fault
from trimming.drills.rows import (
    DrillRefusedError,
    fault_in_comparison,
    fault_of,
    start,
    stop,
)

__all__ = [
    "NO_FAULT",
    "DrillRefusedError",
    "Fault",
    "fault_in_comparison",
    "fault_of",
    "start",
    "stop",
]
