"""What people do about channels: send a test, send dead letters again, put them aside.

A test is a message of the outbox like any other, but it is tried once, counts against no limit and
alarms nobody.  Each act is in the audit log.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.audit import record
from config.languages.told import in_record
from monitoring.alerts.acts import PERSON, RefusedError
from monitoring.alerts.look import enabled_channels
from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.models import PUT_ASIDE, AlertTelling, Notification, NotificationState
from monitoring.alerts.signals import alerts_changed
from monitoring.alerts.timeline import add_steps
from monitoring.alerts.values import notification_key
from monitoring.channels.trials import trial_message

# rows of one statement
BATCH: Final = 500


def dead_letters(channel: str = "") -> QuerySet[Notification]:
    """Return the messages that were given up, of one channel or of all; a test is none of them."""
    dead = Notification.objects.filter(state=NotificationState.DEAD).exclude(kind=MessageKind.TEST)
    return dead.filter(channel=channel) if channel else dead


def send_test(channel: str, now: datetime, request: HttpRequest | None = None) -> Notification:
    """Put a test into the outbox; raises RefusedError, and then nothing is sent."""
    if channel not in enabled_channels():
        raise RefusedError(
            _("%(channel)s is not switched on, so nothing was sent. Set %(channel)s.enabled.")
            % {"channel": channel}
        )
    tests = Notification.objects.filter(channel=channel, kind=MessageKind.TEST)
    with transaction.atomic():
        if tests.filter(state=NotificationState.PENDING).exists():
            raise RefusedError(_("A test of %(channel)s waits already.") % {"channel": channel})
        with in_record():
            message = trial_message()
        row = Notification.objects.create(
            key=notification_key(channel, MessageKind.TEST, [message.key]),
            channel=channel,
            kind=MessageKind.TEST.value,
            severity=Severity.LOW,
            at=now,
            body={
                "title": message.title,
                "summary": message.summary,
                "level": message.level,
                "more": 0,
                "alerts": [],
                "actions": [],
                "runbook": "",
                "metric": "",
                "limit": None,
            },
            next_at=now,
        )
        record("channel_tested", request=request, target=row, channel=channel)
        _tell()
    return row


def send_again(
    channel: str, who: str, now: datetime, request: HttpRequest | None = None, key: str = ""
) -> int:
    """Have one dead letter of a channel, or all, tried once more with its key; return how many."""
    fresh = {"state": NotificationState.PENDING, "next_at": now, "attempts": 0, "ended_at": None}
    found = dead_letters(channel)
    return _change(found, {**fresh, "why": ""}, "sent_again", channel, who, now, request, key)


def put_aside(
    channel: str, who: str, now: datetime, request: HttpRequest | None = None, key: str = ""
) -> int:
    """Note that somebody has seen one dead letter of a channel, or all; return how many."""
    unseen = dead_letters(channel).filter(why="")
    return _change(unseen, {"why": PUT_ASIDE}, "put_aside", channel, who, now, request, key)


def _change(
    letters: QuerySet[Notification],
    columns: dict[str, object],
    what: str,
    channel: str,
    who: str,
    now: datetime,
    request: HttpRequest | None,
    key: str,
) -> int:
    with transaction.atomic():
        chosen = letters.filter(pk=key) if key else letters
        keys = list(chosen.select_for_update().values_list("pk", flat=True))
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            Notification.objects.filter(pk__in=part).update(**columns)
            carried = Q(notification__in=part) | Q(notification__digest__in=part)
            alerts = AlertTelling.objects.filter(carried).order_by().values_list("alert_id")
            details = {"who": who, "channel": channel}
            add_steps((alert for (alert,) in alerts), now, PERSON, what, details)
        if keys:
            record("dead_letters", request=request, channel=channel, act=what, count=len(keys))
            _tell()
    return len(keys)


def _tell() -> None:
    transaction.on_commit(lambda: alerts_changed.send_robust(None), robust=True)
