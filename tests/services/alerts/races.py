"""Senders, lookers and people at once on one database; ``python -m tests.services.alerts.races``.

Prints what it found as JSON, on the PostgreSQL database that the environment names.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.services.rollouts.settings")
django.setup()

from django.db import connection, connections  # noqa: E402 - apps must be there first
from django.utils import timezone  # noqa: E402 - see above

from monitoring.alerts import look as looking  # noqa: E402 - see above
from monitoring.alerts import store  # noqa: E402 - see above
from monitoring.alerts.acts import acknowledge, silence  # noqa: E402 - see above
from monitoring.alerts.dead_man import StandIn  # noqa: E402 - see above
from monitoring.alerts.delivery import Deliverer, deliver, due_channels  # noqa: E402 - see above
from monitoring.alerts.look import Memory, look, take_in  # noqa: E402 - see above
from monitoring.alerts.message import Message, Severity  # noqa: E402 - see above
from monitoring.alerts.models import (  # noqa: E402 - see above
    Alert,
    AlertClock,
    AlertTelling,
    Notification,
)
from monitoring.alerts.values import Condition, Found  # noqa: E402 - see above
from tests.monitoring.alerts.effects import FakeChannel, only_channels  # noqa: E402 - see above
from tests.monitoring.alerts.world import condition  # noqa: E402 - see above

SENDERS = 4
MESSAGES = 40
ROUNDS = 25
PATIENCE_SECONDS = 30.0
WAITING = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


class Taking(FakeChannel):
    """A channel that several threads may use; the first ``meeting`` of them wait for each other."""

    def __init__(self, meeting: int = 1) -> None:
        super().__init__()
        self._first = threading.Semaphore(meeting)
        self._meeting = threading.Barrier(meeting)

    def send(self, message: Message) -> str:
        """Take a message."""
        if self._first.acquire(blocking=False):
            self._meeting.wait(PATIENCE_SECONDS)
        return super().send(message)


def at_once(*doing: Callable[[], Any]) -> list[Any]:
    """Do things at once, each on a connection of its own; what one raises is raised."""
    together = threading.Barrier(len(doing))

    def run(one: Callable[[], Any]) -> Any:
        try:
            together.wait(PATIENCE_SECONDS)
            return one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(doing)) as pool:
        return list(pool.map(run, doing))


def several(count: int, severity: Severity = Severity.CRITICAL) -> tuple[Condition, ...]:
    """Return things that are wrong, each told on its own."""
    return tuple(
        condition("race", severity, label=f"n{number}", at_once=True) for number in range(count)
    )


def senders() -> dict[str, Any]:
    """Have senders at once empty one outbox; say how often each message went."""
    channel = Taking(meeting=2)
    with only_channels(log=channel):
        for number in range(MESSAGES):
            take_in(Found(several(number + 1)), timezone.now())
        made = Notification.objects.count()

        def send(owner: str) -> int:
            tried = 0
            # whoever was slower at a message gets none, and looks again as the monitor does
            while due_channels(timezone.now()):
                tried += deliver("log", owner)
            return tried

        tried = at_once(*(lambda n=n: send(f"sender {n}") for n in range(SENDERS)))
    times = Counter(message.key for message in channel.taken)
    return {
        "wanted": MESSAGES,
        "made": made,
        "sent": Notification.objects.filter(state="sent").count(),
        "arrived": len(times),
        "most_times": max(times.values()),
        "senders": sum(1 for each in tried if each),
    }


def looks() -> dict[str, Any]:
    """Hold one look in its transaction, and see that another waits and finds what it wrote."""
    inside, go_on = threading.Event(), threading.Event()
    save = store.save

    def held(*given: Any) -> None:
        save(*given)
        if not inside.is_set():
            inside.set()
            assert go_on.wait(PATIENCE_SECONDS)

    def second() -> int:
        assert inside.wait(PATIENCE_SECONDS)
        return len(take_in(Found(several(3)), timezone.now(), "second").steps)

    def watch() -> int:
        assert inside.wait(PATIENCE_SECONDS)
        waiting = 0
        with connection.cursor() as cursor:
            while not waiting:
                cursor.execute(WAITING)
                (waiting,) = cursor.fetchone() or (0,)
        go_on.set()
        return waiting

    with only_channels(), patch.object(looking, "save", held):
        first, then, waited = at_once(
            lambda: len(take_in(Found(several(3)), timezone.now(), "first").steps), second, watch
        )
    alerts = Alert.objects.count()
    return {"waited": waited, "steps": [first, then], "wanted": 3, "alerts": alerts}


def people() -> dict[str, Any]:
    """Look again and again while people acknowledge and silence, and a sender sends."""
    channel = Taking()
    memory = Memory()

    def monitor() -> None:
        for number in range(ROUNDS):
            take_in(Found(several(number + 1, Severity.HIGH)), timezone.now(), "monitor", memory)

    def person() -> None:
        for number in range(ROUNDS):
            now = timezone.now()
            acknowledge(list(Alert.objects.values_list("pk", flat=True)), "ann", now)
            if number % 5 == 0:
                end = now + timedelta(hours=1)
                silence(f"name=n{number}", "ann", "it is known", now, end, now)

    def sender() -> None:
        for _ in range(ROUNDS):
            deliver("log", "sender")

    with only_channels(log=channel):
        at_once(monitor, person, person, sender)
        # a look with nothing remembered goes by rows alone, and has nothing to add
        take_in(Found(several(ROUNDS, Severity.HIGH)), timezone.now(), "monitor", memory)
        again = take_in(Found(several(ROUNDS, Severity.HIGH)), timezone.now(), "monitor")
    return {
        "wanted": ROUNDS,
        "alerts": Alert.objects.count(),
        "steps_again": len(again.steps),
        "unexplained": AlertTelling.objects.filter(state="suppressed", why="").count(),
    }


def dead_man() -> dict[str, Any]:
    """Let several processes find the monitor silent at once; one of them tells of it."""
    channel = Taking()
    began = timezone.now() - timedelta(minutes=5)
    with only_channels(log=channel):
        look(began, "monitor")
        owners = [f"web {number}" for number in range(SENDERS)]
        deliverers = [Deliverer(owner) for owner in owners]
        watching = [
            StandIn(owner, began, deliverer)
            for owner, deliverer in zip(owners, deliverers, strict=True)
        ]
        now = timezone.now()
        stood_in = at_once(*(lambda each=each: each.look(now) for each in watching))
        # critical alerts wait some seconds for others; then whoever stands in sends it
        later = now + timedelta(seconds=10)
        for each, is_it in zip(watching, stood_in, strict=True):
            assert each.look(later) is is_it
        for deliverer in deliverers:
            deliverer.wait(PATIENCE_SECONDS)
        told = [message.kind.value for message in channel.taken]
        look(later + timedelta(seconds=1), "monitor")
    return {
        "stood_in": sum(stood_in),
        "told": told,
        "state": list(Alert.objects.filter(rule="monitor_silent").values_list("state", flat=True)),
    }


def main() -> None:
    """Race."""
    found: dict[str, Any] = {}
    for race in (senders, looks, people, dead_man):
        for model in (Alert, Notification, AlertClock):
            model._default_manager.all().delete()
        found[race.__name__] = race()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
