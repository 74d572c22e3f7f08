"""The settings of this app, with their units."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from config.current import current
from config.sections import Ordered, Section, registry

HOUR_SECONDS = 3600.0


@registry.register
class MonitoringSettings(Section):
    section: ClassVar = "monitoring"
    title: ClassVar = _("Monitoring")
    help: ClassVar = _("How the parts of the service are watched, and when one is started again.")

    beat_seconds: float = Field(
        5.0,
        ge=0.1,
        le=60,
        description=_(
            "how often the workers are asked for a sign of life, and the monitor gives its own"
        ),
    )
    patience_seconds: float = Field(
        15.0,
        ge=1,
        le=HOUR_SECONDS,
        description=_(
            "workers that leave a sign unanswered for so long, although one of them is "
            "free, are started again"
        ),
    )
    start_patience_seconds: float = Field(
        30.0,
        ge=1,
        le=HOUR_SECONDS,
        description=_("the same, for the first sign of workers that were just started"),
    )
    monitor_patience_seconds: float = Field(
        30.0,
        ge=1,
        le=HOUR_SECONDS,
        description=_("a monitor without a sign of life for so long is started again"),
    )
    look_seconds: float = Field(
        2.0,
        ge=0.1,
        le=60,
        description=_("how often the supervisor looks at the signs"),
    )
    known_seconds: float = Field(
        45.0,
        ge=1,
        le=HOUR_SECONDS,
        description=_("a page says nothing certain about workers whose last sign is older"),
    )
    good_life_seconds: float = Field(
        60.0,
        ge=0,
        le=HOUR_SECONDS,
        description=_(
            "a part that lived so long is started again at once when it ends; others with "
            "growing pauses"
        ),
    )
    grace_seconds: float = Field(
        4.0,
        ge=1,
        le=600,
        description=_(
            "how long an orderly stop waits before it ends what is left; jobs in progress "
            "wait for the next start"
        ),
    )
    keep_live_updates_seconds: float = Field(
        600.0,
        ge=60,
        le=24 * HOUR_SECONDS,
        description=_("messages of the live feed are removed after this"),
    )
    keep_failures_days: float = Field(
        7.0,
        ge=0.01,
        le=3650,
        description=_("what django-q2 kept of tasks that failed is removed after this"),
    )


@registry.register
class MetricsSettings(Section):
    section: ClassVar = "metrics"
    title: ClassVar = _("Metrics")
    help: ClassVar = _("How often the service is measured, and how long what was measured is kept.")

    sample_seconds: float = Field(
        5.0,
        ge=1,
        le=60,
        description=_("how often a sample is taken; samples lie on multiples of it"),
    )
    keep_samples_hours: float = Field(
        48.0, ge=3, le=8784, description=_("samples are removed after this; rollups stay")
    )
    keep_minutes_days: float = Field(
        8.0, ge=2, le=3660, description=_("rollups of minutes are removed after this")
    )
    keep_hours_days: float = Field(
        400.0,
        ge=61,
        le=36600,
        description=_(
            "rollups of hours and health reports are removed after this; days stay, and "
            "reports that raised an alert"
        ),
    )


@registry.register
class Targets(Section):
    section: ClassVar = "targets"
    title: ClassVar = _("Targets")
    help: ClassVar = _(
        "What the service is held to; health, charts and reports measure against it."
    )

    message_p95_ms: float = Field(
        100.0,
        gt=0,
        le=1e6,
        # xgettext:no-python-format
        description=_("95 % of captures take less for one HTTP message"),
    )
    promised_seconds: float = Field(
        600.0, gt=0, le=1e6, description=_("from the upload to the result")
    )
    accuracy_share: float = Field(
        0.9,
        ge=0,
        le=1,
        description=_("share of compared bytes that both strategies take for the same"),
    )


@registry.register
class HealthSettings(Section):
    section: ClassVar = "health"
    title: ClassVar = _("Health")
    help: ClassVar = _(
        "How health is judged: the two levels of each threshold, and over which time."
    )

    check_minutes: int = Field(
        1, ge=1, le=60, description=_("how often the health is checked by itself")
    )
    window_minutes: float = Field(
        15.0, ge=1, le=1440, description=_("rates and quantiles are taken over the time just past")
    )
    stale_seconds: float = Field(
        30.0, ge=2, le=3600, description=_("without a newer sample nothing is known")
    )
    least_runs: int = Field(
        20, ge=1, le=100_000, description=_("rates and quantiles of fewer runs are not judged")
    )
    least_failures: int = Field(
        3, ge=1, le=10_000, description=_("a burn rate of fewer failures is not judged")
    )
    error_rate_warn: float = Field(0.02, gt=0, lt=1, description=_("share of failed runs: warning"))
    error_rate_fail: float = Field(0.05, gt=0, le=1, description=_("share of failed runs: failure"))
    success_share: float = Field(
        0.99, gt=0, lt=1, description=_("share of runs that must succeed; burn rates measure by it")
    )
    fallback_rate_warn: float = Field(
        0.01, gt=0, lt=1, description=_("share of fallbacks: warning")
    )
    fallback_rate_fail: float = Field(
        0.05, gt=0, le=1, description=_("share of fallbacks: failure")
    )
    cpu_percent_warn: float = Field(
        70.0, gt=0, lt=100, description=_("CPU of the machine in %: warning")
    )
    cpu_percent_fail: float = Field(
        90.0, gt=0, le=100, description=_("CPU of the machine in %: failure")
    )
    memory_percent_warn: float = Field(80.0, gt=0, lt=100, description=_("memory in %: warning"))
    memory_percent_fail: float = Field(92.0, gt=0, le=100, description=_("memory in %: failure"))
    disk_percent_warn: float = Field(80.0, gt=0, lt=100, description=_("disk in %: warning"))
    disk_percent_fail: float = Field(95.0, gt=0, le=100, description=_("disk in %: failure"))
    worker_rss_bytes_warn: float = Field(
        1.5e9, gt=0, le=1e13, description=_("memory of the largest process: warning")
    )
    worker_rss_bytes_fail: float = Field(
        3e9, gt=0, le=1e13, description=_("memory of the largest process: failure")
    )
    queue_age_seconds_warn: float = Field(
        120.0, gt=0, le=1e6, description=_("age of the oldest waiting capture: warning")
    )
    queue_age_seconds_fail: float = Field(
        600.0, gt=0, le=1e6, description=_("age of the oldest waiting capture: failure")
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
        Ordered(f"health.{warn}", f"health.{fail}", _("a warning comes before a failure"))
        for warn, fail in TWO_LEVELS
    ),
    Ordered(
        "metrics.sample_seconds",
        "health.stale_seconds",
        _("or every sample would be taken for stale"),
    ),
    Ordered(
        "monitoring.beat_seconds",
        "monitoring.patience_seconds",
        _("workers must be asked more often than they are given time to answer"),
    ),
    Ordered(
        "monitoring.patience_seconds",
        "monitoring.start_patience_seconds",
        _("workers that just start need at least the time of those that run"),
        or_equal=True,
    ),
    Ordered(
        "monitoring.beat_seconds",
        "monitoring.monitor_patience_seconds",
        _("the monitor must give more signs than it is given time for"),
    ),
    Ordered(
        "monitoring.beat_seconds",
        "monitoring.known_seconds",
        _("or pages would never know of the workers"),
    ),
    Ordered(
        "monitoring.look_seconds",
        "monitoring.patience_seconds",
        _("the supervisor must look before patience is over"),
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
