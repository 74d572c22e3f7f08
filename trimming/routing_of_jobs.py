"""Where a job goes: the decision's facts are loaded, and its answer is kept."""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.conf import settings

from trimming.breaker import may_go_to
from trimming.engine.strategies.registry import available
from trimming.models import RoutingPolicy, TrimJob, TrimRun
from trimming.policy import epoch_in_force, is_watched, newest_policy
from trimming.routing import CONTROL, TREATMENT, Policy, Traits, decide

log = structlog.get_logger("pktmask.routing")

# what a job keeps of its decision
FIELDS: Final = (
    "routed_to",
    "arm",
    "bucket",
    "share",
    "why",
    "policy_version",
    "fence_epoch",
)


def decided(job: TrimJob) -> dict[str, Any]:
    """Return the fields of a job that tell where it goes.

    As before, unless the epoch changed, or it went to legacy and that was retired meanwhile.
    """
    row = newest_policy()
    is_retired = row.legacy_retired and job.routed_to == CONTROL
    if job.fence_epoch == row.fence_epoch and not is_retired:
        return {name: getattr(job, name) for name in FIELDS}
    found = decide(
        _read(row),
        traits_of(job),
        is_watched=is_watched(),
        may_treat=lambda: may_go_to(TREATMENT),
    )
    return {
        "routed_to": found.strategy,
        "arm": found.arm,
        "bucket": found.bucket,
        "share": found.share,
        "why": found.why,
        "policy_version": row.version,
        "fence_epoch": row.fence_epoch,
    }


def _read(row: RoutingPolicy) -> Policy | None:
    try:
        return row.as_policy()
    except ValueError:  # a mode of another version of this program
        log.error("policy_not_understood", version=row.version)
        return None


def traits_of(job: TrimJob) -> Traits:
    """Return what a decision looks at of a job."""
    return Traits(
        digest=job.capture.sha256,
        is_supported=TREATMENT in available(settings.TRIMMING_STRATEGIES),
        override=job.strategy_override,
        has_failed_on=job.failed_on,
    )


def is_overtaken(routed: dict[str, Any]) -> bool:
    """Tell whether the treatment was taken away since it was given.  Under the fence."""
    return bool(routed["routed_to"] != CONTROL and routed["fence_epoch"] != epoch_in_force())


def is_outdated(run: TrimRun) -> bool:
    """Tell whether what a treatment made may not be published any more.  Under the fence."""
    return run.strategy != CONTROL and run.fence_epoch != epoch_in_force()
