"""From the outbox to the channels: at least once, each channel in a thread of its own.

A row is claimed by a conditional UPDATE, sent outside of any transaction, and marked afterwards.
Whoever is killed between the two leaves a claim that runs out; the message is sent again then, with
the same key.  A slow channel delays nobody but itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone

from config.faults import type_and_place
from monitoring.alerts.backlog import is_late, put_together
from monitoring.alerts.conf import alert_settings
from monitoring.alerts.links import message_to_send
from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.models import (
    MAX_REASON_CHARACTERS,
    PUT_ASIDE,
    AlertTelling,
    Notification,
    NotificationState,
)
from monitoring.alerts.signals import alerts_changed
from monitoring.alerts.timeline import add_steps
from monitoring.alerts.values import Why
from monitoring.channels.base import Channel, ChannelError, channels

log = structlog.get_logger("pktmask.alerts")
STAGE: Final = "delivery"
# so many messages of a channel are sent before another look is taken at what is due
AT_ONCE: Final = 20
# the step that a state is told by
SAID: Final = {
    NotificationState.SENT.value: "sent",
    NotificationState.DEAD.value: "dead",
    NotificationState.SUPPRESSED.value: "switched_off",
}
PENDING: Final = Q(state=NotificationState.PENDING)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending a message once."""

    answer: str
    took_ms: float = 0.0
    is_sent: bool = False
    is_permanent: bool = False
    retry_after_seconds: float | None = None


class Deliverer:
    """Sends what is due; ``look`` returns at once, and threads do the sending."""

    def __init__(self, owner: str, clock: Callable[[], datetime] = timezone.now) -> None:
        self._owner = owner
        self._clock = clock
        self._threads: dict[str, threading.Thread] = {}

    def look(self) -> None:
        """Begin to send on each channel that has something due and is not at it already."""
        now = self._clock()
        for name in due_channels(now):
            thread = self._threads.get(name)
            if thread is None or not thread.is_alive():
                # one that hangs must not keep the process from its end
                thread = threading.Thread(
                    target=self._run, args=(name,), name=f"channel-{name}", daemon=True
                )
                self._threads[name] = thread
                thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until what is under way was sent."""
        for thread in list(self._threads.values()):
            thread.join(seconds)

    def _run(self, name: str) -> None:
        try:
            deliver(name, self._owner, self._clock)
        except Exception as error:  # the database may fail; what was to be sent is sent later
            log.error("delivery_failed", channel=name, **type_and_place(error))
        finally:
            close_old_connections()


def due(now: datetime) -> Q:
    """Return what may be sent at ``now``: its time has come, and nobody is at it."""
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return PENDING & Q(next_at__lte=now) & free


def due_channels(now: datetime) -> list[str]:
    """Return the channels with something to send."""
    rows = Notification.objects.filter(due(now)).order_by("channel")
    return list(rows.values_list("channel", flat=True).distinct())


def deliver(name: str, owner: str, clock: Callable[[], datetime] = timezone.now) -> int:
    """Send what is due on one channel, critical messages first; return how many were tried."""
    tried = 0
    while tried < AT_ONCE:
        row = claim(name, owner, clock())
        if row is None:
            break
        tried += 1
        attempt = send(row)
        now = clock()
        mark(row, attempt, now)
        if attempt.is_sent:
            if is_late(row, now):
                # the channel works again: what has gathered meanwhile goes as one
                put_together(name, now)
        elif not attempt.is_permanent:
            # the next one would not be taken, either
            postpone(name, attempt.retry_after_seconds, now)
            break
    return tried


def claim(name: str, owner: str, now: datetime) -> Notification | None:
    """Take one message for sending; None when nothing is due or somebody else was quicker."""
    until = now + timedelta(seconds=alert_settings().claim_seconds)
    rows = Notification.objects.filter(due(now), channel=name)
    critical = rows.filter(severity=Severity.CRITICAL).order_by("attempts", "at", "key")
    # one that is never taken must not stand in the way of others
    for row in (*critical[:1], *rows.order_by("attempts", "at", "key")[:1]):
        mine = Notification.objects.filter(due(now), pk=row.pk)
        if mine.update(claimed_by=owner, claimed_until=until):
            return Notification.objects.get(pk=row.pk)
    return None


def send(row: Notification) -> Attempt:
    """Send a message, outside of any transaction, and return what came of it."""
    began = time.perf_counter()
    found = _tried(row)
    took_ms = 1000 * (time.perf_counter() - began)
    return replace(found, answer=found.answer[:MAX_REASON_CHARACTERS], took_ms=took_ms)


def _tried(row: Notification) -> Attempt:
    try:
        channel = _channel(row.channel)
        if channel is None:
            return Attempt(Why.SWITCHED_OFF.value, is_permanent=True)
        answer = channel.send(message_to_send(row))
    except ChannelError as error:
        return Attempt(
            str(error),
            is_permanent=error.permanent,
            retry_after_seconds=error.retry_after_seconds,
        )
    except Exception as error:  # a channel may fail in any way; its text may hold anything
        facts = type_and_place(error)
        log.error("channel_failed", channel=row.channel, **facts)
        return Attempt(f"{facts['kind']} at {facts['place']}")
    return Attempt(answer, is_sent=True)


def _channel(name: str) -> Channel | None:
    return channels.named(name) if name in channels.names() else None


def mark(row: Notification, attempt: Attempt, now: datetime) -> None:
    """Note what came of an attempt, unless somebody else has taken the message meanwhile."""
    facts = after(row, attempt, now)
    mine = Notification.objects.filter(
        pk=row.pk, state=NotificationState.PENDING, claimed_by=row.claimed_by
    )
    with transaction.atomic():
        if not mine.update(claimed_by="", claimed_until=None, **facts):
            return
        what = SAID.get(str(facts.get("state", "")), "not_taken")
        details = {"channel": row.channel, "notification": row.pk, "answer": attempt.answer}
        add_steps(alerts_in(row.pk), now, STAGE, what, {**details, "attempt": row.attempts + 1})
        transaction.on_commit(lambda: alerts_changed.send_robust(None), robust=True)


def alerts_in(notification: str) -> set[str]:
    """Return the keys of the alerts that a message carries, also by way of a digest."""
    rows = AlertTelling.objects.filter(
        Q(notification_id=notification) | Q(notification__digest_id=notification)
    )
    return set(rows.order_by().values_list("alert_id", flat=True))


def after(row: Notification, attempt: Attempt, now: datetime) -> dict[str, object]:
    """Return the columns of a message after an attempt."""
    attempts = row.attempts + 1
    facts: dict[str, object] = {
        "attempts": attempts,
        "answer": attempt.answer,
        "took_ms": round(attempt.took_ms, 1),
    }
    if attempt.is_sent:
        return {**facts, "state": NotificationState.SENT, "ended_at": now}
    if attempt.answer == Why.SWITCHED_OFF and attempt.is_permanent:
        ended = {"state": NotificationState.SUPPRESSED, "ended_at": now}
        return {**facts, **ended, "why": Why.SWITCHED_OFF.value}
    facts |= {"error": attempt.answer, "error_at": now}
    if row.kind == MessageKind.TEST:
        # somebody waits to see what comes of it; nobody else is to be told
        return {**facts, "state": NotificationState.DEAD, "ended_at": now, "why": PUT_ASIDE}
    limits = alert_settings()
    is_too_old = now - row.at >= timedelta(hours=limits.give_up_hours)
    if attempt.is_permanent or is_too_old:
        return {**facts, "state": NotificationState.DEAD, "ended_at": now}
    return {**facts, "next_at": now + pause(attempts, attempt.retry_after_seconds)}


def pause(attempts: int, retry_after_seconds: float | None) -> timedelta:
    """Return the wait after so many attempts: growing, and no shorter than the receiver asks."""
    limits = alert_settings()
    seconds = min(limits.retry_longest_seconds, limits.retry_seconds * 2 ** min(attempts - 1, 20))
    return timedelta(seconds=max(seconds, retry_after_seconds or 0.0))


def postpone(name: str, retry_after_seconds: float | None, now: datetime) -> None:
    """Let the other messages of a channel that fails wait a little, or as long as it asks."""
    next_at = now + pause(1, retry_after_seconds)
    others = Notification.objects.filter(due(now), channel=name, next_at__lt=next_at)
    others.update(next_at=next_at)
