"""What a message about one alert would say, to be looked at before it is needed.

Nothing is sent and nothing is kept.  The link to acknowledge leads nowhere: whoever may look at a
message may not acknowledge by it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from monitoring.alerts.message import Message, MessageKind, Picture, Severity
from monitoring.alerts.models import Alert
from monitoring.alerts.pictures import picture_of
from monitoring.alerts.rendering import body_of, message_of
from monitoring.alerts.store import ALERT_FIELDS, facts_of
from monitoring.alerts.values import AlertFacts, AlertState, Outgoing, fingerprint_of
from monitoring.channels.conf import public_url

KEY: Final = "preview"
SAMPLE_RULE: Final = "disk"
LIMIT: Final = 80.0
MINUTES: Final = 60


def sample_preview(now: datetime) -> Message:
    """Return a message about an alert that is made up, and says so."""
    points = tuple(
        (now - timedelta(minutes=MINUTES - each), 70.0 + each / 4) for each in range(MINUTES + 1)
    )
    value = points[-1][1]
    said = _("It is at %(value)s %%, the limit is %(limit)s %%. This is a sample.")
    facts = AlertFacts(
        key="sample",
        fingerprint=fingerprint_of(SAMPLE_RULE, ()),
        rule=SAMPLE_RULE,
        severity=Severity.HIGH,
        state=AlertState.FIRING,
        title=_("Sample: the disk is nearly full"),
        sentence=said % {"value": f"{value:g}", "limit": f"{LIMIT:g}"},
        since=now - timedelta(minutes=MINUTES),
        seen_at=now,
        actions=(_("Keep originals for a shorter time."), _("Add space.")),
        runbook=SAMPLE_RULE,
    )
    return _message(facts, Picture(_("Disk"), "%", points, LIMIT), now)


def preview_of(alert: Alert, now: datetime) -> Message:
    """Return the message that an alert would be told by now."""
    picture = picture_of(alert.metric, alert.limit, now) if alert.metric else None
    return _message(facts_of(getattr(alert, name) for name in ALERT_FIELDS), picture, now)


def _message(facts: AlertFacts, picture: Picture | None, now: datetime) -> Message:
    kind, url = MessageKind.FIRING, public_url()
    outgoing = Outgoing(KEY, "", kind, facts.severity, now, (facts.key,), level=facts.level)
    return message_of(
        KEY,
        kind,
        facts.severity,
        now,
        body_of(outgoing, {facts.key: facts}),
        public_url=url,
        acknowledge=url and url + reverse("alerts:acknowledge_link", args=[KEY]),
        picture=picture,
    )
