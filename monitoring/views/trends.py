"""Trends: a day, a week or a month against the time before it, and where it leads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from monitoring.exports import csv_of
from monitoring.figures import window_text
from monitoring.marks import marks
from monitoring.metrics.registry import registry
from monitoring.metrics.series import series
from monitoring.trends import (
    CHOICES,
    charts_of,
    comparison,
    forecasts,
    metric_named,
    other_metrics,
    period_named,
    read,
)
from monitoring.views.shared import watched, with_charts

# what an open page puts in anew, each from a template of that name
PARTS: Final = ("nothing", "comparison", "forecast", "changes")
# an open page asks so often for each step, so that a new one is there soon
TIMES_A_STEP: Final = 10


@require_safe
@watched
@with_charts
def page(request: HttpRequest) -> HttpResponse:
    """Show the page, or give its values with ``format=csv``."""
    if request.GET.get("format") == "csv":
        return _export(request)
    return render(request, "monitoring/trends.html", _context(request))


@require_GET
@watched
def data(request: HttpRequest) -> JsonResponse:
    """Answer with the same figures as they are now, and with the parts that stand around them."""
    context = _context(request)
    parts = {
        name: render_to_string(f"monitoring/partials/{name}.html", context, request)
        for name in PARTS
    }
    charts = {each.name: each.figure for each in context["charts"]}
    return JsonResponse({"charts": charts, "parts": parts})


def _context(request: HttpRequest) -> dict[str, Any]:
    period = period_named(request.GET.get("period", ""))
    now = timezone.now()
    chosen = metric_named(request.GET.get("metric", ""))
    found, before = read(period, chosen, now)
    changes = marks.between(found.start, now, request.user)
    return {
        "period": period,
        "refresh_seconds": period.step_seconds // TIMES_A_STEP,
        "periods": CHOICES,
        "chosen": chosen,
        "metrics": other_metrics(),
        "is_empty": found.is_empty,
        "charts": charts_of(found, before, chosen, changes),
        "comparison": comparison(found, before),
        "forecasts": forecasts(now),
        "changes": changes,
        "window": window_text(found),
    }


def _export(request: HttpRequest) -> HttpResponse:
    period = period_named(request.GET.get("period", ""))
    now = timezone.now()
    keys = [key for metric in registry.metrics.values() for key in metric.sample_keys()]
    start = now - timedelta(seconds=period.seconds)
    found = series(keys, start, now, period.step_seconds)
    text = csv_of(found, marks.between(found.start, now, request.user))
    name = f"pktmask-{period.name}-{now:%Y-%m-%d-%H%M}.csv"
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
