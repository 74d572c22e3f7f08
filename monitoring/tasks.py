"""What django-q2 calls for the monitor, and what it tells about it."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone

GIVE_SIGN: Final = "monitoring.tasks.give_sign"


def give_sign() -> None:
    """Do nothing: that it was done is the sign."""


def note_sign(task: dict[str, Any], **_: Any) -> None:
    """Receive django-q2's ``post_execute``: note a sign once it has gone through every process.

    The signal is sent by the process that acknowledges results, so a sign proves that the pusher,
    a worker and that process are alive, and not only a worker.
    """
    from monitoring.heartbeats import beat, workers_here

    if task["func"] == GIVE_SIGN and task["success"]:
        beat(workers_here())


def check_health() -> None:
    """Judge the health and store a report."""
    from monitoring.health.check import check_now

    check_now(timezone.now())


def roll_up_metrics() -> None:
    """Bring the rollups up to date."""
    from monitoring.metrics.rollups import roll_up

    roll_up(timezone.now())


def make_reports() -> None:
    """Make the reports that are due, and mail what waits."""
    from monitoring.reports.mailing import mail_waiting
    from monitoring.reports.making import make_due

    now = timezone.now()
    make_due(now)
    mail_waiting(now)


def prune_metrics() -> None:
    """Remove what was kept long enough."""
    from monitoring.metrics.rollups import forget_counted, prune

    now = timezone.now()
    prune(now)
    forget_counted(now)
