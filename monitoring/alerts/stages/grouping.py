"""Grouping: what is of one channel, kind and severity waits for one another and is one message.

Pure.  The first waits ``group_wait``, so that an incident is whole; the next message of the group
comes ``group_interval`` later.  Critical alerts wait for seconds only, and escalations not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.plan import Plan
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import RANKS, Telling, Why

NOTHING: Final = timedelta(0)
# so many tellings become messages in one turn; whoever else writes must not wait for all of a storm
MOST: Final = 1000
GroupKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """Tellings that are due as one message."""

    channel: str
    kind: MessageKind
    severity: Severity
    tellings: tuple[Telling, ...]


def group(turn: Turn, free: Sequence[Telling]) -> list[Group]:
    """Return the groups that are due; the tellings of others wait on."""
    parts: dict[GroupKey, list[Telling]] = {}
    for telling in free:
        key = (telling.channel, telling.kind, telling.severity)
        parts.setdefault(key, []).append(telling)
    newest: dict[GroupKey, datetime] = {}
    for sent in turn.sent:
        known = newest.get((sent.channel, sent.kind, sent.severity), sent.at)
        newest[sent.channel, sent.kind, sent.severity] = max(known, sent.at)
    due = []
    for key, tellings in parts.items():
        channel, kind, severity = key[0], MessageKind(key[1]), Severity(key[2])
        wait, interval = times_of(turn.plan, kind, severity)
        at = min(each.created_at for each in tellings) + wait
        if key in newest:
            at = max(at, newest[key] + interval)
        found = Group(channel, kind, severity, tuple(tellings))
        if turn.now >= at or any(turn.alerts[each.alert].at_once for each in tellings):
            due.append(found)
        else:
            _let_wait(turn, found)
    return _within_a_turn(turn, due)


def _within_a_turn(turn: Turn, due: list[Group]) -> list[Group]:
    """Return the worst groups, up to ``MOST`` tellings; the others are due at the next turn."""
    taken: list[Group] = []
    count = 0
    for group in sorted(due, key=lambda each: RANKS[each.severity], reverse=True):
        if taken and count + len(group.tellings) > MOST:
            _let_wait(turn, group)
        else:
            taken.append(group)
            count += len(group.tellings)
    return taken


def _let_wait(turn: Turn, group: Group) -> None:
    for telling in group.tellings:
        turn.hold_back(telling, Why.GROUPED)


def times_of(plan: Plan, kind: MessageKind, severity: Severity) -> tuple[timedelta, timedelta]:
    """Return how long the first of a group waits, and how long a later message does."""
    if kind is MessageKind.ESCALATED:
        return NOTHING, NOTHING
    if severity is Severity.CRITICAL:
        return plan.critical_wait, NOTHING
    return plan.group_wait, plan.group_interval
