"""The channel ``log``: one structured event for each message, with ECS fields.

Links with a token are left out: a log is read by more people than may acknowledge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import structlog
from django.utils.translation import gettext_noop as _

from monitoring.alerts.message import Message, MessageKind, Severity
from monitoring.channels.words import headline, tidy

log = structlog.get_logger("pktmask.alert")

# more alerts than this are counted
MAX_ALERTS: Final = 20
# https://www.elastic.co/guide/en/ecs/current/ecs-event.html: a number that grows with it
SEVERITIES: Final[Mapping[Severity, int]] = {
    Severity.LOW: 21,
    Severity.MEDIUM: 47,
    Severity.HIGH: 73,
    Severity.CRITICAL: 99,
}
_LEVELS: Final[Mapping[Severity, str]] = {
    Severity.LOW: "info",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "critical",
}
_CALM: Final = (MessageKind.RESOLVED, MessageKind.TEST)


class LogChannel:
    """Writes to the log of this process."""

    def send(self, message: Message) -> str:
        """Write it."""
        level = "info" if message.kind in _CALM else _LEVELS[message.severity]
        getattr(log, level)(headline(tidy(message)), **fields(message))
        return _("It is in the log.")

    def preview(self, message: Message) -> Mapping[str, str]:
        """Return the fields."""
        shown = {"message": headline(tidy(message)), **fields(message)}
        return {"application/json": json.dumps(shown, ensure_ascii=False, indent=2)}


def fields(message: Message) -> dict[str, Any]:
    """Return the fields of the event; those of the service itself are below ``pktmask``."""
    message = tidy(message)
    shown = message.alerts[:MAX_ALERTS]
    return {
        "event.kind": "alert",
        "event.dataset": "pktmask.alerts",
        "event.action": f"alert-{message.kind.value}",
        "event.severity": SEVERITIES[message.severity],
        "event.created": message.at.isoformat(),
        "event.reason": message.summary,
        "event.url": message.console,
        "rule.name": sorted({line.rule for line in shown}),
        "rule.reference": message.runbook,
        "pktmask.alert": {
            "key": message.key,
            "severity": message.severity.value,
            "level": message.level,
            "fingerprints": [line.fingerprint for line in shown],
            "sentences": [line.sentence for line in shown],
            "more": message.more + len(message.alerts) - len(shown),
        },
    }
