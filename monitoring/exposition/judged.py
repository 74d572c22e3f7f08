"""What is judged and told: health, alerts, messages about them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db.models import Count
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from monitoring.alerts.built_in import DEAD_LETTER_AGE
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert, Notification, NotificationState
from monitoring.alerts.values import AlertState
from monitoring.channels.registered import MADE
from monitoring.choices import Dimension, Verdict
from monitoring.exposition.families import gauge, labelled
from monitoring.models import HealthReport
from monitoring.standing import is_too_old, verdict_of

WHOLE: Final = "whole"


def health(now: datetime) -> Iterator[Family]:
    """Give the verdicts of the newest report; unknown when it is too old to say anything."""
    report = HealthReport.objects.first()
    verdicts = dict.fromkeys((WHOLE, *Dimension.values), Verdict.UNKNOWN)
    if report is not None:
        yield gauge(
            "pktmask_health_checked_timestamp_seconds",
            "Time of the newest health report, since 1970.",
            report.at.timestamp(),
        )
    if report is not None and not is_too_old(report.at, now):
        verdicts[WHOLE] = verdict_of(report.verdict)
        verdicts |= {each["dimension"]: verdict_of(each["verdict"]) for each in report.dimensions}
        if report.score is not None:
            yield gauge(
                "pktmask_health_score", "Weighted score, at most 0.29 with a failure.", report.score
            )
    family = GaugeMetricFamily(
        "pktmask_health_verdict",
        "1 for the verdict that holds, of the whole and of each dimension.",
        labels=["dimension", "verdict"],
    )
    for dimension, found in verdicts.items():
        for verdict in Verdict:
            family.add_metric([dimension, verdict.value], float(verdict is found))
    yield family


def alerts(now: datetime) -> Iterator[Family]:
    """Give how many alerts fire, and how many of them nobody has acknowledged."""
    rows = Alert.objects.filter(state=AlertState.FIRING, is_dry=False).order_by()
    for name, told, found in (
        ("firing", "Alerts that fire, without those of rules that run dry.", rows),
        (
            "unacknowledged",
            "Alerts that fire and that nobody has acknowledged.",
            rows.filter(acknowledged_at=None),
        ),
    ):
        counts = dict(found.values_list("severity").annotate(Count("pk")))
        values = {each.value: counts.get(each.value, 0) for each in Severity}
        yield labelled(f"pktmask_alerts_{name}", told, "severity", values)


def messages(now: datetime) -> Iterator[Family]:
    """Give what waits to be delivered, and what was given up, by channel."""
    dead = Notification.objects.filter(
        state=NotificationState.DEAD, why="", ended_at__gt=now - DEAD_LETTER_AGE
    )
    pending = Notification.objects.filter(state=NotificationState.PENDING)
    for name, told, found in (
        ("pending", "Messages about alerts that are not delivered yet.", pending),
        ("dead", "Messages given up within 24 h, unless somebody put them aside.", dead),
    ):
        counts = dict(found.order_by().values_list("channel").annotate(Count("pk")))
        values = {**dict.fromkeys(MADE, 0), **counts}
        yield labelled(f"pktmask_notifications_{name}", told, "channel", values)
