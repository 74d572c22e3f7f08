"""What other limits would have said over the looks that are stored.  Pure but for the reading.

The facts of a look do not depend on limits, but for times that count as slower
(``rollout.slower_by``), which were counted as they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from migration.conf import RolloutLimits
from migration.decision import Situation, decide
from migration.models import Evaluation, Rollout

MOST = 5_000


class Look(NamedTuple):
    """One stored look, judged by both."""

    at: datetime
    before: tuple[str, str, str]
    after: tuple[str, str, str]


def over_stored(rollout: Rollout, limits: RolloutLimits) -> dict[str, Any]:
    """Return what ``limits`` would have said of a rollout's stored looks, as plain values."""
    rows = Evaluation.objects.filter(attempt__rollout=rollout).order_by("at", "pk")
    count = rows.count()
    stride = max(1, -(-count // MOST))
    kept = (
        (row.at, Situation.from_json(row.situation))
        for number, row in enumerate(rows.iterator(chunk_size=200))
        if number % stride == 0
    )
    return {"stored": count, "stride": stride, **summary(looks(kept, limits))}


def looks(kept: Iterable[tuple[datetime, Situation]], limits: RolloutLimits) -> list[Look]:
    """Judge each look by its own limits and by ``limits``."""
    return [
        Look(at, _answer(situation), _answer(replace(situation, limits=limits)))
        for at, situation in kept
    ]


def _answer(situation: Situation) -> tuple[str, str, str]:
    found = decide(situation)
    return str(found.verdict), str(found.move or ""), found.rule


def summary(found: list[Look]) -> dict[str, Any]:
    """Return how many looks there are, how many would differ, and the first of each kind."""
    differ = [each for each in found if each.before != each.after]
    first: dict[str, dict[str, str]] = {}
    for each in differ:
        verdict, move, rule = each.after
        first.setdefault(
            f"{each.before[1] or 'hold'} -> {move or 'hold'}",
            {"at": each.at.isoformat(), "verdict": verdict, "rule": rule},
        )
    return {"looks": len(found), "differ": len(differ), "first": first}
