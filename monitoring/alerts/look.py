"""One look: what is wrong now, through the pipeline, into rows; in one transaction.

Whoever looks holds one row meanwhile, so that two processes (the monitor, and one that stands in
for it) look one after the other; the second finds what the first has written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F

from config.faults import type_and_place
from monitoring.alerts.inbox import inbox
from monitoring.alerts.models import CLOCK_ROW, AlertClock
from monitoring.alerts.pipeline import advance, remembered
from monitoring.alerts.plan_in_force import plan_in_force
from monitoring.alerts.signals import alerts_changed
from monitoring.alerts.store import load, save
from monitoring.alerts.values import Found, Outcome, State
from monitoring.channels.base import channels

log = structlog.get_logger("pktmask.alerts")


@dataclass(slots=True)
class Memory:
    """The state of the last look, good for as long as nobody else has changed its rows."""

    version: int = -1
    state: State = field(default_factory=State)


def look(now: datetime, by: str, memory: Memory | None = None) -> Outcome:
    """Look at all sources at ``now``, as the monitor does."""
    # sources may be slow, and everybody else writes meanwhile
    return take_in(inbox.found(now), now, by, memory)


def take_in(found: Found, now: datetime, by: str = "", memory: Memory | None = None) -> Outcome:
    """Take conditions through the pipeline and store what comes of it.

    ``by`` is the monitor; whoever stands in for it leaves no trace of a look of the monitor.
    """
    plan = plan_in_force(enabled_channels())
    memory = memory or Memory()
    # in a storm it takes a while, and nobody need wait meanwhile: as a rule nobody changes rows
    state = memory.state
    outcome = advance(state, found, plan, now)
    with transaction.atomic():
        version = _hold_row(now, by)
        if memory.version != version - 1:
            state = load(plan, now)
            outcome = advance(state, found, plan, now)
        save(state, outcome, now)
        if outcome.steps or outcome.notifications:
            transaction.on_commit(lambda: alerts_changed.send_robust(None), robust=True)
    memory.version, memory.state = version, remembered(outcome.state, plan, now)
    return outcome


def enabled_channels() -> frozenset[str]:
    """Return the channels that are switched on; one that cannot say so is not."""
    return frozenset(name for name in channels.names() if _is_on(name))


def _is_on(name: str) -> bool:
    try:
        return channels.named(name) is not None
    except Exception as error:  # settings of a channel may be wrong in any way
        log.warning("channel_not_usable", channel=name, **type_and_place(error))
        return False


def _hold_row(now: datetime, by: str) -> int:
    """Hold the row until the transaction ends; return the version of the state that is made."""
    rows = AlertClock.objects.filter(pk=CLOCK_ROW)
    looked: dict[str, Any] = {"at": now, "by": by, "stands_in": ""} if by else {"stood_in_at": now}
    looked["version"] = F("version") + 1
    if not rows.update(**looked):
        AlertClock.objects.get_or_create(pk=CLOCK_ROW)
        rows.update(**looked)
    return rows.values_list("version", flat=True).get()
