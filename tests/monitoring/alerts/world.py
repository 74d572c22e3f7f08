"""A simulated world for the pipeline: a clock that is set, and the state from turn to turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.pipeline import advance, remembered
from monitoring.alerts.plan import Plan
from monitoring.alerts.values import (
    AlertFacts,
    Condition,
    Found,
    Outgoing,
    SilenceFacts,
    State,
    Step,
    Telling,
    labels_of,
)

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EVERYWHERE = dict.fromkeys(Severity, ("log", "slack"))


def plan(**changes: Any) -> Plan:
    """Return a plan with two channels for everything."""
    values: dict[str, Any] = {"enabled": frozenset({"log", "slack"}), "channels": EVERYWHERE}
    return Plan(**{**values, **changes})


def condition(rule: str = "disk", severity: Severity = Severity.HIGH, **changes: Any) -> Condition:
    """Return something that is wrong; ``label`` is the one label that it has."""
    label = changes.pop("label", "")
    labels = labels_of(name=label) if label else ()
    values: dict[str, Any] = {"title": f"{rule} is wrong", "sentence": "91 %, the limit is 80 %."}
    return Condition(rule, severity, labels=labels, **{**values, **changes})


class World:
    """Looks, one after the other; ``seconds`` are since the beginning."""

    def __init__(self, used: Plan | None = None) -> None:
        self.plan = used or plan()
        self.state = State()
        self.now = BEGIN
        self.steps: list[Step] = []
        self.sent: list[Outgoing] = []
        # tellings that have left the state, which keeps only what is open
        self.done: dict[str, Telling] = {}

    def look(self, seconds: float, *conditions: Condition, **found: Any) -> list[Outgoing]:
        """Look at ``conditions``; return what is to be sent."""
        self.now = BEGIN + timedelta(seconds=seconds)
        outcome = advance(self.state, Found(conditions, **found), self.plan, self.now)
        self.state = outcome.state
        self.steps += outcome.steps
        self.sent += outcome.notifications
        self.done |= dict(outcome.state.tellings)
        return list(outcome.notifications)

    def restart(self) -> None:
        """Keep what rows would bring back, and no more."""
        self.state = remembered(self.state, self.plan, self.now)

    def silence(self, *silences: SilenceFacts) -> None:
        """Put silences in force."""
        self.state = State(self.state.alerts, self.state.tellings, self.state.sent, silences)

    def acknowledge(self) -> None:
        """Acknowledge all that fires."""
        alerts = {
            key: replace(each, acknowledged_at=self.now) if each.is_firing else each
            for key, each in self.state.alerts.items()
        }
        self.state = State(alerts, self.state.tellings, self.state.sent, self.state.silences)

    @property
    def alert(self) -> AlertFacts:
        """The one alert that there is."""
        (found,) = self.state.alerts.values()
        return found

    def said(self, stage: str = "") -> list[str]:
        """Return what steps said, of one stage or of all."""
        return [each.what for each in self.steps if stage in ("", each.stage)]

    def reasons(self) -> Counter[tuple[str, str]]:
        """Return how many tellings there are by state and reason."""
        return Counter((str(each.state), str(each.why)) for each in self.done.values())

    def kinds(self) -> list[tuple[str, str]]:
        """Return channel and kind of what was sent."""
        return [(each.channel, each.kind) for each in self.sent]


FIRING = MessageKind.FIRING.value
RESOLVED = MessageKind.RESOLVED.value
