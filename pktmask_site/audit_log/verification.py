"""The task that verifies the audit log, and then removes what was kept long enough."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.chain_acts import prune
from config.chain_check import ACCEPTED, Checked, check
from config.chain_words import words
from config.models import AuditEvent
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.conf import recovery_settings
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.upkeep import Done, tasks

TASK: Final = "audit_log"
NAMED: Final = 20
SPOKEN: Final = 3


@tasks.register(
    TASK,
    gettext_lazy("Audit log"),
    gettext_lazy(
        "Verifies that nobody changed it by hand, then removes what was kept long enough."
    ),
)
def audit_log(now: datetime, is_dry: bool) -> Done:
    """Verify; remove old events of a log that is sound."""
    days = recovery_settings().audit_keep_days
    before = now - timedelta(days=days) if days else None
    if is_dry:
        return _would(before)
    found = check(noted())
    details = {
        "events": found.events,
        "number": found.number,
        "link": found.link,
        "faults": found.fault_count,
        "named": [words(fault) for fault in found.faults[:NAMED]],
    }
    if not found.is_sound:
        return Done(_faulty(found), details, needs_look=True)
    said = _("Nobody touched any of %(events)s events.") % {"events": f"{found.events:,}"}
    gone = prune(before) if before is not None else 0
    if gone:
        said += " " + _("Events that were removed: %(gone)s.") % {"gone": f"{gone:,}"}
    return Done(said, {**details, "gone": gone})


def _would(before: datetime | None) -> Done:
    events = AuditEvent.objects.count()
    old = 0 if before is None else AuditEvent.objects.filter(at__lt=before).count()
    words = {"events": events, "old": old}
    said = _("It would verify %(events)s events; of them %(old)s were kept long enough.")
    return Done(said % {name: f"{value:,}" for name, value in words.items()}, words)


def _faulty(found: Checked) -> str:
    named = [words(fault) for fault in found.faults[:SPOKEN]]
    more = found.fault_count - len(named)
    if more:
        named.append(_("And %(count)s more.") % {"count": f"{more:,}"})
    return " ".join(named)


def noted() -> dict[int, str]:
    """Return where the chain ended when it was last sound: it has to lead through there.

    Who cuts its end off and puts back the head of then would have to change this row as well.
    """
    sound = UpkeepRun.objects.filter(task=TASK, is_dry=False, state=UpkeepState.DONE)
    run = sound.order_by("-ended_at").first()
    accepted = AuditEvent.objects.filter(action=ACCEPTED).order_by("-at").first()
    if run is None or run.began_at is None or not run.details.get("number"):
        return {}
    if accepted is not None and accepted.at >= run.began_at:
        return {}
    return {run.details["number"]: run.details["link"]}
