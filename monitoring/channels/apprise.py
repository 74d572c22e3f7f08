"""The channel ``apprise``: whatever Apprise reaches (PagerDuty, Teams, Telegram and many more)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop as _

from config.secret_references import secret
from monitoring.alerts.message import Message, MessageKind, Severity
from monitoring.channels import words
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import AppriseSettings, listed
from monitoring.channels.failures import as_channel_errors
from monitoring.channels.guarded_names import guarded

# services cut at their own limits; more alerts than this are counted
MAX_ALERTS: Final = 10
TYPES: Final[Mapping[Severity, NotifyType]] = {
    Severity.LOW: NotifyType.INFO,
    Severity.MEDIUM: NotifyType.WARNING,
    Severity.HIGH: NotifyType.FAILURE,
    Severity.CRITICAL: NotifyType.FAILURE,
}
_STATUS: Final = re.compile(r"\berror=(\d{3})\b")
# its lines quote addresses, which hold tokens
logging.getLogger("apprise").propagate = False


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """Sends to each address of the settings."""

    settings: AppriseSettings

    def send(self, message: Message) -> str:
        """Send it to all; raises ChannelError when one of them does not take it.

        Apprise does not tell what is refused for good, so all failures may be tried again; those
        that took it then get it once more, with the same key in its text.
        """
        references = references_of(self.settings, message.level)
        if not references:
            raise ChannelError(_("apprise.addresses names none; set it to one reference or more."))
        message = words.tidy(message)
        with (
            as_channel_errors("Apprise"),
            guarded(allow_private=self.settings.allow_private) as guard,
        ):
            services = _services(references)
            result = services.notify(
                body=_text(message),
                title=words.subject(message),
                notify_type=_type(message),
                body_format=NotifyFormat.TEXT,
                timeout=self.settings.timeout_seconds,
            )
            failed = [_told(each) for each in result if not each]
            if guard.refused:
                raise ChannelError(_closed(guard.refused[0]))
            if not result:
                what = ", ".join(failed) or _("all of them")
                raise ChannelError(_("Apprise could not deliver it to: %(what)s.") % {"what": what})
        taken = ", ".join(each.name for each in result)
        return _("Apprise delivered it to %(services)s.") % {"services": taken}

    def preview(self, message: Message) -> Mapping[str, str]:
        """Return title and text."""
        message = words.tidy(message)
        return {"text/plain": f"{words.subject(message)}\n\n{_text(message)}"}


def references_of(settings: AppriseSettings, level: int) -> tuple[str, ...]:
    """Return where the addresses stand that get a message of a support level."""
    by_level = (settings.addresses, settings.level_2_addresses, settings.level_3_addresses)
    found = [each for text in by_level[: max(1, level)] for each in listed(text)]
    return tuple(dict.fromkeys(found))


def _services(references: Iterable[str]) -> Apprise:
    """Return the services; raises ChannelError for an address that Apprise does not know."""
    asset = AppriseAsset(app_id="PktMask", app_desc="PktMask", app_url="", storage_mode="memory")
    services = Apprise(asset=asset)
    for reference in references:
        # a secret may hold several addresses
        for number, address in enumerate(secret(reference).split(), 1):
            if not services.add(address):
                raise ChannelError(
                    _("Address %(number)d in %(reference)s is none that Apprise knows.")
                    % {"number": number, "reference": reference}
                )
    return services


def _closed(why: str) -> str:
    said = _("The address of a receiver %(why)s.") % {"why": why}
    hint = " " + _("apprise.allow_private would allow it.") if "private" in why else ""
    return said + hint


def _told(service: Any) -> str:
    """Return a service and, where it says so, the HTTP status; its lines may quote a token."""
    lines = [str(entry.message) for entry in service.logs()]
    found = next((match[1] for line in lines if (match := _STATUS.search(line))), "")
    return f"{service.name} (HTTP {found})" if found else str(service.name)


def _type(message: Message) -> NotifyType:
    resolved = message.kind is MessageKind.RESOLVED
    return NotifyType.SUCCESS if resolved else TYPES[message.severity]


def _text(message: Message) -> str:
    context = words.as_context(message, MAX_ALERTS)
    return render_to_string("monitoring/mail/alert.txt", context).strip()
