"""Escalation: what nobody acknowledges in time is told to the next support level.  Pure.

A level that is not on duty is passed over; where none above is, the alert waits for one.  Times
run from the first telling: what nobody was told of cannot be acknowledged.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.plan import LEVELS, Plan
from monitoring.alerts.stages.routing import channels_of
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import AlertFacts

STAGE: Final = "escalation"


def escalate(turn: Turn) -> None:
    """Have alerts told to the next level whose time has come."""
    for alert in turn.firing():
        due = next_level_at(alert, turn.plan)
        if due is None or turn.now < due[1] or alert.muted or alert.cleared_at is not None:
            continue
        level = next(
            (each for each in LEVELS[due[0] - 1 :] if turn.plan.is_on_duty(each, turn.now)), None
        )
        if level is None:
            continue
        alert = turn.change(alert, level=level)
        channels = channels_of(turn, alert, level)
        for channel in channels:
            turn.tell(alert, channel, MessageKind.ESCALATED, level, level)
        turn.say(alert.key, STAGE, "escalated", level=level, channels=list(channels))


def next_level_at(alert: AlertFacts, plan: Plan) -> tuple[int, datetime] | None:
    """Return the next level of an alert and when it is told; None where there is no such time."""
    if not alert.is_firing or alert.acknowledged_at is not None or alert.told_at is None:
        return None
    if alert.is_dry:
        return None
    for level in LEVELS[alert.level :]:
        after = plan.level_after.get(level, {}).get(Severity(alert.severity))
        if after is not None:
            return level, alert.told_at + after
    return None
