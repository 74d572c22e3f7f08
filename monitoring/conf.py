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


@registry.register
class MetricsSettings(Section):
    """How often the service is measured, and how long what was measured is kept."""

    section: ClassVar = "metrics"
    title: ClassVar = "Metrics"

    sample_seconds: float = Field(
        5.0,
        ge=1,
        le=60,
        description="how often a sample is taken; samples lie on multiples of it",
    )
    keep_samples_hours: float = Field(
        48.0, ge=3, le=8784, description="samples are removed after this; rollups stay"
    )
    keep_minutes_days: float = Field(
        8.0, ge=2, le=3660, description="rollups of minutes are removed after this"
    )
    keep_hours_days: float = Field(
        400.0,
        ge=61,
        le=36600,
        description="rollups of hours and health reports are removed after this; days stay, and "
        "reports that raised an alert",
    )


@registry.register
class Targets(Section):
    """What the service is held to; health, charts and reports measure against it."""

    section: ClassVar = "targets"
    title: ClassVar = "Targets"

    message_p95_ms: float = Field(
        100.0, gt=0, le=1e6, description="95 % of captures take less for one HTTP message"
    )
    promised_seconds: float = Field(
        600.0, gt=0, le=1e6, description="from the upload to the result"
    )
    accuracy_share: float = Field(
        0.9,
        ge=0,
        le=1,
        description="share of compared bytes that both strategies take for the same",
    )


@registry.register
class HealthSettings(Section):
    """How health is judged: the two levels of each threshold, and over which time."""

    section: ClassVar = "health"
    title: ClassVar = "Health"

    check_minutes: int = Field(
        1, ge=1, le=60, description="how often the health is checked by itself"
    )
    window_minutes: float = Field(
        15.0, ge=1, le=1440, description="rates and quantiles are taken over the time just past"
    )
    stale_seconds: float = Field(
        30.0, ge=2, le=3600, description="without a newer sample nothing is known"
    )
    least_runs: int = Field(
        20, ge=1, le=100_000, description="rates and quantiles of fewer runs are not judged"
    )
    least_failures: int = Field(
        3, ge=1, le=10_000, description="a burn rate of fewer failures is not judged"
    )
    error_rate_warn: float = Field(0.02, gt=0, lt=1, description="share of failed runs: warning")
    error_rate_fail: float = Field(0.05, gt=0, le=1, description="share of failed runs: failure")
    success_share: float = Field(
        0.99, gt=0, lt=1, description="share of runs that must succeed; burn rates measure by it"
    )
    fallback_rate_warn: float = Field(0.01, gt=0, lt=1, description="share of fallbacks: warning")
    fallback_rate_fail: float = Field(0.05, gt=0, le=1, description="share of fallbacks: failure")
    cpu_percent_warn: float = Field(
        70.0, gt=0, lt=100, description="CPU of the machine in %: warning"
    )
    cpu_percent_fail: float = Field(
        90.0, gt=0, le=100, description="CPU of the machine in %: failure"
    )
    memory_percent_warn: float = Field(80.0, gt=0, lt=100, description="memory in %: warning")
    memory_percent_fail: float = Field(92.0, gt=0, le=100, description="memory in %: failure")
    disk_percent_warn: float = Field(80.0, gt=0, lt=100, description="disk in %: warning")
    disk_percent_fail: float = Field(95.0, gt=0, le=100, description="disk in %: failure")
    worker_rss_bytes_warn: float = Field(
        1.5e9, gt=0, le=1e13, description="memory of the largest process: warning"
    )
    worker_rss_bytes_fail: float = Field(
        3e9, gt=0, le=1e13, description="memory of the largest process: failure"
    )
    queue_age_seconds_warn: float = Field(
        120.0, gt=0, le=1e6, description="age of the oldest waiting capture: warning"
    )
    queue_age_seconds_fail: float = Field(
        600.0, gt=0, le=1e6, description="age of the oldest waiting capture: failure"
    )


TWO_LEVELS = (
    ("error_rate_warn", "error_rate_fail"),
    ("fallback_rate_warn", "fallback_rate_fail"),
    ("cpu_percent_warn", "cpu_percent_fail"),
    ("memory_percent_warn", "memory_percent_fail"),
    ("disk_percent_warn", "disk_percent_fail"),
    ("worker_rss_bytes_warn", "worker_rss_bytes_fail"),
    ("queue_age_seconds_warn", "queue_age_seconds_fail"),
)

registry.rule(
    *(
        Ordered(f"health.{warn}", f"health.{fail}", "a warning comes before a failure")
        for warn, fail in TWO_LEVELS
    ),
    Ordered(
        "metrics.sample_seconds",
        "health.stale_seconds",
        "or every sample would be taken for stale",
    ),
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


def metrics_settings() -> MetricsSettings:
    """Return the settings in force."""
    return current().of(MetricsSettings)


def targets() -> Targets:
    """Return the targets in force."""
    return current().of(Targets)


def health_settings() -> HealthSettings:
    """Return the thresholds in force."""
    return current().of(HealthSettings)
