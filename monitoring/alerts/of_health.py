"""Alerts of health checks: those that one check raised, and those that dimensions have open now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from django.db.models import Prefetch

from monitoring.alerts.built_in import HEALTH
from monitoring.alerts.listing import FIRING
from monitoring.alerts.models import Alert
from monitoring.standing import Standing

MAY_LOOK: Final = "monitoring.view_alert"
# a rule has one dimension
DIMENSIONS: Final[Mapping[str, str]] = {
    rule.name: dimension.value for dimension, rule in HEALTH.items()
}
# what a check shows of an alert
SHOWN: Final = ("key", "rule", "title", "state", "fired_at", "resolved_at", "report")


def with_open_alerts(found: Standing, user: Any) -> Standing:
    """Return ``found`` with what fires of each dimension now, whichever check raised it."""
    return _with(found, Alert.objects.filter(FIRING, rule__in=DIMENSIONS), user)


def with_raised_alerts(found: Standing, user: Any) -> Standing:
    """Return the standing of a check with the alerts that it raised, by dimension."""
    return _with(found, Alert.objects.filter(report=found.report), user)


def raised(user: Any) -> Prefetch[str] | None:
    """Return how alerts are read for many checks at once; None for who may not see alerts."""
    if not user.has_perm(MAY_LOOK):
        return None
    return Prefetch("alerts", Alert.objects.only(*SHOWN), to_attr="raised")


def _with(found: Standing, alerts: Iterable[Alert], user: Any) -> Standing:
    if not user.has_perm(MAY_LOOK):
        return found
    by_dimension: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_dimension.setdefault(DIMENSIONS.get(alert.rule, ""), []).append(alert)
    views = [replace(each, alerts=by_dimension.get(each.key, ())) for each in found.dimensions]
    return replace(found, dimensions=views)
