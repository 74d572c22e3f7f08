"""The list of alerts: what it is narrowed to, its tabs with their counts, and its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert
from monitoring.alerts.plan import Plan
from monitoring.alerts.stages.escalation import next_level_at
from monitoring.alerts.store import ALERT_FIELDS, facts_of
from monitoring.alerts.tables import matchers_text
from monitoring.alerts.values import RANKS, AlertState

PAGE_SIZE: Final = 50
DAY: Final = timedelta(hours=24)
FIRING: Final = Q(state=AlertState.FIRING)
LOUD: Final = FIRING & Q(acknowledged_at=None, muted="", is_dry=False)
# name of a tab, its words, and which alerts it shows; Resolved is of 24 h
TABS: Final[tuple[tuple[str, Any, Q], ...]] = (
    ("", pgettext_lazy("alerts", "Open"), FIRING),
    ("firing", _("Firing"), LOUD),
    ("acknowledged", _("Acknowledged"), FIRING & ~Q(acknowledged_at=None)),
    ("silenced", _("Silenced"), FIRING & ~Q(muted="")),
    ("pending", pgettext_lazy("alerts", "Holding"), Q(state=AlertState.PENDING)),
    ("resolved", _("Resolved, 24 h"), Q(state=AlertState.RESOLVED)),
)
# of a severity, to have the worst first
RANK: Final = Case(*(When(severity=name, then=Value(rank)) for name, rank in RANKS.items()))
# what is open may be listed by its time, too
NEWEST: Final = "newest"
COLUMNS: Final = (
    *("severity", "state", "title", "sentence", "rule", "labels", "since_utc", "fired_utc"),
    *("acknowledged_utc", "acknowledged_by", "note", "resolved_utc", "told_on", "muted_by", "key"),
)
TONES: Final = {
    Severity.LOW: "unknown",
    Severity.MEDIUM: "warn",
    Severity.HIGH: "fail",
    Severity.CRITICAL: "fail",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to; what is not understood asks for nothing."""

    state: str = ""
    severity: str = ""
    rule: str = ""
    order: str = ""

    @property
    def query(self) -> str:
        """The part of an address that asks for the same."""
        known = {name: value for name, value in asdict(self).items() if value}
        return urlencode(known)


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab with how many alerts it shows."""

    state: str
    label: Any
    address: str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One alert as the list shows it; ``next_level`` with its time, where it will escalate."""

    alert: Alert
    next_level: int | None = None
    next_at: datetime | None = None

    @property
    def tone(self) -> str:
        """Its tone; what is muted or acknowledged is quiet."""
        is_quiet = self.alert.muted or self.alert.acknowledged_at or self.alert.is_dry
        is_over = self.alert.state != AlertState.FIRING
        return "unknown" if is_quiet or is_over else TONES[Severity(self.alert.severity)]

    @property
    def matchers(self) -> str:
        """What a silence of it matches: its rule and its labels."""
        return matchers_text(tuple({"rule": self.alert.rule, **self.alert.labels}.items()))

    @property
    def is_loud(self) -> bool:
        """Whether it wants a person."""
        alert = self.alert
        return alert.state == AlertState.FIRING and not (
            alert.acknowledged_at or alert.muted or alert.is_dry
        )


def filter_of(asked: Any) -> Filter:
    """Return what a query asks for."""
    state, severity = asked.get("state", ""), asked.get("severity", "")
    return Filter(
        state if state in {name for name, *_ in TABS} else "",
        severity if severity in Severity.values else "",
        asked.get("rule", "")[:100],
        NEWEST if asked.get("order") == NEWEST else "",
    )


def tabs(wanted: Filter, now: datetime) -> list[Tab]:
    """Return the tabs with their counts, in one query."""
    rows = _narrowed(Alert.objects.filter(_lately(now)), wanted)
    counts = rows.aggregate(
        **{f"tab_{name}": Count("pk", filter=condition) for name, _label, condition in TABS}
    )
    found = []
    for name, label, _condition in TABS:
        address = replace(wanted, state=name).query
        found.append(Tab(name, label, f"?{address}", counts[f"tab_{name}"], name == wanted.state))
    return found


def page_of(wanted: Filter, number: Any, now: datetime) -> Page[Alert]:
    """Return a page of what ``found`` returns."""
    return Paginator(found(wanted, now), PAGE_SIZE).get_page(number)


def found(wanted: Filter, now: datetime) -> QuerySet[Alert]:
    """Return the alerts asked for: what is open the worst first, what is over the newest."""
    condition = next(each for name, _label, each in TABS if name == wanted.state)
    rows = _narrowed(Alert.objects.filter(condition & _lately(now)), wanted)
    if wanted.state == "resolved":
        return rows.order_by("-resolved_at", "key")
    if wanted.order == NEWEST:
        return rows.order_by("-since", "key")
    return rows.annotate(rank=RANK).order_by("-rank", "-fired_at", "-since", "key")


def as_table(rows: Iterable[Alert]) -> Iterator[tuple[Any, ...]]:
    """Return the cells of alerts, in the order of COLUMNS."""
    for each in rows:
        labels = matchers_text(tuple(each.labels.items()))
        yield (
            *(each.severity, each.state, each.title, each.sentence, each.rule, labels),
            *(each.since, each.fired_at, each.acknowledged_at, each.acknowledged_by, each.note),
            *(each.resolved_at, ", ".join(each.told), each.muted, each.pk),
        )


def rows_of(alerts: Sequence[Alert], plan: Plan) -> list[Row]:
    """Return the rows of some alerts."""
    return [row_of(alert, plan) for alert in alerts]


def row_of(alert: Alert, plan: Plan) -> Row:
    """Return one alert as a row."""
    facts = facts_of([getattr(alert, name) for name in ALERT_FIELDS])
    due = None if facts.muted else next_level_at(facts, plan)
    return Row(alert) if due is None else Row(alert, *due)


def firing_count() -> int:
    """Return how many alerts want a person."""
    return Alert.objects.filter(LOUD).count()


def _lately(now: datetime) -> Q:
    return ~Q(state=AlertState.RESOLVED) | Q(resolved_at__gt=now - DAY)


def _narrowed(rows: QuerySet[Alert], wanted: Filter) -> QuerySet[Alert]:
    rows = rows.filter(severity=wanted.severity) if wanted.severity else rows
    return rows.filter(rule=wanted.rule) if wanted.rule else rows
