"""The timeline of an alert: steps as rows, and their words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from monitoring.alerts.models import AlertStep

BATCH = 500


def add_steps(
    alerts: Iterable[str], at: datetime, stage: str, what: str, details: Mapping[str, Any]
) -> None:
    """Write one step for each of some alerts, in the transaction of the caller."""
    AlertStep.objects.bulk_create(
        (
            AlertStep(alert_id=key, at=at, stage=stage, what=what, details=dict(details))
            for key in dict.fromkeys(alerts)
        ),
        batch_size=BATCH,
    )
