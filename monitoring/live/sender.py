"""To web processes on other machines: a thread that sends updates over the shared channel layer.

Whoever publishes does not wait: what changed is put down and taken by the thread, the newest of
each topic only.  What cannot be sent is dropped; pages read the database now and then (consumers).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog

from config.faults import type_and_place
from monitoring.live.publish import Update, fan_out

log = structlog.get_logger("pktmask.live")

# after a failure, so that a server that is away is not asked all the time
PAUSE_SECONDS: Final = 1.0
GIVE_UP_SECONDS: Final = 10.0
# so many topics at most wait to be sent; a server that is away must cost no memory
MOST_TOPICS: Final = 10_000


class Sender:
    """Sends what is put, in a thread with an event loop of its own."""

    def __init__(
        self,
        deliver: Callable[[list[Update]], Awaitable[None]] = fan_out,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._deliver = deliver
        self._pause_seconds = pause_seconds
        self._lock = threading.Lock()
        self._newest: dict[str, Update] = {}
        self._loop = asyncio.new_event_loop()
        self._there_is_something = asyncio.Event()
        # nobody waits for its end: what was not sent is read from the database
        self._thread = threading.Thread(target=self._run, name="live-sender", daemon=True)
        self._thread.start()

    def put(self, topic: str, body: Mapping[str, Any]) -> None:
        """Have ``body`` sent, unless a newer one of its topic comes before it was."""
        with self._lock:
            if topic in self._newest or len(self._newest) < MOST_TOPICS:
                self._newest.pop(topic, None)
                self._newest[topic] = Update(0, topic, dict(body))
        self._loop.call_soon_threadsafe(self._there_is_something.set)

    def _take(self) -> list[Update]:
        self._there_is_something.clear()
        with self._lock:
            found, self._newest = list(self._newest.values()), {}
        return found

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._send_all())

    async def _send_all(self) -> None:
        complained = False
        while True:
            await self._there_is_something.wait()
            try:
                async with asyncio.timeout(GIVE_UP_SECONDS):
                    await self._deliver(self._take())
                complained = False
            except Exception as error:  # the feed must outlive whatever the server does
                if not complained:
                    log.warning("live_updates_not_sent", **type_and_place(error))
                complained = True
                await asyncio.sleep(self._pause_seconds)


_of_this_process: list[Sender] = []
_making = threading.Lock()


def sender() -> Sender:
    """Return the sender of this process; made when it is first needed."""
    with _making:
        if not _of_this_process:
            _of_this_process.append(Sender())
        return _of_this_process[0]


def _forget() -> None:
    """In a process that was forked: threads and locks of the parent are of no use."""
    global _making
    _making = threading.Lock()
    _of_this_process.clear()


os.register_at_fork(after_in_child=_forget)
