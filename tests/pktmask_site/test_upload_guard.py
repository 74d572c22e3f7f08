"""What is refused before a byte of its body is read, and how."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client

from config.roles import OPERATOR, VIEWER
from pktmask_site import upload_guard
from pktmask_site.upload_guard import (
    DROPPED_BYTES,
    FORM_BYTES,
    OTHER_BYTES,
    BodyTooLargeError,
    Head,
    UploadGuard,
    judge_size,
)
from tests.factories import make_user
from tests.pktmask_site.asgi_calls import Call, call, piece, scope_of
from trimming.backpressure import Room
from trimming.conf import TrimmingSettings

LIMIT, RESERVE, FREE = 1000, 100, 10_000_000
UPLOAD = "/captures/upload/"


class Inside:
    """An application that reads the whole body, as Django does, and answers."""

    def __init__(self, fails: Exception | None = None, *, answers_first: bool = False) -> None:
        self.body = b""
        self.calls = 0
        self.fails = fails
        self.answers_first = answers_first

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        if self.answers_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            self.body += message.get("body", b"")
            more = message.get("more_body", False)
        if self.fails is not None:
            raise self.fails
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"inside", "more_body": False})


@pytest.fixture
def inside() -> Inside:
    return Inside()


@pytest.fixture
def guard(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> UploadGuard:
    limits = TrimmingSettings(max_upload_bytes=LIMIT, reserve_bytes=RESERVE)
    monkeypatch.setattr(upload_guard, "trimming_settings", lambda: limits)
    return UploadGuard(inside, lambda: FREE)


def cookie_of(role: str) -> tuple[str, str]:
    """Return the cookie of a new user who signed in."""
    return cookie_for(make_user(role))


def cookie_for(user: User) -> tuple[str, str]:
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    return ("Cookie", f"{name}={client.cookies[name].value}")


def said(answer: Call) -> str:
    (refusal,) = json.loads(answer.body)["refused"]
    assert refusal["name"] == ""
    reason: str = refusal["reason"]
    return reason


JSON = ("Accept", "application/json")

# --- who may send -----------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_without_a_cookie_nothing_is_read_and_nobody_is_asked(
    guard: UploadGuard, inside: Inside
) -> None:
    # no mark for the database: a query would fail
    answer = await call(guard, scope_of(headers=[("Content-Length", 10), JSON]))
    assert answer.status == 403
    assert "Sign in" in said(answer)
    assert inside.calls == 0


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_session_that_is_not_known_is_refused(guard: UploadGuard, inside: Inside) -> None:
    headers = [("Content-Length", 10), ("Cookie", "sessionid=abcdefghij0123456789"), JSON]
    answer = await call(guard, scope_of(headers=headers))
    assert (answer.status, inside.calls) == (403, 0)
    assert "Sign in again" in said(answer)


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_viewer_may_not_upload(guard: UploadGuard, inside: Inside) -> None:
    cookie = await sync_to_async(cookie_of)(VIEWER)
    answer = await call(guard, scope_of(headers=[("Content-Length", 10), cookie, JSON]))
    assert (answer.status, inside.calls) == (403, 0)
    assert "Your role" in said(answer)


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_user_who_was_deactivated_may_not_upload(guard: UploadGuard) -> None:
    user = await sync_to_async(make_user)(OPERATOR)
    cookie = await sync_to_async(cookie_for)(user)
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)
    answer = await call(guard, scope_of(headers=[("Content-Length", 10), cookie, JSON]))
    assert answer.status == 403


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_when_too_many_captures_wait_nothing_is_read(
    guard: UploadGuard, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Room(0, "20,000 wait already.")
    monkeypatch.setattr(upload_guard, "room_for", lambda user: full)
    cookie = await sync_to_async(cookie_of)(OPERATOR)
    answer = await call(guard, scope_of(headers=[("Content-Length", 10), cookie, JSON]))
    assert (answer.status, inside.calls) == (429, 0)
    assert said(answer) == "20,000 wait already."


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_an_operator_may(guard: UploadGuard, inside: Inside, method: str) -> None:
    cookie = await sync_to_async(cookie_of)(OPERATOR)
    scope = scope_of(method=method, headers=[("Content-Length", 10), cookie])
    answer = await call(guard, scope, piece(b"01234"), piece(b"56789", more=False))
    assert (answer.status, answer.body, inside.body) == (200, "inside", b"0123456789")


# --- how much ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("Content-Length", "12")], Head(12, False, False)),
        ([], Head(None, False, False)),
        ([("Content-Length", "-1")], Head(None, False, False)),
        ([("Content-Length", "1e3")], Head(None, False, False)),
        ([("Content-Length", "9" * 30)], Head(None, False, False)),
        ([("Transfer-Encoding", "chunked")], Head(None, True, False)),
        ([("Expect", "100-Continue"), ("Content-Length", 5)], Head(5, False, True)),
    ],
)
def test_the_head_says_how_much_comes(headers: list[tuple[str, object]], expected: Head) -> None:
    assert Head.of(scope_of(headers=headers)) == expected


@pytest.mark.parametrize(
    ("head", "free", "status"),
    [
        (Head(LIMIT, False, False), 2 * LIMIT + RESERVE, None),
        (Head(LIMIT + FORM_BYTES, False, False), 10**9, None),
        (Head(LIMIT + FORM_BYTES + 1, False, False), 10**9, 413),
        (Head(LIMIT, False, False), 2 * LIMIT + RESERVE - 1, 507),
        (Head(None, False, False), 10**9, 411),
        (Head(LIMIT, True, False), 10**9, 411),
    ],
)
def test_sizes_are_judged(head: Head, free: int, status: int | None) -> None:
    refusal = judge_size(head, LIMIT, RESERVE, lambda: free)
    assert (refusal.status if refusal else None) == status
    assert refusal is None or "Nothing was stored" in refusal.reason


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ([], 411, "how long it is"),
        ([("Content-Length", "x")], 411, "how long it is"),
        ([("Transfer-Encoding", "chunked")], 411, "how long it is"),
        ([("Content-Length", 2_000_000)], 413, "at most"),
        ([("Content-Length", 1_000_000)], 507, "free space"),
    ],
)
async def test_uploads_are_refused_by_their_head(
    guard: UploadGuard,
    inside: Inside,
    headers: list[tuple[str, object]],
    status: int,
    words: str,
) -> None:
    guard._free_bytes = lambda: 1_500_000
    cookie = await sync_to_async(cookie_of)(OPERATOR)
    answer = await call(guard, scope_of(headers=[*headers, cookie, JSON]))
    assert (answer.status, inside.calls) == (status, 0)
    assert words in said(answer)


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_more_than_was_announced_is_refused(guard: UploadGuard) -> None:
    cookie = await sync_to_async(cookie_of)(OPERATOR)
    scope = scope_of(headers=[("Content-Length", 10), cookie, JSON])
    answer = await call(guard, scope, piece(b"0123456789"), piece(b"x", more=False))
    assert answer.status == 413


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/sign-in/", "/captures/upload", "/nowhere"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_every_other_path_takes_ten_mebibytes(
    guard: UploadGuard, inside: Inside, path: str, method: str
) -> None:
    announced = scope_of(path, method, [("Content-Length", OTHER_BYTES + 1), JSON])
    assert (await call(guard, announced)).status == 413
    assert inside.calls == 0
    fits = scope_of(path, method, [("Content-Length", OTHER_BYTES)])
    assert (await call(guard, fits, piece(bytes(OTHER_BYTES), more=False))).status == 200


@pytest.mark.asyncio
async def test_a_body_of_unknown_length_is_counted_elsewhere(guard: UploadGuard) -> None:
    scope = scope_of("/sign-in/", headers=[("Transfer-Encoding", "chunked"), JSON])
    assert (await call(guard, scope, piece(b"some", more=False))).status == 200
    large = [piece(bytes(1 << 20)) for _ in range(11)]
    assert (await call(guard, scope, *large)).status == 413


@pytest.mark.asyncio
@pytest.mark.parametrize("path", [UPLOAD, "/sign-in/"])
@pytest.mark.parametrize("encoding", ["gzip", "zstd", "gzip, gzip", "Identity, br"])
async def test_a_packed_body_is_neither_read_nor_unpacked(
    guard: UploadGuard, inside: Inside, path: str, encoding: str
) -> None:
    headers = [("Content-Length", 10), ("Content-Encoding", encoding), JSON]
    answer = await call(guard, scope_of(path, headers=headers))
    assert (answer.status, inside.calls) == (415, 0)
    assert "Send it as it is" in said(answer)


@pytest.mark.asyncio
async def test_a_body_that_says_that_it_is_not_packed_is_taken(guard: UploadGuard) -> None:
    headers = [("Content-Length", 1), ("Content-Encoding", " Identity ")]
    scope = scope_of("/sign-in/", headers=headers)
    assert (await call(guard, scope, piece(b"x", more=False))).status == 200


@pytest.mark.asyncio
async def test_a_get_of_the_form_needs_no_session(guard: UploadGuard, inside: Inside) -> None:
    assert (await call(guard, scope_of(method="GET"), piece(b"", more=False))).status == 200


@pytest.mark.asyncio
async def test_a_query_that_is_no_text_does_not_break_the_guard(guard: UploadGuard) -> None:
    scope = scope_of(headers=[("Content-Length", 5)], query=b"\xff\xfe")
    assert (await call(guard, scope)).status == 403


# --- how it is said ---------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_browser_gets_a_page_and_a_program_json(guard: UploadGuard) -> None:
    page = await call(guard, scope_of(headers=[("Accept", "text/html,*/*;q=0.8")]))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Sign in to upload captures." in page.body
    assert 'href="/"' in page.body
    answer = await call(guard, scope_of(headers=[JSON]))
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.body)["accepted"] == []
    for each in (page, answer):
        assert each.headers["connection"] == "close"
        assert each.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in each.headers["content-security-policy"]
        assert int(each.headers["content-length"]) == len(each.body.encode())


@pytest.mark.asyncio
async def test_the_answer_is_sent_before_the_rest_is_dropped(guard: UploadGuard) -> None:
    answers: list[int] = []
    made: list[Call] = []

    class Watching(Call):
        async def receive(self) -> dict[str, Any]:
            answers.append(len(self.sent))
            return await super().receive()

    events = deque([piece(b"x"), piece(b"y"), piece(b"z", more=False)])
    made.append(Watching(events))
    await guard(scope_of(headers=[("Content-Length", 3)]), made[0].receive, made[0].send)
    # start and body were sent, the end was not: the client has its answer and is heard to the end
    assert answers == [2, 2, 2]
    assert [message.get("more_body") for message in made[0].sent] == [None, True, False]


@pytest.mark.asyncio
async def test_only_a_bounded_amount_is_dropped(guard: UploadGuard) -> None:
    size = 1 << 22
    events = [piece(bytes(size)) for _ in range(40)]
    answer = await call(guard, scope_of(headers=[("Content-Length", 10**12)]), *events)
    assert answer.status == 403
    assert answer.received == DROPPED_BYTES // size + 1


@pytest.mark.asyncio
async def test_a_client_that_waits_for_leave_is_not_asked_for_its_body(guard: UploadGuard) -> None:
    headers = [("Content-Length", 10**6), ("Expect", "100-continue")]
    answer = await call(guard, scope_of(headers=headers), piece(b"x"))
    assert (answer.status, answer.received) == (403, 0)


@pytest.mark.asyncio
async def test_a_silent_client_is_not_waited_for(
    guard: UploadGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_guard, "DROP_SECONDS", 0.0)

    class Silent(Call):
        async def receive(self) -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

    silent = Silent(deque())
    await guard(scope_of(headers=[("Content-Length", 3)]), silent.receive, silent.send)
    assert silent.sent[-1]["more_body"] is False


# --- when the disk is full --------------------------------------------------------------------


def _full(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_disk_that_becomes_full_is_said(number: int) -> None:
    guard = UploadGuard(Inside(_full(number)), lambda: FREE)
    answer = await call(guard, scope_of("/x/", headers=[JSON]), piece(b"", more=False))
    assert answer.status == 507
    assert "disk became full" in said(answer)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "make",
    [
        lambda: Inside(_full(errno.EIO)),
        lambda: Inside(RuntimeError("unforeseen")),
        lambda: Inside(_full(errno.ENOSPC), answers_first=True),
    ],
    ids=["another error of the disk", "any other error", "the answer has begun"],
)
async def test_other_errors_are_the_servers(make: Callable[[], Inside]) -> None:
    guard = UploadGuard(make(), lambda: FREE)
    with pytest.raises((OSError, RuntimeError)):
        await call(guard, scope_of("/x/"), piece(b"", more=False))


@pytest.mark.asyncio
async def test_an_answer_that_has_begun_is_cut_and_not_followed_by_another() -> None:
    guard = UploadGuard(Inside(answers_first=True), lambda: FREE)
    events = [piece(bytes(1 << 20)) for _ in range(11)]
    with pytest.raises(BodyTooLargeError):
        await call(guard, scope_of("/x/"), *events)


def test_free_space_is_that_of_the_upload_folder() -> None:
    assert upload_guard.free_bytes() > 0
