"""Alerts: what fires and who was told, what people do about it, and the timeline of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, permission_required
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from config.csv_tables import table
from monitoring.alerts.acts import acknowledge as acknowledge_alerts
from monitoring.alerts.acts import alerts_of
from monitoring.alerts.channel_acts import put_aside, send_again
from monitoring.alerts.forms import NoteForm
from monitoring.alerts.links import notification_of
from monitoring.alerts.listing import (
    COLUMNS,
    as_table,
    filter_of,
    found,
    page_of,
    row_of,
    rows_of,
    tabs,
)
from monitoring.alerts.look import enabled_channels
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert, Notification, NotificationState
from monitoring.alerts.plan_in_force import plan_in_force
from monitoring.alerts.statistics import PERIODS, statistics
from monitoring.alerts.values import AlertState

MAY_LOOK: Final = "monitoring.view_alert"
MAY_ACKNOWLEDGE: Final = "monitoring.acknowledge_alert"
MAY_SILENCE: Final = "monitoring.silence_alerts"
# what an open page puts in anew, each from a template of that name
PARTS: Final = ("alert_head", "alert_list", "alert_deliveries", "alert_statistics")
RECENT_DELIVERIES: Final = 8
MOST_KEYS: Final = 1000
CHUNK: Final = 500
# what was asked for cannot be done; nothing was changed
REFUSED: Final = 422


def watched(view: Any) -> Any:
    """Give the page to whoever may see alerts, and never from a cache."""
    return never_cache(permission_required(MAY_LOOK, raise_exception=True)(view))


@require_safe
@watched
def page(request: HttpRequest) -> HttpResponse:
    """Show the page, or give its list as a file with ``format=csv``."""
    if request.GET.get("format") == "csv":
        rows = found(filter_of(request.GET), timezone.now())
        return table("alerts", COLUMNS, as_table(rows.iterator(chunk_size=CHUNK)))
    return render(request, "monitoring/alerts.html", _context(request))


@require_GET
@watched
def data(request: HttpRequest) -> JsonResponse:
    """Answer with the parts of an open page as they are now."""
    context = _context(request)
    parts = {
        name: render_to_string(f"monitoring/partials/{name}.html", context, request)
        for name in PARTS
    }
    return JsonResponse({"parts": parts})


@require_safe
@watched
def alert(request: HttpRequest, key: str) -> HttpResponse:
    """Show one alert with all that was done about it, and why."""
    row = get_object_or_404(Alert.objects.select_related("report"), pk=key)
    tellings = row.tellings.select_related("notification__digest")
    context = {
        "row": row_of(row, plan_in_force(enabled_channels())),
        "alert": row,
        "steps": list(row.steps.all()),
        "tellings": list(tellings),
        "earlier": Alert.objects.filter(fingerprint=row.fingerprint).exclude(pk=row.pk)[:10],
        **_rights(request),
    }
    return render(request, "monitoring/alert.html", context)


@require_POST
@permission_required((MAY_LOOK, MAY_ACKNOWLEDGE), raise_exception=True)
def acknowledge(request: HttpRequest) -> HttpResponse:
    """Acknowledge the alerts that were ticked, or the one whose button was pressed."""
    one = request.POST.get("one")
    keys = [one] if one else request.POST.getlist("keys")[:MOST_KEYS]
    form = NoteForm({"note": request.POST.get("note", "")})
    if refusal := form.refusal:
        messages.error(request, refusal)
        return _back(request)
    note, who = form.cleaned_data["note"], request.user.get_username()
    done = acknowledge_alerts(keys, who, timezone.now(), note, request)
    if done:
        said = ngettext("%(n)d alert acknowledged.", "%(n)d alerts acknowledged.", len(done))
        messages.success(request, said % {"n": len(done)})
    else:
        messages.warning(
            request,
            _("Nothing was acknowledged: no alert was chosen, or none of them fires any more."),
        )
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    if request.POST.get("back") == "overview":
        return redirect("home")
    return redirect(f"{reverse('alerts:list')}?{urlencode(filter_query(request))}")


def filter_query(request: HttpRequest) -> dict[str, str]:
    """Return what the list was narrowed to when a button in it was pressed."""
    return {name: value for name, value in asdict(filter_of(request.GET)).items() if value}


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def acknowledge_link(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whoever follows the link of a message to confirm, and acknowledge when they do.

    The token alone is the right to do so; looking changes nothing.
    """
    notification = notification_of(token)
    told = [] if notification is None else alerts_of(notification)
    firing = [each for each in told if each.state == AlertState.FIRING]
    waiting = [each for each in firing if each.acknowledged_at is None]
    status = 200 if notification is not None else 410
    done: list[str] = []
    refusal = ""
    if request.method == "POST" and notification is not None:
        form = NoteForm(request.POST)
        if refusal := form.refusal:
            status = REFUSED
        else:
            who, note = _who(request, form.cleaned_data["name"]), form.cleaned_data["note"]
            keys = [each.pk for each in waiting]
            done = acknowledge_alerts(keys, who, timezone.now(), note, request)
            waiting = []
    context = {
        "refusal": refusal,
        "is_known": notification is not None,
        "waiting": waiting,
        "done": done,
        "found": told,
    }
    return render(request, "monitoring/acknowledge.html", context, status=status)


def _who(request: HttpRequest, name: str) -> str:
    if request.user.is_authenticated:
        return request.user.get_username()
    return _("%(name)s, by link") % {"name": name} if name else _("somebody, by link")


@require_POST
@permission_required((MAY_LOOK, MAY_ACKNOWLEDGE), raise_exception=True)
def dead_letters(request: HttpRequest) -> HttpResponse:
    """Send the dead letters of a channel again, or put them aside."""
    change_dead_letters(request, request.POST.get("channel", ""))
    return redirect("alerts:list")


def change_dead_letters(request: HttpRequest, channel: str) -> None:
    """Do what the pressed button says with one dead letter of a channel, or all, and say it."""
    act, key = request.POST.get("act", ""), request.POST.get("key", "")
    who, now = request.user.get_username(), timezone.now()
    count, said = 0, ""
    if channel and act == "again":
        count = send_again(channel, who, now, request, key)
        said = ngettext("%(n)d message is sent again.", "%(n)d messages are sent again.", count)
    elif channel and act == "aside":
        count = put_aside(channel, who, now, request, key)
        said = ngettext("%(n)d message put aside.", "%(n)d messages put aside.", count)
    if count:
        messages.success(request, said % {"n": count})
    else:
        messages.warning(request, _("Nothing was changed: there is no such dead letter."))


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    wanted = filter_of(request.GET)
    shown = page_of(wanted, request.GET.get("page", "1"), now)
    period = request.GET.get("period", "7d")
    pending = Notification.objects.filter(state=NotificationState.PENDING)
    dead = Notification.objects.filter(state=NotificationState.DEAD, why="")
    shown_tabs = tabs(wanted, now)
    return {
        "now": now,
        "filter": wanted,
        "tabs": shown_tabs,
        "counts": {tab.state or "open": tab.count for tab in shown_tabs},
        "severities": Severity,
        "page": shown,
        "rows": rows_of(list(shown), plan_in_force(enabled_channels())),
        "deliveries": Notification.objects.all()[:RECENT_DELIVERIES],
        "oldest_waiting": pending.aggregate(at=Min("at"))["at"],
        "dead_channels": sorted(set(dead.values_list("channel", flat=True))),
        "statistics": statistics(period if period in PERIODS else "7d", now),
        "periods": list(PERIODS),
        **_rights(request),
    }


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {
        "may_acknowledge": request.user.has_perm(MAY_ACKNOWLEDGE),
        "may_silence": request.user.has_perm(MAY_SILENCE),
        "may_change_rules": request.user.has_perm("monitoring.change_alertrule"),
    }
