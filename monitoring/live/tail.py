"""The web process's background task: reads the outbox that other processes write to.

On SQLite ``PRAGMA data_version`` tells for next to nothing whether another connection has changed
the database; only then are rows read.  It counts for one connection, so all reading is done in one
thread, whose connection nobody else uses; statements are read to their end in autocommit mode, so
no read transaction stays open.  Rows are found by id: with SQLite's one writer at a time, ids are
committed in their order.

A failure (the database locked, the table not there before the first migrate) closes the connection
and is tried again; the last id is kept, so nothing is skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import structlog
from django.db import connection
from django.db.models import Max

from config.faults import type_and_place
from monitoring.live.publish import Update, fan_out
from monitoring.models import LiveUpdate

log = structlog.get_logger("pktmask.live")

POLL_SECONDS: Final = 0.05
RETRY_SECONDS: Final = 1.0
# so many rows are read at once; what is left comes with the next turn
BATCH: Final = 1000

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Outbox(Protocol):
    """What the tail reads from.  Called in one thread only."""

    def read_new(self) -> list[Update]:
        """Return the updates since the last call, oldest first; none of before the first call."""
        ...

    def close(self) -> None:
        """Let go of what is held; reading may begin again afterwards."""
        ...


class SqliteOutbox:
    """The outbox in the default database, read over the connection of the calling thread."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._last: int | None = None

    def read_new(self) -> list[Update]:
        """Return the new rows; raises DatabaseError."""
        version = _data_version()
        if self._last is None:
            self._last = LiveUpdate.objects.aggregate(newest=Max("pk"))["newest"] or 0
        elif version == self._version:
            return []
        rows = LiveUpdate.objects.filter(pk__gt=self._last).order_by("pk")
        found = [Update(*row) for row in rows.values_list("pk", "topic", "body")[:BATCH]]
        # a version that was read before the rows at worst costs one more look
        self._version = version if len(found) < BATCH else None
        self._last = found[-1].pk if found else self._last
        return found

    def close(self) -> None:
        """Close the connection.  The version counts for it only; the last id stays."""
        self._version = None
        connection.close()


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchall()[0][0])


async def follow(
    outbox: Outbox,
    deliver: Callable[[list[Update]], Awaitable[None]] = fan_out,
    poll_seconds: float = POLL_SECONDS,
    retry_seconds: float = RETRY_SECONDS,
) -> None:
    """Deliver what comes into ``outbox`` until cancelled."""
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="live-tail")
    complained = False
    try:
        while True:
            pause = poll_seconds
            try:
                updates = await loop.run_in_executor(thread, outbox.read_new)
                if updates:
                    await deliver(updates)
                complained = False
            except Exception as error:  # the feed must outlive whatever the database does
                if not complained:
                    log.warning("live_tail_failed", **type_and_place(error))
                complained, pause = True, retry_seconds
                await loop.run_in_executor(thread, outbox.close)
            await asyncio.sleep(pause)
    finally:
        # a reading may be under way in the thread; its connection is closed after it, in its turn
        thread.submit(outbox.close)
        thread.shutdown(wait=True)


def outbox_of_this_installation() -> Outbox | None:
    """Return the outbox to follow; None when updates do not come through one."""
    return SqliteOutbox() if connection.vendor == "sqlite" else None


async def lifespan(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Follow the outbox from the start of the web process to its end: an ASGI lifespan app."""
    task: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            outbox = outbox_of_this_installation()
            task = None if outbox is None else asyncio.create_task(follow(outbox))
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            await send({"type": "lifespan.shutdown.complete"})
            return
