"""The dead-man's switch: a monitor that looks at alerts no longer is told by somebody else.

The supervisor and every web process have a thread that looks every ten seconds when the monitor
last looked.  One of them, by a conditional UPDATE, then writes the alert and sends what is in the
outbox.  The monitor resolves the alert when it looks again: whoever asks the source is alive.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import IntegrityError, close_old_connections
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.faults import type_and_place
from monitoring.alerts.built_in import HEALTH, SAMPLES_STALE
from monitoring.alerts.conf import alert_settings
from monitoring.alerts.delivery import Deliverer
from monitoring.alerts.inbox import Rule, inbox
from monitoring.alerts.look import take_in
from monitoring.alerts.message import Severity
from monitoring.alerts.models import CLOCK_ROW, AlertClock
from monitoring.alerts.values import Condition, Found
from monitoring.lease import name_of_this_process
from trimming import quantities

log = structlog.get_logger("pktmask.alerts")

LOOK_SECONDS: Final = 10.0
# who stands in has missed so many looks when another one takes its place
MISSED: Final = 3
MONITOR_SILENT: Final = Rule(
    "monitor_silent",
    gettext_lazy("The monitor does not look after the service"),
    (
        gettext_lazy("See whether its process runs, and what its log says last."),
        gettext_lazy("Until it is back nothing is measured and no rollout goes on."),
    ),
    mutes=(SAMPLES_STALE.name, *(rule.name for rule in HEALTH.values())),
    at_once=True,
)
Lifespan = Callable[
    [
        Mapping[str, Any],
        Callable[[], Awaitable[Mapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


def nothing(now: datetime) -> Iterable[Condition]:
    """Give nothing: the monitor asks, so it is there."""
    return ()


inbox.register("monitor", nothing, MONITOR_SILENT)


def silent_for(now: datetime, began: datetime) -> timedelta:
    """Return how long the monitor has not looked, or since ``began`` where that is shorter."""
    at = AlertClock.objects.filter(pk=CLOCK_ROW).values_list("at", flat=True).first()
    return now - max(at or began, began)


def claim(owner: str, now: datetime) -> bool:
    """Take the place of the monitor, unless somebody else stands in for it."""
    lost = now - timedelta(seconds=MISSED * LOOK_SECONDS)
    free = Q(stands_in="") | Q(stands_in=owner) | Q(stood_in_at__lt=lost)
    rows = AlertClock.objects.filter(free, pk=CLOCK_ROW)
    if rows.update(stands_in=owner, stood_in_at=now):
        return True
    if AlertClock.objects.filter(pk=CLOCK_ROW).exists():
        return False
    try:
        AlertClock.objects.create(pk=CLOCK_ROW, stands_in=owner, stood_in_at=now)
    except IntegrityError:
        return False
    return True


class StandIn:
    """Looks whether the monitor looks.  ``began`` is when this process could first expect it."""

    def __init__(self, owner: str, began: datetime, deliverer: Deliverer | None = None) -> None:
        self._owner = owner
        self._began = began
        self._deliverer = deliverer or Deliverer(owner)
        self._stopping = threading.Event()

    def look(self, now: datetime) -> bool:
        """Tell of a silent monitor and send what waits; return whether this process stood in."""
        limit = timedelta(seconds=alert_settings().silent_seconds)
        silent = silent_for(now, self._began)
        if silent <= limit or not claim(self._owner, now):
            return False
        said = _("It last looked %(age)s ago; the limit is %(limit)s.")
        names = {
            "age": quantities.duration(silent.total_seconds()),
            "limit": quantities.duration(limit.total_seconds()),
        }
        condition = MONITOR_SILENT.holds(
            Severity.CRITICAL,
            said % names,
            value=round(silent.total_seconds()),
            limit=limit.total_seconds(),
            unit="s",
        )
        found = Found((condition,), only=frozenset({MONITOR_SILENT.name}))
        take_in(found, now)
        self._deliverer.look()
        return True

    def start(self) -> None:
        """Look every ten seconds until ``stop``, in a thread that keeps no process from ending."""
        threading.Thread(target=self._run, name="dead-man", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look(timezone.now())
            except Exception as error:  # the database may fail in any way; the next look is soon
                log.warning("dead_man_failed", **type_and_place(error))
            finally:
                close_old_connections()


def begin_to_watch() -> StandIn:
    """Start looking, in this process."""
    found = StandIn(name_of_this_process(), timezone.now())
    found.start()
    return found


def watching(app: Lifespan) -> Lifespan:
    """Return the lifespan of a web process that looks at the monitor meanwhile."""

    async def lifespan(
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        watch = begin_to_watch()
        try:
            await app(scope, receive, send)
        finally:
            watch.stop()

    return lifespan
