"""The page about a rollout: how it stands, what holds it, what came of it."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_safe

from migration.models import Rollout
from migration.views.shared import context_of, figures, show, watched
from monitoring.views.shared import with_charts

# what an open page puts in anew, each from a template of that name
PARTS: Final = ("head", "path", "gates", "decisions", "dialogs")


@require_safe
@watched
@with_charts
def page(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """Show the rollout of that number, or the active or the newest one."""
    from migration.rollout_page import present_rollout

    found = present_rollout() if number is None else get_object_or_404(Rollout, pk=number)
    return show(request, found)


@require_GET
@watched
def data(request: HttpRequest, number: int) -> JsonResponse:
    """Answer with what an open page puts in anew."""
    context = context_of(request, get_object_or_404(Rollout, pk=number))
    parts = {
        name: render_to_string(f"migration/partials/{name}.html", context, request)
        for name in PARTS
    }
    look = context["shown"].look
    answer: dict[str, Any] = {"look": look, "parts": parts}
    if str(look) != request.GET.get("look"):
        # charts are of looks that were kept: without another one they are the same
        answer["charts"] = figures(context)
    return JsonResponse(answer)
