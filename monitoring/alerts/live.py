"""Alerts in the live feed: how many want a person, the newest step, and the newest test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Max
from django.db.models.functions import Coalesce
from django.dispatch import receiver

from monitoring.alerts.listing import firing_count
from monitoring.alerts.message import MessageKind
from monitoring.alerts.models import AlertStep, Notification
from monitoring.alerts.signals import alerts_changed
from monitoring.live.kinds import Figures, Kind, kinds

ALERTS: Final = "alerts"


def newest() -> Figures | None:
    """Return what is so now; pages fetch what they show when it changes."""
    step = AlertStep.objects.aggregate(pk=Max("pk"))["pk"]
    tests = Notification.objects.filter(kind=MessageKind.TEST)
    tested = tests.aggregate(at=Max(Coalesce("ended_at", "at")))["at"]
    if step is None and tested is None:
        return None
    return {
        "firing": firing_count(),
        "step": step or 0,
        "tested": tested.isoformat() if tested else "",
    }


def in_words(figures: Mapping[str, Any]) -> Figures:
    """Return it as it is: numbers have no language."""
    return dict(figures)


@receiver(alerts_changed)
def publish(**_: Any) -> None:
    """Tell of alerts that changed."""
    from monitoring.receivers import publish_kind

    publish_kind(ALERTS)


kinds.register(ALERTS, Kind(newest, in_words))
