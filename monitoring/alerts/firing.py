"""What the overview shows of alerts: the worst that fire, and whether anybody has looked lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Q

from monitoring.alerts.conf import alert_settings
from monitoring.alerts.listing import FIRING, LOUD, RANK, Row
from monitoring.alerts.models import CLOCK_ROW, Alert, AlertClock

MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Firing:
    """The worst alerts that want a person, newest first among equals, and how many there are.

    ``looked_at`` is when the monitor last looked, None for never.
    """

    rows: Sequence[Row]
    loud: int
    acknowledged: int
    silenced: int
    looked_at: datetime | None
    is_known: bool

    @property
    def more(self) -> int:
        """How many want a person beside those that are shown."""
        return self.loud - len(self.rows)

    @property
    def is_nothing(self) -> bool:
        """Whether it is known that nothing fires at all."""
        return self.is_known and not (self.loud or self.acknowledged or self.silenced)


def firing_now(now: datetime, user: Any) -> Firing | None:
    """Return what fires, in three queries; None for who may not see alerts."""
    if not user.has_perm("monitoring.view_alert"):
        return None
    counts = Alert.objects.aggregate(
        loud=Count("pk", filter=LOUD),
        acknowledged=Count("pk", filter=FIRING & ~Q(acknowledged_at=None)),
        silenced=Count("pk", filter=FIRING & Q(acknowledged_at=None) & ~Q(muted="")),
    )
    worst = Alert.objects.filter(LOUD).annotate(rank=RANK).order_by("-rank", "-fired_at", "key")
    at = AlertClock.objects.filter(pk=CLOCK_ROW).values_list("at", flat=True).first()
    limit = timedelta(seconds=alert_settings().silent_seconds)
    is_known = at is not None and now - at <= limit
    return Firing([Row(each) for each in worst[:MOST]], **counts, looked_at=at, is_known=is_known)
