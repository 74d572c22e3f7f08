"""From conditions to alerts: one that holds for its time fires, one that is over is cleared.  Pure.

A condition that comes back keeps its alert while that is open.  One that grows worse is told again,
also when it was acknowledged: whoever did that saw something better.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from monitoring.alerts.message import Severity
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import (
    RANKS,
    AlertFacts,
    AlertState,
    Condition,
    Found,
    key_of,
)

STAGE: Final = "hold"
# so many alerts begin, change or end in one look; a storm takes several
AT_ONCE: Final = 500
# sentences with new figures are taken anew so often at most
REFRESH: Final = timedelta(seconds=10)


def hold(turn: Turn, found: Found) -> None:
    """Begin, fire, refresh and clear alerts."""
    newest = _newest(turn)
    # two conditions of one fingerprint are one alert, of the worse of them
    present: dict[str, Condition] = {}
    for condition in found.conditions:
        fingerprint = condition.fingerprint
        known = present.get(fingerprint)
        if known is None or RANKS[known.severity] < RANKS[condition.severity]:
            present[fingerprint] = condition
    moved = 0
    for fingerprint, condition in present.items():
        alert = newest.get(fingerprint)
        opened = alert if alert is not None and alert.is_open else None
        if opened is not None and not _is_news(turn, opened, condition):
            continue
        if moved >= AT_ONCE:
            break
        moved += 1
        if opened is not None:
            _go_on(turn, opened, condition)
        else:
            _begin(turn, condition, alert)
    for alert in newest.values():
        is_over = alert.is_open and alert.cleared_at is None and alert.fingerprint not in present
        if is_over and found.judges(alert.rule):
            if moved >= AT_ONCE:
                break
            moved += 1
            _clear(turn, alert)


def _newest(turn: Turn) -> dict[str, AlertFacts]:
    """Return the newest alert of each fingerprint."""
    in_order = sorted(turn.alerts.values(), key=lambda each: each.since)
    return {each.fingerprint: each for each in in_order}


def _begin(turn: Turn, condition: Condition, before: AlertFacts | None) -> None:
    key = key_of(condition.fingerprint, turn.now)
    alert = AlertFacts(
        key=key,
        fingerprint=condition.fingerprint,
        rule=condition.rule,
        labels=condition.labels,
        severity=condition.severity.value,
        state=AlertState.PENDING.value,
        title=condition.title,
        sentence=condition.sentence,
        value=condition.value,
        limit=condition.limit,
        unit=condition.unit,
        metric=condition.metric,
        actions=condition.actions,
        runbook=condition.runbook,
        since=turn.now,
        seen_at=turn.now,
        hold_seconds=condition.hold_seconds,
        is_dry=condition.is_dry,
        at_once=condition.at_once,
        report_id=condition.report_id,
        firings=() if before is None else _lately(turn, before),
    )
    turn.alerts[key] = alert
    if condition.hold_seconds > 0:
        turn.say(key, STAGE, "began", hold_seconds=condition.hold_seconds)
    _fire_when_due(turn, alert)


def _is_news(turn: Turn, alert: AlertFacts, condition: Condition) -> bool:
    """Tell whether an open alert changes by what is there now."""
    return (
        alert.cleared_at is not None
        or alert.state == AlertState.PENDING
        or alert.severity != condition.severity
        or alert.is_dry != condition.is_dry
        or _is_stale(turn, alert, condition)
    )


def _is_stale(turn: Turn, alert: AlertFacts, condition: Condition) -> bool:
    fresh = (condition.title, condition.sentence, condition.value, condition.limit)
    is_same = fresh == (alert.title, alert.sentence, alert.value, alert.limit)
    return not is_same and turn.now - alert.seen_at >= REFRESH


def _go_on(turn: Turn, alert: AlertFacts, condition: Condition) -> None:
    if alert.cleared_at is not None:
        alert = turn.change(alert, cleared_at=None, firings=(*_lately(turn, alert), turn.now))
        turn.say(alert.key, STAGE, "came_back", times=len(alert.firings))
    if condition.severity != alert.severity:
        alert = _weigh_anew(turn, alert, condition.severity)
    if _is_stale(turn, alert, condition):
        alert = turn.change(
            alert,
            title=condition.title,
            sentence=condition.sentence,
            value=condition.value,
            limit=condition.limit,
            seen_at=turn.now,
        )
    if alert.is_dry != condition.is_dry:
        alert = turn.change(alert, is_dry=condition.is_dry)
    if alert.state == AlertState.PENDING:
        _fire_when_due(turn, turn.change(alert, hold_seconds=condition.hold_seconds))


def _weigh_anew(turn: Turn, alert: AlertFacts, severity: Severity) -> AlertFacts:
    is_worse = RANKS[severity] > RANKS[alert.severity]
    turn.say(
        alert.key,
        STAGE,
        "worse" if is_worse else "better",
        before=alert.severity,
        after=severity.value,
    )
    if not is_worse or not alert.is_firing:
        return turn.change(alert, severity=severity.value)
    turn.worse.add(alert.key)
    return turn.change(
        alert,
        severity=severity.value,
        acknowledged_at=None,
        rounds=alert.rounds + 1,
    )


def _fire_when_due(turn: Turn, alert: AlertFacts) -> None:
    if turn.now - alert.since >= timedelta(seconds=alert.hold_seconds):
        firings = (*_lately(turn, alert), turn.now)
        turn.change(alert, state=AlertState.FIRING.value, fired_at=turn.now, firings=firings)
        turn.say(alert.key, STAGE, "fired", hold_seconds=alert.hold_seconds)


def _clear(turn: Turn, alert: AlertFacts) -> None:
    if alert.state == AlertState.PENDING:
        turn.change(alert, state=AlertState.PASSED.value, resolved_at=turn.now)
        turn.say(alert.key, STAGE, "passed", hold_seconds=alert.hold_seconds)
    else:
        turn.change(alert, cleared_at=turn.now)


def _lately(turn: Turn, alert: AlertFacts) -> tuple[datetime, ...]:
    return tuple(each for each in alert.firings if turn.now - each < turn.plan.flap_window)
