"""A page as the live feed sees it, for tests: a WebSocket with the cookie of a signed-in user.

``channels.testing`` cannot be used: it imports a server that is not installed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.contrib.auth.models import User
from django.test import Client
from django.urls import path

from monitoring.live.consumers import LiveConsumer
from monitoring.live.publish import Update, fan_out
from monitoring.models import LiveUpdate
from monitoring.routing import websocket_urlpatterns

DEADLINE_SECONDS = 20.0

Application = Callable[..., Awaitable[None]]


def wire(application: Application, scope: dict[str, Any]) -> Any:
    """Return what talks to an ASGI application in the place of a server."""
    return ApplicationCommunicator(  # type: ignore[no-untyped-call]  # asgiref has no types there
        application, scope
    )


class Page:
    """One connection.  What it hears is waited for; ``hear`` fails after the deadline."""

    def __init__(self, application: Application, cookie: str, language: str = "en") -> None:
        headers = [(b"cookie", cookie.encode()), (b"accept-language", language.encode("latin-1"))]
        scope = {
            "type": "websocket",
            "path": "/live/",
            "query_string": b"",
            "headers": headers,
            "subprotocols": [],
        }
        self._wire = wire(application, scope)

    async def open(self) -> None:
        await self._wire.send_input({"type": "websocket.connect"})
        assert (await self._receive())["type"] == "websocket.accept"

    async def close(self) -> None:
        await self._wire.send_input({"type": "websocket.disconnect", "code": 1000})
        await self._wire.wait(DEADLINE_SECONDS)

    async def say(self, message: object) -> None:
        await self.say_raw({"text": json.dumps(message)})

    async def say_raw(self, frame: dict[str, Any]) -> None:
        await self._wire.send_input({"type": "websocket.receive", **frame})

    async def hear(self) -> dict[str, Any]:
        message = await self._receive()
        assert message["type"] == "websocket.send", message
        heard: dict[str, Any] = json.loads(message["text"])
        return heard

    async def closing_code(self) -> int:
        """Wait for the service to close, whatever it says before."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def subscribe(self, topic: str, *showing: object) -> dict[str, Any]:
        """Subscribe and return the first answer."""
        await self.say({"subscribe": topic, "showing": [str(each) for each in showing]})
        return await self.hear()

    async def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = await self._wire.receive_output(DEADLINE_SECONDS)
        return message


def application(**times: float) -> Application:
    """Return the feed's application; ``times`` are those of LiveConsumer."""
    routes = websocket_urlpatterns
    if times:
        routes = [path("live/", LiveConsumer.as_asgi(**times))]
    stack: Application = AuthMiddlewareStack(URLRouter(routes))
    return stack


def sign_in(user: User) -> Client:
    """Return a browser in which ``user`` has signed in."""
    client = Client()
    client.force_login(user)
    return client


def cookie_of(client: Client) -> str:
    """Return the session's cookie as a browser sends it."""
    return f"sessionid={client.cookies['sessionid'].value}"


@asynccontextmanager
async def page_of(user: User, app: Application | None = None) -> AsyncIterator[Page]:
    """Open a page of ``user``, and close it in the end."""
    client = await sync_to_async(sign_in)(user)
    page = Page(app or application(), cookie_of(client))
    await page.open()
    yield page
    await page.close()


@sync_to_async
def _take_rows() -> list[Update]:
    rows = [Update(row.pk, row.topic, row.body) for row in LiveUpdate.objects.order_by("pk")]
    LiveUpdate.objects.all().delete()
    return rows


async def deliver() -> None:
    """Do what the tail does with the rows that are in the outbox now."""
    await fan_out(await _take_rows())


async def lose() -> None:
    """Lose the rows that are in the outbox now."""
    await _take_rows()


async def until(condition: Callable[[], object]) -> None:
    """Wait until ``condition`` is true; fail after the deadline."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)
