"""django-q2's brokers where several machines share one queue: each machine has one of its own, too.

Whether the workers of one machine are alive can only be asked of them, so the question must not be
answered by another machine's.  Everything else goes through the queue that all read.

Who takes messages asks again at once where the queue cannot be reached: django-q2 would let it wait
for 10 s, end it and start another, and jobs would wait for so long behind a restart.
"""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import Error, close_old_connections
from django_q.brokers.orm import ORM
from django_q.brokers.redis_broker import Redis
from django_q.conf import Conf
from redis.exceptions import RedisError

from config.faults import type_and_place
from monitoring.heartbeats import queue_of

log = structlog.get_logger("pktmask.brokers")

ASK_AGAIN_SECONDS: Final = 0.5


class _OwnQueueFirst:
    """Takes what was sent to this machine before what was sent to all."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)  # type: ignore[call-arg]  # of a broker
        is_common = list_key in (None, Conf.CLUSTER_NAME)
        own = queue_of(settings.INSTALLATION.machine)
        self._own: Any = type(self)(own) if is_common else None
        self._is_away = False

    def dequeue(self) -> Any:
        """Return messages with what acknowledges them; none after waiting a little."""
        try:
            found = self._dequeue()
        except (RedisError, Error) as error:
            if not self._is_away:
                log.warning("queue_unreached", **type_and_place(error))
            self._is_away = True
            close_old_connections()
            # a queue that is away refuses at once: without a pause this would take a whole core
            time.sleep(ASK_AGAIN_SECONDS)
            return None
        self._is_away = False
        return found

    def _dequeue(self) -> Any:
        if self._own is not None and self._own.queue_size():
            found = self._own._dequeue()
            if found:
                return found
        return super().dequeue()  # type: ignore[misc]  # of a broker


class SharedDatabase(_OwnQueueFirst, ORM):  # type: ignore[misc]  # django-q2 has no types
    """Messages as rows."""


class SharedRedis(_OwnQueueFirst, Redis):  # type: ignore[misc]  # django-q2 has no types
    """Messages in lists of Redis."""
