"""From cleared to resolved: at once, or after a quiet time where the alert flapped.  Pure."""

from __future__ import annotations

from typing import Final

from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import AlertState

STAGE: Final = "flapping"


def settle(turn: Turn) -> None:
    """Resolve what is over; what fired often lately must stay quiet for a while first."""
    plan = turn.plan
    for alert in turn.firing():
        if alert.cleared_at is None:
            continue
        times = sum(turn.now - each < plan.flap_window for each in alert.firings)
        if times >= plan.flap_firings and turn.now - alert.cleared_at < plan.settle:
            if alert.cleared_at == turn.now:
                seconds = plan.settle.total_seconds()
                turn.say(alert.key, STAGE, "damped", times=times, settle_seconds=seconds)
            continue
        turn.change(alert, state=AlertState.RESOLVED.value, resolved_at=turn.now, muted="")
        turn.say(alert.key, STAGE, "resolved")
