"""Signs of life in the admin, and django-q2's own models kept to what helps."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success

from config.admin_rows import ReadOnlyAdmin, moment
from monitoring.models import Heartbeat

AT = moment("at", _("last sign"))
ASKED = moment("asked_at", _("asked"))
STARTED = moment("started_at", _("started"))


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    """When each part of the service was last heard of."""

    list_display = ("name", AT, ASKED, STARTED)
    rows = (("name", STARTED), (ASKED, AT))


# Jobs are the truth; successes are not stored, schedules follow the settings, and resubmitting
# or editing a queued task would go past jobs.py.  What remains useful is read only.
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
