"""Rows and results as ``running`` and ``result`` make them, of chosen numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from trimming.ab_test.captures import Choice
from trimming.ab_test.result import as_result
from trimming.ab_test.running import Terms
from trimming.engine.options import PROFILES

MIB = 1 << 20
AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def side(
    seconds: float | None = 1.0,
    *,
    outcome: str = "succeeded",
    reason: str = "",
    peak: int = 200 * MIB,
    output: str = "aa",
) -> dict[str, Any]:
    """Return what a row says of one strategy; without ``seconds`` it never came to an end."""
    ended = seconds is not None
    return {
        "outcome": outcome,
        "reason": reason,
        "version": "1.0" if ended else None,
        "seconds": seconds,
        "cpu_seconds": seconds,
        "peak_memory_bytes": peak if ended else None,
        "start_memory_bytes": 190 * MIB if ended else None,
        "masked_bytes": 60 if ended else None,
        "output_bytes": 1000 if ended else None,
        "output_sha256": output if ended else None,
        "bytes_by_class": {"body": 60, "header": 40} if ended else None,
    }


def comparison(
    leaked: int = 0, over_masked: int = 0, matched: int = 100, **changes: Any
) -> dict[str, Any]:
    """Return what a row says of the plans: bodies taken for headers, and the reverse."""
    mismatched = [
        {"classes": classes, "ranges": 1, "bytes": count}
        for classes, count in ((["body", "header"], leaked), (["header", "body"], over_masked))
        if count
    ]
    return {
        "equal": not mismatched,
        "matched_bytes": matched - leaked - over_masked,
        "mismatched_bytes": leaked + over_masked,
        "leaked_bytes": leaked,
        "over_masked_bytes": over_masked,
        "ranges": len(mismatched),
        "checksums": 0,
        "frame_checks": 0,
        "mismatched": mismatched,
        **changes,
    }


def row(
    number: int = 1,
    *,
    outcome: str = "matched",
    legacy: Mapping[str, Any] | None = None,
    scanning: Mapping[str, Any] | None = None,
    compared: Mapping[str, Any] | None = None,
    reason: str = "",
    file: str = "",
) -> dict[str, Any]:
    """Return the row of capture ``number``; by default scanning is twice as fast."""
    is_compared = outcome in ("matched", "mismatched")
    return {
        "file": file or f"capture-{number}.pcap",
        "digest": sha256(str(number).encode()).hexdigest(),
        "size_bytes": 1000 * number,
        "packets": 10,
        "captured_bytes": 900 * number,
        "outcome": outcome,
        "reason": reason,
        "went_first": "legacy",
        "legacy": dict(legacy or side(2.0)),
        "scanning": dict(scanning or side(1.0)),
        "comparison": dict(compared or comparison()) if is_compared or compared else None,
    }


def terms() -> Terms:
    """Return the terms that a command without options has."""
    return Terms(
        options=PROFILES["standard"], extra={}, seed=1, repeat=1, jobs=1, deadline_seconds=3600
    )


def result(rows: Sequence[Mapping[str, Any]], choice: Choice | None = None) -> dict[str, Any]:
    """Return the whole result for rows."""
    return as_result(choice or Choice(), 1.0, rows, terms(), AT)
