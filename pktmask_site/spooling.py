"""Django's ASGI handler, with the bodies of requests on the file system of the data.

Django itself spools them to the system's folder for temporary files, which is often small or in
memory, and writes to it from the event loop, so that a slow disk would hold up every other page.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO, Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponseBase

WRITE_BYTES: Final = 1 << 20

REQUEST_KEY: Final = "pktmask.request"

Receive = Callable[[], Awaitable[Any]]


class SpoolingHandler(ASGIHandler):
    """Spools in FILE_UPLOAD_TEMP_DIR, and closes what a request holds however it ends."""

    async def read_body(self, receive: Receive) -> IO[bytes]:
        """Return the whole body; raises RequestAborted when the client goes, and OSError."""
        spool = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - the request closes it
            max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=str(settings.FILE_UPLOAD_TEMP_DIR)
        )
        try:
            await self._fill(spool, receive)
        except BaseException:
            with contextlib.suppress(OSError):  # closing writes what is left, also to a full disk
                spool.close()
            raise
        return spool

    async def _fill(self, spool: Any, receive: Receive) -> None:
        pieces: list[bytes] = []
        held, is_more = 0, True
        while is_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            pieces.append(message.get("body", b""))
            held += len(pieces[-1])
            is_more = message.get("more_body", False)
            if held >= WRITE_BYTES:
                await sync_to_async(spool.writelines)(pieces)
                pieces, held = [], 0
        spool.writelines(pieces)
        spool.seek(0)

    def create_request(
        self, scope: Any, body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        """Return the request, or the answer to one that cannot be read."""
        made = super().create_request(scope, body_file)
        scope[REQUEST_KEY] = made[0]
        return made

    async def handle(self, scope: Any, receive: Receive, send: Any) -> None:
        """Handle one request.

        When a client goes while its form is read, Django lets go of the request without closing it;
        the thread that reads works on to its end.  Closing waits for that thread, since it runs in
        the same one, and removes what it has received.
        """
        try:
            await super().handle(scope, receive, send)
        finally:
            request = scope.pop(REQUEST_KEY, None)
            if request is not None:
                await sync_to_async(request.close)()
