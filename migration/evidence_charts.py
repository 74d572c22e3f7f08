"""The charts of a rollout: evidence of harm, and rates of failures with their certainty.  Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from migration.gate_rows import RULES
from monitoring.confidence import rate_confidence_sequence
from monitoring.figures import ARM_NAMES, Figure, level, significant

# a chart has so many steps at most
STEPS: Final = 240
# an answer that stays the same is kept once a minute; where nothing is kept for longer, nobody
# looked, and nothing is drawn
KEPT_SECONDS: Final = 90.0
PROCESSES: Final = (
    "errors",
    "slow_runs",
    "pairs_errors",
    "pairs_latency",
    "errors_against_baseline",
)
# of the confidence sequences: all of them hold at once, at every look, with 99 %
ALPHA: Final = 0.01


class Counted(NamedTuple):
    """Captures of an arm that ended, and how many of them it failed on."""

    finished: int
    failed: int


class Look(NamedTuple):
    """One stored look: evidence by rule, the limit that it is held to, and what was counted."""

    at: datetime
    evidence: Mapping[str, float]
    limit: float | None
    control: Counted
    treatment: Counted


class Axis(NamedTuple):
    """Steps of time from ``start`` on."""

    start: datetime
    step_seconds: int
    size: int

    def step_of(self, at: datetime) -> int:
        """Return the number of the step that a time is in."""
        return math.floor((at - self.start).total_seconds() / self.step_seconds)


class ShareMark(NamedTuple):
    """When a share began."""

    at: datetime
    label: str


def look_of(
    at: datetime, results: Iterable[Mapping[str, Any]], steps: Mapping[str, Any] | None
) -> Look:
    """Return a look from what is stored of it; ``steps`` are the counts of its tally."""
    found = {each["rule"]: each for each in results if each["rule"] in PROCESSES}
    evidence = {
        rule: each["value"] for rule, each in found.items() if each.get("value") is not None
    }
    limit = next((found[rule]["limit"] for rule in evidence), None)
    return Look(at, evidence, limit, *(_sum(steps or {}, arm) for arm in ARM_NAMES))


def _sum(steps: Mapping[str, Any], arm: str) -> Counted:
    # an arm is stored by its fields' names, or as a plain pair
    pairs = [_pair(both, arm) for both in steps.values()]
    return Counted(sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs))


def _pair(both: Any, arm: str) -> Sequence[int]:
    found = both[arm] if isinstance(both, Mapping) else both[list(ARM_NAMES).index(arm)]
    return (found["finished"], found["failed"]) if isinstance(found, Mapping) else found


def axis_of(start: datetime, end: datetime) -> Axis:
    """Return steps that cover a span: whole seconds, STEPS at most."""
    seconds = max(1.0, (end - start).total_seconds())
    step = math.ceil(seconds / STEPS)
    return Axis(start.astimezone(UTC), step, math.floor(seconds / step) + 1)


def in_steps(looks: Iterable[Look], axis: Axis) -> list[Look | None]:
    """Return the last look of each step; one holds on until nobody has looked for long."""
    found: list[Look | None] = [None] * axis.size
    for look in looks:
        number = axis.step_of(look.at)
        if 0 <= number < axis.size:
            found[number] = look
    held = math.ceil(KEPT_SECONDS / axis.step_seconds)
    last: Look | None = None
    age = 0
    for number, each in enumerate(found):
        last, age = (each, 0) if each else (last, age + 1)
        found[number] = last if age <= held else None
    return found


def evidence_figure(looks: Sequence[Look | None], axis: Axis, marks: Sequence[ShareMark]) -> Figure:
    """Return the evidence of each process of harm, with the limit at which it rolls back."""
    known = [rule for rule in PROCESSES if any(look and rule in look.evidence for look in looks)]
    lines: list[Figure] = [
        {
            "name": str(RULES[rule][0]),
            "role": f"process-{PROCESSES.index(rule) + 1}",
            "values": [_rounded(look.evidence.get(rule)) if look else None for look in looks],
        }
        for rule in known
    ]
    if known:
        limits = [_rounded(look.limit) if look else None for look in looks]
        lines.append({"name": _("rolls back at"), "role": "limit", "values": limits})
    return _figure(axis, "", lines, marks, is_log=True)


def rate_figure(
    looks: Sequence[Look | None], axis: Axis, marks: Sequence[ShareMark], limit: float
) -> Figure:
    """Return the rates of failures of both arms with confidence sequences, in %.

    ``limit``: the share that may fail, from 0 to 1.
    """
    lines = [
        each for arm in ARM_NAMES if (each := _rate_line(arm, [_of(look, arm) for look in looks]))
    ]
    words = {"percent": f"{100 * limit:g}"}
    return _figure(
        axis,
        "%",
        lines,
        marks,
        levels=[level(100 * limit, _("limit %(percent)s %%") % words, "limit")],
        top=_top(lines, 100 * limit),
    )


def _of(look: Look | None, arm: str) -> Counted | None:
    found = None if look is None else {"control": look.control, "treatment": look.treatment}[arm]
    return found if found and found.finished else None


def _rate_line(arm: str, counts: Sequence[Counted | None]) -> Figure | None:
    if not any(counts):
        return None
    bands = [
        rate_confidence_sequence(each.failed, each.finished, ALPHA) if each else (None, None)
        for each in counts
    ]
    return {
        "name": ARM_NAMES[arm],
        "role": arm,
        "values": [_percent(each.failed / each.finished) if each else None for each in counts],
        "low": [_percent(low) for low, _high in bands],
        "high": [_percent(high) for _low, high in bands],
    }


def _top(lines: Iterable[Figure], limit: float) -> float:
    """Return where the axis ends: what is wide in the beginning must not flatten the rest."""
    last = [[each for each in line["high"] if each is not None][-1] for line in lines]
    most = [max(each for each in line["values"] if each is not None) for line in lines]
    return significant(1.25 * max(limit, *last, *most) if last else 1.25 * limit)


def _percent(rate: float | None) -> float | None:
    return None if rate is None else significant(100 * rate)


def _rounded(value: float | None) -> float | None:
    return None if value is None else significant(value)


def _figure(
    axis: Axis, unit: str, lines: Sequence[Figure], marks: Sequence[ShareMark], **more: Any
) -> Figure:
    return {
        "start": axis.start.isoformat(),
        "step": axis.step_seconds,
        "size": axis.size,
        "unit": unit,
        "lines": list(lines),
        "levels": [],
        "marks": [{"at": mark.at.isoformat(), "label": mark.label} for mark in marks],
        "is_log": False,
        **more,
    }
