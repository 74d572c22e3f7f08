"""De-duplication and repeats: told once, and again after a time until it is acknowledged.  Pure."""

from __future__ import annotations

from typing import Final

from monitoring.alerts.message import MessageKind
from monitoring.alerts.stages.turn import Turn

STAGE: Final = "repeat"


def repeat(turn: Turn) -> None:
    """Have alerts told again whose time has come, on every channel on which they were told."""
    for alert in turn.firing():
        if (
            alert.repeat_at is None
            or turn.now < alert.repeat_at
            or alert.acknowledged_at is not None
            or alert.muted
            or alert.cleared_at is not None
        ):
            continue
        number = alert.rounds + 1
        repeat_at = turn.now + turn.plan.repeat_interval
        alert = turn.change(alert, rounds=number, repeat_at=repeat_at)
        channels = [each for each in alert.told if each in turn.plan.enabled]
        for channel in channels:
            turn.tell(alert, channel, MessageKind.REPEATED, number, alert.level)
        turn.say(alert.key, STAGE, "repeated", channels=channels, number=number)
