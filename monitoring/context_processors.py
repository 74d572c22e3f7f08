"""What every page shows of the service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from monitoring.heartbeats import pulse_now
from monitoring.pulse import Pulse
from trimming.choices import OPEN_STATES, JobState
from trimming.models import TrimJob

# pulse: tone, shape, word, sentence
LOOKS: dict[Pulse, tuple[str, str, Any, Any]] = {
    Pulse.WORKING: ("ok", "ok", _("Working"), _("The workers take jobs.")),
    Pulse.STOPPED: (
        "fail",
        "fail",
        _("Workers stopped"),
        _("The workers do not answer. They are started again; waiting jobs are kept."),
    ),
    Pulse.UNKNOWN: (
        "unknown",
        "unknown",
        _("Not known"),
        _("Nothing was heard of the workers for a while. Waiting jobs are kept."),
    ),
}


def service_now(request: HttpRequest) -> dict[str, Any]:
    """Return ``service`` for the strip of a page, in two queries; nothing for anonymous users."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    try:
        return {"service": _service()}
    except DatabaseError:
        return {}  # before the first migrate there is no page to show it on


def _service() -> dict[str, Any]:
    now = timezone.now()
    jobs = _jobs(now)
    tone, shape, word, sentence = LOOKS[pulse_now(now, jobs["busy"])]
    return {
        "tone": tone,
        "shape": shape,
        "word": word,
        "sentence": sentence,
        "running": jobs["running"],
        "waiting": jobs["waiting"],
    }


def _jobs(now: datetime) -> dict[str, int]:
    return TrimJob.objects.filter(state__in=OPEN_STATES).aggregate(
        running=Count("pk", filter=Q(state=JobState.RUNNING)),
        busy=Count("pk", filter=Q(state=JobState.RUNNING, lease_until__gte=now)),
        waiting=Count("pk", filter=Q(state=JobState.WAITING)),
    )
