"""Whom it concerns: who is told that an alert fires, and who that it is over.  Pure.

An alert begins at the first support level that is on duty.  An alert about a channel is not told on
that channel, unless there is no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.plan import LEVELS
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import AlertFacts, AlertState, Telling, Why, telling_key

STAGE: Final = "routing"
# where there is no channel, the telling is counted all the same
NOWHERE: Final = "none"
CHANNEL_LABEL: Final = "channel"


def route(turn: Turn) -> None:
    """Make tellings for what fired and for what was resolved in this turn."""
    for alert in list(turn.alerts.values()):
        if alert.is_firing and (alert.fired_at == turn.now or alert.key in turn.worse):
            _route_firing(turn, alert)
        elif alert.state == AlertState.RESOLVED and alert.resolved_at == turn.now:
            for channel in alert.told:
                turn.tell(alert, channel, MessageKind.RESOLVED, level=alert.level)


def channels_of(turn: Turn, alert: AlertFacts, level: int) -> tuple[str, ...]:
    """Return the channels that are switched on for an alert at a support level."""
    wanted = turn.plan.level_channels.get(level, ()) if level > 1 else ()
    wanted = wanted or turn.plan.routes(alert.rule, Severity(alert.severity))
    found = tuple(each for each in wanted if each in turn.plan.enabled)
    others = tuple(each for each in found if each != dict(alert.labels).get(CHANNEL_LABEL))
    return others or found


def _route_firing(turn: Turn, alert: AlertFacts) -> None:
    on_duty = (each for each in LEVELS[alert.level - 1 :] if turn.plan.is_on_duty(each, turn.now))
    level = next(on_duty, alert.level)
    if level != alert.level:
        alert = turn.change(alert, level=level)
        turn.say(alert.key, STAGE, "began_at_level", level=level)
    channels = channels_of(turn, alert, level)
    number = alert.rounds + 1
    if not channels:
        turn.tell(alert, NOWHERE, MessageKind.FIRING, number, level)
        key = telling_key(alert.key, NOWHERE, MessageKind.FIRING, number)
        turn.suppress(turn.tellings[key], Why.NO_CHANNEL, STAGE)
        return
    # one that grew worse before it was told is told once
    known = {each.channel for each in _waiting_to_fire(turn, alert)}
    for channel in channels:
        if channel not in known:
            turn.tell(alert, channel, MessageKind.FIRING, number, level)
    turn.say(alert.key, STAGE, "routed", channels=list(channels), level=level)


def _waiting_to_fire(turn: Turn, alert: AlertFacts) -> Iterator[Telling]:
    if alert.key in turn.worse:
        for telling in turn.waiting():
            if telling.alert == alert.key and telling.kind == MessageKind.FIRING:
                yield telling
