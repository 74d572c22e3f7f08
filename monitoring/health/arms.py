"""The two arms against each other, over the captures that the present salt has shared out.

The unit is the distinct capture: its first job counts, repeats and choices by hand do not.  By
*assigned* arm: a fallback counts against treatment, whoever served it in the end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from monitoring.statistics import ErrorRate, SampleRatio
from trimming.models import RoutingPolicy, TrimJob
from trimming.routing_choices import Arm, Mode

# so many of the newest jobs are looked at: a check must stay cheap
MOST_JOBS: Final = 20_000
# an e-value beyond says no more
LARGEST: Final = 1e12


class Assigned(NamedTuple):
    """One distinct capture, and what became of it on the arm that it was given."""

    digest: str
    arm: Arm
    share: float
    failed: bool


@dataclass(frozen=True, slots=True)
class ArmsCompared:
    """``sample_ratio_e`` and ``harm_e`` are e-values; None where there are no two arms."""

    assigned: int = 0
    assigned_to_treatment: int = 0
    sample_ratio_e: float | None = None
    harm_e: float | None = None


def compare_arms() -> ArmsCompared:
    """Compare the arms of the policy in force; nothing when it does not share captures out."""
    policy = RoutingPolicy.objects.order_by("-version").first()
    if policy is None or policy.mode != Mode.AB_TEST:
        return ArmsCompared()
    versions = RoutingPolicy.objects.filter(salt=policy.salt, mode=Mode.AB_TEST)
    rows = (
        TrimJob.objects.filter(
            policy_version__in=versions.values("version"),
            arm__in=(Arm.CONTROL, Arm.TREATMENT),
            share__gt=0,
            share__lt=1,
        )
        .order_by("-created_at")
        .values_list("capture__sha256", "arm", "share", "failed_on", "state")[:MOST_JOBS]
    )
    newest_first = [
        Assigned(digest, Arm(arm), share or 0.0, bool(failed_on) or state == "failed")
        for digest, arm, share, failed_on, state in rows
    ]
    return compare(reversed(newest_first))


def compare(assigned: Iterable[Assigned]) -> ArmsCompared:
    """Compare captures in the order in which they were assigned."""
    first: dict[str, Assigned] = {}
    for each in assigned:
        first.setdefault(each.digest, each)
    if not first:
        return ArmsCompared()
    ratio, errors = SampleRatio(), ErrorRate()
    for each in first.values():
        is_treatment = each.arm is Arm.TREATMENT
        ratio = ratio.add(each.share, treatment=int(is_treatment), control=int(not is_treatment))
        if each.failed:
            errors = errors.add_failure(each.share, on_treatment=is_treatment)
    return ArmsCompared(
        assigned=len(first),
        assigned_to_treatment=sum(each.arm is Arm.TREATMENT for each in first.values()),
        sample_ratio_e=min(LARGEST, math.exp(min(ratio.log_e, 700))),
        harm_e=min(LARGEST, math.exp(min(errors.log_e, 700))),
    )
