"""Signs of life as rows: asking, noting, and what they say now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from monitoring import pulse
from monitoring.conf import monitoring_settings
from monitoring.models import Heartbeat
from monitoring.tasks import GIVE_SIGN
from trimming.choices import JobState
from trimming.models import TrimJob, TrimRun
from trimming.shadow_queue import comparing

WORKERS: Final = "workers"
MONITOR: Final = "monitor"


def begin(name: str) -> None:
    """Note that a part is being started; what was asked of its predecessor is forgotten."""
    Heartbeat.objects.update_or_create(
        name=name, defaults={"started_at": timezone.now(), "asked_at": None, "at": None}
    )


def beat(name: str) -> None:
    """Note a sign of life."""
    now = timezone.now()
    if not Heartbeat.objects.filter(name=name).update(at=now):
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def ask_workers() -> bool:
    """Ask the workers for a sign, unless they still owe one; return whether they were asked."""
    from django_q.tasks import async_task

    now = timezone.now()
    Heartbeat.objects.get_or_create(name=WORKERS)
    free = Q(asked_at=None) | Q(at__gte=F("asked_at"))
    if not Heartbeat.objects.filter(free, name=WORKERS).update(asked_at=now):
        return False
    async_task(GIVE_SIGN)
    return True


def busy_workers(now: datetime) -> int:
    """Return how many jobs and comparisons run under a lease that has not run out."""
    jobs = TrimJob.objects.filter(state=JobState.RUNNING, lease_until__gte=now).count()
    return jobs + comparing(now)


def workers_are_stuck() -> bool:
    """Return pulse.workers_are_stuck of the rows as they are now."""
    now = timezone.now()
    limits = monitoring_settings()
    row = Heartbeat.objects.filter(name=WORKERS).first()
    if row is None or not pulse.is_outstanding(row.asked_at, row.at):
        return False
    # a run begins with its claim, and its time is indexed
    last = TrimRun.objects.order_by("-started_at").values_list("started_at", flat=True).first()
    return pulse.workers_are_stuck(
        now=now,
        asked_at=row.asked_at,
        at=row.at,
        started_at=row.started_at,
        last_claim_at=last,
        busy_workers=busy_workers(now),
        workers=settings.Q_CLUSTER["workers"],
        patience=timedelta(seconds=limits.patience_seconds),
        start_patience=timedelta(seconds=limits.start_patience_seconds),
    )


def monitor_is_silent() -> bool:
    """Return whether the monitor has given no sign for too long."""
    row = Heartbeat.objects.filter(name=MONITOR).first()
    return row is not None and pulse.is_silent(
        now=timezone.now(),
        at=row.at,
        started_at=row.started_at,
        patience=timedelta(seconds=monitoring_settings().monitor_patience_seconds),
    )


def pulse_now(now: datetime, busy_jobs: int | None = None) -> pulse.Pulse:
    """Return how the workers are; ``busy_jobs`` where the caller has counted them already."""
    limits = monitoring_settings()
    beats = {row.name: row for row in Heartbeat.objects.filter(name__in=(WORKERS, MONITOR))}
    workers, monitor = beats.get(WORKERS), beats.get(MONITOR)
    # only then it matters who is busy with what
    owes = workers is not None and pulse.is_outstanding(workers.asked_at, workers.at)
    busy = busy_jobs or 0
    if owes:
        busy = busy_workers(now) if busy_jobs is None else busy_jobs + comparing(now)
    return pulse.pulse_of_workers(
        now=now,
        asked_at=workers.asked_at if workers else None,
        at=workers.at if workers else None,
        asker_at=monitor.at if monitor else None,
        busy_workers=busy,
        workers=settings.Q_CLUSTER["workers"],
        patience=timedelta(seconds=limits.patience_seconds),
        known=timedelta(seconds=limits.known_seconds),
    )
