"""Statistics over 24 h, 7 d and 30 d: what fired, what was sent, what was suppressed and why."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

from django.db.models import Count, Q

from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert, AlertTelling, Notification, NotificationState
from monitoring.alerts.proposals import Noise, proposal
from monitoring.alerts.values import TellingState

PERIODS: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
# of the messages of a channel so many say how long delivery takes
LATENCIES: Final = 5000
NOISIEST: Final = 5


@dataclass(slots=True)
class SeverityRow:
    """What became of alerts of one severity; times in seconds, None where there were none."""

    severity: Severity
    fired: int = 0
    sent: int = 0
    failed: int = 0
    waiting: int = 0
    suppressed: int = 0
    acknowledged_seconds: float | None = None
    resolved_seconds: float | None = None


@dataclass(slots=True)
class ChannelRow:
    """What became of the messages of one channel."""

    channel: str
    sent: int = 0
    failed: int = 0
    waiting: int = 0
    suppressed: int = 0
    median_seconds: float | None = None
    p95_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One of the rules that fired most often, with what could be done about it."""

    rule: str
    title: str
    fired: int
    acknowledged: int
    proposal: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """All of it."""

    period: str
    severities: Sequence[SeverityRow]
    channels: Sequence[ChannelRow]
    rules: Sequence[RuleRow]
    # reason to number of tellings
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """How many tellings were sent."""
        return sum(each.sent for each in self.severities)

    @property
    def failed(self) -> int:
        """How many tellings are in dead letters."""
        return sum(each.failed for each in self.severities)

    @property
    def suppressed(self) -> int:
        """How many tellings were suppressed."""
        return sum(each.suppressed for each in self.severities)


def statistics(period: str, now: datetime) -> Statistics:
    """Return the statistics of a period up to ``now``, in six queries."""
    return statistics_between(period, now - PERIODS[period], now)


def statistics_between(period: str, since: datetime, now: datetime) -> Statistics:
    """Return the statistics of the time after ``since`` up to ``now``; ``period`` is its name."""
    alerts = list(
        Alert.objects.filter(fired_at__gt=since, fired_at__lte=now)
        .order_by("fired_at")
        .values_list(
            *("rule", "severity", "fired_at", "acknowledged_at", "resolved_at", "title"),
            "hold_seconds",
        )
    )
    severities = {each.value: SeverityRow(each) for each in reversed(Severity)}
    reasons = _tellings(since, now, severities)
    waits: dict[str, list[float]] = defaultdict(list)
    lengths: dict[str, list[float]] = defaultdict(list)
    for _rule, severity, fired_at, acknowledged_at, resolved_at, _title, _hold in alerts:
        severities[severity].fired += 1
        if acknowledged_at is not None:
            waits[severity].append((acknowledged_at - fired_at).total_seconds())
        if resolved_at is not None:
            lengths[severity].append((resolved_at - fired_at).total_seconds())
    for severity, row in severities.items():
        row.acknowledged_seconds = median(waits[severity]) if waits[severity] else None
        row.resolved_seconds = median(lengths[severity]) if lengths[severity] else None
    return Statistics(
        period, list(severities.values()), channel_rows(since, now), _noisiest(alerts), reasons
    )


def _tellings(
    since: datetime, now: datetime, severities: Mapping[str, SeverityRow]
) -> Mapping[str, int]:
    carrier = "notification"
    rows = (
        AlertTelling.objects.filter(created_at__gt=since, created_at__lte=now)
        .order_by()
        .values_list("severity", "state", "why", f"{carrier}__state", f"{carrier}__digest__state")
        .annotate(Count("pk"))
    )
    reasons: Counter[str] = Counter()
    for severity, state, why, carried, digest, count in rows:
        row = severities[severity]
        if state == TellingState.SUPPRESSED:
            row.suppressed += count
            reasons[why] += count
            continue
        match digest or carried:
            case NotificationState.SENT:
                row.sent += count
            case NotificationState.DEAD:
                row.failed += count
            case NotificationState.SUPPRESSED:
                row.suppressed += count
                reasons["switched_off"] += count
            case _:
                row.waiting += count
    return dict(reasons.most_common())


def channel_rows(since: datetime, now: datetime) -> list[ChannelRow]:
    """Return what became of the messages made after ``since``, by channel, in two queries."""
    found = Notification.objects.filter(at__gt=since, at__lte=now).order_by("channel")
    counts = {state.value: Count("pk", filter=Q(state=state)) for state in NotificationState}
    states = [state.value for state in NotificationState]
    rows = [
        ChannelRow(channel, sent, failed, waiting, suppressed)
        for channel, waiting, sent, suppressed, failed in found.values("channel")
        .annotate(**counts)
        .values_list("channel", *states)
    ]
    sent = Notification.objects.filter(at__gt=since, at__lte=now, state=NotificationState.SENT)
    took: dict[str, list[float]] = defaultdict(list)
    for channel, at, ended_at in sent.order_by("-at").values_list("channel", "at", "ended_at")[
        :LATENCIES
    ]:
        if ended_at is not None:
            took[channel].append((ended_at - at).total_seconds())
    for row in rows:
        ordered = sorted(took[row.channel])
        if ordered:
            row.median_seconds = median(ordered)
            row.p95_seconds = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return rows


def _noisiest(alerts: Sequence[Any]) -> list[RuleRow]:
    """Return the rules that fired most often; ``alerts`` as statistics reads them."""
    noises: dict[str, Noise] = {}
    titles: dict[str, str] = {}
    for rule, _severity, fired_at, acknowledged_at, resolved_at, title, hold in alerts:
        noise = noises.setdefault(rule, Noise())
        noise.fired += 1
        noise.acknowledged += acknowledged_at is not None
        noise.hold_seconds = hold
        titles[rule] = title
        if resolved_at is not None:
            noise.lengths.append((resolved_at - fired_at).total_seconds())
    worst = sorted(noises, key=lambda rule: (-noises[rule].fired, rule))[:NOISIEST]
    return [_rule_row(rule, titles[rule], noises[rule]) for rule in worst]


def _rule_row(rule: str, title: str, noise: Noise) -> RuleRow:
    return RuleRow(rule, title, noise.fired, noise.acknowledged, proposal(noise))
