"""What leads to a channel: routes by severity and by rule, support levels, reminders.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from monitoring.alerts.message import Severity
from monitoring.alerts.plan import LEVELS, Plan


@dataclass(frozen=True, slots=True)
class Escalated:
    """Alerts of a severity reach the channel at a support level, so long after they were told."""

    level: int
    severity: Severity
    after: timedelta

    @property
    def minutes(self) -> float:
        """How long after it was told."""
        return self.after.total_seconds() / 60


@dataclass(frozen=True, slots=True)
class Reach:
    """All that leads to one channel.  ``rules`` are patterns that have a route of their own."""

    severities: tuple[Severity, ...] = ()
    rules: tuple[str, ...] = ()
    levels: tuple[Escalated, ...] = ()
    reminders: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing leads there."""
        return self == Reach()


def reach_of(channel: str, plan: Plan) -> Reach:
    """Return what leads to a channel, whether it is switched on or not; the worst first."""
    severities = tuple(
        each for each in reversed(Severity) if channel in plan.channels.get(each, ())
    )
    levels = tuple(
        Escalated(level, severity, plan.level_after[level][severity])
        for level in LEVELS[1:]
        for severity in reversed(Severity)
        if severity in plan.level_after.get(level, {})
        and channel in (plan.level_channels.get(level) or plan.channels.get(severity, ()))
    )
    return Reach(
        severities,
        tuple(pattern for pattern, names in plan.rule_channels if channel in names),
        levels,
        channel in plan.reminder_channels,
    )
