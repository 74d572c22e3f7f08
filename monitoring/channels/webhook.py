"""The channel ``webhook``: signed JSON by HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from config.secret_references import is_reference, secret
from monitoring.alerts.message import Message
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import WebhookSettings, web_address
from monitoring.channels.failures import as_channel_errors, patience
from monitoring.channels.guarded_post import (
    Answer,
    ClosedAddressError,
    Resolve,
    addresses_of,
    post,
)
from monitoring.channels.webhook_body import body, content, headers

# of all answers with 4xx these may be different next time
TRY_AGAIN: Final = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts to one receiver."""

    settings: WebhookSettings
    resolve: Resolve = addresses_of

    def send(self, message: Message) -> str:
        """Post it; raises ChannelError."""
        with as_channel_errors(_("The receiver")):
            answer = self._post(message)
        if 200 <= answer.status < 300:
            return _("The receiver took it (%(status)s).") % {"status": _named(answer.status)}
        raise _refused(answer)

    def preview(self, message: Message) -> Mapping[str, str]:
        """Return the body; signature and time are made when it is sent."""
        return {"application/json": json.dumps(content(message), ensure_ascii=False, indent=2)}

    def _post(self, message: Message) -> Answer:
        settings = self.settings
        if not settings.address or not settings.signing_secret:
            raise ChannelError(_("webhook.address and webhook.signing_secret must both be set."))
        given = settings.address
        address = secret(given) if is_reference(given) else given
        schemes = ("https", "http") if settings.allow_http else ("https",)
        try:
            scheme, host, port, target = web_address(address, schemes)
        except ValueError as error:
            raise ChannelError(
                _("webhook.address cannot be used: %(why)s.") % {"why": error}
            ) from None
        sent = body(message)
        signed = headers(message, sent, secret(settings.signing_secret), timezone.now())
        try:
            return post(
                scheme,
                host,
                port,
                target,
                sent,
                signed,
                timeout_seconds=settings.timeout_seconds,
                allow_private=settings.allow_private,
                resolve=self.resolve,
            )
        except ClosedAddressError as error:
            said = _("The address of the receiver %(why)s.") % {"why": error}
            is_private = "private" in str(error)
            hint = " " + _("webhook.allow_private would allow it.") if is_private else ""
            raise ChannelError(said + hint) from None


def _refused(answer: Answer) -> ChannelError:
    status = answer.status
    if 300 <= status < 400:
        return ChannelError(
            _(
                "The receiver answered %(status)s; redirects are not followed: "
                "set webhook.address to where it leads."
            )
            % {"status": _named(status)},
            permanent=True,
        )
    return ChannelError(
        _("The receiver answered %(status)s.") % {"status": _named(status)},
        permanent=400 <= status < 500 and status not in TRY_AGAIN,
        retry_after_seconds=patience(answer.headers),
    )


def _named(status: int) -> str:
    """Return a status in words of the standard: those of the answer may hold anything."""
    known = {each.value: f" {each.phrase}" for each in HTTPStatus}
    return f"HTTP {status}{known.get(status, '')}"
