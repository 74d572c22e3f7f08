"""Rate limits of channels: what is over the messages of an hour is counted and told in one digest.

Pure.  Critical messages always go.  A few messages of each hour are kept for digests, so that what
was suppressed is told within the hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.stages.grouping import Group
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import RANKS, Telling, TellingState, Why

STAGE: Final = "delivery"
HOUR: Final = timedelta(hours=1)
# alerts with a line of their own in one message
LINES: Final = 20


def limit(turn: Turn, groups: Sequence[Group]) -> None:
    """Put groups, the worst first, into the outbox as far as the limits go; then digests."""
    for group in groups:
        is_over = _used(turn, group.channel) >= turn.plan.messages_per_hour - turn.plan.reserve
        if group.severity is not Severity.CRITICAL and is_over:
            for telling in group.tellings:
                turn.suppress(telling, Why.RATE, STAGE)
                turn.count_as_told(telling)
        else:
            key = turn.send(group.channel, group.kind, group.severity, list(group.tellings), LINES)
            for telling in group.tellings:
                _queue(turn, telling, key)
    _digest(turn)


def is_undigested(telling: Telling) -> bool:
    """Tell whether a telling was over the limit and in no digest yet."""
    return (
        telling.state == TellingState.SUPPRESSED
        and telling.why == Why.RATE
        and not telling.notification
    )


def _used(turn: Turn, channel: str) -> int:
    """Return how many messages of the last hour count against the limit."""
    return sum(
        sent.channel == channel and sent.severity != Severity.CRITICAL and turn.now - sent.at < HOUR
        for sent in turn.sent
    )


def _queue(turn: Turn, telling: Telling, key: str) -> None:
    turn.tellings[telling.key] = replace(
        telling, state=TellingState.QUEUED.value, why="", notification=key
    )
    turn.say(
        telling.alert, STAGE, "queued", channel=telling.channel, kind=telling.kind, notification=key
    )
    turn.count_as_told(telling)


def _digest(turn: Turn) -> None:
    parts: dict[str, list[Telling]] = {}
    for telling in turn.tellings.values():
        if is_undigested(telling):
            parts.setdefault(telling.channel, []).append(telling)
    for channel, tellings in parts.items():
        newest = max(
            (
                sent.at
                for sent in turn.sent
                if sent.channel == channel and sent.kind == MessageKind.DIGEST
            ),
            default=None,
        )
        is_full = _used(turn, channel) >= turn.plan.messages_per_hour
        if is_full or (newest is not None and turn.now - newest < turn.plan.digest_interval):
            continue
        tellings.sort(key=lambda each: (-RANKS[each.severity], each.created_at, each.key))
        key = turn.send(
            channel, MessageKind.DIGEST, Severity(tellings[0].severity), tellings, LINES
        )
        for telling in tellings:
            turn.tellings[telling.key] = replace(telling, notification=key)
            turn.say(telling.alert, STAGE, "digested", channel=channel, notification=key)
