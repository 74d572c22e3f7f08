"""What a channel is, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from monitoring.alerts.message import Message


class ChannelError(Exception):
    """A message was not taken; the text says why, without secrets.

    ``permanent``: sending it again cannot help (an address that does not exist, a token that is
    refused).  ``retry_after_seconds``: the receiver asks for so much patience.
    """

    def __init__(
        self, text: str, *, permanent: bool = False, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.retry_after_seconds = retry_after_seconds


class Channel(Protocol):
    """A way to tell people.  A channel keeps nothing between two messages."""

    def send(self, message: Message) -> str:
        """Deliver it; return what the receiver said, in some words; raises ChannelError."""
        ...

    def preview(self, message: Message) -> Mapping[str, str]:
        """Return what would be sent, by media type: ``text/plain``, ``text/html``, JSON."""
        ...


class Channels:
    """Channels by name; a factory reads the settings in force and is called for each message."""

    def __init__(self) -> None:
        self._factories: dict[str, Callable[[], Channel | None]] = {}

    def register(self, name: str, factory: Callable[[], Channel | None]) -> None:
        """Add a channel; its factory returns None where the settings do not switch it on."""
        self._factories[name] = factory

    def names(self) -> tuple[str, ...]:
        """Return all names, also of channels that are not switched on."""
        return tuple(self._factories)

    def named(self, name: str) -> Channel | None:
        """Return the channel as the settings in force have it; raises KeyError for no name."""
        return self._factories[name]()


channels: Final = Channels()
