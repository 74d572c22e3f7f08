"""What every channel says of a message, so that all of them say the same.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.languages.told import listed
from monitoring.alerts.message import AlertLine, Message, MessageKind, Picture, Severity

KINDS: Final[Mapping[MessageKind, Any]] = {
    MessageKind.FIRING: gettext_lazy("Firing"),
    MessageKind.REPEATED: gettext_lazy("Still firing"),
    MessageKind.ESCALATED: gettext_lazy("Not acknowledged"),
    MessageKind.RESOLVED: gettext_lazy("Resolved"),
    MessageKind.DIGEST: gettext_lazy("Digest"),
    MessageKind.REMINDER: gettext_lazy("Reminder"),
    MessageKind.TEST: gettext_lazy("Test"),
}
# the bars of the console: how bad it is without colours
BARS: Final[Mapping[Severity, str]] = {
    Severity.LOW: "▮▯▯▯",
    Severity.MEDIUM: "▮▮▯▯",
    Severity.HIGH: "▮▮▮▯",
    Severity.CRITICAL: "▮▮▮▮",
}
MAX_SUBJECT_CHARACTERS: Final = 180
# control characters, halves of pairs, and what turns the direction of the text that follows
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Told:
    """One alert in words; empty where the head of the message says it already."""

    title: str
    sentence: str
    details: str
    address: str


@dataclass(frozen=True, slots=True)
class Link:
    """Something to do with the message; ``name`` is for programs."""

    name: str
    label: str
    address: str


def cut(text: str, limit: int) -> str:
    """Return at most ``limit`` characters; what was cut ends with an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def one_line(text: str) -> str:
    """Return a text on one line, without characters that control how others are shown."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def tidy(message: Message) -> Message:
    """Return the message with each of its texts on one line."""
    return replace(
        message,
        title=one_line(message.title),
        summary=one_line(message.summary),
        alerts=tuple(
            replace(
                line,
                rule=one_line(line.rule),
                title=one_line(line.title),
                sentence=one_line(line.sentence),
            )
            for line in message.alerts
        ),
        actions=tuple(line for line in map(one_line, message.actions) if line),
        picture=message.picture
        and replace(
            message.picture,
            title=one_line(message.picture.title),
            unit=one_line(message.picture.unit),
        ),
    )


def headline(message: Message) -> str:
    """Return kind, severity and title."""
    parts = [str(KINDS[message.kind])]
    if message.kind is not MessageKind.TEST:
        parts.append(message.severity.label.lower())
    return _("%(what)s: %(title)s") % {"what": listed(parts), "title": message.title}


def shape(message: Message) -> str:
    """Return what tells the state without words and colours."""
    return "✓" if message.kind is MessageKind.RESOLVED else BARS[message.severity]


def subject(message: Message) -> str:
    """Return the line that stands in lists of mails."""
    return cut(f"[PktMask] {headline(message)}", MAX_SUBJECT_CHARACTERS)


def moment(at: datetime) -> str:
    """Return a time as people read it, in UTC: messages go to several zones."""
    return date_format(at.astimezone(UTC), _("j M Y, H:i:s")) + " UTC"


def told(message: Message, limit: int) -> list[Told]:
    """Return at most ``limit`` alerts in words."""
    return [_told(message, line) for line in message.alerts[:limit]]


def _told(message: Message, line: AlertLine) -> Told:
    alone = len(message.alerts) == 1
    since = _("since %(moment)s") % {"moment": moment(line.since)}
    parts = [str(line.severity.label), line.rule, since]
    if line.resolved_at is not None:
        parts.append(_("resolved %(moment)s") % {"moment": moment(line.resolved_at)})
    return Told(
        "" if alone and line.title == message.title else line.title,
        "" if alone and line.sentence == message.summary else line.sentence,
        listed(part for part in parts if part),
        line.address,
    )


def left_out(message: Message, limit: int) -> str:
    """Return how many alerts are only counted; empty for none."""
    count = message.more + max(0, len(message.alerts) - limit)
    if not count:
        return ""
    sentence = ngettext(
        "%(count)s more alert is only counted here.",
        "%(count)s more alerts are only counted here.",
        count,
    )
    return sentence % {"count": f"{count:,}"}


def links(message: Message) -> list[Link]:
    """Return what can be done with the message, the most urgent first."""
    found = (
        Link("acknowledge", _("Acknowledge"), message.acknowledge),
        Link("runbook", _("Runbook"), message.runbook),
        Link("console", _("Open in the console"), message.console),
    )
    return [link for link in found if link.address]


def pictured(picture: Picture) -> str:
    """Return in words what a picture shows: it stands for it where there are no pictures."""
    what = f"{picture.title} ({picture.unit})" if picture.unit else picture.title
    values = [value for _at, value in picture.points]
    said = _("%(what)s: no values.") % {"what": what}
    if values:
        said = _("%(what)s: from %(least)s to %(most)s, at last %(last)s.") % {
            "what": what,
            "least": figure(min(values)),
            "most": figure(max(values)),
            "last": figure(values[-1]),
        }
    if picture.limit is None:
        return said
    limit = figure(picture.limit)
    return _("%(said)s The limit is %(limit)s.") % {"said": said, "limit": limit}


def figure(value: float) -> str:
    """Return a value with at most four digits that count."""
    if abs(value) >= 1e15:
        return f"{value:.3e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def footer(message: Message) -> list[str]:
    """Return when it was made, who is told, and the key by which a repetition is known."""
    parts = [moment(message.at)]
    if message.level > 1:
        parts.append(_("support level %(level)d") % {"level": message.level})
    return [*parts, _("message %(key)s") % {"key": message.key}]


def as_context(message: Message, limit: int) -> dict[str, Any]:
    """Return all that is said, for templates; more alerts than ``limit`` are counted."""
    resolved = message.kind is MessageKind.RESOLVED
    return {
        "subject": subject(message),
        "look": "ok" if resolved else message.severity.value,
        "bars": shape(message),
        "state": listed([KINDS[message.kind], message.severity.label]),
        "title": message.title,
        "summary": message.summary,
        "alerts": told(message, limit),
        "left_out": left_out(message, limit),
        "picture_title": message.picture.title if message.picture else "",
        "pictured": pictured(message.picture) if message.picture else "",
        "actions": message.actions,
        "links": links(message),
        "footer": footer(message),
    }
