"""How long a phase still takes, by the traffic and the comparisons that were seen.  Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from migration.choices import PhaseName
from migration.conf import RolloutLimits
from migration.gates.conditions import LEAST_OF
from migration.gates.evidence import Evidence
from migration.gates.results import Result
from migration.traffic import OF_PAIRS, OF_PAIRS_IN_BASELINE, Traffic
from trimming import shadow_rules
from trimming.shadow_rules import Flow

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
    evidence: Evidence, limits: RolloutLimits, results: tuple[Result, ...], traffic: Traffic
) -> Estimate:
    """Return what is left of the present step."""
    dwell = float(getattr(limits, LEAST_OF[evidence.phase][0]))
    left = max(0.0, dwell - evidence.step_seconds)
    needed = {each.rule: each.needed or 0 for each in results}
    runs, pairs = needed.get("enough", 0), needed.get("mismatch", 0)
    if evidence.phase is PhaseName.BASELINE:
        pairs, runs = max(runs, pairs), 0
    seconds = [left]
    for count, rate in ((runs, traffic.runs), (pairs, traffic.pairs)):
        if count:
            seconds.append(count / rate if rate > 0 else math.inf)
    longest = max(seconds)
    wanted = runs / (traffic.captures * WANTED_SECONDS) if traffic.captures > 0 else None
    return Estimate(
        runs + pairs,
        longest if math.isfinite(longest) else None,
        wanted if runs and wanted is not None and wanted <= 1 else None,
    )


def traffic_of(evidence: Evidence, limits: RolloutLimits, per_second: float, flow: Flow) -> Traffic:
    """Return how fast evidence of a step comes; ``per_second`` are all captures, of both arms."""
    is_first = evidence.phase is PhaseName.BASELINE
    return Traffic(
        captures=per_second,
        runs=per_second * evidence.share,
        pairs=shadow_rules.per_second(per_second * shadow_share(limits, evidence.phase), flow),
        held_up=shadow_rules.held_up(flow),
        of_pairs=OF_PAIRS_IN_BASELINE if is_first else OF_PAIRS,
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
