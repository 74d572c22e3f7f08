"""The rollout for scripts: read, never acted on."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from pktmask_site.api import shapes
from pktmask_site.api.access import Token
from pktmask_site.api.choices import Scope
from pktmask_site.api.described import refusals

router = Router(tags=["Rollout"])


@router.get(
    "rollout",
    auth=Token(Scope.ROLLOUT_READ),
    operation_id="rollout",
    summary="See where the rollout stands",
    response={200: shapes.RolloutNow, **refusals()},
)
def rollout(request: HttpRequest) -> dict[str, Any]:
    """Tell state, phases and gates of the active rollout, or of the newest one."""
    from migration.rollout_page import present_rollout  # heavy, and seldom needed
    from migration.shown import status_of

    found = present_rollout()
    return {"rollout": None if found is None else status_of(found, timezone.now())}
