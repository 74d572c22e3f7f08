"""Channels and clocks for tests of what is written and sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from monitoring.alerts.look import take_in
from monitoring.alerts.message import Message
from monitoring.alerts.values import Condition, Found, Outcome
from monitoring.channels.base import ChannelError, channels

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class FakeChannel:
    """A channel that keeps what it was given; ``fails`` are raised one after the other."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.fails: list[Exception] = []
        self.is_down = False
        self.is_on = True

    def send(self, message: Message) -> str:
        """Take a message, or fail."""
        if self.is_down:
            raise ChannelError("Connection refused.")
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append(message)
        return "Taken."

    def preview(self, message: Message) -> Mapping[str, str]:
        """Show nothing."""
        return {}

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of what was taken."""
        return [each.kind.value for each in self.taken]


class Clock:
    """A clock that is set, in seconds since the beginning."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def at(self, seconds: float) -> datetime:
        """Set it."""
        self.now = BEGIN + timedelta(seconds=seconds)
        return self.now


@contextmanager
def only_channels(**given: FakeChannel) -> Iterator[None]:
    """Have no channels but these."""
    before = dict(channels._factories)
    channels._factories.clear()
    for name, channel in given.items():
        channels.register(name, lambda channel=channel: channel if channel.is_on else None)  # type: ignore[misc]
    try:
        yield
    finally:
        channels._factories.clear()
        channels._factories.update(before)


def look_at(now: datetime, *conditions: Condition) -> Outcome:
    """Take conditions through the pipeline into rows."""
    return take_in(Found(conditions), now, "test")
