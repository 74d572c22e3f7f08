"""The language of what is sent: one for all receivers, whatever that of a page is.

A message is in English until here, as it is stored; so nothing that names it depends on a language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils import translation

from config.languages.told import told
from monitoring.alerts.message import AlertLine, Message, Picture
from monitoring.alerts.rendering import TITLED, title_of
from monitoring.channels.base import Channel


@dataclass(frozen=True, slots=True)
class Speaking:
    """A channel that says in a language what another one sends."""

    channel: Channel
    language: str

    def send(self, message: Message) -> str:
        """Deliver it; raises ChannelError.  What the receiver said stays as it is."""
        with translation.override(self.language):
            return self.channel.send(in_language(message))

    def preview(self, message: Message) -> Mapping[str, str]:
        """Return what would be sent, by media type."""
        with translation.override(self.language):
            return self.channel.preview(in_language(message))


def in_language(message: Message) -> Message:
    """Return a message in the language that is active now; English is what it is in already."""
    if translation.get_language() == settings.LANGUAGE_CODE:
        return message
    alerts = tuple(_line(each) for each in message.alerts)
    title = told(message.title)
    # made anew: what people called a rule would hide the few words around it
    if alerts and message.kind in TITLED:
        count = len(alerts) + message.more
        title = title_of(message.kind, count, message.level, alerts[0].title)
    return replace(
        message,
        title=title,
        summary=told(message.summary),
        alerts=alerts,
        actions=tuple(map(told, message.actions)),
        picture=message.picture and _picture(message.picture),
    )


def _line(line: AlertLine) -> AlertLine:
    return replace(line, title=told(line.title), sentence=told(line.sentence))


def _picture(picture: Picture) -> Picture:
    return replace(picture, title=told(picture.title), unit=told(picture.unit))
