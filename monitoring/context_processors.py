"""What every page shows of the service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from monitoring.conf import monitoring_settings
from monitoring.heartbeats import MONITOR, WORKERS
from monitoring.models import Heartbeat
from monitoring.pulse import Pulse, is_outstanding, pulse_of_workers
from trimming.choices import OPEN_STATES, JobState
from trimming.models import TrimJob
from trimming.shadow_queue import comparing

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
    limits = monitoring_settings()
    beats = {row.name: row for row in Heartbeat.objects.filter(name__in=(WORKERS, MONITOR))}
    workers, monitor = beats.get(WORKERS), beats.get(MONITOR)
    # only then it matters who is busy with what
    owes = workers is not None and is_outstanding(workers.asked_at, workers.at)
    jobs = TrimJob.objects.filter(state__in=OPEN_STATES).aggregate(
        running=Count("pk", filter=Q(state=JobState.RUNNING)),
        busy=Count("pk", filter=Q(state=JobState.RUNNING, lease_until__gte=now)),
        waiting=Count("pk", filter=Q(state=JobState.WAITING)),
    )
    tone, shape, word, sentence = LOOKS[
        pulse_of_workers(
            now=now,
            asked_at=workers.asked_at if workers else None,
            at=workers.at if workers else None,
            asker_at=monitor.at if monitor else None,
            busy_workers=jobs["busy"] + (comparing(now) if owes else 0),
            workers=settings.Q_CLUSTER["workers"],
            patience=timedelta(seconds=limits.patience_seconds),
            known=timedelta(seconds=limits.known_seconds),
        )
    ]
    return {
        "tone": tone,
        "shape": shape,
        "word": word,
        "sentence": sentence,
        "running": jobs["running"],
        "waiting": jobs["waiting"],
    }
