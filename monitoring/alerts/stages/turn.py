"""One turn of the pipeline: what stages read and change, and the steps that they write.  Pure.

Nothing outside of the turn sees it before it is over, so the pipeline as a whole is a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.plan import Plan
from monitoring.alerts.values import (
    AlertFacts,
    Outgoing,
    Sent,
    State,
    Step,
    Telling,
    TellingState,
    Why,
    notification_key,
    telling_key,
)


class Turn:
    """The state while one turn goes on."""

    def __init__(self, state: State, plan: Plan, now: datetime) -> None:
        self.plan = plan
        self.now = now
        self.alerts = dict(state.alerts)
        self.tellings = dict(state.tellings)
        self.silences = state.silences
        self.sent = list(state.sent)
        self.steps: list[Step] = []
        self.notifications: list[Outgoing] = []
        self.reminded: list[int] = []
        # keys of alerts that grew worse in this turn
        self.worse: set[str] = set()

    def firing(self) -> list[AlertFacts]:
        """Return what fires now."""
        return [alert for alert in self.alerts.values() if alert.is_firing]

    def waiting(self) -> Iterator[Telling]:
        """Give the tellings that wait; they may change meanwhile."""
        for telling in list(self.tellings.values()):
            if telling.state == TellingState.WAITING:
                yield telling

    def change(self, alert: AlertFacts, **changes: Any) -> AlertFacts:
        """Take an alert as changed."""
        changed = replace(alert, **changes)
        self.alerts[alert.key] = changed
        return changed

    def say(self, alert: str, stage: str, what: str, **details: Any) -> None:
        """Write a step of the timeline of an alert."""
        self.steps.append(Step(alert, self.now, stage, what, details))

    def tell(
        self, alert: AlertFacts, channel: str, kind: MessageKind, number: int = 1, level: int = 1
    ) -> None:
        """Have an alert told on a channel; ``number`` tells it from others of its kind."""
        key = telling_key(alert.key, channel, kind, number)
        self.tellings[key] = Telling(
            key, alert.key, channel, kind.value, alert.severity, self.now, level
        )

    def weigh(self, telling: Telling, severity: str) -> Telling:
        """Give a telling the severity that its alert has by now."""
        if telling.severity != severity:
            telling = replace(telling, severity=severity)
            self.tellings[telling.key] = telling
        return telling

    def hold_back(self, telling: Telling, why: Why) -> None:
        """Let a telling wait on, and note why."""
        if telling.why != why:
            self.tellings[telling.key] = replace(telling, why=why.value)

    def suppress(self, telling: Telling, why: Why, stage: str) -> None:
        """Take a telling as not to be told, and say why."""
        self.tellings[telling.key] = replace(
            telling, state=TellingState.SUPPRESSED.value, why=why.value
        )
        self.say(
            telling.alert, stage, "suppressed", channel=telling.channel, kind=telling.kind, why=why
        )

    def send(
        self,
        channel: str,
        kind: MessageKind,
        severity: Severity,
        carried: list[Telling],
        lines: int,
    ) -> str:
        """Put a notification into the outbox that carries tellings; return its key.

        The first ``lines`` alerts have a line of their own, the others are counted.
        """
        key = notification_key(channel, kind, (each.key for each in carried))
        alerts = tuple(dict.fromkeys(each.alert for each in carried))
        self.notifications.append(
            Outgoing(
                key,
                channel,
                kind.value,
                severity.value,
                self.now,
                alerts[:lines],
                len(alerts[lines:]),
                max(each.level for each in carried),
            )
        )
        self.sent.append(Sent(channel, kind.value, severity.value, self.now))
        return key

    def count_as_told(self, telling: Telling) -> None:
        """Note that an alert was told on a channel that it fires, or is to be in a digest."""
        alert = self.alerts.get(telling.alert)
        if alert is None or telling.kind == MessageKind.RESOLVED:
            return
        channels = alert.told
        if telling.channel not in channels:
            channels = (*channels, telling.channel)
        first = alert.told_at or self.now
        repeat_at = self.now + self.plan.repeat_interval
        if (channels, first, repeat_at) != (alert.told, alert.told_at, alert.repeat_at):
            self.change(alert, told=channels, told_at=first, repeat_at=repeat_at)
