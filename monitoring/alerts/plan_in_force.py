"""The plan of the pipeline, from the settings in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from monitoring.alerts.conf import alert_settings, escalation_settings, route_settings
from monitoring.alerts.hours import read_hours, read_zone
from monitoring.alerts.inbox import inbox
from monitoring.alerts.message import Severity
from monitoring.alerts.plan import Plan
from monitoring.alerts.tables import read_channels, read_minutes, read_rule_channels

CHANNELS: Final[Mapping[Severity, str]] = {
    Severity.LOW: "low_channels",
    Severity.MEDIUM: "medium_channels",
    Severity.HIGH: "high_channels",
    Severity.CRITICAL: "critical_channels",
}
HOURS: Final[Mapping[Severity, str]] = {
    Severity.LOW: "low_hours",
    Severity.MEDIUM: "medium_hours",
    Severity.HIGH: "high_hours",
    Severity.CRITICAL: "critical_hours",
}


def plan_in_force(enabled: frozenset[str]) -> Plan:
    """Return the plan; ``enabled`` are the channels that are switched on."""
    times, routes, levels = alert_settings(), route_settings(), escalation_settings()
    return Plan(
        group_wait=timedelta(seconds=times.group_wait_seconds),
        critical_wait=timedelta(seconds=times.critical_wait_seconds),
        group_interval=timedelta(seconds=times.group_interval_seconds),
        repeat_interval=timedelta(hours=times.repeat_hours),
        flap_firings=times.flap_firings,
        flap_window=timedelta(minutes=times.flap_minutes),
        settle=timedelta(minutes=times.settle_minutes),
        messages_per_hour=times.messages_per_hour,
        remind_before=timedelta(minutes=times.silence_reminder_minutes),
        reminder_channels=read_channels(routes.reminder_channels),
        enabled=enabled,
        channels={each: read_channels(getattr(routes, name)) for each, name in CHANNELS.items()},
        rule_channels=read_rule_channels(routes.rule_channels),
        hours={each: read_hours(getattr(routes, name)) for each, name in HOURS.items()},
        zone=read_zone(routes.zone),
        level_channels={
            2: read_channels(levels.level_2_channels),
            3: read_channels(levels.level_3_channels),
        },
        level_hours={
            1: read_hours(levels.level_1_hours),
            2: read_hours(levels.level_2_hours),
            3: read_hours(levels.level_3_hours),
        },
        level_after={
            2: read_minutes(levels.level_2_minutes),
            3: read_minutes(levels.level_3_minutes),
        },
        mutes=inbox.mutes(),
    )
