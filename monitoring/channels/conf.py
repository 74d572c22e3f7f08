"""The settings of the channels: what is switched on, where it sends, and how long it may take.

Whom to tell of what is decided by routes, not here.  Secrets are references, never values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from config.current import current
from config.secret_references import SecretReference, is_reference
from config.sections import Accepts, Section, registry

MOST_SECONDS: Final = 120.0
MOST_RECEIVERS: Final = 50
SWITCH: Final = _("whether messages are sent this way")


def listed(text: str) -> tuple[str, ...]:
    """Return the parts of a text with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _each(check: Callable[[str], object]) -> AfterValidator:
    """Accept texts with commas of which ``check`` takes each part."""

    def checked(text: str) -> str:
        parts = listed(text)
        if len(parts) > MOST_RECEIVERS:
            raise ValueError(f"more than {MOST_RECEIVERS}")
        for part in parts:
            check(part)
        return text

    return AfterValidator(checked)


def _mail_address(text: str) -> None:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError("no mail address") from None


def _reference(text: str) -> None:
    if not is_reference(text):
        raise ValueError("no reference")


def _public(text: str) -> str:
    if text:
        web_address(text, schemes=("https", "http"))
        if urlsplit(text).query:
            raise ValueError("a query")
    return text.rstrip("/")


def _receiver(text: str) -> str:
    if text and not is_reference(text):
        web_address(text, schemes=("https", "http"))
    return text


def web_address(text: str, schemes: tuple[str, ...]) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path with query of an address on the web.

    Raises ValueError, whose text does not hold the address.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("this is no address on the web") from None
    if parts.scheme not in schemes:
        raise ValueError(f"an address on the web begins with {' or '.join(schemes)}:// here")
    if not parts.hostname or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("this is no address on the web")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError("an address here has no user, password or fragment")
    path = parts.path or "/"
    usual = {"https": 443, "http": 80}[parts.scheme]
    target = f"{path}?{parts.query}" if parts.query else path
    return parts.scheme, parts.hostname, port or usual, target


def is_web_address(text: str) -> bool:
    """Tell whether a text is an address on the web."""
    try:
        web_address(text, ("https", "http"))
    except ValueError:
        return False
    return True


MailAddress = Annotated[
    str, AfterValidator(lambda text: _mail_address(text) or text), Accepts(_("a mail address"))
]
MailAddresses = Annotated[
    str, _each(_mail_address), Accepts(_("mail addresses, as in a@example.org, b@example.org"))
]
SecretReferences = Annotated[
    str,
    _each(_reference),
    Accepts(_("references to secrets, as in env:PKTMASK_NAME, or nothing"), conceals=True),
]
PublicAddress = Annotated[
    str,
    AfterValidator(_public),
    Accepts(_("an address as in https://pktmask.example.org, or nothing")),
]
ReceiverAddress = Annotated[
    str,
    AfterValidator(_receiver),
    Accepts(_("an address as in https://example.org/hook, or a reference to one"), conceals=True),
]


def _timeout(description: str) -> float:
    found: float = Field(10.0, ge=0.1, le=MOST_SECONDS, description=description)
    return found


@registry.register
class ConsoleSettings(Section):
    section: ClassVar = "console"
    title: ClassVar = _("Console")
    help: ClassVar = _("How people reach the console.")

    public_url: PublicAddress = Field(
        "",
        description=_(
            "where people reach the console; messages link to it, and have no links without it"
        ),
    )


@registry.register
class MessageSettings(Section):
    section: ClassVar = "messages"
    title: ClassVar = _("What is sent")
    help: ClassVar = _("What all that is sent has in common.")

    language: Literal["en", "zh-hans"] = Field(
        "en",
        description=_(
            "language of alerts and reports as people get them: English or Simplified Chinese; "
            "the log stays English"
        ),
    )


@registry.register
class EmailSettings(Section):
    section: ClassVar = "email"
    title: ClassVar = _("Channel: e-mail")
    help: ClassVar = _("The channel `email`.")

    enabled: bool = Field(False, description=SWITCH)
    sender: MailAddress = Field("pktmask@localhost", description=_("whom messages are from"))
    receivers: MailAddresses = Field("", description=_("who gets every message"))
    level_2_receivers: MailAddresses = Field(
        "", description=_("who also gets what has reached support level 2")
    )
    level_3_receivers: MailAddresses = Field(
        "", description=_("who also gets what has reached support level 3")
    )
    host: str = Field("localhost", description=_("the server that takes mail"))
    port: int = Field(25, ge=1, le=65535, description=_("its port"))
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description=_(
            "TLS after the greeting, from the start, or not at all; certificates are checked"
        ),
    )
    user: str = Field("", description=_("name for signing in; empty: without"))
    password: SecretReference = Field("", description=_("where the password stands"))
    timeout_seconds: float = _timeout(_("how long each answer of the server may take"))


@registry.register
class SlackSettings(Section):
    section: ClassVar = "slack"
    title: ClassVar = _("Channel: Slack")
    help: ClassVar = _("The channel `slack`: by a token with a channel, or by an incoming webhook.")

    enabled: bool = Field(False, description=SWITCH)
    token: SecretReference = Field("", description=_("where the bot's token stands"))
    channel: str = Field("", description=_("id of the channel that gets every message"))
    level_2_channel: str = Field(
        "", description=_("channel of what has reached support level 2; empty: the same")
    )
    level_3_channel: str = Field(
        "", description=_("channel of what has reached support level 3; empty: as for level 2")
    )
    webhook: SecretReference = Field(
        "", description=_("where the address of an incoming webhook stands; used without a token")
    )
    timeout_seconds: float = _timeout(_("how long an answer of Slack may take"))


@registry.register
class LogSettings(Section):
    section: ClassVar = "log"
    title: ClassVar = _("Channel: log")
    help: ClassVar = _("The channel `log`: one structured event for each message.")

    enabled: bool = Field(True, description=SWITCH)


@registry.register
class WebhookSettings(Section):
    section: ClassVar = "webhook"
    title: ClassVar = _("Channel: webhook")
    help: ClassVar = _("The channel `webhook`: signed JSON by HTTP.")

    enabled: bool = Field(False, description=SWITCH)
    address: ReceiverAddress = Field("", description=_("who gets every message"))
    signing_secret: SecretReference = Field(
        "", description=_("where the secret stands with which messages are signed")
    )
    allow_private: bool = Field(
        False,
        description=_(
            "whether the receiver may be in a private network or on this machine; "
            "link-local addresses and those of cloud metadata stay closed"
        ),
    )
    allow_http: bool = Field(False, description=_("whether messages may go without TLS"))
    timeout_seconds: float = _timeout(_("how long a delivery may take as a whole"))


@registry.register
class AppriseSettings(Section):
    section: ClassVar = "apprise"
    title: ClassVar = _("Channel: Apprise")
    help: ClassVar = _("The channel `apprise`: whatever Apprise reaches.")

    enabled: bool = Field(False, description=SWITCH)
    addresses: SecretReferences = Field(
        "", description=_("where the Apprise addresses stand that get every message")
    )
    level_2_addresses: SecretReferences = Field(
        "", description=_("where those stand that also get what has reached support level 2")
    )
    level_3_addresses: SecretReferences = Field(
        "", description=_("where those stand that also get what has reached support level 3")
    )
    allow_private: bool = Field(
        False,
        description=_(
            "whether receivers may be in a private network or on this machine; "
            "link-local addresses and those of cloud metadata stay closed"
        ),
    )
    timeout_seconds: float = _timeout(_("how long a delivery to all of them may take"))


def console_settings() -> ConsoleSettings:
    """Return the settings in force."""
    return current().of(ConsoleSettings)


def public_url() -> str:
    """Return where people reach the console, without a slash at the end; empty without links."""
    return console_settings().public_url


def message_settings() -> MessageSettings:
    """Return the settings in force."""
    return current().of(MessageSettings)


def email_settings() -> EmailSettings:
    """Return the settings in force."""
    return current().of(EmailSettings)


def slack_settings() -> SlackSettings:
    """Return the settings in force."""
    return current().of(SlackSettings)


def log_settings() -> LogSettings:
    """Return the settings in force."""
    return current().of(LogSettings)


def webhook_settings() -> WebhookSettings:
    """Return the settings in force."""
    return current().of(WebhookSettings)


def apprise_settings() -> AppriseSettings:
    """Return the settings in force."""
    return current().of(AppriseSettings)
