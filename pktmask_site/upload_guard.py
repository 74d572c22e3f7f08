"""Stands before Django and refuses requests whose body must not be taken.

Under ASGI Django spools a whole body before any middleware runs, so who may send it, how long it is
and whether there is room are decided here, from the head alone: no byte of the body is read before,
and nothing is written for a request that is refused.
"""

from __future__ import annotations

import asyncio
import errno
import io
import json
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import structlog
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.urls import reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext as _

from pktmask_site.api.access import admit_upload
from pktmask_site.api.problems import CONTENT_TYPE, Refused, body_of, is_for_scripts
from pktmask_site.security_headers import of_refusals
from trimming.backpressure import room_for
from trimming.conf import trimming_settings
from trimming.quantities import limit, size
from trimming.uploads import is_upload_path

log = structlog.get_logger("pktmask.upload_guard")

UPLOAD_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
UPLOAD_PERMISSION: Final = "trimming.add_capture"
# what a form may hold beside its files
FORM_BYTES: Final = 1 << 20
# the longest body on every other path
OTHER_BYTES: Final = 10 << 20
# the body lies on the disk twice while its files are taken out of it
COPIES: Final = 2
NOT_PACKED: Final = (b"", b"identity")
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
# a client that still sends gets its answer at once; so much is read and dropped before the
# connection is closed, because closing with unread bytes may destroy an answer on its way
DROPPED_BYTES: Final = 64 << 20
DROP_SECONDS: Final = 30.0

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that is not let through: an HTTP status and a sentence."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a request says about its body.  ``length`` is None where it says nothing."""

    length: int | None
    is_chunked: bool
    expects_continue: bool
    is_packed: bool = False

    @classmethod
    def of(cls, scope: Scope) -> Head:
        """Read it from the headers, whose names are in lower case by ASGI's rules."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        text = headers.get(b"content-length", b"").strip()
        return cls(
            length=int(text) if text.isdigit() and len(text) < 20 else None,
            is_chunked=b"transfer-encoding" in headers,
            expects_continue=headers.get(b"expect", b"").lower() == b"100-continue",
            is_packed=headers.get(b"content-encoding", b"").strip().lower() not in NOT_PACKED,
        )


class BodyTooLargeError(Exception):
    """More came than was announced, or than the path allows."""


def judge_size(
    head: Head, limit_bytes: int, reserve_bytes: int, free_bytes: Callable[[], int]
) -> Refusal | None:
    """Return why an upload cannot be taken, or None.  Sizes are in bytes."""
    if head.length is None or head.is_chunked:
        return Refusal(411, _("The request does not say how long it is. Nothing was stored."))
    if head.length > limit_bytes + FORM_BYTES:
        return too_large(head.length, limit_bytes)
    if free_bytes() < COPIES * head.length + reserve_bytes:
        return Refusal(
            507,
            _(
                "There is not enough free space for an upload of %(size)s. Nothing was stored. "
                "Ask an administrator to make space."
            )
            % {"size": size(head.length)},
        )
    return None


def too_large(length: int, limit_bytes: int) -> Refusal:
    """Refuse a body over the limit."""
    return Refusal(
        413,
        _("The request has %(size)s, at most %(limit)s are accepted. Nothing was stored.")
        % {"size": size(length), "limit": limit(limit_bytes)},
    )


def packed() -> Refusal:
    """Refuse a body that would have to be unpacked; captures may be, within the form."""
    return Refusal(
        415,
        _("The body of the request is packed (Content-Encoding). Send it as it is. ")
        + _("Nothing was stored."),
    )


def judge_sender(request: ASGIRequest) -> Refusal | None:
    """Return why the sender may not upload now, or None.

    Reads the session or the token, the user, and how many captures wait.
    """
    try:
        judge = judge_script if is_for_scripts(request) else judge_person
        if refusal := judge(request):
            return refusal
        room = room_for(request.user)
        return Refusal(429, room.reason) if room.files <= 0 else None
    finally:
        close_old_connections()


def judge_script(request: ASGIRequest) -> Refusal | None:
    """Return why the token does not let it upload, or None; then the request has its user."""
    try:
        admit_upload(request)
    except Refused as refused:
        return Refusal(refused.status, refused.sentence, tuple(refused.headers.items()))
    return None


def judge_person(request: ASGIRequest) -> Refusal | None:
    """Return why who is signed in may not upload, or None; then the request has its user."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return Refusal(403, _("Sign in to upload captures. Nothing was stored."))
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if not user.is_authenticated:
        return Refusal(403, _("Sign in again to upload captures. Nothing was stored."))
    if not user.is_active or not user.has_perm(UPLOAD_PERMISSION):
        return Refusal(403, _("Your role may not upload captures. Nothing was stored."))
    request.user = user
    return None


def free_bytes() -> int:
    """Return the free space where uploads are spooled, in bytes."""
    return shutil.disk_usage(settings.FILE_UPLOAD_TEMP_DIR).free


class UploadGuard:
    """An ASGI application that lets through to ``app`` what may be taken."""

    def __init__(self, app: App, free_bytes: Callable[[], int] = free_bytes) -> None:
        self._app = app
        self._free_bytes = free_bytes

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Handle one HTTP request."""
        # one thread, and so one database connection, for the check and for the request
        async with ThreadSensitiveContext():
            request = ASGIRequest({**scope, "query_string": b""}, io.BytesIO())
            with translation.override(translation.get_language_from_request(request)):
                await self._handle(request, Exchange(scope, receive, send))

    async def _handle(self, request: ASGIRequest, exchange: Exchange) -> None:
        head = exchange.head
        is_upload = request.method in UPLOAD_METHODS and is_upload_path(request.path_info)
        refusal: Refusal | None = None
        if head.is_packed:
            refusal = packed()
        elif is_upload:
            refusal = await sync_to_async(judge_sender)(request)
            settings_now = trimming_settings()
            refusal = refusal or judge_size(
                head, settings_now.max_upload_bytes, settings_now.reserve_bytes, self._free_bytes
            )
            exchange.allowed_bytes = head.length or 0
        elif (head.length or 0) > OTHER_BYTES:
            refusal = too_large(head.length or 0, OTHER_BYTES)
        if refusal is None:
            refusal = await self._pass_on(exchange)
        if refusal is not None:
            log.warning("refused", status=refusal.status, is_upload=is_upload)
            await exchange.refuse(refusal, *rendered(request, refusal))

    async def _pass_on(self, exchange: Exchange) -> Refusal | None:
        try:
            # Django chooses the language for itself
            with translation.override(settings.LANGUAGE_CODE):
                await self._app(exchange.scope, exchange.receive, exchange.send)
        except BodyTooLargeError:
            if exchange.has_begun:
                raise
            return too_large(exchange.received_bytes, exchange.allowed_bytes)
        except OSError as error:
            if exchange.has_begun or error.errno not in FULL:
                raise
            return Refusal(
                507,
                _(
                    "The disk became full during the upload. Nothing was stored. "
                    "Upload it again when there is space, or ask an administrator."
                ),
            )
        return None


class Exchange:
    """One request and its answer: bytes are counted as they pass."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.head = Head.of(scope)
        self.allowed_bytes = OTHER_BYTES
        self.received_bytes = 0
        self.has_begun = False
        self._has_ended = False
        self._receive = receive
        self._send = send

    async def receive(self) -> Any:
        """Return the next event from the client; raise BodyTooLargeError past what is allowed."""
        message = await self._receive()
        if message["type"] != "http.request":
            self._has_ended = True
            return message
        self._has_ended = not message.get("more_body", False)
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > self.allowed_bytes:
            raise BodyTooLargeError
        return message

    async def send(self, message: Any) -> None:
        """Send an event to the client."""
        self.has_begun = True
        await self._send(message)

    async def refuse(self, refusal: Refusal, content_type: str, body: bytes) -> None:
        """Answer at once, then drop a bounded amount of what still comes, then close."""
        headers = {
            **of_refusals(),
            "content-type": content_type,
            "content-length": str(len(body)),
            "connection": "close",
            **dict(refusal.headers),
        }
        await self._send(
            {
                "type": "http.response.start",
                "status": refusal.status,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        # a client that waits for leave to send sends nothing now
        if not self.head.expects_continue or self.received_bytes:
            await self._drop_rest()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _drop_rest(self) -> None:
        self.allowed_bytes = self.received_bytes + DROPPED_BYTES
        try:
            async with asyncio.timeout(DROP_SECONDS):
                while not self._has_ended:
                    await self.receive()
        except (TimeoutError, BodyTooLargeError):
            return


def rendered(request: ASGIRequest, refusal: Refusal) -> tuple[str, bytes]:
    """Return content type and body of the answer, as the client prefers it."""
    if is_for_scripts(request):
        return CONTENT_TYPE, json.dumps(body_of(refusal.status, refusal.reason)).encode()
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        body = {"accepted": [], "refused": [{"name": "", "reason": refusal.reason}]}
        return "application/json", json.dumps(body).encode()
    page = format_html(
        '<!doctype html><html lang="{}"><meta charset="utf-8"><title>{}</title>'
        '<h1>{}</h1><p>{}</p><p><a href="{}">{}</a></p></html>',
        translation.get_language(),
        _("Not taken in"),
        _("Not taken in"),
        refusal.reason,
        reverse("home"),
        _("Back to the captures"),
    )
    return "text/html; charset=utf-8", page.encode()
