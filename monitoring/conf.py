"""The settings of this app, with their units."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from config.current import current
from config.sections import Ordered, Section, registry

HOUR_SECONDS = 3600.0


@registry.register
class MonitoringSettings(Section):
    """How the parts of the service are watched, and when one is started again."""

    section: ClassVar = "monitoring"
    title: ClassVar = "Monitoring"

    beat_seconds: float = Field(
        5.0,
        ge=0.1,
        le=60,
        description="how often the workers are asked for a sign of life, and the monitor gives "
        "its own",
    )
    patience_seconds: float = Field(
        15.0,
        ge=1,
        le=HOUR_SECONDS,
        description="workers that leave a sign unanswered for so long, although one of them is "
        "free, are started again",
    )
    start_patience_seconds: float = Field(
        30.0,
        ge=1,
        le=HOUR_SECONDS,
        description="the same, for the first sign of workers that were just started",
    )
    monitor_patience_seconds: float = Field(
        30.0,
        ge=1,
        le=HOUR_SECONDS,
        description="a monitor without a sign of life for so long is started again",
    )
    look_seconds: float = Field(
        2.0,
        ge=0.1,
        le=60,
        description="how often the supervisor looks at the signs",
    )
    known_seconds: float = Field(
        45.0,
        ge=1,
        le=HOUR_SECONDS,
        description="a page says nothing certain about workers whose last sign is older",
    )
    good_life_seconds: float = Field(
        60.0,
        ge=0,
        le=HOUR_SECONDS,
        description="a part that lived so long is started again at once when it ends; others with "
        "growing pauses",
    )
    grace_seconds: float = Field(
        4.0,
        ge=1,
        le=600,
        description="how long an orderly stop waits before it ends what is left; jobs in progress "
        "wait for the next start",
    )
    keep_live_updates_seconds: float = Field(
        600.0,
        ge=60,
        le=24 * HOUR_SECONDS,
        description="messages of the live feed are removed after this",
    )
    keep_failures_days: float = Field(
        7.0,
        ge=0.01,
        le=3650,
        description="what django-q2 kept of tasks that failed is removed after this",
    )


registry.rule(
    Ordered(
        "monitoring.beat_seconds",
        "monitoring.patience_seconds",
        "workers must be asked more often than they are given time to answer",
    ),
    Ordered(
        "monitoring.patience_seconds",
        "monitoring.start_patience_seconds",
        "workers that just start need at least the time of those that run",
        or_equal=True,
    ),
    Ordered(
        "monitoring.beat_seconds",
        "monitoring.monitor_patience_seconds",
        "the monitor must give more signs than it is given time for",
    ),
    Ordered(
        "monitoring.beat_seconds",
        "monitoring.known_seconds",
        "or pages would never know of the workers",
    ),
    Ordered(
        "monitoring.look_seconds",
        "monitoring.patience_seconds",
        "the supervisor must look before patience is over",
        or_equal=True,
    ),
)


def monitoring_settings() -> MonitoringSettings:
    """Return the settings in force."""
    return current().of(MonitoringSettings)
