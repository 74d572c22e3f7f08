"""The settings of this app, with their units; see config.environment for the variables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from config.environment import read_section


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringSettings:
    """How the parts of the service are watched, and when one is started again."""

    # how often the workers are asked for a sign of life, and the monitor gives its own
    beat_seconds: float = 5.0
    # workers that leave a sign unanswered for so long, although one of them is free, are stuck
    patience_seconds: float = 15.0
    # as above, for the first sign of workers that were just started
    start_patience_seconds: float = 30.0
    # a monitor without a sign of life for so long is stuck
    monitor_patience_seconds: float = 30.0
    # how often the supervisor looks at the signs
    look_seconds: float = 2.0
    # the strip of a page says nothing certain about workers whose last sign is older
    known_seconds: float = 45.0
    # a part that lived so long is started again at once when it ends
    good_life_seconds: float = 60.0
    # how long an orderly stop waits before it ends what is left
    grace_seconds: float = 4.0
    # messages of the live feed are removed after this
    keep_live_updates_seconds: float = 600.0
    # what django-q2 kept of tasks that failed is removed after this
    keep_failures_days: float = 7.0


@cache
def monitoring_settings() -> MonitoringSettings:
    """Return the settings of this process."""
    return read_section(MonitoringSettings, "monitoring")
