"""What every page shows of the service."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from monitoring.alerts.listing import firing_count
from monitoring.strip import facts_at, in_words, newest_report


def service_now(request: HttpRequest) -> dict[str, Any]:
    """Return ``service`` for the strip of a page; nothing for anonymous users.

    It takes three queries when it is first shown, none where only a part of a page is made anew.
    ``alerts_firing`` is a number for the navigation.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"service": SimpleLazyObject(_service), "alerts_firing": _alerts_firing}


def _alerts_firing() -> int:
    """Return how many alerts want a person, in one query; templates call it where they show it."""
    try:
        return firing_count()
    except DatabaseError:
        return 0  # as above


def _service() -> dict[str, Any]:
    try:
        return in_words(facts_at(timezone.now(), newest_report()))
    except DatabaseError:
        return {}  # before the first migrate there is no page to show it on
