"""What people do: acknowledge alerts, silence them, end a silence.  Each is in the audit log.

Each takes the row of the pipeline's clock first, as a look does, so that neither waits for what the
other holds.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.audit import record
from config.languages.told import told
from monitoring.alerts.conf import alert_settings
from monitoring.alerts.delivery import alerts_in
from monitoring.alerts.models import (
    MAX_REASON_CHARACTERS,
    Alert,
    Silence,
    note_change,
)
from monitoring.alerts.signals import alerts_changed
from monitoring.alerts.store import ALERT_FIELDS, facts_of, silence_facts
from monitoring.alerts.tables import matchers_text, matches, read_matchers
from monitoring.alerts.timeline import add_steps
from monitoring.alerts.values import AlertState

PERSON: Final = "person"


class RefusedError(ValueError):
    """Something was not done; the text says why, and what to do."""


def acknowledge(
    keys: Collection[str],
    who: str,
    now: datetime,
    note: str = "",
    request: HttpRequest | None = None,
) -> list[str]:
    """Acknowledge firing alerts; return the keys of those that were not acknowledged before."""
    note = note.strip()[:MAX_REASON_CHARACTERS]
    with transaction.atomic():
        note_change()
        open_ones = Alert.objects.select_for_update().filter(
            pk__in=keys, state=AlertState.FIRING, acknowledged_at=None
        )
        found = list(open_ones.values_list("pk", flat=True))
        Alert.objects.filter(pk__in=found).update(
            acknowledged_at=now, acknowledged_by=who, note=note
        )
        what = "acknowledged_because" if note else "acknowledged"
        add_steps(found, now, PERSON, what, {"who": who, "note": note})
        if found:
            record(
                "alerts_acknowledged",
                request=request,
                alerts=found[:50],
                count=len(found),
                who=who,
                note=note,
            )
            _tell()
    return found


def alerts_of(notification: str) -> list[Alert]:
    """Return the alerts of a message, and of those that are in its digest."""
    return list(Alert.objects.filter(pk__in=alerts_in(notification)))


def silence(
    matchers: str,
    who: str,
    reason: str,
    begins: datetime,
    ends: datetime,
    now: datetime,
    request: HttpRequest | None = None,
) -> Silence:
    """Make a silence; raises RefusedError that says what is wrong, and then nothing is changed."""
    try:
        read = read_matchers(matchers)
    except ValueError as error:
        raise RefusedError(told(error)) from None
    reason = reason.strip()
    if not reason:
        raise RefusedError(_("A silence needs a reason."))
    if ends <= max(begins, now):
        raise RefusedError(_("A silence ends after it begins, and not in the past."))
    longest = alert_settings().silence_longest_hours
    if ends - begins > timedelta(hours=longest):
        raise RefusedError(
            _("A silence lasts %(hours)s h at most (alerts.silence_longest_hours).")
            % {"hours": f"{longest:g}"}
        )
    with transaction.atomic():
        note_change()
        row = Silence.objects.create(
            matchers=dict(read),
            owner=who,
            reason=reason[:MAX_REASON_CHARACTERS],
            begins=begins,
            ends=ends,
            made_at=now,
        )
        facts = silence_facts(row)
        firing = Alert.objects.filter(state=AlertState.FIRING).values_list(*ALERT_FIELDS)
        concerned = [each.key for each in map(facts_of, firing) if matches(facts.matchers, each)]
        add_steps(
            concerned, now, PERSON, "silenced", {"who": who, "silence": row.pk, "note": row.reason}
        )
        record(
            "silence_made",
            request=request,
            target=row,
            matchers=matchers_text(read),
            who=who,
            reason=row.reason,
            begins=begins.isoformat(),
            ends=ends.isoformat(),
        )
        _tell()
    return row


def end_silence(pk: int, who: str, now: datetime, request: HttpRequest | None = None) -> bool:
    """End a silence now, or take back one that has not begun; False when it is over already."""
    with transaction.atomic():
        note_change()
        rows = Silence.objects.filter(pk=pk, ends__gt=now)
        if not rows.update(ends=now, ended_by=who):
            return False
        record("silence_ended", request=request, target=Silence.objects.get(pk=pk), who=who)
        _tell()
    return True


def _tell() -> None:
    transaction.on_commit(lambda: alerts_changed.send_robust(None), robust=True)
