"""What people are told, before any channel has put it into its form.  Pure.

A message is made once and may be sent several times: by several channels, and again after a
failure.  ``key`` stays the same then, so that a receiver can tell a repetition from a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    """How bad it is, the least first."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
    CRITICAL = "critical", _("Critical")


class MessageKind(StrEnum):
    """Why somebody is told."""

    FIRING = "firing"
    REPEATED = "repeated"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    DIGEST = "digest"
    REMINDER = "reminder"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert of a message.  ``sentence`` has the value with its unit and the limit."""

    fingerprint: str
    rule: str
    severity: Severity
    title: str
    sentence: str
    since: datetime
    resolved_at: datetime | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """The metric of an alert, to be drawn small: times with values, and the limit."""

    title: str
    unit: str
    points: tuple[tuple[datetime, float], ...]
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """All that a channel may show.  Addresses are absolute, or empty where there are none."""

    key: str
    kind: MessageKind
    severity: Severity
    at: datetime
    title: str
    summary: str
    alerts: tuple[AlertLine, ...] = ()
    # alerts that are only counted here: a digest, or more than a message has room for
    more: int = 0
    actions: tuple[str, ...] = ()
    runbook: str = ""
    acknowledge: str = ""
    console: str = ""
    level: int = 1
    picture: Picture | None = None
