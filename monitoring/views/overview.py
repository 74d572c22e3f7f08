"""The overview: how the service is, in five seconds."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from monitoring.overview import summary
from monitoring.views.shared import watched, with_charts

# what an open page puts in anew, each from a template of that name
PARTS: Final = ("banner", "panels", "tiles", "dimensions", "firing", "jobs", "changes")


@require_safe
@watched
@with_charts
def page(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    return render(request, "monitoring/overview.html", _context(request))


@require_GET
@watched
def data(request: HttpRequest) -> JsonResponse:
    """Answer with the figures of the last hour, and with the parts that stand around them."""
    context = _context(request)
    parts = {
        name: render_to_string(f"monitoring/partials/{name}.html", context, request)
        for name in PARTS
    }
    return JsonResponse({"charts": context["figures"], "parts": parts})


def _context(request: HttpRequest) -> dict[str, Any]:
    return summary(timezone.now(), request.user)
