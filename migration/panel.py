"""What rollouts add to the overview."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from migration.choices import ACTIVE, ApprovalState, RolloutState
from migration.models import Approval, Rollout
from monitoring.panels import Panel, panels


@panels.register
def path(now: datetime, user: Any) -> Panel | None:
    """Return the phases of the active rollout, to who may look at it."""
    if not user.has_perm("migration.view_rollout"):
        return None
    rollout = Rollout.objects.filter(state__in=ACTIVE).first()
    if rollout is None:
        return None
    # it needs SciPy, which no process imports at its start
    from migration.rollout_page import stored_path

    return Panel(
        "migration/partials/overview.html",
        {
            "rollout": rollout,
            "path": stored_path(rollout, now),
            "approval": _approval(rollout) if user.has_perm("migration.approve_phase") else None,
        },
    )


def _approval(rollout: Rollout) -> int | None:
    """Return the request that waits for somebody to decide it."""
    if rollout.state != RolloutState.AWAITING:
        return None
    waiting = Approval.objects.filter(
        step__phase__attempt__rollout=rollout, state=ApprovalState.WAITING
    )
    return waiting.values_list("pk", flat=True).first()
