"""What became of messages about alerts.

Counted a while after it happened, so that no transaction commits behind the time that it is of.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from monitoring.alerts.models import Notification, NotificationState
from monitoring.metrics.registry import Kind, Metric, Values, Window, registry

BEHIND: Final = timedelta(seconds=30)
NAMES: Final = {
    NotificationState.SENT: "notifications_sent",
    NotificationState.SUPPRESSED: "notifications_suppressed",
    NotificationState.DEAD: "notifications_given_up",
}


def deliveries(window: Window) -> Values:
    """Count the messages that came to their end in the window, ``BEHIND`` ago."""
    rows = Notification.objects.filter(
        ended_at__gte=window.start - BEHIND, ended_at__lt=window.end - BEHIND
    )
    found = dict(rows.order_by().values_list("state").annotate(Count("pk")))
    return {name: found.get(state.value, 0) for state, name in NAMES.items()}


registry.register(
    deliveries,
    Metric("notifications_sent", "messages", Kind.COUNTER, _("messages about alerts delivered")),
    Metric(
        "notifications_suppressed",
        "messages",
        Kind.COUNTER,
        _("messages about alerts told in a digest, or whose channel was switched off"),
    ),
    Metric("notifications_given_up", "messages", Kind.COUNTER, _("messages about alerts given up")),
)
