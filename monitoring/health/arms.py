"""The two arms against each other, over the captures that the present salt has shared out.

The unit is the distinct capture: its first job counts, repeats and choices by hand do not, and
neither does what was sent to legacy because nobody watched.  By *assigned* arm: a fallback counts
against treatment, whoever served it in the end.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, Value, When

from monitoring.statistics import (
    ErrorRateProcess,
    Failures,
    PairedLatencyProcess,
    SampleRatio,
    is_slower,
)
from trimming.blame import of_kinds
from trimming.choices import JobState, OutcomeKind
from trimming.models import RoutingPolicy, Shadow, TrimJob, TrimRun
from trimming.routing_choices import Arm, Mode, ShadowState, Why

# So many of the newest rows are looked at: a check must stay cheap.  Beyond them the window slides
# and the level of the evidence is no longer proven; decisions about a rollout need the whole of it.
MOST_JOBS: Final = 4_000
MOST_PAIRS: Final = 1_000
# an e-value beyond says no more
LARGEST: Final = 1e12
HAS_FAILED: Final = of_kinds(OutcomeKind.STRATEGY_FAILURE)


class Assigned(NamedTuple):
    """One job of a capture, and whether the strategy of the arm that it was given failed."""

    digest: str
    arm: Arm
    share: float
    failed: bool


class Pair(NamedTuple):
    """How long both strategies took for the same capture, in ms."""

    digest: str
    control_ms: float
    treatment_ms: float


@dataclass(frozen=True, slots=True)
class ArmsCompared:
    """E-values against equal arms; None where there are no two arms, or no pairs.

    ``expected_share`` is the mean of the shares that were in force, ``changed_arm`` how many
    captures had an arm that the shares do not explain.
    """

    assigned: int = 0
    assigned_to_treatment: int = 0
    expected_share: float | None = None
    changed_arm: int = 0
    sample_ratio_e: float | None = None
    harm_e: float | None = None


@dataclass(frozen=True, slots=True)
class PairsCompared:
    """The evidence that the treatment is slower on the same captures; None without pairs."""

    pairs: int = 0
    slower_e: float | None = None


def compare_arms(policy: RoutingPolicy | None) -> ArmsCompared:
    """Compare the arms of ``policy``; nothing when it does not share captures out."""
    if policy is None or policy.mode != Mode.AB_TEST:
        return ArmsCompared()
    versions = RoutingPolicy.objects.filter(salt=policy.salt, mode=Mode.AB_TEST)
    # a job whose machine or storage failed says nothing of its strategy, nor does an odd capture
    failures = TrimRun.objects.filter(HAS_FAILED, job=OuterRef("pk"))
    failed = Case(
        When(~Q(failed_on=""), then=Exists(failures.filter(strategy=OuterRef("failed_on")))),
        When(state=JobState.FAILED, then=Exists(failures)),
        default=Value(False),
        output_field=BooleanField(),
    )
    rows = (
        TrimJob.objects.filter(
            policy_version__in=versions.values("version"),
            arm__in=(Arm.CONTROL, Arm.TREATMENT),
            share__gt=0,
            share__lt=1,
        )
        .exclude(why=Why.UNWATCHED)
        .order_by("-created_at")
        .values_list("capture__sha256", "arm", "share", failed)[:MOST_JOBS]
    )
    arms = {arm.value: arm for arm in Arm}
    newest_first = [
        Assigned(digest, arms[arm], share or 0.0, bool(failed))
        for digest, arm, share, failed in rows
    ]
    return compare(reversed(newest_first))


def compare(assigned: Iterable[Assigned]) -> ArmsCompared:
    """Compare captures in the order in which they were assigned."""
    found = list(assigned)
    first: dict[str, Assigned] = {}
    for each in found:
        first.setdefault(each.digest, each)
    if not first:
        return ArmsCompared()
    counts = Counter((each.share, each.arm) for each in first.values())
    failures = Counter((each.share, each.arm) for each in first.values() if each.failed)
    ratio = SampleRatio()
    for share in sorted({share for share, _ in counts}):
        ratio = ratio.update(
            share,
            treatment=counts[share, Arm.TREATMENT],
            control=counts[share, Arm.CONTROL],
        )
    errors = ErrorRateProcess().update_all(
        Failures(share, arm is Arm.TREATMENT, count) for (share, arm), count in failures.items()
    )
    treatment = sum(each.arm is Arm.TREATMENT for each in first.values())
    return ArmsCompared(
        assigned=len(first),
        assigned_to_treatment=treatment,
        expected_share=math.fsum(each.share for each in first.values()) / len(first),
        changed_arm=_changed(found),
        sample_ratio_e=_e(ratio.log_e),
        harm_e=_e(errors.log_e) if 0 < treatment < len(first) else None,
    )


def _changed(assigned: Iterable[Assigned]) -> int:
    """Count captures on control at a share at which, or below which, they were on treatment.

    A larger share only adds captures to the treatment, so that is none unless the draw changed.
    """
    least: dict[str, float] = {}
    most: dict[str, float] = {}
    for digest, arm, share, _ in assigned:
        if arm is Arm.TREATMENT:
            least[digest] = min(share, least.get(digest, share))
        else:
            most[digest] = max(share, most.get(digest, share))
    return sum(most.get(digest, -1.0) >= share for digest, share in least.items())


def compare_times(policy: RoutingPolicy | None) -> PairsCompared:
    """Compare the times of comparisons under the salt of ``policy``, of the newest build only."""
    if policy is None:
        return PairsCompared()
    versions = RoutingPolicy.objects.filter(salt=policy.salt)
    rows = (
        Shadow.objects.filter(
            state=ShadowState.DONE,
            policy_version__in=versions.values("version"),
            control_ms__isnull=False,
            treatment_ms__isnull=False,
        )
        .order_by("-queued_at")
        .values_list("treatment_version", "digest", "control_ms", "treatment_ms")[:MOST_PAIRS]
    )
    newest_build = next((build for build, *_ in rows), "")
    pairs = [
        Pair(digest, control_ms or 0.0, treatment_ms or 0.0)
        for build, digest, control_ms, treatment_ms in rows
        if build == newest_build
    ]
    return slower(reversed(pairs))


def slower(pairs: Iterable[Pair]) -> PairsCompared:
    """Compare pairs of times; the first one of each capture counts."""
    first: dict[str, Pair] = {}
    for each in pairs:
        first.setdefault(each.digest, each)
    if not first:
        return PairsCompared()
    slow = sum(is_slower(each.treatment_ms, each.control_ms) for each in first.values())
    process = PairedLatencyProcess().update(slower=slow, not_slower=len(first) - slow)
    return PairsCompared(len(first), _e(process.log_e))


def _e(log_e: float) -> float:
    return min(LARGEST, math.exp(min(log_e, 700)))
