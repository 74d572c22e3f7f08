"""What every page shows of the service."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from monitoring.strip import facts_at, in_words, newest_report


def service_now(request: HttpRequest) -> dict[str, Any]:
    """Return ``service`` for the strip of a page; nothing for anonymous users.

    It takes three queries when it is first shown, none where only a part of a page is made anew.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"service": SimpleLazyObject(_service)}


def _service() -> dict[str, Any]:
    try:
        return in_words(facts_at(timezone.now(), newest_report()))
    except DatabaseError:
        return {}  # before the first migrate there is no page to show it on
