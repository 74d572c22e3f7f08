"""The timeline of a stored report as figures, which static/js/charts.js draws.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from django.utils.translation import gettext as _

from trimming import quantities
from trimming.engine.timeline import MAX_STEPS

NS: Final = 1_000_000_000
SERIES: Final = ("packets", "bytes", "masked")
_BYTES: Final = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


@dataclass(frozen=True, slots=True)
class TimelineFigures:
    """Two charts over the time of a capture, and in words what a step and the whole are."""

    bytes: dict[str, Any]
    packets: dict[str, Any]
    step: str
    length: str
    untimed_packets: int


def timeline_figures(stored: object) -> TimelineFigures | None:
    """Return the figures; None without a timeline, which older reports lack, or a damaged one."""
    if not isinstance(stored, Mapping) or not _is_whole(stored):
        return None
    step = stored["step_ns"] / NS
    size = len(stored["packets"])
    most = max(stored["bytes"])
    divisor, unit = next((pair for pair in _BYTES if most >= pair[0]), _BYTES[-1])
    captured, masked = ([each / divisor for each in stored[name]] for name in ("bytes", "masked"))
    return TimelineFigures(
        bytes=_figure(
            step,
            unit,
            [_line(_("captured"), 1, captured), _line(_("overwritten"), 2, masked)],
        ),
        packets=_figure(step, "", [_line(_("packets"), 1, stored["packets"])]),
        step=_span(step),
        length=_span(step * size),
        untimed_packets=stored["untimed_packets"],
    )


def _is_whole(stored: Mapping[Any, Any]) -> bool:
    numbers = [stored.get("step_ns"), stored.get("untimed_packets")]
    series: list[Any] = [stored.get(name) for name in SERIES]
    if not all(isinstance(each, list) and 0 < len(each) <= MAX_STEPS for each in series):
        return False
    counts = [value for each in series for value in each]
    same = all(len(one) == len(other) for one, other in pairwise(series))
    return (
        same
        and all(type(each) is int and each >= 0 for each in (*numbers, *counts))
        and bool(stored["step_ns"])
    )


def _figure(step: float, unit: str, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    size = len(lines[0]["values"])
    return {
        # seconds since the capture began, and no time of day
        "start": None,
        "step": step,
        "size": size,
        "unit": unit,
        "lines": list(lines),
        "levels": [],
        "marks": [],
        "is_log": False,
    }


def _line(name: str, number: int, values: Sequence[float]) -> dict[str, Any]:
    return {"name": name, "role": f"process-{number}", "values": list(values)}


def _span(seconds: float) -> str:
    """Show a time span; spans of captures are often shorter than a hundredth of a second."""
    if seconds < 1:
        unit, factor = ("ms", 1e3) if seconds >= 1e-3 else ("µs", 1e6)
        return f"{seconds * factor:.3g} {unit}"
    return quantities.duration(seconds)
