"""Marks of alerts: when what is of high severity or critical fired and was resolved.

What a look fires has one time, so a storm is a few rows here; those of a minute are one mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.languages.told import told
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert
from monitoring.marks import Mark, marks

SHOWN: Final = (Severity.HIGH, Severity.CRITICAL)
# so many times are read at most, of each kind
MOST: Final = 100
NEAR: Final = timedelta(minutes=1)
PERMISSION: Final = "monitoring.view_alert"


@dataclass(frozen=True, slots=True)
class Several:
    """Alerts that changed together; ``title`` and ``key`` are of one of them, ``at`` the first."""

    at: datetime
    count: int
    title: str
    key: str


@marks.register
def fired(start: datetime, end: datetime) -> list[Mark]:
    """Return when alerts fired, also those that are silenced."""
    said = [(each, _fired_text(each)) for each in _together("fired_at", start, end)]
    return [_mark(each, label, title, "fail", "fail") for each, (label, title) in said]


@marks.register
def resolved(start: datetime, end: datetime) -> list[Mark]:
    """Return when alerts that had fired were over."""
    said = [(each, _resolved_text(each)) for each in _together("resolved_at", start, end)]
    return [_mark(each, label, title, "ok", "ok") for each, (label, title) in said]


def near_each_other(found: Sequence[Several]) -> list[Several]:
    """Return ``found``, the newest first, with what lies within a minute taken together."""
    merged: list[Several] = []
    newest: datetime | None = None
    for each in found:
        if newest is not None and newest - each.at < NEAR:
            last = merged[-1]
            merged[-1] = Several(each.at, last.count + each.count, last.title, last.key)
        else:
            merged.append(each)
            newest = each.at
    return merged


def _together(name: str, start: datetime, end: datetime) -> list[Several]:
    rows = Alert.objects.filter(
        **{f"{name}__gt": start, f"{name}__lte": end},
        severity__in=SHOWN,
        fired_at__isnull=False,
        is_dry=False,
    )
    times = rows.order_by(f"-{name}").values_list(name)
    counted = times.annotate(Count("pk"), Max("title"), Max("pk"))
    return near_each_other([Several(*row) for row in counted[:MOST]])


def _fired_text(each: Several) -> tuple[str, str]:
    if each.count == 1:
        title = told(each.title)
        return title, _("Alert: %(title)s") % {"title": title}
    label = ngettext("%(n)s alert", "%(n)s alerts", each.count) % {"n": f"{each.count:,}"}
    return label, _("%(alerts)s fired") % {"alerts": label}


def _resolved_text(each: Several) -> tuple[str, str]:
    if each.count == 1:
        return _("resolved"), _("Resolved: %(title)s") % {"title": told(each.title)}
    said = ngettext("%(n)s alert resolved", "%(n)s alerts resolved", each.count)
    return _("resolved"), said % {"n": f"{each.count:,}"}


def _mark(each: Several, label: Any, title: str, tone: str, shape: str) -> Mark:
    is_one = each.count == 1
    address = reverse("alerts:alert", args=[each.key]) if is_one else reverse("alerts:list")
    return Mark(
        each.at,
        str(label),
        title,
        tone=tone,
        shape=shape,
        address=address,
        permission=PERMISSION,
    )
