"""The values that the pipeline works on.  Pure: no database, no clock, no settings.

An *alert* is one episode of one fingerprint, from the first moment that its condition held to its
resolution.  A *telling* is one alert that is to be told on one channel, once; so what became of
every alert can be counted.  A *notification* is a message for one channel, with all tellings that
it carries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from monitoring.alerts.message import MessageKind, Severity

Labels = tuple[tuple[str, str], ...]
RANKS: Final[Mapping[str, int]] = {each.value: rank for rank, each in enumerate(Severity)}


class AlertState(models.TextChoices):
    """Where an alert stands."""

    PENDING = "pending", _("Pending")
    FIRING = "firing", _("Firing")
    RESOLVED = "resolved", _("Resolved")
    # its condition was over before it had held long enough; nobody was to be told
    PASSED = "passed", _("Passed")


OPEN: Final = (AlertState.PENDING, AlertState.FIRING)


class TellingState(models.TextChoices):
    """What became of telling somebody."""

    WAITING = "waiting", _("Waiting")
    QUEUED = "queued", _("In a message")
    SUPPRESSED = "suppressed", _("Suppressed")


class Why(models.TextChoices):
    """Why something waits or was suppressed."""

    GROUPED = "grouped", _("waits for others of its kind")
    HOURS = "hours", _("outside of the hours of its severity")
    SILENCED = "silenced", _("silenced")
    INHIBITED = "inhibited", _("muted by a stronger alert")
    ACKNOWLEDGED = "acknowledged", _("acknowledged before")
    OVER = "over", _("over before anybody was told")
    RATE = "rate", _("over the messages of an hour; told in a digest")
    DRY_RUN = "dry_run", _("the rule runs dry")
    NO_CHANNEL = "no_channel", _("no channel is switched on for it")
    BACKLOG = "backlog", _("came late; told in a digest")
    SWITCHED_OFF = "switched_off", _("the channel was switched off")
    RESTORED = "restored", _("may have been sent before a backup was restored")


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong now.  Texts are in the language of the installation."""

    rule: str
    severity: Severity
    title: str
    sentence: str
    labels: Labels = ()
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    # of a registered metric, for a picture; "" without
    metric: str = ""
    actions: tuple[str, ...] = ()
    # a section of docs/alerts.md
    runbook: str = ""
    hold_seconds: float = 0.0
    # nobody is told; it is only counted
    is_dry: bool = False
    # told without waiting for others
    at_once: bool = False
    # the health check that found it, where one did
    report_id: int | None = None

    @property
    def fingerprint(self) -> str:
        """Say which alert it is, whatever its text."""
        return fingerprint_of(self.rule, self.labels)


def labels_of(**labels: str) -> Labels:
    """Return labels in the order that makes them comparable."""
    return tuple(sorted(labels.items()))


@lru_cache(maxsize=50_000)
def fingerprint_of(rule: str, labels: Labels) -> str:
    """Return 16 hexadecimal digits of rule and labels."""
    text = json.dumps([rule, sorted(labels)], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Found:
    """The conditions of one look.  What is not among them is over, where it was judged at all.

    ``only`` are the rules that were looked at, None for all; ``unknown`` those of which nothing
    can be known at present: their alerts stay as they are.  Both may have patterns, as in own_*.
    """

    conditions: tuple[Condition, ...] = ()
    unknown: frozenset[str] = frozenset()
    only: frozenset[str] | None = None

    def judges(self, rule: str) -> bool:
        """Tell whether the absence of ``rule`` means that its condition is over."""
        return not _is_among(rule, self.unknown) and (
            self.only is None or _is_among(rule, self.only)
        )


def _is_among(rule: str, names: frozenset[str]) -> bool:
    return rule in names or any(fnmatchcase(rule, each) for each in names if "*" in each)


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """One alert, as the row has it."""

    key: str
    fingerprint: str
    rule: str
    severity: str
    state: str
    title: str
    sentence: str
    since: datetime
    # when title, sentence and value were last taken anew
    seen_at: datetime
    labels: Labels = ()
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    metric: str = ""
    actions: tuple[str, ...] = ()
    runbook: str = ""
    hold_seconds: float = 0.0
    is_dry: bool = False
    at_once: bool = False
    fired_at: datetime | None = None
    # the condition is over, but it flapped: it is watched before it counts as resolved
    cleared_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    level: int = 1
    # channels on which it was told that it fires
    told: tuple[str, ...] = ()
    told_at: datetime | None = None
    repeat_at: datetime | None = None
    # how often it was told anew (repeats, and when it grew worse): each telling has its own name
    rounds: int = 0
    # when it fired lately, this time included
    firings: tuple[datetime, ...] = ()
    # who keeps it quiet now: "silence 3", "rule rollout_rolled_back"
    muted: str = ""
    # the health check that raised it
    report_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is pending or firing."""
        return self.state in OPEN

    @property
    def is_firing(self) -> bool:
        """Whether it fires."""
        return self.state == AlertState.FIRING

    @property
    def is_critical(self) -> bool:
        """Whether it is of the highest severity."""
        return self.severity == Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Telling:
    """One alert to be told on one channel.  ``key`` names it, also after a restart."""

    key: str
    alert: str
    channel: str
    kind: str
    severity: str
    created_at: datetime
    level: int = 1
    state: str = TellingState.WAITING
    # why it waits, or why it was suppressed
    why: str = ""
    notification: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notification that is to be put into the outbox.

    ``alerts`` are the keys of those with a line of their own, ``more`` are only counted.
    """

    key: str
    channel: str
    kind: str
    severity: str
    at: datetime
    alerts: tuple[str, ...] = ()
    more: int = 0
    level: int = 1
    # of a reminder: the silence that ends
    silence: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What the pipeline did with an alert, and why; words are in words.py."""

    alert: str
    at: datetime
    stage: str
    what: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SilenceFacts:
    """A silence that is in force or begins later.  ``matchers`` are names with patterns."""

    pk: int
    matchers: Labels
    begins: datetime
    ends: datetime
    owner: str = ""
    reminded: bool = False

    def is_in_force(self, now: datetime) -> bool:
        """Tell whether it silences at ``now``."""
        return self.begins <= now < self.ends


@dataclass(frozen=True, slots=True)
class Sent:
    """A notification that was put into the outbox lately."""

    channel: str
    kind: str
    severity: str
    at: datetime


@dataclass(frozen=True, slots=True)
class State:
    """All that the pipeline remembers.

    ``alerts`` are by key: open ones, those of open tellings, and those resolved so lately that
    they count as flapping.  ``tellings`` are those that wait, or wait for their digest.  ``sent``
    are the notifications of the last hour.
    """

    alerts: Mapping[str, AlertFacts] = field(default_factory=dict)
    tellings: Mapping[str, Telling] = field(default_factory=dict)
    sent: tuple[Sent, ...] = ()
    silences: tuple[SilenceFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one look changes: new and changed rows, and what is to be sent."""

    state: State
    steps: tuple[Step, ...]
    notifications: tuple[Outgoing, ...]
    reminded: tuple[int, ...] = ()


def key_of(fingerprint: str, since: datetime) -> str:
    """Return the key of the alert of a fingerprint that began at a time."""
    return f"{fingerprint}-{round(since.timestamp() * 1000):x}"


def telling_key(alert: str, channel: str, kind: MessageKind, number: int) -> str:
    """Return the key of the telling of that kind and number."""
    return f"{alert}:{kind.value}{number}:{channel}"


def notification_key(channel: str, kind: MessageKind, tellings: Iterable[str]) -> str:
    """Return the idempotency key of a message that carries ``tellings``."""
    text = json.dumps([channel, kind.value, sorted(tellings)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
