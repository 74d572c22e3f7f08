"""Thresholds proposed from what was measured, with the alerts that they would have given.  Pure.

A value that is passed for a few minutes in a hundred is normal; an alert about it tells nobody
anything.  So a warning lies a tenth above what 99 % of the minutes stayed below, and a failure as
far above that as 99.9 % stayed below, or a quarter above the warning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

MARGIN: Final = 1.1
APART: Final = 1.25
# fewer minutes than half a day say nothing of a day
LEAST_MINUTES: Final = 720
# an excess that is over sooner is no alert
HOLD_MINUTES: Final = 5


@dataclass(frozen=True, slots=True)
class Levels:
    """A warning and a failure level, and how many alerts each would have given."""

    warn: float
    fail: float
    warnings: int
    failures: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What is in force, and what is proposed; ``minutes`` is how much it rests on."""

    minutes: int
    most: float
    present: Levels
    proposed: Levels


def advise(
    values: Sequence[float | None], warn: float, fail: float, ceiling: float = math.inf
) -> Advice | None:
    """Return advice from the means of minutes, None when there are too few of them.

    A gap in ``values`` is None and ends an excess.  Nothing is proposed above ``ceiling``.
    """
    known = sorted(each for each in values if each is not None)
    if len(known) < LEAST_MINUTES:
        return None
    proposed_warn = min(rounded_up(_at(known, 0.99) * MARGIN), 0.95 * ceiling)
    proposed_fail = rounded_up(max(_at(known, 0.999) * MARGIN, proposed_warn * APART))
    return Advice(
        minutes=len(known),
        most=known[-1],
        present=_levels(values, warn, fail),
        proposed=_levels(values, proposed_warn, min(proposed_fail, 0.99 * ceiling)),
    )


def count_alerts(
    values: Sequence[float | None], limit: float, hold_minutes: int = HOLD_MINUTES
) -> int:
    """Return how often ``limit`` was met for at least ``hold_minutes`` without a break."""
    alerts = lasting = 0
    for value in values:
        lasting = lasting + 1 if value is not None and value >= limit else 0
        alerts += lasting == hold_minutes
    return alerts


def rolling_percent(
    parts: Sequence[float | None], wholes: Sequence[float | None], minutes: int, least: int
) -> list[float | None]:
    """Return, for each minute, what share of ``wholes`` the ``parts`` of the minutes up to it are.

    In %, at most 100; None where the whole is below ``least``, as health judges nothing there.
    """
    part_sums = list(accumulate((each or 0.0 for each in parts), initial=0.0))
    whole_sums = list(accumulate((each or 0.0 for each in wholes), initial=0.0))
    found: list[float | None] = []
    for end in range(1, len(part_sums)):
        start = max(0, end - minutes)
        whole = whole_sums[end] - whole_sums[start]
        part = part_sums[end] - part_sums[start]
        found.append(100 * min(1.0, part / whole) if whole >= max(1, least) else None)
    return found


def scaled(advice: Advice, factor: float) -> Advice:
    """Return advice in another unit."""
    levels = (
        replace(each, warn=round(each.warn * factor, 9), fail=round(each.fail * factor, 9))
        for each in (advice.present, advice.proposed)
    )
    return Advice(advice.minutes, advice.most * factor, *levels)


def rounded_up(value: float) -> float:
    """Return ``value`` with two figures, not below it; at least 1."""
    if value <= 1:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return math.ceil(round(value / step, 6)) * step


def _levels(values: Sequence[float | None], warn: float, fail: float) -> Levels:
    return Levels(warn, fail, count_alerts(values, warn), count_alerts(values, fail))


def _at(ordered: Sequence[float], q: float) -> float:
    return ordered[math.floor(q * (len(ordered) - 1))]
