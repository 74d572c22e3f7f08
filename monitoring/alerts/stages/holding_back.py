"""Which tellings may go: a table of reasons to wait, and of reasons to drop one.  Pure.

A reason to wait ends by itself, and then the alert is told.  When the alert is over meanwhile, the
telling is suppressed for that reason.  A critical alert is told even when it is over already,
unless somebody muted it.
"""

from __future__ import annotations

from typing import Final

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.stages.muting import BY_SILENCE
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import AlertFacts, Telling, Why

STAGE: Final = "telling"
MUTED: Final = (Why.SILENCED, Why.INHIBITED)


def hold_back(turn: Turn) -> list[Telling]:
    """Return the tellings that nothing holds back; the others wait or are suppressed."""
    free = []
    for telling in turn.waiting():
        alert = turn.alerts[telling.alert]
        drop = reason_to_drop(telling, alert)
        if drop is not None:
            turn.suppress(telling, drop, STAGE)
            continue
        wait = _reason_to_wait(turn, telling, alert)
        if wait is not None:
            turn.hold_back(telling, wait)
        else:
            free.append(turn.weigh(telling, alert.severity))
    return free


def reason_to_drop(telling: Telling, alert: AlertFacts) -> Why | None:
    """Return why a telling is never to be told, None where it may be."""
    if alert.is_dry:
        return Why.DRY_RUN
    if telling.kind == MessageKind.RESOLVED:
        return None
    if not alert.is_firing:
        was_muted = telling.why in MUTED
        if alert.is_critical and telling.kind == MessageKind.FIRING and not was_muted:
            return None
        return Why(telling.why) if telling.why in (*MUTED, Why.HOURS) else Why.OVER
    if alert.acknowledged_at is not None:
        return Why.ACKNOWLEDGED
    return None


def _reason_to_wait(turn: Turn, telling: Telling, alert: AlertFacts) -> Why | None:
    if telling.kind == MessageKind.RESOLVED:
        return None
    if alert.muted:
        return Why.SILENCED if alert.muted.startswith(BY_SILENCE) else Why.INHIBITED
    if telling.kind == MessageKind.ESCALATED:
        return None
    return None if turn.plan.is_open(Severity(alert.severity), turn.now) else Why.HOURS
