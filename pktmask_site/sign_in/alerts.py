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
from pktmask_site.sign_in.throttle import untold_since

WINDOW: Final = timedelta(minutes=10)
RULE: Final = Rule(
    "sign_ins_refused",
    gettext_lazy("Very many sign-ins are refused"),
    (
        gettext_lazy("The page Audit log says from where: look for sign_in_refused."),
        gettext_lazy("Have the addresses refused by the proxy or the firewall."),
    ),
)


REFUSALS: Final = ("sign_in_refused", "second_factor_refused")
# each of many; tokens of scripts are tried as passwords are
THROTTLED: Final = ("sign_in_throttled", "api_access_refused")


def sign_ins(now: datetime) -> Iterator[Condition | Unknown]:
    """Say when there are more refusals than people mistype."""
    limit = sign_in_settings().alert_failures
    count = refused_since(now - WINDOW)
    if count >= limit:
        words = {"count": f"{count:,}", "limit": f"{limit:,}"}
        said = _("%(count)s sign-ins were refused within 10 minutes; %(limit)s are too many.")
        yield RULE.holds(Severity.HIGH, said % words, value=count, limit=limit)


def refused_since(since: datetime) -> int:
    """Count wrong passwords and codes, and throttled tries: of these one event tells many."""
    lately = AuditEvent.objects.filter(at__gte=since)
    wrong = lately.filter(action__in=REFUSALS).count()
    throttled = lately.filter(action__in=THROTTLED).values_list("details", flat=True)
    told = sum(int(details.get("tries", 1)) for details in throttled)
    return wrong + told + untold_since(since)


inbox.register("sign_ins", sign_ins, RULE)
