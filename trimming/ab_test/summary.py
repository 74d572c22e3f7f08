"""The figures of a test, of its rows: a pure function of them and of the seed.

A share whose whole is 0 is None, and so is an interval that nothing can be said of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from trimming.ab_test.draw import ROLES
from trimming.ab_test.judging import OUTCOMES, STRATEGY_FAILURE, SUCCEEDED
from trimming.ab_test.statistics import (
    CONFIDENCE,
    Interval,
    clopper_pearson,
    median_ratio,
    median_ratio_interval,
    ratio_of_sums,
    upper_bound,
)

Row = Mapping[str, Any]
Figures = dict[str, Any]


def summarise(rows: Sequence[Row], seed: int) -> Figures:
    """Return all figures.  Every row is a distinct capture, so each counts once."""
    compared = [row["comparison"] for row in rows if row["comparison"] is not None]
    timed = [row for row in rows if all(row[role]["seconds"] for role in ROLES)]
    return {
        "captures": len(rows),
        "distinct_digests": len({row["digest"] for row in rows}),
        "outcomes": {name: sum(row["outcome"] == name for row in rows) for name in OUTCOMES},
        "confidence": CONFIDENCE,
        "agreement": _agreement(rows),
        "mismatch_bound": _mismatch_bound(rows),
        "byte_accuracy": _byte_accuracy(compared, seed),
        "leaked_bytes": sum(each["leaked_bytes"] for each in compared),
        "over_masked_bytes": sum(each["over_masked_bytes"] for each in compared),
        "leaking_captures": sum(each["leaked_bytes"] > 0 for each in compared),
        "success": {role: _success(rows, role) for role in ROLES},
        "speed_ratio": _speed_ratio(timed, seed),
        "throughput_bytes_per_s": {role: _throughput(timed, role) for role in ROLES},
        "seconds": {role: _total(timed, role, "seconds") for role in ROLES},
        "cpu_seconds": {role: _total(timed, role, "cpu_seconds") for role in ROLES},
        "peak_memory_bytes": {role: _spread(_peaks(rows, role)) for role in ROLES},
        "memory_growth_bytes": {role: _spread(_growths(rows, role)) for role in ROLES},
        "classes": class_pairs(rows),
    }


def class_pairs(rows: Sequence[Row]) -> list[Figures]:
    """Return how many bytes legacy takes for one class and scanning for another, or the same.

    Only captures that were compared and that legacy trimmed count.  None stands for "no class".
    """
    pairs: Counter[tuple[str | None, str | None]] = Counter()
    for row in rows:
        by_class = row["legacy"]["bytes_by_class"]
        if row["comparison"] is None or by_class is None:
            continue
        pairs.update({(name, name): count for name, count in by_class.items()})
        for each in row["comparison"]["mismatched"]:
            first, second = each["classes"]
            pairs[first, second] += each["bytes"]
            if first is not None:
                pairs[first, first] -= each["bytes"]
    found = sorted(pairs.items(), key=lambda pair: (pair[0][0] or "", pair[0][1] or ""))
    return [{"classes": list(names), "bytes": count} for names, count in found if count]


def is_compared(row: Row) -> bool:
    """Tell whether a capture counts for agreement."""
    return row["comparison"] is not None


def agrees(row: Row) -> bool:
    """Tell whether plans and, where both were written, outputs of a capture are the same."""
    outputs = {row[role]["output_sha256"] for role in ROLES} - {None}
    return bool(row["comparison"]["equal"]) and len(outputs) < 2


def _agreement(rows: Sequence[Row]) -> Figures:
    compared = [row for row in rows if is_compared(row)]
    return _share(sum(map(agrees, compared)), len(compared), ("matched", "compared"))


def _mismatch_bound(rows: Sequence[Row]) -> Figures:
    compared = [row for row in rows if is_compared(row)]
    mismatched = sum(not agrees(row) for row in compared)
    upper = upper_bound(mismatched, len(compared))
    return {"upper": upper, "mismatched": mismatched, "compared": len(compared)}


def _byte_accuracy(compared: Sequence[Row], seed: int) -> Figures:
    matched = [each["matched_bytes"] for each in compared]
    classed = [each["matched_bytes"] + each["mismatched_bytes"] for each in compared]
    whole = sum(classed)
    return {
        "share": sum(matched) / whole if whole else None,
        **_ends(ratio_of_sums(matched, classed, seed)),
        "matched_bytes": sum(matched),
        "classed_bytes": whole,
    }


def _success(rows: Sequence[Row], role: str) -> Figures:
    outcomes = Counter(row[role]["outcome"] for row in rows)
    succeeded = outcomes[SUCCEEDED]
    return _share(succeeded, succeeded + outcomes[STRATEGY_FAILURE], ("succeeded", "runs"))


def _share(hits: int, trials: int, names: tuple[str, str]) -> Figures:
    return {
        "share": hits / trials if trials else None,
        **_ends(clopper_pearson(hits, trials)),
        names[0]: hits,
        names[1]: trials,
    }


def _speed_ratio(timed: Sequence[Row], seed: int) -> Figures:
    """Return how many times as fast as legacy scanning is."""
    legacy, scanning = ([row[role]["seconds"] for row in timed] for role in ROLES)
    return {
        "median": median_ratio(legacy, scanning),
        **_ends(median_ratio_interval(legacy, scanning, seed)),
        "captures": len(timed),
    }


def _throughput(timed: Sequence[Row], role: str) -> float | None:
    seconds = _total(timed, role, "seconds")
    return sum(row["captured_bytes"] for row in timed) / seconds if seconds else None


def _total(timed: Sequence[Row], role: str, key: str) -> float:
    return float(sum(row[role][key] for row in timed))


def _peaks(rows: Sequence[Row], role: str) -> list[int]:
    return [row[role]["peak_memory_bytes"] for row in rows if row[role]["peak_memory_bytes"]]


def _growths(rows: Sequence[Row], role: str) -> list[int]:
    """Return by how much each run grew beyond what the loaded program takes."""
    sides = [row[role] for row in rows if row[role]["peak_memory_bytes"]]
    return [side["peak_memory_bytes"] - side["start_memory_bytes"] for side in sides]


def _spread(values: Sequence[int]) -> Figures:
    return {"median": median(values) if values else None, "max": max(values, default=None)}


def _ends(interval: Interval | None) -> Figures:
    return asdict(interval) if interval else {"low": None, "high": None}
