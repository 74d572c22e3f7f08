"""The inbox: who says what is wrong, and which rules there are.

A source is asked at every look for the conditions that hold then; what it no longer names is over.
An app above registers one when it starts, so its facts fire alerts without being known here.  A
source that fails leaves its alerts as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.faults import type_and_place
from monitoring.alerts.message import Severity
from monitoring.alerts.values import Condition, Found, Labels, labels_of

log = structlog.get_logger("pktmask.alerts")


# as the row has room for
MAX_TITLE_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is built in.  Texts are translated when they are used.

    ``runbook`` is a section of docs/runbook.md, the name of the rule unless said otherwise.
    ``mutes`` are rules whose alerts are not told while this one fires, as its causes or effects.
    """

    name: str
    title: Any
    actions: tuple[Any, ...] = ()
    hold_seconds: float = 0.0
    mutes: tuple[str, ...] = ()
    at_once: bool = False
    runbook: str = ""

    @property
    def anchor(self) -> str:
        """The section of the runbook."""
        return self.runbook or self.name

    def holds(
        self,
        severity: Severity,
        sentence: str,
        *,
        title: str = "",
        labels: Labels = (),
        value: float | None = None,
        limit: float | None = None,
        unit: str = "",
        metric: str = "",
        report_id: int | None = None,
    ) -> Condition:
        """Return that it is wrong now, as ``sentence`` says with value, unit and limit."""
        return Condition(
            rule=self.name,
            severity=severity,
            title=(title or str(self.title))[:MAX_TITLE_CHARACTERS],
            sentence=sentence,
            labels=labels,
            value=value,
            limit=limit,
            unit=unit,
            metric=metric,
            actions=tuple(str(each) for each in self.actions),
            runbook=self.anchor,
            hold_seconds=self.hold_seconds,
            at_once=self.at_once,
            report_id=report_id,
        )


class Unknown:
    """What a source yields for a rule of which nothing is known at present."""

    def __init__(self, *rules: str) -> None:
        self.rules = rules


Source = Callable[[datetime], Iterable[Condition | Unknown]]

SOURCE_FAILING: Final = Rule(
    "source_failing",
    gettext_lazy("A source of alerts cannot be read"),
    (gettext_lazy("Look for alert_source_failed in the log of the monitor: it names the place."),),
    hold_seconds=60,
)


class Inbox:
    """Sources with their rules."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._rules: dict[str, tuple[Rule, ...]] = {}

    def register(self, name: str, source: Source, *rules: Rule) -> None:
        """Add a source with the rules that it judges."""
        self._sources[name] = source
        self._rules[name] = rules

    def rules(self) -> Mapping[str, Rule]:
        """Return all rules that are built in, by name."""
        found = {rule.name: rule for rules in self._rules.values() for rule in rules}
        return {**found, SOURCE_FAILING.name: SOURCE_FAILING}

    def mutes(self) -> Mapping[str, frozenset[str]]:
        """Return which rules mute which."""
        return {name: frozenset(rule.mutes) for name, rule in self.rules().items() if rule.mutes}

    def found(self, now: datetime) -> Found:
        """Ask all sources for what is wrong at ``now``."""
        conditions: list[Condition] = []
        unknown: set[str] = set()
        for name, source in self._sources.items():
            try:
                told = list(source(now))
            except Exception as error:  # of an app that is not known here
                log.warning("alert_source_failed", source=name, **type_and_place(error))
                unknown |= {rule.name for rule in self._rules[name]}
                conditions.append(_failing(name))
                continue
            for each in told:
                if isinstance(each, Unknown):
                    unknown.update(each.rules)
                else:
                    conditions.append(each)
        return Found(tuple(conditions), frozenset(unknown))


def _failing(name: str) -> Condition:
    return SOURCE_FAILING.holds(
        Severity.HIGH,
        _("The source %(name)s failed; its alerts stay as they were.") % {"name": name},
        labels=labels_of(source=name),
    )


inbox: Final = Inbox()
