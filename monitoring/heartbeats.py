"""Signs of life as rows: asking, noting, and what they say now.

They go by the clock of the database: those of machines may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from config.database_clock import database_now
from monitoring import pulse
from monitoring.conf import monitoring_settings
from monitoring.models import Heartbeat
from monitoring.tasks import GIVE_SIGN
from trimming.capacity import workers
from trimming.choices import JobState
from trimming.models import TrimJob, TrimRun
from trimming.shadow_queue import comparing

WORKERS: Final = "workers"
MONITOR: Final = "monitor"
# a machine that gave no sign and was not started for so long is not there any more
FORGOTTEN: Final = timedelta(hours=1)
# before the name of a machine, in the name of its workers
AT: Final = "@"
_OF_WORKERS: Final = Q(name=WORKERS) | Q(name__startswith=f"{WORKERS}{AT}")


def workers_of(machine: str) -> str:
    """Return the name of the workers of ``machine``; on a single one there are only these."""
    return WORKERS if settings.INSTALLATION.is_alone else f"{WORKERS}{AT}{machine}"


def workers_here() -> str:
    """Return the name of the workers of this machine."""
    return workers_of(settings.INSTALLATION.machine)


def queue_of(machine: str) -> str:
    """Return the name of the queue from which only the workers of ``machine`` take messages."""
    return f"{settings.Q_CLUSTER['name']}{AT}{machine}"


def all_workers() -> QuerySet[Heartbeat]:
    """Return the rows of the workers of all machines."""
    return Heartbeat.objects.filter(_OF_WORKERS)


def begin(name: str) -> None:
    """Note that a part is being started; what was asked of its predecessor is forgotten."""
    Heartbeat.objects.update_or_create(
        name=name, defaults={"started_at": Now(), "asked_at": None, "at": None}
    )


def beat(name: str) -> None:
    """Note a sign of life."""
    if not Heartbeat.objects.filter(name=name).update(at=Now()):
        Heartbeat.objects.update_or_create(name=name, defaults={"at": Now()})


def ask_workers() -> bool:
    """Ask the workers of each machine for a sign, unless they owe one; return whether any were."""
    if settings.INSTALLATION.is_alone:
        Heartbeat.objects.get_or_create(name=WORKERS)
    names = list(all_workers().values_list("name", flat=True))
    asked = [_ask(name) for name in names]
    return any(asked)


def _ask(name: str) -> bool:
    from django_q.tasks import async_task

    free = Q(asked_at=None) | Q(at__gte=F("asked_at"))
    if not Heartbeat.objects.filter(free, name=name).update(asked_at=Now()):
        return False
    _, at, machine = name.partition(AT)
    async_task(GIVE_SIGN, **({"cluster": queue_of(machine)} if at else {}))
    return True


def forget_machines() -> int:
    """Forget the workers of machines that are not there any more; return of how many."""
    lost = Now() - FORGOTTEN
    silent = Q(at=None) | Q(at__lt=lost)
    found = all_workers().filter(silent, started_at__lt=lost).exclude(name=WORKERS)
    return found.delete()[0]


def busy_workers(prefix: str = "") -> int:
    """Return how many jobs and comparisons run under a lease that has not run out.

    Only by the workers whose name begins with ``prefix``.
    """
    running = TrimJob.objects.filter(state=JobState.RUNNING, lease_until__gte=Now())
    return running.filter(lease_owner__startswith=prefix).count() + comparing(prefix)


def workers_are_stuck(prefix: str = "") -> bool:
    """Return pulse.workers_are_stuck of this machine's workers, whose names begin so, as of now."""
    now = database_now()
    limits = monitoring_settings()
    patience = timedelta(seconds=limits.patience_seconds)
    row = Heartbeat.objects.filter(name=workers_here()).first()
    if row is None or not pulse.is_outstanding(row.asked_at, row.at):
        return False
    # a run begins with its claim, and its time is indexed
    lately = TrimRun.objects.filter(started_at__gte=now - patience, worker__startswith=prefix)
    return pulse.workers_are_stuck(
        now=now,
        asked_at=row.asked_at,
        at=row.at,
        started_at=row.started_at,
        last_claim_at=lately.values_list("started_at", flat=True).first(),
        busy_workers=busy_workers(prefix),
        workers=settings.Q_CLUSTER["workers"],
        patience=patience,
        start_patience=timedelta(seconds=limits.start_patience_seconds),
    )


def monitor_is_silent() -> bool:
    """Return whether the monitor has given no sign for too long."""
    row = Heartbeat.objects.filter(name=MONITOR).first()
    return row is not None and pulse.is_silent(
        now=database_now(),
        at=row.at,
        started_at=row.started_at,
        patience=timedelta(seconds=monitoring_settings().monitor_patience_seconds),
    )


def pulse_now(now: datetime, busy_jobs: int | None = None) -> pulse.Pulse:
    """Return how the workers are; ``busy_jobs`` where the caller has counted them already."""
    return pulse.best(pulses_now(now, busy_jobs).values())


def silent_machines(now: datetime) -> list[str]:
    """Return the machines whose workers do not answer while others' do."""
    found = pulses_now(now)
    if pulse.Pulse.WORKING not in found.values():
        return []
    silent = [name for name, each in found.items() if each is pulse.Pulse.STOPPED]
    return sorted(name.partition(AT)[2] for name in silent)


def pulses_now(now: datetime, busy_jobs: int | None = None) -> dict[str, pulse.Pulse]:
    """Return how the workers of each machine are, by their name."""
    limits = monitoring_settings()
    known = timedelta(seconds=limits.known_seconds)
    beats = {row.name: row for row in Heartbeat.objects.filter(_OF_WORKERS | Q(name=MONITOR))}
    monitor = beats.pop(MONITOR, None)
    rows: Sequence[Heartbeat | None] = list(beats.values()) or [None]
    # only then it matters who is busy with what
    owes = any(row and pulse.is_outstanding(row.asked_at, row.at) for row in rows)
    busy = busy_jobs or 0
    if owes:
        busy = busy_workers() if busy_jobs is None else busy_jobs + comparing()
    return {
        (row.name if row else WORKERS): pulse.pulse_of_workers(
            now=now,
            asked_at=row.asked_at if row else None,
            at=row.at if row else None,
            asker_at=monitor.at if monitor else None,
            busy_workers=busy,
            workers=workers(),
            patience=timedelta(seconds=limits.patience_seconds),
            known=known,
        )
        for row in rows
    }
