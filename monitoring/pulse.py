"""Decisions about signs of life: plain values and times in, a decision out.  No database, no clock.

A sign is asked for by the monitor, carried by the workers' queue, and noted when it has gone the
whole way through the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum


class Pulse(Enum):
    """What is known of the workers."""

    WORKING = "working"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


def best(pulses: Iterable[Pulse]) -> Pulse:
    """Return how the workers of all machines are: as long as those of one work, jobs are done."""
    found = set(pulses)
    return next((each for each in (Pulse.WORKING, Pulse.UNKNOWN) if each in found), Pulse.STOPPED)


def is_outstanding(asked_at: datetime | None, at: datetime | None) -> bool:
    """Return whether a sign was asked for and has not been given."""
    return asked_at is not None and (at is None or at < asked_at)


def workers_are_stuck(
    *,
    now: datetime,
    asked_at: datetime | None,
    at: datetime | None,
    started_at: datetime | None,
    last_claim_at: datetime | None,
    busy_workers: int,
    workers: int,
    patience: timedelta,
    start_patience: timedelta,
) -> bool:
    """Tell whether the workers do nothing although they could.

    They are when a sign stays unanswered for longer than ``patience``, no job was claimed in that
    time, and one of them at least is free.  Workers that have not given any sign since they were
    started have ``start_patience``.  Without a question there is no answer: a monitor that does
    not ask is another case (``is_silent``).
    """
    if asked_at is None or not is_outstanding(asked_at, at):
        return False
    if busy_workers >= workers:
        return False
    if now - asked_at <= patience:
        return False
    if last_claim_at is not None and now - last_claim_at <= patience:
        return False
    if started_at is not None and (at is None or at < started_at):
        return now - started_at > start_patience
    return True


def is_silent(
    *, now: datetime, at: datetime | None, started_at: datetime | None, patience: timedelta
) -> bool:
    """Tell whether a part that gives signs of its own accord has not given one for too long."""
    known = [moment for moment in (at, started_at) if moment is not None]
    return bool(known) and now - max(known) > patience


def pulse_of_workers(
    *,
    now: datetime,
    asked_at: datetime | None,
    at: datetime | None,
    asker_at: datetime | None,
    busy_workers: int,
    workers: int,
    patience: timedelta,
    known: timedelta,
) -> Pulse:
    """Tell people how the workers are.  ``asker_at`` is the last sign of the monitor that asks.

    Nothing is known when nobody asks any more, or before the first answer.
    """
    if busy_workers >= workers:
        return Pulse.WORKING  # fresh leases are signs, too
    if asker_at is None or now - asker_at > known:
        return Pulse.UNKNOWN
    if asked_at is not None and is_outstanding(asked_at, at) and now - asked_at > patience:
        return Pulse.STOPPED
    if at is None or now - at > known:
        return Pulse.UNKNOWN
    return Pulse.WORKING
