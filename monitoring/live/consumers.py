"""One connection of the live feed.

How a page comes to know the truth, whatever is lost on the way:

1. Subscribing joins the topic's group first and reads the database (the snapshot) afterwards, so a
   change is in the snapshot or comes through the group, or both.
2. Nothing that comes in waits for the client: messages of the channel layer only write into a map
   of the newest item per capture (see subscription.py), so the layer's queue (100 messages, then it
   drops silently) stays empty.  One task sends.  While a slow client keeps it waiting, newer items
   replace older ones in the map, and no other connection notices.
3. Every 10 s (20 s when no known job was open the last time) the database is read again for the
   captures that the page shows or was told of, and for the open jobs; what differs from what was
   told is sent.  So an update that was lost anywhere - a receiver that failed, the outbox, the
   layer - costs at most that time.  The same reading joins the group again, should the layer have
   forgotten it.
4. Every 20 s the session and its user are looked up anew: a user who signed out, was deactivated or
   changed the password is cut off (4401), another set of permissions takes effect.  A capture that
   is no longer visible is told as deleted, by the reading of 3.
5. A client that connects again subscribes again, and 1. gives it what it missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils import translation

from config.faults import type_and_place
from monitoring.live.items import Item, News, read_items, shown
from monitoring.live.subscription import Subscription
from monitoring.live.topics import (
    MAX_QUOTED_CHARACTERS,
    Refused,
    Subscribe,
    Unsubscribe,
    group_of,
    read_message,
)
from trimming.models import AnyUser

log = structlog.get_logger("pktmask.live")

SIGNED_OUT: Final = 4401
MAX_SUBSCRIPTIONS: Final = 50
BUSY_SECONDS: Final = 10.0
QUIET_SECONDS: Final = 20.0
RETRY_SECONDS: Final = 1.0


class ClientGoneError(Exception):
    """The connection broke while something was sent."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is at the other end."""

    user: AnyUser
    user_id: int
    sees_all: bool


class LiveConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """The connection at /live/.  The times are for tests."""

    def __init__(
        self,
        busy_seconds: float = BUSY_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        super().__init__()
        self._busy_seconds = busy_seconds
        self._quiet_seconds = quiet_seconds
        self._retry_seconds = retry_seconds
        self._subscriptions: dict[str, Subscription] = {}
        self._refused: set[str] = set()
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._viewer: Viewer | None = None
        self._check_at = 0.0
        self._language = ""

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle a message; items need no database, so no connection to it is tidied up."""
        if message["type"] == "live.items":
            self._note(message)
        else:
            await super().dispatch(message)

    async def connect(self) -> None:
        """Accept, so that a refusal can be told apart, then say 4401 to who is not signed in."""
        await self.accept()
        self._language = language_of(self.scope)
        self._sender = asyncio.create_task(self._send_all())

    async def disconnect(self, code: int) -> None:
        """Stop sending and leave all groups."""
        if self._sender is not None:
            self._sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sender
        for name in list(self._subscriptions):
            await self._end(name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what the page asks; what is not understood is answered with a refusal."""
        match read_message(text_data):
            case Subscribe(topic, showing):
                known = topic.name in self._subscriptions
                if not known and len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                    self._refuse(topic.name)
                else:
                    self._begin(Subscription(topic, showing))
            case Unsubscribe(name):
                await self._end(name)
            case Refused(name):
                self._refuse(name)
        self._wake.set()

    def _refuse(self, name: str) -> None:
        # a client that sends nonsense without reading the answers gets one answer for much of it
        if len(self._refused) < MAX_SUBSCRIPTIONS:
            self._refused.add(name[:MAX_QUOTED_CHARACTERS])

    def _begin(self, subscription: Subscription) -> None:
        name = subscription.topic.name
        before = self._subscriptions.get(name)
        subscription.group = "" if before is None else before.group
        self._subscriptions[name] = subscription

    async def _join(self, subscription: Subscription, viewer: Viewer) -> None:
        group = group_of(subscription.topic, viewer.user_id, sees_all=viewer.sees_all)
        if subscription.group != group:
            await self._leave(subscription)
        subscription.group = group
        await self.channel_layer.group_add(group, self.channel_name)

    async def _end(self, name: str) -> None:
        subscription = self._subscriptions.pop(name, None)
        if subscription is not None:
            await self._leave(subscription)

    async def _leave(self, subscription: Subscription) -> None:
        if subscription.group:
            await self.channel_layer.group_discard(subscription.group, self.channel_name)

    def _note(self, message: Mapping[str, Any]) -> None:
        subscription = self._subscriptions.get(message["topic"])
        if subscription is not None:
            subscription.note(message["items"])
            self._wake.set()

    # --- the one task that sends ----------------------------------------------------------------

    async def _send_all(self) -> None:
        while True:
            self._wake.clear()
            try:
                if not await self._check_viewer():
                    await reached(self.close(SIGNED_OUT))
                    return
                await self._send_what_is_due()
                await self._wait()
            except ClientGoneError:
                return  # the server says so to the consumer in its own time
            except Exception as error:  # the database may fail; what was to be said is said later
                log.warning("live_connection_failed", **type_and_place(error))
                await asyncio.sleep(self._retry_seconds)

    async def _wait(self) -> None:
        due = [self._check_at, *(each.read_at for each in self._subscriptions.values())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(due) - time.monotonic())):
                await self._wake.wait()

    async def _check_viewer(self) -> bool:
        if self._viewer is not None and time.monotonic() < self._check_at:
            return True
        before, self._viewer = self._viewer, await viewer_of(self.scope["session"].session_key)
        self._check_at = time.monotonic() + self._quiet_seconds
        if self._viewer is None:
            return False
        if before is not None and before.sees_all != self._viewer.sees_all:
            for subscription in self._subscriptions.values():
                subscription.read_at = 0.0
        return True

    async def _send_what_is_due(self) -> None:
        while self._refused:
            await reached(self.send_json({"topic": self._refused.pop(), "kind": "refused"}))
        for subscription in list(self._subscriptions.values()):
            if time.monotonic() >= subscription.read_at:
                await self._send_reading(subscription)
            if subscription.is_admitted:
                await self._send_items(subscription, "update", subscription.take_changed())

    async def _send_reading(self, subscription: Subscription) -> None:
        viewer, topic = self._viewer, subscription.topic
        assert viewer is not None  # nothing is read for who is not signed in
        await self._join(subscription, viewer)
        subscription.forget_changed()
        asked = subscription.ids_to_read()
        items = await database_sync_to_async(read_items)(viewer.user, topic, asked)
        if self._subscriptions.get(topic.name) is not subscription:
            # subscribed anew or ended while the database was read
            if topic.name not in self._subscriptions:
                await self._leave(subscription)
            return
        first = not subscription.is_admitted
        if first and topic.capture_id is not None and not items:
            await self._end(topic.name)
            await reached(self.send_json({"topic": topic.name, "kind": "refused"}))
            return
        said = subscription.take_reading(items, asked)
        busy = subscription.has_open_jobs()
        wait = self._busy_seconds if busy else self._quiet_seconds
        subscription.read_at = time.monotonic() + wait
        await self._send_items(subscription, "snapshot" if first else "update", said)

    async def _send_items(
        self, subscription: Subscription, kind: str, items: Sequence[Item | News]
    ) -> None:
        if items or kind == "snapshot":
            with translation.override(self._language):
                words = [shown(item) for item in items]
            name = subscription.topic.name
            await reached(self.send_json({"topic": name, "kind": kind, "items": words}))
        if subscription.is_over():
            await self._end(subscription.topic.name)


async def reached(sending: Awaitable[None]) -> None:
    """Wait until something is sent; raises ClientGoneError when it cannot be."""
    try:
        await sending
    except (OSError, RuntimeError) as error:  # servers differ in how they say it
        raise ClientGoneError from error


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def viewer_of(session_key: str | None) -> Viewer | None:
    """Return who the session belongs to now; None when it has ended or its user was deactivated."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    if not (user.is_authenticated and user.is_active):
        return None
    return Viewer(user, user.pk, user.has_perm("trimming.view_all_captures"))


def language_of(scope: Mapping[str, Any]) -> str:
    """Return the language of a connection, by the rules that pages follow."""
    request = HttpRequest()
    request.COOKIES = scope.get("cookies", {})
    for name, value in scope["headers"]:
        if name == b"accept-language":
            request.META["HTTP_ACCEPT_LANGUAGE"] = value.decode("latin-1")
    return translation.get_language_from_request(request)
