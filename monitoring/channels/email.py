"""The channel ``email``: HTML and text that say the same, with a picture of the metric inside."""

from __future__ import annotations

import base64
import email.utils
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop as _

from config.faults import type_and_place
from monitoring.alerts.message import Message, MessageKind, Severity
from monitoring.channels import words
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import EmailSettings, listed
from monitoring.channels.mail_picture import png
from monitoring.channels.mail_transport import attach_inside, hand_over

log = structlog.get_logger("pktmask.channels")

# more alerts than this are counted
MAX_ALERTS: Final = 100
PICTURE_NAME: Final = "metric"
_URGENT: Final = {"Importance": "high", "X-Priority": "1", "Priority": "urgent"}


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """Sends by SMTP."""

    settings: EmailSettings

    def send(self, message: Message) -> str:
        """Hand it to the server; raises ChannelError.  A repetition has the same Message-ID."""
        receivers = receivers_of(self.settings, message.level)
        if not receivers:
            raise ChannelError(
                _("email.receivers names nobody; set it to one mail address or more.")
            )
        made = _mail(message, self.settings.sender, receivers)
        return hand_over(made, self.settings, receivers)

    def preview(self, message: Message) -> Mapping[str, str]:
        """Return both parts; the picture stands in the HTML itself."""
        message = words.tidy(message)
        picture = _picture(message)
        source = f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else ""
        return {
            "text/plain": f"{words.subject(message)}\n\n{_text(message)}",
            "text/html": _html(message, source),
        }


def receivers_of(settings: EmailSettings, level: int) -> tuple[str, ...]:
    """Return who gets a message of a support level: those of all levels up to it, each once."""
    by_level = (settings.receivers, settings.level_2_receivers, settings.level_3_receivers)
    found = [each for text in by_level[: max(1, level)] for each in listed(text)]
    return tuple(dict.fromkeys(found))


def _mail(message: Message, sender: str, receivers: tuple[str, ...]) -> EmailMultiAlternatives:
    message = words.tidy(message)
    domain = sender.rpartition("@")[2]
    picture = _picture(message)
    content_id = f"{PICTURE_NAME}.{_digest(message.key)}@{domain}"
    made = EmailMultiAlternatives(
        words.subject(message),
        _text(message),
        sender,
        list(receivers),
        headers=_headers(message, domain),
    )
    made.attach_alternative(_html(message, f"cid:{content_id}" if picture else ""), "text/html")
    if picture:
        attach_inside(made, picture, PICTURE_NAME, content_id)
    return made


def _headers(message: Message, domain: str) -> dict[str, str]:
    """Return what tells programs about the mail.

    RFC 3834 (Auto-Submitted) keeps answering machines silent, RFC 2919 (List-Id) lets receivers
    sort, References keeps all that is said of one alert in one thread.
    """
    headers = {
        "Message-ID": f"<{_digest(message.key)}@{domain}>",
        "X-PktMask-Key": words.one_line(message.key),
        "X-PktMask-Severity": message.severity.value,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"PktMask alerts <alerts.{domain}>",
        "Date": email.utils.format_datetime(message.at),
    }
    if len(message.alerts) == 1:
        headers["References"] = f"<alert.{_digest(message.alerts[0].fingerprint)}@{domain}>"
    if message.severity is Severity.CRITICAL and message.kind is not MessageKind.RESOLVED:
        headers |= _URGENT
    return headers


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _picture(message: Message) -> bytes | None:
    """Return the picture as PNG; a message never waits for one that cannot be drawn."""
    if message.picture is None:
        return None
    try:
        return png(message.picture)
    except Exception as error:  # it is only the picture; the message goes without it
        log.warning("picture_not_drawn", **type_and_place(error))
        return None


def _text(message: Message) -> str:
    context = words.as_context(message, MAX_ALERTS)
    return render_to_string("monitoring/mail/alert.txt", context).strip() + "\n"


def _html(message: Message, picture_source: str) -> str:
    context = {**words.as_context(message, MAX_ALERTS), "picture_source": picture_source}
    return render_to_string("monitoring/mail/alert.html", context)
