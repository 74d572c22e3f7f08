"""The live feed, attacked: from other pages, without a login, with too much of everything."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from monitoring.live.consumers import MAX_SUBSCRIPTIONS
from monitoring.live.topics import MAX_MESSAGE_BYTES
from pktmask_site.asgi import application
from pktmask_site.management.commands.web import WS_MAX_BYTES
from pktmask_site.same_origin import is_same_origin
from tests.factories import make_capture, make_user
from tests.monitoring.live.pages import Page, cookie_of, sign_in, wire

HOSTS = ["console.example", "[2001:db8::7]", "127.0.0.1"]
DEADLINE_SECONDS = 60.0


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("https://console.example", "console.example", "wss"),
        ("https://console.example", "console.example:443", "wss"),
        ("https://console.example:443", "console.example", "wss"),
        # a proxy with TLS before a connection without it
        ("https://console.example", "console.example", "ws"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "ws"),
        ("http://[2001:db8::7]:8000", "[2001:db8::7]:8000", "ws"),
    ],
)
def test_a_page_of_the_console_may_listen(origin: str, host: str, scheme: str) -> None:
    assert is_same_origin(origin, host, scheme, HOSTS)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "console.example"),
        ("https://console.example.evil.example", "console.example"),
        ("https://evil.example#console.example", "console.example"),
        ("https://evil.example@console.example", "console.example:1"),
        ("https://console.example@evil.example", "console.example"),
        # another service of the same host
        ("http://127.0.0.1:9000", "127.0.0.1:8000"),
        ("https://console.example:8443", "console.example"),
        ("https://console.example", "console.example:8443"),
        # a name that was made to lead here (DNS rebinding)
        ("http://evil.example:8000", "evil.example:8000"),
        # a page without TLS, which others on the way can change
        ("http://console.example", "console.example"),
        ("null", "console.example"),
        ("", "console.example"),
        ("file://", "console.example"),
        ("file://console.example", "console.example"),
        ("https://console.example", ""),
        ("https://[::1", "console.example"),
        ("console.example", "console.example"),
        ("*", "console.example"),
    ],
)
def test_no_other_page_may(origin: str, host: str) -> None:
    assert not is_same_origin(origin, host, "wss", HOSTS)


def scope_of(*headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "type": "websocket",
        "path": "/live/",
        "query_string": b"",
        "headers": list(headers),
        "subprotocols": [],
        "scheme": "ws",
    }


HOST = (b"host", b"localhost:8000")
ORIGIN = (b"origin", b"http://localhost:8000")


async def first_answer(*headers: tuple[bytes, bytes]) -> str:
    feed = wire(application, scope_of(*headers))
    await feed.send_input({"type": "websocket.connect"})
    answer: str = (await feed.receive_output(DEADLINE_SECONDS))["type"]
    await feed.send_input({"type": "websocket.disconnect", "code": 1000})
    await feed.wait(DEADLINE_SECONDS)
    return answer


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
class TestTheWholeService:
    async def test_a_stolen_look_from_another_page_is_refused_before_it_is_accepted(
        self, user: User
    ) -> None:
        cookie = (b"cookie", cookie_of(await sync_to_async(sign_in)(user)).encode())
        assert await first_answer(HOST, ORIGIN, cookie) == "websocket.accept"
        for origin in (b"http://localhost:9000", b"https://evil.example", b"null"):
            assert await first_answer(HOST, (b"origin", origin), cookie) == "websocket.close"
        assert await first_answer(HOST, cookie) == "websocket.close"
        other = (b"host", b"evil.example:8000")
        assert await first_answer(other, ORIGIN, cookie) == "websocket.close"
        rebound = (b"origin", b"http://evil.example:8000")
        assert await first_answer(other, rebound, cookie) == "websocket.close"

    async def test_without_a_login_nothing_is_said_but_the_end(self) -> None:
        page = Page(application, "")
        page._wire = wire(application, scope_of(HOST, ORIGIN))
        await page.open()
        await page.say({"subscribe": "service"})
        assert await page.closing_code() == 4401
        await page.close()

    async def test_the_capture_of_somebody_else_is_refused_as_one_that_there_is_not(
        self, user: User
    ) -> None:
        capture = await sync_to_async(make_capture)(await sync_to_async(make_user)())
        page = await self.page_of(user)
        for topic in (f"capture:{capture.pk}", "capture:00000000-0000-4000-8000-000000000000"):
            assert await page.subscribe(topic) == {"topic": topic, "kind": "refused"}
        await page.close()

    async def test_over_long_and_senseless_messages_are_answered_in_bounds(
        self, user: User
    ) -> None:
        page = await self.page_of(user)
        frames: list[dict[str, Any]] = [
            {"text": "x" * (MAX_MESSAGE_BYTES + 1)},
            {"text": json.dumps({"subscribe": "x" * MAX_MESSAGE_BYTES})},
            {"text": "[" * 8000},
            {"text": '{"subscribe": {"a": 1}}'},
            {"text": "\x00"},
            {"bytes": b"\xff" * 100},
        ]
        for frame in frames:
            await page.say_raw(frame)
        # it goes on listening
        await page.say({"subscribe": "captures", "showing": []})
        heard = [await page.hear() for _ in range(2)]
        while heard[-1]["kind"] != "snapshot":
            heard.append(await page.hear())
        assert {each["kind"] for each in heard[:-1]} == {"refused"}
        assert all(len(each["topic"]) <= 100 for each in heard)
        await page.close()

    async def test_thousands_of_messages_leave_it_at_work_and_in_bounds(self, user: User) -> None:
        page = await self.page_of(user)
        for number in range(3000):
            await page.say({"subscribe": f"capture:nothing-{number}"})
        await page.say({"subscribe": "captures", "showing": []})
        refused = 0
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (await page.hear())["kind"] != "snapshot":
                refused += 1
        # who does not read the answers gets one for much of it
        assert 0 < refused <= 3000
        await page.close()

    async def page_of(self, user: User) -> Page:
        cookie = cookie_of(await sync_to_async(sign_in)(user))
        page = Page(application, cookie)
        page._wire = wire(application, scope_of(HOST, ORIGIN, (b"cookie", cookie.encode())))
        await page.open()
        return page


def test_a_server_takes_no_longer_message_in_than_the_feed_reads() -> None:
    assert MAX_MESSAGE_BYTES <= WS_MAX_BYTES <= 64 << 10
    assert MAX_SUBSCRIPTIONS <= 50
