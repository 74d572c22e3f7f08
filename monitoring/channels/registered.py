"""The channels by name.  Every process imports this; what sends is imported when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings

from monitoring.channels.base import Channel, channels
from monitoring.channels.conf import (
    apprise_settings,
    email_settings,
    log_settings,
    message_settings,
    slack_settings,
    webhook_settings,
)
from monitoring.channels.speaking import Speaking


def email() -> Channel:
    """Return the channel as the settings have it, switched on or not."""
    from monitoring.channels.email import EmailChannel

    return EmailChannel(email_settings())


def slack() -> Channel:
    """Return the channel as the settings have it, switched on or not."""
    from monitoring.channels.slack import SlackChannel

    return SlackChannel(slack_settings())


def log() -> Channel:
    """Return the channel, switched on or not."""
    from monitoring.channels.log import LogChannel

    return LogChannel()


def webhook() -> Channel:
    """Return the channel as the settings have it, switched on or not."""
    from monitoring.channels.webhook import WebhookChannel

    return WebhookChannel(webhook_settings())


def apprise() -> Channel:
    """Return the channel as the settings have it, switched on or not."""
    from monitoring.channels.apprise import AppriseChannel

    return AppriseChannel(apprise_settings())


SETTINGS: Final[Mapping[Callable[[], Channel], Callable[[], Any]]] = {
    email: email_settings,
    slack: slack_settings,
    log: log_settings,
    webhook: webhook_settings,
    apprise: apprise_settings,
}
# what programs read as well is English, whatever the settings say
ENGLISH: Final = frozenset({log})


def _speaking(made: Callable[[], Channel]) -> Callable[[], Channel]:
    def found() -> Channel:
        is_english = made in ENGLISH
        return Speaking(
            made(), settings.LANGUAGE_CODE if is_english else message_settings().language
        )

    return found


def _where_on(
    made: Callable[[], Channel], given: Callable[[], Any]
) -> Callable[[], Channel | None]:
    return lambda: made() if given().enabled else None


# each channel by its name, switched on or not
MADE: Final = {made.__name__: _speaking(made) for made in SETTINGS}
for made, given in SETTINGS.items():
    channels.register(made.__name__, _where_on(MADE[made.__name__], given))
