"""The backlog of a channel that works again: one digest, and what is critical one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.alerts.conf import alert_settings
from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.models import Notification, NotificationState, note_change
from monitoring.alerts.stages.limiting import LINES
from monitoring.alerts.values import RANKS, Why, notification_key


def is_late(row: Notification, now: datetime) -> bool:
    """Tell whether a message waited so long that others may have gathered behind it."""
    return now - row.at > timedelta(minutes=alert_settings().backlog_minutes)


def put_together(channel: str, now: datetime) -> Notification | None:
    """Make one digest of the late messages of a channel; None where there is at most one."""
    until = now - timedelta(minutes=alert_settings().backlog_minutes)
    with transaction.atomic():
        late = Notification.objects.select_for_update().filter(
            channel=channel, state=NotificationState.PENDING, claimed_by="", at__lt=until
        )
        apart = Q(severity=Severity.CRITICAL) | Q(kind=MessageKind.TEST)
        rows = list(late.exclude(apart).order_by("at", "key"))
        if len(rows) < 2:
            return None
        keys = [row.key for row in rows]
        key = notification_key(channel, MessageKind.DIGEST, keys)
        digest = Notification.objects.create(
            key=key,
            channel=channel,
            kind=MessageKind.DIGEST.value,
            severity=max((row.severity for row in rows), key=RANKS.__getitem__),
            at=now,
            body=merged([row.body for row in rows]),
            next_at=now,
        )
        Notification.objects.filter(pk__in=keys).update(
            state=NotificationState.SUPPRESSED,
            why=Why.BACKLOG.value,
            ended_at=now,
            digest=digest,
        )
        note_change()
    return digest


def merged(bodies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the body of a digest of messages, oldest first: each alert as it was told last."""
    alerts: dict[str, dict[str, Any]] = {}
    for body in bodies:
        for alert in body["alerts"]:
            alerts.pop(alert["key"], None)
            alerts[alert["key"]] = alert
    worst = sorted(alerts.values(), key=lambda each: -RANKS[each["severity"]])
    more = sum(body["more"] for body in bodies) + len(worst[LINES:])
    actions = dict.fromkeys(each for body in bodies for each in body["actions"])
    count = len(bodies)
    title = ngettext("%(count)s message came late", "%(count)s messages came late", count)
    return {
        "title": title % {"count": f"{count:,}"},
        "summary": _("The channel did not work, or nobody sent; this is what was to be told."),
        "level": max(body["level"] for body in bodies),
        "more": more,
        "alerts": worst[:LINES],
        "actions": list(actions)[:6],
        "runbook": "",
        "metric": "",
        "limit": None,
    }
