"""How alerts are handled: the settings in force, read once for each look.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo

from monitoring.alerts.hours import Hours
from monitoring.alerts.message import Severity

LEVELS: Final = (1, 2, 3)
UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Plan:
    """Times, routes, levels, and which rules mute which; the defaults are those of conf.py."""

    group_wait: timedelta = timedelta(seconds=30)
    critical_wait: timedelta = timedelta(seconds=5)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_interval: timedelta = timedelta(hours=4)
    # so many firings within the time are flapping, and must be settled for a time to be over
    flap_firings: int = 3
    flap_window: timedelta = timedelta(minutes=30)
    settle: timedelta = timedelta(minutes=10)
    messages_per_hour: int = 30
    remind_before: timedelta = timedelta(minutes=15)
    reminder_channels: tuple[str, ...] = ()
    # channels that are switched on
    enabled: frozenset[str] = frozenset()
    channels: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    rule_channels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    hours: Mapping[Severity, Hours] = field(default_factory=dict)
    zone: ZoneInfo = UTC
    level_channels: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    level_hours: Mapping[int, Hours] = field(default_factory=dict)
    # from the first telling of an alert that nobody acknowledges
    level_after: Mapping[int, Mapping[Severity, timedelta]] = field(default_factory=dict)
    # rule to the rules that it mutes while it fires
    mutes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def reserve(self) -> int:
        """How many of the messages of an hour are kept for digests."""
        return max(1, min(4, self.messages_per_hour // 4))

    @property
    def digest_interval(self) -> timedelta:
        """The least time between two digests on one channel."""
        return timedelta(hours=1) / self.reserve

    def routes(self, rule: str, severity: Severity) -> tuple[str, ...]:
        """Return the channels of an alert, also those that are switched off."""
        for pattern, channels in self.rule_channels:
            if fnmatchcase(rule, pattern):
                return channels
        return self.channels.get(severity, ())

    def is_open(self, severity: Severity, at: datetime) -> bool:
        """Tell whether people are told of this severity at ``at``."""
        return self.hours.get(severity, Hours()).hold(at, self.zone)

    def is_on_duty(self, level: int, at: datetime) -> bool:
        """Tell whether a support level works at ``at``."""
        return self.level_hours.get(level, Hours()).hold(at, self.zone)
