"""Updates on their way to other machines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from monitoring.live import sender as sending
from monitoring.live.publish import Update, publish
from monitoring.live.sender import Sender


class Layer:
    """A layer that may be slow, or fail."""

    def __init__(self) -> None:
        self.sent: list[list[tuple[str, Any]]] = []
        self.may_go_on = threading.Event()
        self.has_sent = threading.Semaphore(0)
        self.failures = 0

    async def deliver(self, updates: list[Update]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("away")
        self.sent.append([(each.topic, each.body["n"]) for each in updates])
        self.has_sent.release()
        self.may_go_on.wait(10)


def test_whoever_publishes_does_not_wait_and_only_the_newest_of_a_topic_is_sent() -> None:
    layer = Layer()
    sender = Sender(layer.deliver)
    sender.put("a", {"n": 0})
    assert layer.has_sent.acquire(timeout=10)
    for number in range(1, 4):
        sender.put("a", {"n": number})
    sender.put("b", {"n": 9})
    layer.may_go_on.set()
    assert layer.has_sent.acquire(timeout=10)
    assert layer.sent == [[("a", 0)], [("a", 3), ("b", 9)]]


def test_what_cannot_be_sent_is_dropped_and_the_next_is_sent() -> None:
    layer = Layer()
    layer.may_go_on.set()
    layer.failures = 1
    sender = Sender(layer.deliver, pause_seconds=0.01)
    sender.put("a", {"n": 0})
    while layer.failures:  # its thread takes the first one
        pass
    sender.put("a", {"n": 1})
    assert layer.has_sent.acquire(timeout=10)
    assert layer.sent == [[("a", 1)]]


def test_a_server_that_is_away_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST_TOPICS", 3)
    layer = Layer()
    sender = Sender(layer.deliver)
    sender.put("first", {"n": 0})
    assert layer.has_sent.acquire(timeout=10)
    for number in range(9):
        sender.put(f"topic {number}", {"n": number})
    layer.may_go_on.set()
    assert layer.has_sent.acquire(timeout=10)
    assert len(layer.sent[1]) == 3


def test_a_process_that_was_forked_makes_a_sender_of_its_own() -> None:
    first = sending.sender()
    assert sending.sender() is first
    child = os.fork()
    if child == 0:
        os._exit(0 if sending.sender() is not first else 1)
    assert os.waitpid(child, 0)[1] == 0
    sending._of_this_process.clear()


def test_a_process_ends_although_its_sender_waits() -> None:
    said = (
        "import django; django.setup()\n"
        "from monitoring.live.sender import Sender\n"
        "async def deliver(updates): print(len(updates), flush=True)\n"
        "Sender(deliver).put('a', {})\n"
    )
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "-c", said], check=True, timeout=60, env=environ)


@pytest.mark.parametrize(("redis_url", "is_sent"), [("redis://localhost", True), ("", False)])
def test_on_postgresql_updates_go_over_redis_or_nowhere(
    monkeypatch: pytest.MonkeyPatch, settings: Any, redis_url: str, is_sent: bool
) -> None:
    found: list[str] = []
    monkeypatch.setattr(connection, "vendor", "postgresql", raising=False)
    kept = SimpleNamespace(put=lambda topic, body: found.append(topic))
    monkeypatch.setattr(sending, "sender", lambda: kept)
    settings.INSTALLATION = replace(settings.INSTALLATION, redis_url=redis_url)
    publish("service", {"key": "sample"})
    assert found == (["service"] if is_sent else [])
