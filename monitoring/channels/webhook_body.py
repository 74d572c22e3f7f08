"""What a webhook sends, and how it is signed.  Pure.

The signature is over the time, a dot and the body: whoever has the secret can tell that the body
is ours, and that it is not an old one sent again (docs/alert-channels.md shows how).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from monitoring.alerts.message import AlertLine, Message
from monitoring.channels.words import headline, tidy

VERSION: Final = 1
MAX_ALERTS: Final = 500
SIGNATURE_HEADER: Final = "X-PktMask-Signature"
TIMESTAMP_HEADER: Final = "X-PktMask-Timestamp"
USER_AGENT: Final = "PktMask-webhook/1"


def body(message: Message) -> bytes:
    """Return the JSON; the same message gives the same bytes."""
    return json.dumps(content(message), ensure_ascii=False, separators=(",", ":")).encode()


def content(message: Message) -> dict[str, Any]:
    """Return the values of the body.  Times are in UTC, numbers that have no value null."""
    message = tidy(message)
    return {
        "version": VERSION,
        "key": message.key,
        "kind": message.kind.value,
        "severity": message.severity.value,
        "at": message.at.isoformat(),
        "headline": headline(message),
        "title": message.title,
        "summary": message.summary,
        "support_level": message.level,
        "alerts": [_alert(line) for line in message.alerts[:MAX_ALERTS]],
        "more": message.more + max(0, len(message.alerts) - MAX_ALERTS),
        "actions": list(message.actions),
        "links": {
            "acknowledge": message.acknowledge,
            "runbook": message.runbook,
            "console": message.console,
        },
    }


def _alert(line: AlertLine) -> dict[str, Any]:
    return {
        "fingerprint": line.fingerprint,
        "rule": line.rule,
        "severity": line.severity.value,
        "title": line.title,
        "sentence": line.sentence,
        "since": line.since.isoformat(),
        "resolved_at": line.resolved_at.isoformat() if line.resolved_at else None,
        "address": line.address,
    }


def headers(message: Message, sent: bytes, secret: str, now: datetime) -> Mapping[str, str]:
    """Return the headers of a delivery; only time and signature differ when it is repeated."""
    timestamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": USER_AGENT,
        "Idempotency-Key": message.key,
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: f"sha256={signature(secret, timestamp, sent)}",
    }


def signature(secret: str, timestamp: str, sent: bytes) -> str:
    """Return HMAC-SHA256 (RFC 2104) over time, dot and body, in hexadecimal digits."""
    signed = timestamp.encode("ascii") + b"." + sent
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
