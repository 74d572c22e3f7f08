"""What alerts add to the service: settings, sources of what is wrong, marks, the monitor's work."""

from __future__ import annotations

from django.utils import timezone

from monitoring.alerts import (  # noqa: F401 - importing registers
    built_in,
    dead_man,
    live,
    marks,
    rule_rows,
)
from monitoring.alerts.conf import alert_settings
from monitoring.lease import name_of_this_process
from monitoring.loop import Step, strands

PRUNE_SECONDS = 3600


def _look_seconds() -> float:
    return alert_settings().look_seconds


@strands.register("alerts")
def looking() -> tuple[Step, ...]:
    """Return the looks at what is wrong."""
    from monitoring.alerts.look import Memory, look
    from monitoring.alerts.store import prune

    owner, memory = name_of_this_process(), Memory()
    return (
        Step("look_at_alerts", _look_seconds, lambda: look(timezone.now(), owner, memory)),
        Step(
            "old_alerts",
            PRUNE_SECONDS,
            lambda: prune(timezone.now(), alert_settings().keep_days),
        ),
    )


@strands.register("deliveries")
def delivering() -> tuple[Step, ...]:
    """Return the delivery of messages, which looks must not wait for."""
    from monitoring.alerts.delivery import Deliverer

    deliverer = Deliverer(name_of_this_process())
    return (Step("deliver_alerts", _look_seconds, deliverer.look),)
