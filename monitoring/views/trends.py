"""Trends: a day, a week or a month against the time before it, and where it leads."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

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


@require_safe
@watched
@with_charts
def page(request: HttpRequest) -> HttpResponse:
    """Show the page, or give its values with ``format=csv``."""
    period = period_named(request.GET.get("period", ""))
    if request.GET.get("format") == "csv":
        return _export(request)
    now = timezone.now()
    chosen = metric_named(request.GET.get("metric", ""))
    found, before = read(period, chosen, now)
    changes = marks.between(found.start, now, request.user)
    context = {
        "period": period,
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
    return render(request, "monitoring/trends.html", context)


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
