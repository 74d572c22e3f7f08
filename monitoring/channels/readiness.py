"""Whether a channel could send: which setting or secret is missing.  No value is ever told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from config.secret_references import SecretMissingError, is_reference, secret
from monitoring.channels.conf import (
    apprise_settings,
    email_settings,
    is_web_address,
    listed,
    log_settings,
    slack_settings,
    web_address,
    webhook_settings,
)


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing: the setting, and what to do about it."""

    setting: str
    words: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a channel is switched on, and what it lacks."""

    is_on: bool
    lacks: tuple[Lack, ...] = ()


def readiness(channel: str) -> Readiness:
    """Return it, by the settings in force and the secrets of this process; raises KeyError."""
    is_on, lacks = _CHANNELS[channel]
    return Readiness(is_on(), tuple(lacks()))


def _email() -> Iterator[Lack]:
    settings = email_settings()
    if not listed(settings.receivers):
        yield Lack("email.receivers", _("It names nobody; set it to one mail address or more."))
    if bool(settings.user) != bool(settings.password):
        missing = "email.password" if settings.user else "email.user"
        yield Lack(missing, _("Name and password belong together; set both or none."))
    if settings.password and settings.security == "none":
        yield Lack(
            "email.security",
            _("A password is not sent without TLS; set it to starttls or tls."),
        )
    yield from _missing("email.password", settings.password)


def _slack() -> Iterator[Lack]:
    settings = slack_settings()
    if settings.token:
        if not settings.channel:
            yield Lack("slack.channel", _("It names no channel; set it to the id of one."))
        yield from _missing("slack.token", settings.token)
    elif settings.webhook:
        yield from _missing("slack.webhook", settings.webhook, is_web_address)
    else:
        yield Lack("slack.token", _("Neither it nor slack.webhook is set; set one of them."))


def _log() -> Iterator[Lack]:
    return iter(())


def _webhook() -> Iterator[Lack]:
    settings = webhook_settings()

    def is_usable(address: str) -> bool:
        try:
            web_address(address, ("https", "http") if settings.allow_http else ("https",))
        except ValueError:
            return False
        return True

    if not settings.address:
        yield Lack("webhook.address", _("It is not set; set it to the address of the receiver."))
    elif is_reference(settings.address):
        yield from _missing("webhook.address", settings.address, is_usable)
    elif not is_usable(settings.address):
        yield Lack("webhook.address", _("It is not https; webhook.allow_http would allow it."))
    if not settings.signing_secret:
        yield Lack(
            "webhook.signing_secret",
            _("It is not set; set it to a reference to the secret that signs messages."),
        )
    yield from _missing("webhook.signing_secret", settings.signing_secret)


def _apprise() -> Iterator[Lack]:
    references = listed(apprise_settings().addresses)
    if not references:
        yield Lack("apprise.addresses", _("It names none; set it to one reference or more."))
    for reference in references:
        yield from _missing("apprise.addresses", reference)


def _missing(
    setting: str, reference: str, is_usable: Callable[[str], bool] = bool
) -> Iterator[Lack]:
    """Give what is wrong with the secret that a setting refers to, if it refers to one."""
    if not reference:
        return
    try:
        found = secret(reference)
    except SecretMissingError as error:
        yield Lack(setting, str(error))
        return
    if not is_usable(found):
        yield Lack(setting, _("What it leads to is no address on the web that may be used."))


_CHANNELS: Final[Mapping[str, tuple[Callable[[], bool], Callable[[], Iterator[Lack]]]]] = {
    "email": (lambda: email_settings().enabled, _email),
    "slack": (lambda: slack_settings().enabled, _slack),
    "log": (lambda: log_settings().enabled, _log),
    "webhook": (lambda: webhook_settings().enabled, _webhook),
    "apprise": (lambda: apprise_settings().enabled, _apprise),
}
