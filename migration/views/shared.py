"""What the pages about rollouts have in common.

What needs SciPy is imported when a page is asked for: no process imports it at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from migration.models import Rollout

MAY_LOOK: Final = "migration.view_rollout"
MAY_OPERATE: Final = "migration.operate_rollout"
MAY_APPROVE: Final = "migration.approve_phase"
# what was asked for cannot be done; nothing was changed
REFUSED: Final = 422
View = Callable[..., Any]


def watched(view: View) -> View:
    """Give the page to whoever may look at rollouts, and never from a cache."""
    guarded: View = permission_required(MAY_LOOK, raise_exception=True)(view)
    cached: View = never_cache(guarded)
    return cached


def address_of(name: str, *arguments: Any) -> str:
    """Return the address of a page; empty where this installation has none of that name."""
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def context_of(request: HttpRequest, rollout: Rollout | None) -> dict[str, Any]:
    """Return what the page shows of ``rollout``; without one, how to begin."""
    from migration.rollout_page import others, shown
    from migration.timeline import timeline_of

    now = timezone.now()
    context: dict[str, Any] = {
        "now": now,
        "rollout": rollout,
        "others": others(rollout),
        "may_start": request.user.has_perm(MAY_OPERATE),
    }
    if rollout is None:
        return context
    found = shown(rollout, request.user, now)
    asked = found.asked
    return context | {
        "shown": found,
        "timeline": timeline_of(rollout, request.GET.get("page", "1")),
        "suspects_address": found.suspects and address_of("migration:suspects", rollout.pk),
        "approval_address": asked
        and request.user.has_perm(MAY_APPROVE)
        and address_of("admin:migration_approval_change", asked.number),
    }


def figures(context: dict[str, Any]) -> dict[str, Any]:
    """Return the charts of what a page shows."""
    from migration.rollout_page import figures_of

    return figures_of(context["shown"], context["now"])


def show(request: HttpRequest, rollout: Rollout | None, **more: Any) -> HttpResponse:
    """Show the page; with a form that was refused its status says so."""
    context = context_of(request, rollout) | more
    if rollout is not None:
        context["figures"] = figures(context)
    status = REFUSED if more.get("refused") else 200
    return render(request, "migration/rollout.html", context, status=status)
