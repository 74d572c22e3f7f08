"""How long a phase still takes, by the traffic that was seen.  Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from migration.choices import PhaseName
from migration.conf import RolloutLimits
from migration.gates.conditions import LEAST_OF
from migration.gates.evidence import Evidence
from migration.gates.results import Result

# a decision is wanted within this
WANTED_SECONDS = 7 * 86_400.0


class Estimate(NamedTuple):
    """What is left of a step.  None is not known: no traffic was seen.

    ``share_for_a_week``: the share at which its runs would come together within 7 days.
    """

    runs: int
    seconds: float | None
    share_for_a_week: float | None = None


def estimate(
    evidence: Evidence, limits: RolloutLimits, results: tuple[Result, ...], per_second: float
) -> Estimate:
    """Return what is left of the present step; ``per_second`` are all captures, of both arms."""
    dwell = float(getattr(limits, LEAST_OF[evidence.phase][0]))
    left = max(0.0, dwell - evidence.step_seconds)
    needed = {each.rule: each.needed or 0 for each in results}
    runs, pairs = needed.get("enough", 0), needed.get("mismatch", 0)
    if evidence.phase is PhaseName.BASELINE:
        pairs, runs = max(runs, pairs), 0
    seconds = [left]
    for count, share in ((runs, evidence.share), (pairs, shadow_share(limits, evidence.phase))):
        if count:
            rate = per_second * share
            seconds.append(count / rate if rate > 0 else math.inf)
    longest = max(seconds)
    wanted = runs / (per_second * WANTED_SECONDS) if per_second > 0 else None
    return Estimate(
        runs + pairs,
        longest if math.isfinite(longest) else None,
        wanted if runs and wanted is not None and wanted <= 1 else None,
    )


def shadow_share(limits: RolloutLimits, phase: PhaseName) -> float:
    """Return the share of captures that are compared in the background in a phase."""
    return {
        PhaseName.BASELINE: limits.baseline_shadow_share,
        PhaseName.AB_TEST: limits.ab_shadow_share,
        PhaseName.GRADUAL: limits.gradual_shadow_share,
        PhaseName.FULL: limits.full_shadow_share,
        PhaseName.CLEANUP: limits.cleanup_shadow_share,
    }[phase]
