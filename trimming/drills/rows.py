"""Which fault is on, and for which captures."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from config import audit
from trimming.conf import drill_settings
from trimming.drills.faults import FAULTS, NO_FAULT, Fault
from trimming.models import Drill, TrimRun
from trimming.routing_choices import FaultKind

LONGEST: Final = timedelta(hours=4)
# a worker would be killed for ever, and its job fail, if it met the fault at each attempt
FIRST_ATTEMPT_ONLY: Final = frozenset({FaultKind.LOST_WORKER})
# a comparison rehearses what a strategy does wrong, not what befalls the machine
IN_COMPARISONS: Final = frozenset({FaultKind.SLOW, FaultKind.FAILING, FaultKind.LEAKING})


class DrillRefusedError(Exception):
    """The drill cannot begin; the message says why and what to do."""


def start(
    kind: FaultKind,
    strategy: str,
    share: float,
    lasting: timedelta,
    actor: Any = None,
    reason: str = "",
) -> Drill:
    """Give ``strategy`` a fault for a while; raises DrillRefusedError.

    ``reason`` is kept in the audit log.
    """
    if not drill_settings().permitted:
        raise DrillRefusedError(
            "Drills are not permitted here: set drills.permitted to true, in a file or by "
            "PKTMASK_DRILLS__PERMITTED=true; never in production."
        )
    if not 0 < share <= 1:
        raise DrillRefusedError(f"The share is above 0 and at most 1, not {share}.")
    if not timedelta(0) < lasting <= LONGEST:
        raise DrillRefusedError(f"A drill lasts at most {LONGEST}, and not {lasting}.")
    now = timezone.now()
    with transaction.atomic():
        drill = Drill.objects.create(
            kind=kind,
            strategy=strategy,
            share=share,
            until=now + lasting,
            started_at=now,
            actor=actor,
        )
        audit.record(
            "drill_started",
            actor=actor,
            target=drill,
            kind=kind.value,
            strategy=strategy,
            share=share,
            until=drill.until.isoformat(),
            reason=reason,
        )
    return drill


def stop(drill: Drill) -> None:
    """End a drill now, if it has not ended."""
    now = timezone.now()
    with transaction.atomic():
        if Drill.objects.filter(pk=drill.pk, until__gt=now).update(until=now):
            audit.record("drill_stopped", actor=drill.actor, target=drill)


def fault_of(run: TrimRun) -> Fault:
    """Return the fault of an attempt; none unless drills are permitted and one is on."""
    if not drill_settings().permitted:
        return NO_FAULT
    found = Drill.objects.filter(strategy=run.strategy, until__gt=timezone.now())
    for drill in found:
        kind = FaultKind(drill.kind)
        is_meant = is_chosen(run.job.capture.sha256, drill.share)
        if is_meant and not (kind in FIRST_ATTEMPT_ONLY and run.attempt > 1):
            return FAULTS[kind]
    return NO_FAULT


def fault_in_comparison(strategy: str, digest: str) -> Fault:
    """Return the fault of a strategy that is compared over the capture with this digest."""
    if not drill_settings().permitted:
        return NO_FAULT
    found = Drill.objects.filter(
        strategy=strategy, until__gt=timezone.now(), kind__in=IN_COMPARISONS
    )
    for drill in found:
        if is_chosen(digest, drill.share):
            return FAULTS[FaultKind(drill.kind)]
    return NO_FAULT


def is_chosen(digest: str, share: float) -> bool:
    """Tell whether a capture is among the ``share`` that meet the fault; always the same ones."""
    drawn = hashlib.sha256(f"drill {digest}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") < share * 2**64
