"""Charts as plain values: static/js/charts.js draws them, and writes the table behind each.

A figure has the times of its steps (the first, and the step in seconds), lines with a value for
each step, levels (limits and targets) and marks.  Roles name how a line is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from monitoring.marks import Mark
from monitoring.metrics.registry import ARMS
from monitoring.metrics.series import Line, Series, Values

Figure = dict[str, Any]
# arms by the names of the strategies that serve them
ARM_NAMES: Final[Mapping[str, str]] = {"control": "legacy", "treatment": "scanning"}
NEUTRAL: Final = "neutral"
BEFORE: Final = "before"
LONGEST_LABEL: Final = 28
_BYTES: Final = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


@dataclass(frozen=True, slots=True)
class Scale:
    """What values are divided by, and the unit that they have then."""

    divisor: float
    unit: str

    def __call__(self, value: float | None) -> float | None:
        """Return ``value`` in the unit, with four figures."""
        return None if value is None else significant(value / self.divisor)


def significant(value: float, digits: int = 4) -> float:
    """Return ``value`` with so many significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


def byte_scale(lines: Iterable[Line], suffix: str = "/s") -> Scale:
    """Return the unit in which the largest value reads well."""
    most = max((each for line in lines for each in line.values if each), default=1.0)
    divisor, unit = next((pair for pair in _BYTES if most >= pair[0]), _BYTES[-1])
    return Scale(divisor, unit + suffix)


def figure(found: Series, unit: str, lines: Sequence[Figure], **more: Any) -> Figure:
    """Return a figure over the steps of ``found``."""
    return {
        "start": found.start.isoformat(),
        "step": found.step_seconds,
        "size": found.size,
        "unit": unit,
        "lines": list(lines),
        "levels": [],
        "marks": [],
        "is_log": False,
        **more,
    }


def line(name: str, role: str, values: Values, scale: Scale, low: Values | None = None) -> Figure:
    """Return one line; with ``low`` a band from there to ``values``."""
    drawn: Figure = {"name": name, "role": role, "values": [scale(each) for each in values]}
    if low:
        drawn["low"] = [scale(each) for each in low]
    return drawn


def level(value: float, label: str, role: str) -> Figure:
    """Return a horizontal line that values are held to: a ``limit`` or a ``target``."""
    return {"value": value, "label": label, "role": role}


def mark_lines(marks: Iterable[Mark]) -> list[dict[str, str]]:
    """Return marks for an axis, the oldest first."""
    return [
        {"at": mark.at.isoformat(), "label": _short(mark.label)}
        for mark in sorted(marks, key=lambda mark: mark.at)
    ]


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def by_arm(lines: Mapping[str, Line], scale: Scale, *, is_band: bool = False) -> list[Figure]:
    """Return a line for each arm, or a band from its median, in the colours of the arms."""
    return [
        line(ARM_NAMES[arm], arm, each.values, scale, low=each.p50 if is_band else None)
        for arm, each in lines.items()
    ]


def arm_keys(name: str) -> list[str]:
    """Return the keys of a metric that is kept by arm."""
    return [f"{name}:{arm}" for arm in ARMS]


def arm_lines(found: Series, name: str) -> dict[str, Line]:
    """Return the lines of a metric by arm."""
    return {arm: found.lines[f"{name}:{arm}"] for arm in ARMS}


def window_text(found: Series) -> str:
    """Return what one step is, and what is missing."""
    step = timedelta(seconds=found.step_seconds)
    minutes = step.total_seconds() / 60
    each = (
        _("%(n)d s a step") % {"n": found.step_seconds}
        if minutes < 1
        else _("%(n)d min a step") % {"n": round(minutes)}
        if minutes < 60
        else _("%(n)d h a step") % {"n": round(minutes / 60)}
    )
    if found.missed == 0:
        return each
    return _("%(each)s, %(n)s samples missed") % {"each": each, "n": f"{found.missed:,}"}
