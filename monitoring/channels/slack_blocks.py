"""Messages as Slack's Block Kit, within Slack's limits.  Pure.

The limits: https://docs.slack.dev/reference/block-kit/blocks and, for buttons,
https://docs.slack.dev/reference/block-kit/block-elements/button-element.  Slack refuses a whole
message for one text that is too long, so texts are cut and what has no room is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.languages.told import listed
from monitoring.alerts.message import Message
from monitoring.channels.words import (
    cut,
    footer,
    headline,
    left_out,
    links,
    pictured,
    shape,
    tidy,
    told,
)

MAX_BLOCKS: Final = 50
MAX_TEXT: Final = 3000
MAX_HEADER: Final = 150
MAX_BUTTON_TEXT: Final = 75
MAX_ADDRESS: Final = 3000
# more than this nobody reads in a channel, and with all other blocks it stays below MAX_BLOCKS
MAX_ALERTS: Final = 20
MAX_ACTIONS: Final = 8
MAX_ACTION: Final = 300
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

Block = dict[str, Any]


def blocks(message: Message) -> list[Block]:
    """Return the blocks of a message."""
    return list(_blocks(tidy(message)))


def fallback(message: Message) -> str:
    """Return what stands in notifications, where blocks are not shown."""
    message = tidy(message)
    return escaped(" ".join(filter(None, (headline(message), message.summary))), MAX_TEXT)


def escaped(text: str, limit: int) -> str:
    """Return a text that mentions nobody and links nowhere, at most ``limit`` characters."""
    pieces = [_ESCAPES.get(each, each) for each in text]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    room, kept = limit - 1, 0
    while room >= len(pieces[kept]):
        room -= len(pieces[kept])
        kept += 1
    return "".join(pieces[:kept]) + "…"


def _blocks(message: Message) -> Iterator[Block]:
    head = cut(f"{shape(message)} {headline(message)}", MAX_HEADER)
    yield {"type": "header", "text": {"type": "plain_text", "text": head, "emoji": False}}
    if message.summary:
        yield _section(escaped(message.summary, MAX_TEXT))
    for each in told(message, MAX_ALERTS):
        title = f"*{escaped(each.title, MAX_HEADER)}*" if each.title else ""
        details = f"_{escaped(each.details, MAX_HEADER * 2)}_"
        room = MAX_TEXT - len(title) - len(details) - 2
        yield _section(
            "\n".join(filter(None, (title, escaped(each.sentence, room) or "", details)))
        )
    if more := left_out(message, MAX_ALERTS):
        yield _context(more)
    if message.picture is not None:
        yield _context(pictured(message.picture))
    if message.actions:
        yield _section(_steps(message.actions))
    buttons = [
        _button(link.name, link.label, link.address)
        for link in links(message)
        if len(link.address) <= MAX_ADDRESS
    ]
    if buttons:
        yield {"type": "actions", "elements": buttons}
    too_long = len(links(message)) - len(buttons)
    if too_long:
        yield _context(
            ngettext(
                "%(count)d link is too long for Slack; open the console.",
                "%(count)d links are too long for Slack; open the console.",
                too_long,
            )
            % {"count": too_long}
        )
    yield _context(listed(footer(message)))


def _steps(actions: tuple[str, ...]) -> str:
    lines = [f"*{_('What to do')}*"]
    shown = enumerate(actions[:MAX_ACTIONS], 1)
    lines += [f"{number}. {escaped(action, MAX_ACTION)}" for number, action in shown]
    more = len(actions) - MAX_ACTIONS
    if more > 0:
        words = ngettext("and %(count)d more step", "and %(count)d more steps", more)
        lines.append(words % {"count": more})
    return "\n".join(lines)


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> Block:
    element = {"type": "plain_text", "text": cut(text, MAX_TEXT), "emoji": False}
    return {"type": "context", "elements": [element]}


def _button(name: str, label: str, address: str) -> Block:
    text = {"type": "plain_text", "text": cut(label, MAX_BUTTON_TEXT), "emoji": False}
    button: Block = {"type": "button", "action_id": name, "text": text, "url": address}
    return button | {"style": "primary"} if name == "acknowledge" else button
