"""Bodies on their way through Django: where they lie, and that they go."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import RequestAborted
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from pktmask_site.spooling import WRITE_BYTES, SpoolingHandler
from tests.factories import capture_bytes
from tests.pktmask_site.asgi_calls import Call, call, piece, scope_of
from tests.upload_forms import CONTENT_TYPE, form_body

LARGE = [piece(bytes([index]) * WRITE_BYTES) for index in range(4)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    return tmp_path


def open_in(folder: Path) -> list[str]:
    """Return what this process holds open there, also files without a name."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:
            continue  # the listing's own
        if target.startswith(str(folder)):
            found.append(target)
    return found


@pytest.mark.asyncio
async def test_a_body_arrives_whole_whatever_its_pieces() -> None:
    pieces = [b"ab", b"", b"c" * (WRITE_BYTES - 1), b"d" * (3 * WRITE_BYTES), b"e"]
    client = Call(deque([*map(piece, pieces), piece(b"", more=False)]))
    with await SpoolingHandler().read_body(client.receive) as spool:
        assert spool.read() == b"".join(pieces)


@pytest.mark.asyncio
async def test_a_large_body_lies_without_a_name_in_the_folder_of_uploads(folder: Path) -> None:
    client = Call(deque([*LARGE, piece(b"end", more=False)]))
    spool = await SpoolingHandler().read_body(client.receive)
    assert len(open_in(folder)) == 1
    assert not list(folder.iterdir())
    spool.close()
    assert not open_in(folder)


@pytest.mark.asyncio
async def test_a_client_that_goes_leaves_nothing(folder: Path) -> None:
    client = Call(deque(LARGE))
    with pytest.raises(RequestAborted):
        await SpoolingHandler().read_body(client.receive)
    assert not open_in(folder)


@pytest.mark.asyncio
async def test_a_full_disk_is_passed_on_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, lines: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "writelines", full)
    with pytest.raises(OSError, match="No space left"):
        await SpoolingHandler().read_body(Call(deque(LARGE)).receive)
    assert not open_in(folder)


@pytest.mark.asyncio
async def test_a_query_that_is_no_text_is_answered() -> None:
    scope = scope_of("/x/", "GET", query=b"\xff")
    assert (await call(SpoolingHandler(), scope, piece(b"", more=False))).status == 400


@pytest.mark.asyncio
async def test_a_client_that_goes_while_its_form_is_read_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, gone = threading.Event(), threading.Event()

    def read(request: HttpRequest) -> HttpResponse:
        reading.set()
        assert gone.wait(60)
        assert len(request.FILES) == 1
        assert list(folder.iterdir())
        return HttpResponse("nobody hears it")

    handler = SpoolingHandler()

    async def respond(request: Any) -> HttpResponse:
        return await sync_to_async(read)(request)

    monkeypatch.setattr(handler, "get_response_async", respond)
    body = form_body([("a.pcap", capture_bytes())])
    headers = [("Content-Type", CONTENT_TYPE), ("Content-Length", len(body))]

    class Leaving(Call):
        async def receive(self) -> dict[str, Any]:
            if self.events:
                return await super().receive()
            await asyncio.to_thread(reading.wait, 60)
            asyncio.get_running_loop().call_later(0.05, gone.set)
            return {"type": "http.disconnect"}

    client = Leaving(deque([piece(body, more=False)]))
    await handler(scope_of(headers=headers), client.receive, client.send)
    assert gone.is_set()
    assert not list(folder.iterdir())
    assert not open_in(folder)
