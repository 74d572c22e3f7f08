"""Which strategy a capture goes to, and why: plain values in, a decision out.

No database, no clock.  The two arms are roles: *control* is what all captures went to before,
*treatment* what they move to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trimming.routing_choices import Arm, Mode, Why

CONTROL: Final = "legacy"
TREATMENT: Final = "scanning"
STRATEGIES: Final = {Arm.CONTROL: CONTROL, Arm.TREATMENT: TREATMENT}
BUCKETS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """The routing policy in force.  Shares are from 0 to 1.

    ``stands_back``: an abort or rollback stands, so nobody may choose the treatment.  ``guarded``:
    the treatment is only given while somebody watches.  ``legacy_retired``: there is no control to
    go to, so the treatment gets everything, whatever speaks against it.
    """

    version: int
    fence_epoch: int
    mode: Mode
    treatment_share: float
    shadow_share: float
    salt: str
    guarded: bool
    stands_back: bool
    legacy_retired: bool = False


@dataclass(frozen=True, slots=True)
class Traits:
    """What a decision looks at of a job.  ``override`` is a strategy that a person chose."""

    digest: str
    is_supported: bool
    override: str = ""
    has_failed_on: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a job goes.  ``arm`` is what was assigned, also where another strategy serves it."""

    strategy: str
    arm: Arm
    bucket: int
    share: float
    why: Why


def bucket_of(salt: str, digest: str) -> int:
    """Return the bucket of a capture, from 0 to BUCKETS - 1: the same one whenever it comes."""
    found = hashlib.sha256(f"{salt}{digest}".encode()).digest()
    return int.from_bytes(found[:8], "big") % BUCKETS


def is_below(bucket: int, share: float) -> bool:
    """Tell whether a bucket is among the lowest ``share``: a larger share only adds buckets."""
    return bucket < round(share * BUCKETS)


# mode: the share of captures that it assigns to the treatment, under a policy
SHARES: Final[dict[Mode, Callable[[Policy], float]]] = {
    Mode.LEGACY: lambda policy: 0.0,
    Mode.COMPARISON: lambda policy: 0.0,
    Mode.AB_TEST: lambda policy: policy.treatment_share,
    Mode.AUTO: lambda policy: 1.0,
    Mode.SCANNING: lambda policy: 1.0,
}
# why a capture went where its mode sends it, by mode and arm
BY_MODE: Final[dict[Mode, dict[Arm, Why]]] = {
    Mode.LEGACY: {Arm.CONTROL: Why.MODE_LEGACY},
    Mode.COMPARISON: {Arm.CONTROL: Why.MODE_COMPARISON},
    Mode.AB_TEST: {Arm.CONTROL: Why.BUCKET_CONTROL, Arm.TREATMENT: Why.BUCKET_TREATMENT},
    Mode.AUTO: {Arm.TREATMENT: Why.AUTO_SUPPORTED},
    Mode.SCANNING: {Arm.TREATMENT: Why.MODE_SCANNING},
}


def decide(
    policy: Policy | None, traits: Traits, *, is_watched: bool, may_treat: Callable[[], bool]
) -> Decision:
    """Return where a job goes.

    ``policy`` is None when it cannot be read; ``is_watched``: the guard's lease has not run out;
    ``may_treat`` asks the breaker, which notes a probe, so it is asked last and only if it matters.
    """
    if policy is None:
        return Decision(CONTROL, Arm.CONTROL, 0, 0.0, Why.NO_POLICY)
    bucket = bucket_of(policy.salt, traits.digest)
    if policy.legacy_retired:
        return _without_control(traits, bucket, may_treat)
    if traits.override:
        return _overridden(policy, traits, bucket)
    share = SHARES[policy.mode](policy)
    if policy.mode is Mode.AUTO and not traits.is_supported:
        return Decision(CONTROL, Arm.CONTROL, bucket, share, Why.AUTO_UNSUPPORTED)
    arm = Arm.TREATMENT if is_below(bucket, share) else Arm.CONTROL
    if arm is Arm.CONTROL:
        return Decision(CONTROL, arm, bucket, share, BY_MODE[policy.mode][arm])
    if traits.has_failed_on == TREATMENT:
        return Decision(CONTROL, arm, bucket, share, Why.FALLBACK)
    if policy.guarded and not is_watched:
        # nobody was assigned: what is not watched is not part of a trial
        return Decision(CONTROL, Arm.CONTROL, bucket, share, Why.UNWATCHED)
    if not may_treat():
        return Decision(CONTROL, arm, bucket, share, Why.BREAKER_OPEN)
    return Decision(TREATMENT, arm, bucket, share, BY_MODE[policy.mode][arm])


def _overridden(policy: Policy, traits: Traits, bucket: int) -> Decision:
    if traits.has_failed_on == traits.override:
        return Decision(CONTROL, Arm.NONE, bucket, 0.0, Why.FALLBACK)
    if traits.override != CONTROL and policy.stands_back:
        return Decision(CONTROL, Arm.NONE, bucket, 0.0, Why.OVERRIDE_REFUSED)
    return Decision(traits.override, Arm.NONE, bucket, 0.0, Why.OVERRIDE)


def _without_control(traits: Traits, bucket: int, may_treat: Callable[[], bool]) -> Decision:
    """Return where a job goes while the control is retired: nothing sends it there.

    The breaker is asked all the same: what runs is its probe, so that it can close again.
    """
    arm, share = (Arm.NONE, 0.0) if traits.override else (Arm.TREATMENT, 1.0)
    if traits.override == CONTROL:
        return Decision(TREATMENT, arm, bucket, share, Why.RETIRED_OVERRIDE)
    if traits.has_failed_on:
        return Decision(TREATMENT, arm, bucket, share, Why.RETIRED_AFTER_FAILURE)
    if traits.override:
        return Decision(traits.override, arm, bucket, share, Why.OVERRIDE)
    why = Why.MODE_SCANNING if may_treat() else Why.RETIRED_BREAKER_OPEN
    return Decision(TREATMENT, arm, bucket, share, why)


def is_shadowed(policy: Policy, digest: str) -> bool:
    """Tell whether a capture is compared in the background, once its result is served.

    Another draw than that of the arms, so that neither depends on the other.
    """
    bucket = bucket_of(f"{policy.salt}/shadow", digest)
    return is_below(bucket, policy.shadow_share)
