"""The state of the pipeline as rows: reading it, and writing what a look has changed.

Reading takes four queries, writing a handful, however many alerts there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Model, Q

from monitoring.alerts.message import MessageKind
from monitoring.alerts.models import (
    Alert,
    AlertStep,
    AlertTelling,
    Notification,
    NotificationState,
    Silence,
)
from monitoring.alerts.plan import Plan
from monitoring.alerts.rendering import body_of
from monitoring.alerts.stages.limiting import HOUR
from monitoring.alerts.values import (
    OPEN,
    AlertFacts,
    Outcome,
    Outgoing,
    Sent,
    SilenceFacts,
    State,
    Telling,
    TellingState,
    Why,
)

ALERT_FIELDS: Final = tuple(each.name for each in fields(AlertFacts))
TELLING_FIELDS: Final = tuple(each.name for each in fields(Telling))
# columns of the rows that refer to others
TELLING_COLUMNS: Final = {"alert": "alert_id", "notification": "notification_id"}
UNDIGESTED: Final = Q(state=TellingState.SUPPRESSED, why=Why.RATE, notification=None)
SENT_COLUMNS: Final = ("channel", "kind", "severity", "at")
# rows of one statement
BATCH: Final = 500


def load(plan: Plan, now: datetime) -> State:
    """Return what the pipeline goes by at ``now``."""
    columns = [TELLING_COLUMNS.get(name, name) for name in TELLING_FIELDS]
    rows = AlertTelling.objects.filter(Q(state=TellingState.WAITING) | UNDIGESTED)
    tellings = {row[0]: _telling(row) for row in rows.order_by().values_list(*columns)}
    alerts = _alerts(plan, now, {each.alert for each in tellings.values()})
    # a test takes nothing from the messages of an hour
    sent = Notification.objects.filter(at__gt=now - HOUR).exclude(kind=MessageKind.TEST)
    silences = Silence.objects.filter(ends__gt=now).order_by("pk")
    return State(
        alerts,
        tellings,
        tuple(Sent(*row) for row in sent.order_by("at", "key").values_list(*SENT_COLUMNS)),
        tuple(silence_facts(each) for each in silences),
    )


def _telling(row: tuple[Any, ...]) -> Telling:
    # of one that is in no message the database says None
    values = [*row[:-1], row[-1] or ""]
    return Telling(*values)


def silence_facts(row: Silence) -> SilenceFacts:
    """Return a silence as the pipeline takes it."""
    matchers = tuple(sorted(row.matchers.items()))
    return SilenceFacts(row.pk, matchers, row.begins, row.ends, row.owner, row.reminded)


def _alerts(plan: Plan, now: datetime, needed: set[str]) -> dict[str, AlertFacts]:
    lately = Q(resolved_at__gt=now - plan.flap_window)
    rows = Alert.objects.filter(Q(state__in=OPEN) | lately).order_by()
    found = {row[0]: facts_of(row) for row in rows.values_list(*ALERT_FIELDS)}
    missing = list(needed - found.keys())
    for start in range(0, len(missing), BATCH):
        part = Alert.objects.filter(pk__in=missing[start : start + BATCH]).order_by()
        found |= {row[0]: facts_of(row) for row in part.values_list(*ALERT_FIELDS)}
    return found


_AT: Final = {name: number for number, name in enumerate(ALERT_FIELDS)}


def facts_of(row: Iterable[Any]) -> AlertFacts:
    """Return a row of ALERT_FIELDS as the pipeline takes it."""
    values = list(row)
    values[_AT["labels"]] = tuple(sorted(values[_AT["labels"]].items()))
    values[_AT["actions"]] = tuple(values[_AT["actions"]])
    values[_AT["told"]] = tuple(values[_AT["told"]])
    firings = values[_AT["firings"]]
    values[_AT["firings"]] = tuple(datetime.fromisoformat(each) for each in firings)
    return AlertFacts(*values)


def save(before: State, outcome: Outcome, now: datetime) -> None:
    """Write what a look has changed, in the transaction of the caller."""
    _save_alerts(before.alerts, outcome.state.alerts)
    _save_notifications(outcome, now)
    _save_tellings(before.tellings, outcome.state.tellings)
    steps = (
        AlertStep(
            alert_id=each.alert,
            at=each.at,
            stage=each.stage,
            what=each.what,
            details=dict(each.details),
        )
        for each in outcome.steps
    )
    AlertStep.objects.bulk_create(steps, batch_size=BATCH)
    if outcome.reminded:
        Silence.objects.filter(pk__in=outcome.reminded).update(reminded=True)


def _save_alerts(before: Mapping[str, AlertFacts], after: Mapping[str, AlertFacts]) -> None:
    new = [each for key, each in after.items() if key not in before]
    Alert.objects.bulk_create((_alert_row(each) for each in new), batch_size=BATCH)
    changed = [each for key, each in after.items() if key in before and before[key] is not each]
    parts: dict[tuple[str, ...], list[AlertFacts]] = {}
    for each in changed:
        known = before[each.key]
        names = tuple(name for name in ALERT_FIELDS if getattr(each, name) != getattr(known, name))
        if names:
            parts.setdefault(names, []).append(each)
    for names, alerts in parts.items():
        rows = [_alert_row(each) for each in alerts]
        # whoever acknowledged what grew worse meanwhile saw something better
        if "acknowledged_at" in names:
            names = (*names, "acknowledged_by", "note")
        _put(Alert, rows, names)


def _put(model: type[Model], rows: Sequence[Any], names: Sequence[str]) -> None:
    """Write some columns of rows that are there, by an upsert: bulk_update is slow for many."""
    model._default_manager.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        update_fields=names,
        unique_fields=["key"],
    )


def _alert_row(facts: AlertFacts) -> Alert:
    values = {name: getattr(facts, name) for name in ALERT_FIELDS}
    return Alert(
        **{
            **values,
            "labels": dict(facts.labels),
            "actions": list(facts.actions),
            "told": list(facts.told),
            "firings": [each.isoformat() for each in facts.firings],
        }
    )


def _save_notifications(outcome: Outcome, now: datetime) -> None:
    silences = {each.pk: each for each in outcome.state.silences}
    rows = [
        notification_row(
            each,
            body_of(each, outcome.state.alerts, silences.get(each.silence or 0)),
            now,
        )
        for each in outcome.notifications
    ]
    Notification.objects.bulk_create(rows, batch_size=BATCH)


def notification_row(outgoing: Outgoing, body: Mapping[str, Any], now: datetime) -> Notification:
    """Return the row of the outbox."""
    return Notification(
        key=outgoing.key,
        channel=outgoing.channel,
        kind=outgoing.kind,
        severity=outgoing.severity,
        at=outgoing.at,
        body=dict(body),
        state=NotificationState.PENDING,
        next_at=now,
    )


def _save_tellings(before: Mapping[str, Telling], after: Mapping[str, Telling]) -> None:
    new = [each for key, each in after.items() if key not in before]
    AlertTelling.objects.bulk_create((_telling_row(each) for each in new), batch_size=BATCH)
    changed = [each for key, each in after.items() if key in before and before[key] is not each]
    names = ("severity", "state", "why", "notification")
    rows = [_telling_row(each) for each in changed]
    _put(AlertTelling, rows, names)


def _telling_row(facts: Telling) -> AlertTelling:
    values = {TELLING_COLUMNS.get(name, name): getattr(facts, name) for name in TELLING_FIELDS}
    return AlertTelling(**{**values, "notification_id": facts.notification or None})


def prune(now: datetime, keep_days: float) -> int:
    """Remove alerts that were over long ago, and messages as old; return how many rows went."""
    until = now - timedelta(days=keep_days)
    ended = Alert.objects.exclude(state__in=OPEN).filter(resolved_at__lt=until)
    passed = Alert.objects.filter(state="passed", resolved_at__lt=now - timedelta(days=1))
    gone: int = ended.delete()[0] + passed.delete()[0]
    old = Notification.objects.exclude(state=NotificationState.PENDING).filter(at__lt=until)
    gone += old.delete()[0]
    gone += Silence.objects.filter(ends__lt=until).delete()[0]
    return gone
