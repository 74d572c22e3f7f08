"""What recovery puts into the inbox of alerts: backups, drills and upkeep that fail.

The audit log is verified as a task of upkeep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.alerts.inbox import Rule, Unknown, inbox
from monitoring.alerts.message import Severity
from monitoring.alerts.values import Condition, labels_of
from pktmask_site.recovery.choices import UpkeepState

PAGE: Final = gettext_lazy("The page Maintenance says what it found; run it again from there.")
BACKUP: Final = Rule(
    "backup_failing",
    gettext_lazy("Backups fail"),
    (PAGE, gettext_lazy("See whether the folder of backups can be written and has room.")),
)
DRILL: Final = Rule(
    "restore_drill_failing",
    gettext_lazy("A backup could not be restored"),
    (PAGE, gettext_lazy("Make another backup, and check it: manage.py restore DIR --check.")),
)
AUDIT: Final = Rule(
    "audit_log_broken",
    gettext_lazy("The audit log was touched"),
    (gettext_lazy("Have it named what was touched: manage.py verify_audit."), PAGE),
)
UPKEEP: Final = Rule("upkeep_failing", gettext_lazy("Upkeep needs a look"), (PAGE,))
# the rule of a task, and how severe it is
RULES: Final[Mapping[str, tuple[Rule, Severity]]] = {
    "backup": (BACKUP, Severity.HIGH),
    "restore_drill": (DRILL, Severity.HIGH),
    "audit_log": (AUDIT, Severity.CRITICAL),
}
# after so many times of its interval a task has been missed
MISSED: Final = 3
WRONG: Final = (UpkeepState.FAILED, UpkeepState.FOUND)


def upkeep(now: datetime) -> Iterator[Condition | Unknown]:
    """Give the tasks whose newest run failed, or found what needs a person."""
    from pktmask_site.recovery import running  # noqa: F401 - importing registers tasks
    from pktmask_site.recovery.shown import newest_runs
    from pktmask_site.recovery.upkeep import tasks

    for name, run in newest_runs().items():
        rule, severity = RULES.get(name, (UPKEEP, Severity.MEDIUM))
        task = tasks.named(name)
        hours = 0.0 if task is None else task.hours()
        if run.state in WRONG:
            yield rule.holds(severity, run.sentence, labels=labels_of(task=name))
        elif hours and run.ended_at and now - run.ended_at > MISSED * timedelta(hours=hours):
            said = _("It last ran at %(at)s UTC, and should run every %(hours)g hours.")
            words = {"at": f"{run.ended_at:%Y-%m-%d %H:%M}", "hours": hours}
            yield rule.holds(severity, said % words, labels=labels_of(task=name))


inbox.register("upkeep", upkeep, BACKUP, DRILL, AUDIT, UPKEEP)
