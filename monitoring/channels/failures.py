"""How channels fail: what went wrong on the way becomes a ChannelError in words of our own.

Texts of other errors are never passed on: they may quote addresses, tokens or what was sent.
"""

from __future__ import annotations

import email.utils
import http.client
import socket
import ssl
import urllib.error
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import structlog
from django.utils.translation import gettext_noop as _

from config.faults import type_and_place
from config.secret_references import SecretMissingError
from monitoring.channels.base import ChannelError
from monitoring.channels.guarded_names import ClosedAddressError

log = structlog.get_logger("pktmask.channels")

# a receiver that asks for more is asked again after this
MAX_PATIENCE_SECONDS: Final = 3600.0
# the first that fits says it
_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ClosedAddressError, _("%(receiver)s stands at an address that nothing is sent to.")),
    (ssl.SSLCertVerificationError, _("%(receiver)s shows a certificate that cannot be trusted.")),
    (ssl.SSLError, _("The TLS connection to %(receiver)s failed.")),
    (TimeoutError, _("%(receiver)s did not answer in time.")),
    (socket.gaierror, _("The name of %(receiver)s cannot be resolved.")),
    (ConnectionRefusedError, _("%(receiver)s does not listen at that address.")),
    (ConnectionError, _("%(receiver)s broke the connection off.")),
    (http.client.HTTPException, _("%(receiver)s answered with something that is no HTTP.")),
    (OSError, _("%(receiver)s cannot be reached.")),
)


@contextmanager
def as_channel_errors(receiver: str) -> Iterator[None]:
    """Raise ChannelError, in words of our own, for whatever goes wrong within.

    ``receiver`` says who does not answer.
    """
    try:
        yield
    except ChannelError:
        raise
    except SecretMissingError as error:
        raise ChannelError(str(error)) from None
    except Exception as error:  # libraries raise what they like; people get words without secrets
        raise ChannelError(words(error, receiver)) from None


def words(error: BaseException, receiver: str) -> str:
    """Return what an error means for people."""
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    for kind, sentence in _WORDS:
        if isinstance(error, kind):
            return sentence % {"receiver": receiver}
    found = type_and_place(error)
    log.warning("channel_failed", receiver=receiver, **found)
    unforeseen = _("Sending to %(receiver)s failed unexpectedly: %(kind)s at %(place)s.")
    return unforeseen % {"receiver": receiver, "kind": found["kind"], "place": found["place"]}


def patience(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return for how many seconds ``Retry-After`` asks (RFC 9110, 10.2.3), at most an hour.

    None where it asks for nothing, or cannot be read.
    """
    text = {name.lower(): value for name, value in headers.items()}.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), MAX_PATIENCE_SECONDS)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    seconds = (at - (now or datetime.now(UTC))).total_seconds()
    return min(max(0.0, seconds), MAX_PATIENCE_SECONDS)
