"""From a notification to the Message that channels take, and back from what the outbox keeps.

The outbox keeps plain values without addresses: a link to acknowledge is a secret of whoever gets
the message, so it is made when the message is sent.  Pure but for the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.alerts.message import AlertLine, Message, MessageKind, Picture, Severity
from monitoring.alerts.tables import matchers_text
from monitoring.alerts.values import AlertFacts, Outgoing, SilenceFacts

# recommended actions of one message
ACTIONS: Final = 6
# by kind the title of a message about one alert, and about several
TITLED: Final[Mapping[MessageKind, tuple[Any, Any]]] = {
    MessageKind.FIRING: (
        "%(title)s",
        gettext_lazy("%(count)s alerts fire: %(title)s and others"),
    ),
    MessageKind.REPEATED: (
        gettext_lazy("Still: %(title)s"),
        gettext_lazy("%(count)s alerts still fire: %(title)s and others"),
    ),
    MessageKind.ESCALATED: (
        gettext_lazy("Level %(level)s: %(title)s"),
        gettext_lazy("Level %(level)s: %(count)s alerts, %(title)s and others"),
    ),
    MessageKind.RESOLVED: (
        gettext_lazy("Resolved: %(title)s"),
        gettext_lazy("%(count)s alerts are resolved: %(title)s and others"),
    ),
}


def body_of(
    outgoing: Outgoing, alerts: Mapping[str, AlertFacts], silence: SilenceFacts | None = None
) -> dict[str, Any]:
    """Return a notification as plain JSON values."""
    found = [alerts[key] for key in outgoing.alerts]
    kind = MessageKind(outgoing.kind)
    title, summary = _reminder(silence) if silence is not None else _words(kind, outgoing, found)
    actions = dict.fromkeys(each for alert in found for each in alert.actions)
    return {
        "title": title,
        "summary": summary,
        "level": outgoing.level,
        "more": outgoing.more,
        "alerts": [
            {
                "key": alert.key,
                "fingerprint": alert.fingerprint,
                "rule": alert.rule,
                "severity": alert.severity,
                "title": alert.title,
                "sentence": alert.sentence,
                "since": alert.since.isoformat(),
                "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
            }
            for alert in found
        ],
        "actions": [] if kind is MessageKind.RESOLVED else list(actions)[:ACTIONS],
        "runbook": found[0].runbook if found else "",
        "metric": found[0].metric if found else "",
        "limit": found[0].limit if found else None,
    }


def _words(kind: MessageKind, outgoing: Outgoing, alerts: list[AlertFacts]) -> tuple[str, str]:
    count = len(alerts) + outgoing.more
    if kind is MessageKind.DIGEST:
        title = ngettext("%(count)s alert in a digest", "%(count)s alerts in a digest", count)
        summary = _("They were over the messages of an hour, or came late.")
        return title % {"count": f"{count:,}"}, summary
    title = title_of(kind, count, outgoing.level, alerts[0].title)
    return title, alerts[0].sentence if count == 1 else ""


def title_of(kind: MessageKind, count: int, level: int, first: str) -> str:
    """Return the title of a message about ``count`` alerts, of which ``first`` is one."""
    one, many = TITLED[kind]
    words = one if count == 1 else many
    return str(words % {"title": first, "count": f"{count:,}", "level": level})


def _reminder(silence: SilenceFacts) -> tuple[str, str]:
    names = {"pk": silence.pk, "ends": f"{silence.ends:%Y-%m-%d %H:%M} UTC"}
    title = _("Silence %(pk)d ends at %(ends)s") % names
    said = _("It was made by %(owner)s and silences %(what)s. What still fires then is told.")
    return title, said % {"owner": silence.owner, "what": matchers_text(silence.matchers)}


def message_of(
    key: str,
    kind: str,
    severity: str,
    at: datetime,
    body: Mapping[str, Any],
    *,
    public_url: str = "",
    acknowledge: str = "",
    picture: Picture | None = None,
) -> Message:
    """Return the Message of a row of the outbox; addresses begin with ``public_url``."""
    return Message(
        key=key,
        kind=MessageKind(kind),
        severity=Severity(severity),
        at=at,
        title=body["title"],
        summary=body["summary"],
        alerts=tuple(_line(each, public_url) for each in body["alerts"]),
        more=body["more"],
        actions=tuple(body["actions"]),
        runbook=runbook_address(public_url, body["runbook"]),
        acknowledge=acknowledge,
        console=f"{public_url}/alerts/" if public_url else "",
        level=body["level"],
        picture=picture,
    )


def _line(alert: Mapping[str, Any], public_url: str) -> AlertLine:
    resolved_at = alert["resolved_at"]
    return AlertLine(
        fingerprint=alert["fingerprint"],
        rule=alert["rule"],
        severity=Severity(alert["severity"]),
        title=alert["title"],
        sentence=alert["sentence"],
        since=datetime.fromisoformat(alert["since"]),
        resolved_at=datetime.fromisoformat(resolved_at) if resolved_at else None,
        address=f"{public_url}/alerts/{alert['key']}/" if public_url else "",
    )


def runbook_address(public_url: str, anchor: str) -> str:
    """Return the address of a section of the runbook; empty without one of the console."""
    return f"{public_url}/alerts/runbook/#{anchor}" if public_url and anchor else ""
