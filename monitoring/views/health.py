"""The health: what each dimension says and why, how it was, and having it checked now."""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from config.faults import type_and_place
from monitoring.alerts.of_health import with_open_alerts, with_raised_alerts
from monitoring.health_history import (
    DAY,
    cells_of,
    checks_of_a_day,
    reports,
    score_figure,
    strip_sentence,
)
from monitoring.marks import marks
from monitoring.models import HealthReport
from monitoring.overview import newest_standing
from monitoring.standing import standing_then
from monitoring.views.shared import MAY_LOOK, watched, with_charts

log = structlog.get_logger("pktmask.health")

MAY_CHECK: Final = "monitoring.check_health"
PARTS: Final = ("evidence", "verdicts")


@require_safe
@watched
@with_charts
def page(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    context = _context(request)
    context["history"] = reports(request.GET.get("page", "1"), request.user)
    return render(request, "monitoring/health.html", context)


@require_GET
@watched
def data(request: HttpRequest) -> JsonResponse:
    """Answer with what an open page puts in anew after a check."""
    context = _context(request)
    parts = {
        name: render_to_string(f"monitoring/partials/{name}.html", context, request)
        for name in PARTS
    }
    return JsonResponse({"charts": {"score": context["figure"]}, "parts": parts})


@require_safe
@watched
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what one check found, and the alerts that it raised."""
    report = get_object_or_404(HealthReport.objects.select_related("asked_by"), pk=pk)
    found = with_raised_alerts(standing_then(report), request.user)
    return render(request, "monitoring/health_check.html", {"standing": found})


@require_POST
@permission_required((MAY_LOOK, MAY_CHECK), raise_exception=True)
def check(request: HttpRequest) -> HttpResponse:
    """Have the health checked now, and show what came of it."""
    from monitoring.health.check import check_now

    try:
        report = check_now(timezone.now(), request.user)
    except Exception as error:  # a plug-in may fail in any way; the page must still answer
        log.error("health_not_checked", **type_and_place(error))
        messages.error(request, _("The health could not be checked; the last verdict stands."))
    else:
        said = _("Checked: %(verdict)s.") % {"verdict": report.get_verdict_display()}
        messages.success(request, said)
    return redirect("monitoring:health")


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    checks = checks_of_a_day(now)
    changes = marks.between(now - DAY, now, request.user)
    return {
        "now": now,
        "standing": with_open_alerts(newest_standing(now), request.user),
        "figure": score_figure(checks, now, changes),
        "cells": cells_of(checks, now),
        "strip_sentence": strip_sentence(checks),
        "changes": changes,
        "may_check": request.user.has_perm(MAY_CHECK),
    }
