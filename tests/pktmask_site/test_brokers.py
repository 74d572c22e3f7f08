"""Queues that several machines share, and what becomes of one that cannot be reached."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django_q.brokers.orm import ORM
from django_q.brokers.redis_broker import Redis
from redis.exceptions import ConnectionError as RedisAway
from structlog.testing import capture_logs

from pktmask_site import brokers
from pktmask_site.brokers import SharedDatabase, SharedRedis


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """For how long was waited, without waiting."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


@pytest.mark.parametrize(
    ("kind", "base", "error"),
    [
        (SharedRedis, Redis, RedisAway("planted")),
        (SharedDatabase, ORM, OperationalError("planted")),
    ],
)
@pytest.mark.django_db
def test_a_queue_that_is_away_is_asked_again_by_the_same_process_and_told_once(
    kind: Any, base: Any, error: Exception, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([error, error, [(None, "a message")], error])

    def dequeue(_broker: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(base, "dequeue", dequeue)
    monkeypatch.setattr(base, "queue_size", lambda _broker: 0)
    broker = kind()
    with capture_logs() as lines:
        assert [broker.dequeue() for _ in range(4)] == [None, None, [(None, "a message")], None]
    assert waited == [brokers.ASK_AGAIN_SECONDS] * 3
    # once for each time that it went away
    assert [each["event"] for each in lines] == ["queue_unreached"] * 2
    assert "planted" not in str(lines)


@pytest.mark.django_db
def test_what_is_no_fault_of_the_queue_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_broker: Any) -> Any:
        raise KeyError("planted")

    monkeypatch.setattr(ORM, "queue_size", fail)
    with pytest.raises(KeyError):
        SharedDatabase().dequeue()
