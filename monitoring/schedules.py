"""What the workers do by the clock: health checks, rollups, reports, removing what is old.

django-q2's scheduler wakes about every half minute, and its least unit is a minute; what must be
quicker is done by the monitor.  Rows follow the settings.
"""

from __future__ import annotations

from typing import Final

from django.utils import timezone
from django_q.models import Schedule

from monitoring.conf import health_settings

CHECK_HEALTH: Final = "monitoring.tasks.check_health"
ROLL_UP: Final = "monitoring.tasks.roll_up_metrics"
PRUNE: Final = "monitoring.tasks.prune_metrics"
MAKE_REPORTS: Final = "monitoring.tasks.make_reports"
PREFIX: Final = "monitoring: "


def wanted() -> dict[str, tuple[str, int]]:
    """Return name to task and minutes between two runs, by the settings in force."""
    return {
        f"{PREFIX}check health": (CHECK_HEALTH, health_settings().check_minutes),
        f"{PREFIX}roll up metrics": (ROLL_UP, 1),
        f"{PREFIX}make reports": (MAKE_REPORTS, 10),
        f"{PREFIX}remove old metrics": (PRUNE, 60),
    }


def ensure_schedules() -> None:
    """Make the rows what they should be, and no more of them; nothing when they are."""
    table = wanted()
    known = {each.name: each for each in Schedule.objects.filter(name__startswith=PREFIX)}
    for name, (task, minutes) in table.items():
        row = known.pop(name, None)
        if row is None:
            Schedule.objects.create(
                name=name,
                func=task,
                schedule_type=Schedule.MINUTES,
                minutes=minutes,
                repeats=-1,
                next_run=timezone.now(),
            )
        elif (row.func, row.minutes) != (task, minutes):
            Schedule.objects.filter(pk=row.pk).update(
                func=task, minutes=minutes, next_run=timezone.now()
            )
    Schedule.objects.filter(pk__in=[row.pk for row in known.values()]).delete()
