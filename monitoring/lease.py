"""Which of the monitor processes works: a lease in the database, judged by its clock.

A process that was killed leaves its lease to run out; one that ends in order gives it back.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from django.db import IntegrityError
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.models import MonitorLease

log = structlog.get_logger("pktmask.monitor")

LEASE: Final = timedelta(seconds=8)
# a lease that is renewed in time although two renewals fail
RENEW_SECONDS: Final = 2.0
_ROW: Final = 1


def take_or_renew(owner: str, lease: timedelta = LEASE) -> bool:
    """Hold the lease from now on, if it is free or held by ``owner``; return whether it is held."""
    mine = Q(owner=owner) | Q(until__lt=Now())
    if MonitorLease.objects.filter(mine, pk=_ROW).update(owner=owner, until=Now() + lease):
        return True
    if MonitorLease.objects.filter(pk=_ROW).exists():
        return False
    try:
        MonitorLease.objects.create(pk=_ROW, owner=owner, until=Now() + lease)
    except IntegrityError:
        return False
    return True


def is_held_by(owner: str) -> bool:
    """Tell whether ``owner`` holds a lease that has not run out."""
    return MonitorLease.objects.filter(pk=_ROW, owner=owner, until__gte=Now()).exists()


def give_back(owner: str) -> None:
    """Let the next process begin at once."""
    MonitorLease.objects.filter(pk=_ROW, owner=owner).update(until=Now())


def name_of_this_process() -> str:
    """Return a name that no other process has, not even a later one with the same number."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{secrets.token_hex(4)}"


class Turn:
    """Whether this process is the monitor.  Renewed by one thread, asked by others."""

    def __init__(self, owner: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.owner = owner
        self._clock = clock
        self._until = -math.inf

    def take_or_renew(self) -> None:
        """Take the lease when it is free, renew it when it is held."""
        # from before the statement, so that this process never believes longer than the database
        until = self._clock() + LEASE.total_seconds()
        was_mine = self.is_mine()
        self._until = until if take_or_renew(self.owner) else -math.inf
        if was_mine is not self.is_mine():
            log.info("monitor_turn", mine=self.is_mine())

    def is_mine(self) -> bool:
        """Tell whether the lease is held and has not run out."""
        return self._clock() < self._until

    def end(self) -> None:
        """Let the next process begin at once."""
        if self.is_mine():
            self._until = -math.inf
            give_back(self.owner)
