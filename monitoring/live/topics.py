"""The words of the live feed: topics, groups, and what a page may say.  Pure.

Topics are what pages name: ``captures`` (all that the user may see), ``capture:<uuid>`` (one), and
``service`` (what is measured and judged: for everybody who is signed in).
Groups are what the channel layer names; a page never learns them.  What a page says is read here
and never raises: what cannot be understood becomes a refusal, what is too much is clipped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

CAPTURES: Final = "captures"
CAPTURE_PREFIX: Final = "capture:"
SERVICE: Final = "service"
# news of the service are published under a topic for each of their kinds
SERVICE_PREFIX: Final = "service:"

MAX_MESSAGE_BYTES: Final = 8192
MAX_SHOWING: Final = 200
# what is quoted of a name that is refused
MAX_QUOTED_CHARACTERS: Final = 100

EVERYBODYS_CAPTURES: Final = "live.captures.all"
SERVICE_GROUP: Final = "live.service"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that exists.  ``capture_id`` is of the one capture that it is about, or None."""

    name: str
    capture_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A page wants news of ``topic``; ``showing`` are the captures that it shows now."""

    topic: Topic
    showing: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A page wants no more news of the topic of that name."""

    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A page said what is not understood; ``name`` quotes the topic as far as there was one."""

    name: str = ""


def capture_topic(capture_id: UUID) -> str:
    """Return the topic of one capture."""
    return f"{CAPTURE_PREFIX}{capture_id}"


def topic_named(name: str) -> Topic | None:
    """Return the topic of that name, None when there is none.  Ids have one spelling only."""
    if name in (CAPTURES, SERVICE):
        return Topic(name)
    if not name.startswith(CAPTURE_PREFIX):
        return None
    capture_id = _uuid(name.removeprefix(CAPTURE_PREFIX))
    return None if capture_id is None else Topic(name, capture_id)


def group_of(topic: Topic, user_id: int, *, sees_all: bool) -> str:
    """Return the group that brings ``topic`` to a user."""
    if topic.capture_id is not None:
        return f"live.capture.{topic.capture_id}"
    if topic.name == SERVICE:
        return SERVICE_GROUP
    return EVERYBODYS_CAPTURES if sees_all else f"live.captures.{user_id}"


def audiences(topic: str, body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the groups that an update of ``topic`` goes to, each with its topic there.

    Nothing for a topic of another version of this program.
    """
    if topic.startswith(SERVICE_PREFIX):
        return ((SERVICE_GROUP, SERVICE),)
    known = topic_named(topic)
    if known is None or known.capture_id is None:
        return ()
    return (
        (f"live.capture.{known.capture_id}", topic),
        (f"live.captures.{body.get('owner')}", CAPTURES),
        (EVERYBODYS_CAPTURES, CAPTURES),
    )


def read_message(text: str | None) -> Subscribe | Unsubscribe | Refused:
    """Return what a page said; ``text`` is None for a binary message."""
    if text is None or len(text.encode(errors="replace")) > MAX_MESSAGE_BYTES:
        return Refused()
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return Refused()
    if not isinstance(said, dict):
        return Refused()
    for verb in ("subscribe", "unsubscribe"):
        name = said.get(verb)
        if isinstance(name, str):
            return _request(verb, name, said)
    return Refused()


def _request(verb: str, name: str, said: Mapping[str, Any]) -> Subscribe | Unsubscribe | Refused:
    if verb == "unsubscribe":
        return Unsubscribe(name)
    topic = topic_named(name)
    if topic is None:
        return Refused(name[:MAX_QUOTED_CHARACTERS])
    return Subscribe(topic, _showing(said.get("showing")))


def _showing(given: Any) -> tuple[UUID, ...]:
    if not isinstance(given, list):
        return ()
    found = (_uuid(each) for each in given[:MAX_SHOWING] if isinstance(each, str))
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _uuid(text: str) -> UUID | None:
    try:
        value = UUID(text)
    except ValueError:
        return None
    return value if str(value) == text else None
