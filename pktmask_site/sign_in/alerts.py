"""What signing in puts into the inbox of alerts: that very many sign-ins are refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.models import AuditEvent
from monitoring.alerts.inbox import Rule, Unknown, inbox
from monitoring.alerts.message import Severity
from monitoring.alerts.values import Condition
from pktmask_site.sign_in.conf import sign_in_settings

WINDOW: Final = timedelta(minutes=10)
RULE: Final = Rule(
    "sign_ins_refused",
    gettext_lazy("Very many sign-ins are refused"),
    (
        gettext_lazy("The page Audit log says from where: look for sign in refused."),
        gettext_lazy("Have the addresses refused by the proxy or the firewall."),
    ),
)


def sign_ins(now: datetime) -> Iterator[Condition | Unknown]:
    """Say when there are more refusals than people mistype."""
    limit = sign_in_settings().alert_failures
    refused = AuditEvent.objects.filter(action="sign_in_refused", at__gte=now - WINDOW)
    count = refused.count()
    if count >= limit:
        words = {"count": f"{count:,}", "limit": f"{limit:,}"}
        said = _("%(count)s sign-ins were refused within 10 minutes; %(limit)s are too many.")
        yield RULE.holds(Severity.HIGH, said % words, value=count, limit=limit)


inbox.register("sign_ins", sign_ins, RULE)
