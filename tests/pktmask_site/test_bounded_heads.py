"""Heads and trailers without an end are cut off; bodies and many requests are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import repeat
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from pktmask_site.bounded_heads import MAX_HEAD_BYTES, BoundedHeads

pytestmark = pytest.mark.asyncio

PIECE = b"a" * 16_384
PATIENCE_SECONDS = 60.0
# far more than is let in, and more than lies in the buffers of a connection
MANY = 4_000
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
    """Answer with the length of the body."""
    length, is_more = 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        length += len(message.get("body", b""))
        is_more = message.get("more_body", False)
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connected() -> AsyncIterator[Streams]:
    """Serve on a port of its own, and connect to it."""
    config = uvicorn.Config(echo, lifespan="off", log_config=None, access_log=False)
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHeads(config, ServerState(), {}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield reader, writer
    finally:
        writer.close()
        server.close()


async def sent_until_cut(writer: asyncio.StreamWriter, pieces: Iterable[bytes]) -> bool:
    """Send piece by piece; tell whether the connection was cut before the end."""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize(
    "beginning",
    [b"GET /", b"GET / HTTP/1.1\r\nX-Long: ", b"GET / HTTP/1.1\r\nX-", b"a"],
    ids=["address", "value", "name", "method"],
)
async def test_a_head_without_an_end_is_cut_off(beginning: bytes) -> None:
    async with connected() as (_reader, writer):
        writer.write(beginning)
        assert await sent_until_cut(writer, repeat(PIECE, MANY))


async def test_many_headers_are_cut_off_as_well() -> None:
    async with connected() as (_reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n")
        lines = repeat(b"X-One: two\r\n" * 1000, MANY)
        assert await sent_until_cut(writer, lines)


async def test_the_answer_says_why() -> None:
    async with connected() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: ")
        writer.write(PIECE * (MAX_HEAD_BYTES // len(PIECE) + 1))
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 431 ")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head


async def test_trailers_without_an_end_are_cut_off() -> None:
    async with connected() as (_reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"3\r\nabc\r\n0\r\nX-Long: ")
        assert await sent_until_cut(writer, repeat(PIECE, MANY))


async def test_a_long_body_arrives_whole() -> None:
    async with connected() as (reader, writer):
        length = 100 * len(PIECE)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length)
        assert not await sent_until_cut(writer, repeat(PIECE, 100))
        assert (await reader.readuntil(str(length).encode())).startswith(b"HTTP/1.1 200 ")


async def test_many_small_chunks_and_many_requests_are_no_head() -> None:
    async with connected() as (reader, writer):
        for _ in range(3):
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert not await sent_until_cut(writer, repeat(b"1\r\na\r\n" * 100, 300))
            writer.write(b"0\r\n\r\n")
            assert await reader.readuntil(b"30000")
        long = b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * (MAX_HEAD_BYTES // 2) + b"\r\n\r\n"
        for _ in range(5):
            writer.write(long)
            assert await reader.readuntil(b"\r\n\r\n0")
