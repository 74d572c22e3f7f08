"""Reminders: a silence that ends soon is told, once.  Pure."""

from __future__ import annotations

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import Outgoing, Sent, notification_key


def remind(turn: Turn) -> None:
    """Tell of silences that end within the time of the plan."""
    plan = turn.plan
    channels = [each for each in plan.reminder_channels if each in plan.enabled]
    for silence in turn.silences:
        is_near = silence.ends - turn.now <= plan.remind_before
        if silence.reminded or not silence.is_in_force(turn.now) or not is_near:
            continue
        turn.reminded.append(silence.pk)
        for channel in channels:
            name = f"silence {silence.pk} {silence.ends.isoformat()}"
            turn.notifications.append(
                Outgoing(
                    notification_key(channel, MessageKind.REMINDER, [name]),
                    channel,
                    MessageKind.REMINDER.value,
                    Severity.LOW.value,
                    turn.now,
                    silence=silence.pk,
                )
            )
            turn.sent.append(
                Sent(channel, MessageKind.REMINDER.value, Severity.LOW.value, turn.now)
            )
