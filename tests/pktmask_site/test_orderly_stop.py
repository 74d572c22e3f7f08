"""Who reached the server before its end is answered, also when the request comes a little later."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import uvicorn
import uvloop

from pktmask_site.orderly_stop import Lingering, OrderlyServer

Scenario = Callable[[OrderlyServer], Awaitable[None]]

REQUEST = b"POST / HTTP/1.1\r\nHost: console\r\nContent-Length: 0\r\n\r\n"
LENGTH = [(b"content-length", b"5")]
PATIENCE_SECONDS = 60.0
MANY = 50


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answer in some bytes."""
    await send({"type": "http.response.start", "status": 200, "headers": LENGTH})
    await send({"type": "http.response.body", "body": b"hello"})


def with_a_server(scenario: Scenario) -> Callable[[], None]:
    """Run a test beside a server, in the loop that the server uses."""

    @wraps(scenario)
    def test() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(beside_a_server(scenario))

    del test.__wrapped__  # pytest looks for arguments there
    return test


async def beside_a_server(scenario: Scenario) -> None:
    """Start a server, and run the test."""
    config = uvicorn.Config(
        hello, port=0, http=Lingering, lifespan="off", log_config=None, timeout_graceful_shutdown=30
    )
    config.load()
    server = OrderlyServer(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await scenario(server)


def address_of(server: OrderlyServer) -> tuple[str, int]:
    """Return where it listens."""
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return host, port


async def until_nobody_is_taken_in(address: tuple[str, int]) -> None:
    """Return once the port is closed."""
    while True:
        try:
            _, writer = await asyncio.open_connection(*address)
        except ConnectionError:
            return
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    """End a connection."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@with_a_server
async def test_connections_that_only_the_kernel_had_taken_are_answered(
    server: OrderlyServer,
) -> None:
    callers = [socket.create_connection(address_of(server)) for _ in range(MANY)]
    for caller in callers:
        caller.sendall(REQUEST)
    # begins without a turn of the loop between, in which the server would take them
    ending = asyncio.create_task(server.shutdown())
    for caller in callers:
        reader, writer = await asyncio.open_connection(sock=caller)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        await closed(writer)
    await ending


@with_a_server
async def test_a_request_that_was_on_its_way_is_answered_and_is_the_last(
    server: OrderlyServer,
) -> None:
    address = address_of(server)
    reader, writer = await asyncio.open_connection(*address)
    ending = asyncio.create_task(server.shutdown())
    await until_nobody_is_taken_in(address)
    writer.write(REQUEST)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer
    await closed(writer)
    await ending


@with_a_server
async def test_a_request_on_an_idle_connection_is_answered_and_is_the_last(
    server: OrderlyServer,
) -> None:
    address = address_of(server)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(REQUEST)
    assert (await reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
    ending = asyncio.create_task(server.shutdown())
    await until_nobody_is_taken_in(address)
    writer.write(REQUEST)
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in answer
    await closed(writer)
    await ending


@with_a_server
async def test_connections_on_which_nothing_comes_do_not_keep_it(server: OrderlyServer) -> None:
    reader, writer = await asyncio.open_connection(*address_of(server))
    await server.shutdown()
    assert await reader.read() == b""
    await closed(writer)
