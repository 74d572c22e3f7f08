"""The breaker of a strategy, shared by all workers: one row, changed under a lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from config.audit import record
from trimming import breaker_rules
from trimming.breaker_rules import Limits, State
from trimming.conf import routing_settings
from trimming.models import Breaker
from trimming.routing_choices import BreakerState

log = structlog.get_logger("pktmask.routing")


def breaker_limits() -> Limits:
    """Return the limits in force."""
    settings = routing_settings()
    return Limits(
        failures=settings.breaker_failures,
        window_seconds=settings.breaker_window_seconds,
        cooldown_seconds=settings.breaker_cooldown_seconds,
        probe_seconds=settings.breaker_probe_seconds,
    )


def may_go_to(strategy: str) -> bool:
    """Tell whether a job may go to a strategy; while it probes, one at a time may."""
    limits = breaker_limits()
    admitted = [False]

    def ask(now: datetime, at: State) -> State:
        admitted[0], after = breaker_rules.admit(now, at, limits)
        return after

    _change(strategy, ask)
    return admitted[0]


def note_failure(strategy: str, digest: str) -> None:
    """Note that a strategy failed on a capture, through no fault of capture or machine."""
    limits = breaker_limits()
    _change(strategy, lambda now, at: breaker_rules.failed(now, at, limits, digest))


def note_success(strategy: str) -> None:
    """Note that a strategy did its work on a capture."""
    _change(strategy, breaker_rules.succeeded)


def _change(strategy: str, change: Callable[[datetime, State], State]) -> None:
    row = Breaker.objects.filter(pk=strategy).first()
    before = _state(row)
    now = timezone.now()
    if change(now, before) == before:
        return  # as nearly always: no lock, and nothing to write
    with transaction.atomic():
        Breaker.objects.get_or_create(pk=strategy)
        locked = Breaker.objects.select_for_update().get(pk=strategy)
        before = _state(locked)
        after = change(now, before)
        if after == before:
            return
        locked.state = after.state
        locked.failures = dict(after.failures)
        locked.cooldown_seconds = after.cooldown_seconds
        locked.probe_after = after.probe_after
        locked.good_probes = after.good_probes
        if after.state is not before.state:
            locked.changed_at = now
            _tell(locked, before.state, after.state)
        locked.save()


def _tell(row: Breaker, before: BreakerState, after: BreakerState) -> None:
    record("breaker_changed", target=row, before=before.value, after=after.value)
    log.warning("breaker_changed", strategy=row.strategy, before=before.value, after=after.value)


def _state(row: Breaker | None) -> State:
    if row is None:
        return State()
    return State(
        state=BreakerState(row.state),
        failures=row.failures,
        cooldown_seconds=row.cooldown_seconds,
        probe_after=row.probe_after,
        good_probes=row.good_probes,
    )
