"""Which audit events a person looks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from config.models import AuditEvent

MAX_CHARACTERS = 150
DAY = timedelta(days=1)
# there is none behind date.max
LAST_DAY = date.max - DAY


class FilterForm(forms.Form):
    """What narrows the list.  Days are those of UTC, both included."""

    who = forms.CharField(label=_("Who"), required=False, max_length=MAX_CHARACTERS)
    what = forms.CharField(label=_("What"), required=False, max_length=MAX_CHARACTERS)
    target = forms.CharField(label=_("Target"), required=False, max_length=MAX_CHARACTERS)
    since = forms.DateField(label=_("From"), required=False)
    until = forms.DateField(label=_("To"), required=False)

    @property
    def asked(self) -> Mapping[str, Any]:
        """What is asked for and understood; without what is not."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def query(self) -> str:
        """The same as the query of an address."""
        return urlencode(self.asked)


def events(asked: Mapping[str, Any]) -> QuerySet[AuditEvent]:
    """Return what is found, the newest first."""
    found: QuerySet[AuditEvent] = AuditEvent.objects.order_by("-at", "-id")
    if who := asked.get("who"):
        found = found.filter(Q(actor_name__icontains=who) | _address(who))
    if what := asked.get("what"):
        found = found.filter(action__icontains=what.strip().replace(" ", "_"))
    if target := asked.get("target"):
        found = found.filter(_target(target.split()))
    if since := asked.get("since"):
        found = found.filter(at__gte=_start(since))
    if until := asked.get("until"):
        found = found.filter(at__lt=_start(min(until, LAST_DAY) + DAY))
    return found


def _address(text: str) -> Q:
    """Return what finds an address, however it is written; nothing for what is none."""
    try:
        return Q(address=forms.GenericIPAddressField().clean(text.strip()))
    except forms.ValidationError:
        return Q(pk__in=[])


def _target(parts: list[str]) -> Q:
    """Return what finds a target by its id, its kind, or both, as in ``capture 12``."""
    found = Q()
    for part in parts:
        found &= Q(target_id=part) | Q(target_kind__icontains=part)
    return found


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
