"""Signs of life, samples and health in the admin, and django-q2's own models kept to what helps."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success

from config.admin_rows import ReadOnlyAdmin, moment, pretty_json, stored
from monitoring.models import (
    HealthReport,
    Heartbeat,
    MetricRollup,
    MetricSample,
    MonitorLease,
)

SENTENCE = stored("sentence", _("sentence"))
AT = moment("at", _("last sign"))
ASKED = moment("asked_at", _("asked"))
STARTED = moment("started_at", _("started"))
CHECKED = moment("at", _("checked"))
TICK = moment("at", _("time"))
BEGINS = moment("at", _("begins"))
UNTIL = moment("until", _("until"))


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """When each part of the service was last heard of."""

    list_display = ("name", AT, ASKED, STARTED)
    rows = (("name", STARTED), (ASKED, AT))


@admin.register(HealthReport)
class HealthReportAdmin(ReadOnlyAdmin):
    """How the health was judged, each time."""

    list_display = (CHECKED, "verdict", "score", SENTENCE, "asked_by")
    list_filter = ("verdict", "at")
    date_hierarchy = "at"
    rows = ((CHECKED, "asked_by"), ("verdict", "score", "mean"), SENTENCE, "kept_dimensions")

    @admin.display(description=_("dimensions"))
    def kept_dimensions(self, report: HealthReport) -> str:
        """Show the findings with their evidence."""
        return pretty_json(report.dimensions)


class _MeasuredAdmin(ReadOnlyAdmin):
    """What was measured, as it is kept."""

    date_hierarchy = "at"

    @admin.display(description=_("values"))
    def kept_values(self, row: MetricSample | MetricRollup) -> str:
        """Show the values by their keys."""
        return pretty_json(row.values)

    @admin.display(description=_("histograms"))
    def kept_histograms(self, row: MetricSample | MetricRollup) -> str:
        """Show how many values lie in which bucket."""
        return pretty_json(row.histograms)


@admin.register(MetricSample)
class MetricSampleAdmin(_MeasuredAdmin):
    """What was measured at each tick."""

    list_display = (TICK, "late_ms", "missed", "covers_seconds")
    rows = ((TICK, "late_ms", "missed", "covers_seconds"), "kept_values", "kept_histograms")


@admin.register(MetricRollup)
class MetricRollupAdmin(_MeasuredAdmin):
    """What was measured in a minute, an hour or a day."""

    list_display = (BEGINS, "resolution_seconds", "samples", "missed", "covers_seconds")
    list_filter = ("resolution_seconds",)
    rows = (
        (BEGINS, "resolution_seconds", "samples", "missed"),
        "kept_values",
        "kept_histograms",
    )


@admin.register(MonitorLease)
class MonitorLeaseAdmin(ReadOnlyAdmin):
    """Which monitor works."""

    list_display = ("owner", UNTIL)
    rows = (("owner", UNTIL),)


# Jobs are the truth; successes are not stored, schedules follow the settings (schedules.py), and
# resubmitting or editing a queued task would go past jobs.py.  What remains useful is read only.
for model in (Success, Failure, Schedule, OrmQ):
    with suppress(NotRegistered):
        admin.site.unregister(model)


@admin.register(Failure)
class FailedTaskAdmin(ReadOnlyAdmin):
    """Tasks that ended with an exception of their own, not with a failed job."""

    list_display = ("name", "func", "started", "stopped", "attempt_count")
    search_fields = ("name", "func")
    date_hierarchy = "started"
    rows = (("name", "func"), ("started", "stopped", "attempt_count"), "result")


@admin.register(Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    """What the workers do by the clock, as ensure_schedules made it of the settings."""

    list_display = ("name", "func", "minutes", "next_run")
    rows = (("name", "func"), ("schedule_type", "minutes"), ("next_run", "repeats"))


@admin.register(OrmQ)
class QueuedTaskAdmin(ReadOnlyAdmin):
    """Messages on their way to the workers."""

    list_display = ("id", "task_name", "function", "lock")
    rows = (("id", "task_name"), ("function", "lock"))

    @admin.display(description=_("name"))
    def task_name(self, queued: Any) -> str:
        """Show the name of the task."""
        return str(queued.name())

    @admin.display(description=_("function"))
    def function(self, queued: Any) -> str:
        """Show what the task calls."""
        return str(queued.func())


# Django looks for admins in this module only
from monitoring.alerts import admin as _of_alerts  # noqa: E402, F401 - see above
from monitoring.reports import admin as _of_reports  # noqa: E402, F401 - see above
