"""Trying the channels out: a test message through each that is switched on, and how it went."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from django.utils import timezone
from django.utils.translation import gettext as _

from config.languages.told import in_record
from monitoring.alerts.message import Message, MessageKind, Severity
from monitoring.channels.base import ChannelError, Channels, channels
from monitoring.channels.conf import console_settings
from monitoring.channels.failures import words

Outcome = Literal["ok", "failed", "off"]
KEY_START: Final = "test"


@dataclass(frozen=True, slots=True)
class Trial:
    """How a test message went: how long it took in ms (None for none), and what was said."""

    channel: str
    outcome: Outcome
    took_ms: float | None
    said: str


def trial_message() -> Message:
    """Return a message that says that it is a test; each has a key of its own."""
    return Message(
        key=f"{KEY_START}-{uuid.uuid4()}",
        kind=MessageKind.TEST,
        severity=Severity.LOW,
        at=timezone.now(),
        title=_("This channel works"),
        summary=_(
            "Somebody tries the channels of alerts. Nothing is wrong; there is nothing to do."
        ),
        console=console_settings().public_url,
    )


def tried(names: Iterable[str], known: Channels = channels) -> Iterator[Trial]:
    """Send a test message through each channel, one after the other.

    Raises KeyError for a name of no channel.
    """
    for name in names:
        channel = known.named(name)
        if channel is None:
            yield Trial(name, "off", None, _("It is not switched on."))
            continue
        began = time.perf_counter()
        outcome: Outcome = "ok"
        try:
            with in_record():
                message = trial_message()
            said = channel.send(message)
        except ChannelError as error:
            outcome, said = "failed", str(error)
        except Exception as error:  # one channel must not hide what comes of the others
            outcome, said = "failed", words(error, name)
        yield Trial(name, outcome, round(1000 * (time.perf_counter() - began), 1), said)
