"""Links in messages: to acknowledge, signed for that and nothing else, and for a time.

A link is made when its message is sent and kept nowhere.  It names one message; whoever follows it
is asked to confirm, so that a mail scanner that opens links changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.core import signing
from django.urls import reverse

from monitoring.alerts.conf import alert_settings
from monitoring.alerts.message import Message, MessageKind, Picture
from monitoring.alerts.models import Notification
from monitoring.alerts.pictures import picture_of
from monitoring.alerts.rendering import message_of
from monitoring.channels.conf import public_url

SALT: Final = "monitoring.alerts.acknowledge"
# what may be acknowledged
ABOUT_FIRING: Final = (
    MessageKind.FIRING,
    MessageKind.REPEATED,
    MessageKind.ESCALATED,
    MessageKind.DIGEST,
)


def token_of(notification: str) -> str:
    """Return a token that acknowledges the alerts of a message."""
    return signing.dumps(notification, salt=SALT)


def notification_of(token: str) -> str | None:
    """Return the message that a token is for; None for one that is wrong or too old."""
    age = timedelta(hours=alert_settings().link_hours)
    try:
        found = signing.loads(token, salt=SALT, max_age=age)
    except signing.BadSignature:
        return None
    return found if isinstance(found, str) else None


def message_to_send(row: Notification) -> Message:
    """Return the message of a row of the outbox, with its links and its picture."""
    url = public_url()
    link = ""
    if url and row.kind in ABOUT_FIRING:
        link = url + reverse("alerts:acknowledge_link", args=[token_of(row.key)])
    return message_of(
        row.key,
        row.kind,
        row.severity,
        row.at,
        row.body,
        public_url=url,
        acknowledge=link,
        picture=_picture(row),
    )


def _picture(row: Notification) -> Picture | None:
    if not row.body["metric"] or row.kind not in ABOUT_FIRING:
        return None
    return picture_of(row.body["metric"], row.body["limit"], row.at)
