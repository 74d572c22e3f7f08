"""What every page shows of the rollout."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from migration.badge import facts_now, in_words


def rollout_now(request: HttpRequest) -> dict[str, Any]:
    """Return ``rollout_badge`` for who is signed in; one query, when it is first shown."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"rollout_badge": SimpleLazyObject(_badge)}


def _badge() -> dict[str, Any]:
    try:
        facts = facts_now()
    except DatabaseError:
        return {}  # before the first migrate there is no page to show it on
    return {} if facts is None else in_words(facts)
