"""The metric of an alert over the time before it, to be drawn small."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from monitoring.alerts.message import Picture
from monitoring.metrics.registry import registry
from monitoring.metrics.series import series

SPAN: Final = timedelta(hours=2)
STEP_SECONDS: Final = 60


def picture_of(metric: str, limit: float | None, at: datetime) -> Picture | None:
    """Return the two hours before ``at``; None without a value, or for a metric that is gone."""
    found = registry.of_key(metric)
    if found is None:
        return None
    past = series([metric], at - SPAN, at, STEP_SECONDS)
    pairs = zip(past.times, past.lines[metric].values, strict=True)
    points = tuple((time, value) for time, value in pairs if value is not None)
    if not points:
        return None
    title = str(found.help)
    return Picture(title[:1].upper() + title[1:], found.unit, points, limit)
