"""A comparison of two strategies as plain values for machines, and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from trimming.engine.report import Tally
from trimming.quantities import size

if TYPE_CHECKING:  # who only asks for help must not pay for NumPy
    from trimming.engine.byte_classes import Pair
    from trimming.engine.comparison import Comparison, Side

COUNTS = (
    "connections",
    "streams",
    "http_streams",
    "requests",
    "responses",
    "gaps",
    "retransmitted_segments",
    "out_of_order_segments",
)


def comparison_as_dict(found: Comparison) -> dict[str, object]:
    """Return the whole comparison as JSON-ready values (sizes in bytes, durations in ms).

    What belongs to the strategies comes in pairs, in their order; null stands for "no class".
    Offsets are places in the captured bytes of a packet.
    """
    return {
        "equal": found.matched,
        "profile": found.profile,
        "strategies": [_side(side) for side in found.sides],
        "matched_bytes": found.matched_bytes,
        "mismatched_bytes": found.mismatched_bytes,
        "mismatched": [
            {"classes": class_names(pair), "ranges": extent.ranges, "bytes": extent.bytes}
            for pair, extent in found.mismatched.items()
        ],
        "range_count": found.range_count,
        "ranges": [
            {
                "packet": each.packet,
                "offset": each.offset,
                "length": each.length,
                "classes": class_names(each.classes),
            }
            for each in found.ranges
        ],
        "checksum_count": found.checksum_count,
        "checksums": [{**asdict(each), "kind": each.kind.name.lower()} for each in found.checksums],
        "frame_check_count": found.frame_check_count,
        "frame_checks": [asdict(each) for each in found.frame_checks],
        "left_out_bytes": found.left_out_bytes,
    }


def class_names(pair: Pair) -> tuple[str | None, str | None]:
    """Return what each strategy takes a byte for; None where it gave it no class."""
    first, second = (each.name.lower() if each else None for each in pair)
    return first, second


def counts_of(tally: Tally) -> dict[str, int]:
    """Return what a strategy counted while it planned; what it left and what it warned of, too."""
    found = {name: getattr(tally, name) for name in COUNTS}
    found |= {f"left: {what}": count for what, count in sorted(tally.left_bytes.items())}
    found |= {f"link type {what}": n for what, n in sorted(tally.unknown_link_types.items())}
    found |= {f"limit {name}": count for name, count in sorted(tally.limits_met.items())}
    return {**found, "warnings": len(tally.warnings) + tally.warnings_left_out}


def headline(found: Comparison) -> str:
    """Say in one line how the comparison ended."""
    names = " and ".join(f"{side.strategy} {side.version}" for side in found.sides)
    beginning = f"{names}, profile {found.profile}"
    if found.matched:
        return f"{beginning}: equal, {size(found.matched_bytes)} in the same classes"
    parts = [
        (found.range_count, f"ranges ({size(found.mismatched_bytes)})"),
        (found.checksum_count, "checksums"),
        (found.frame_check_count, "frame checks"),
    ]
    return f"{beginning}: different in " + ", ".join(f"{n:,} {what}" for n, what in parts if n)


def count_rows(found: Comparison) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, both counts, and a sign where they differ, of everything that was counted."""
    first, second = (counts_of(side.tally) for side in found.sides)
    for name in {**first, **second}:
        a, b = first.get(name, 0), second.get(name, 0)
        if a or b:
            yield name.replace("_", " "), f"{a:,}", f"{b:,}", "" if a == b else "differs"
    a_ms, b_ms = (side.duration_ms for side in found.sides)
    yield "time to plan", f"{a_ms / 1000:.2f} s", f"{b_ms / 1000:.2f} s", ""


def _side(side: Side) -> dict[str, object]:
    return {
        "strategy": side.strategy,
        "strategy_version": side.version,
        "duration_ms": round(side.duration_ms, 3),
        "counts": counts_of(side.tally),
    }
