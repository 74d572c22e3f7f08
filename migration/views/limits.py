"""Limits of a rollout: proposed, back-tested in the background, approved by another person."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.typed_values import MAX_VALUE_CHARACTERS
from migration.conf import RolloutLimits
from migration.forms import MAX_REASON_CHARACTERS, why_too_long
from migration.limit_rows import group_rows, read_limits
from migration.limits_page import shown
from migration.models import LimitsVersion, Rollout
from migration.views.shared import MAY_APPROVE, MAY_OPERATE, REFUSED, watched

PREFIX: Final = "limit:"


@require_http_methods(["GET", "HEAD", "POST"])
@watched
def page(request: HttpRequest, number: int) -> HttpResponse:
    """Show limits and proposals; a POST proposes, and is answered by the page when refused."""
    rollout = get_object_or_404(Rollout, pk=number)
    if request.method != "POST":
        return _show(request, rollout)
    if not request.user.has_perm(MAY_OPERATE):
        raise PermissionDenied
    typed = {
        key.removeprefix(PREFIX): str(text)
        for key, text in request.POST.items()
        if key.startswith(PREFIX)
    }
    fields, in_force = RolloutLimits.model_fields, rollout.limits().model_dump()
    changes, problems = read_limits(fields, in_force, typed)
    refusal = "" if problems else _propose(request, rollout, changes)
    if problems or refusal:
        return _show(request, rollout, typed=typed, problems=problems, refusal=refusal)
    return redirect("migration:limits", rollout.pk)


def _propose(request: HttpRequest, rollout: Rollout, changes: dict[str, Any]) -> str:
    """Propose; return why it was refused, or nothing."""
    from migration.limits_changes import propose
    from migration.operations import RefusedError

    reason = request.POST.get("reason", "").strip()
    if refusal := why_too_long(reason):
        return refusal
    try:
        version = propose(rollout, changes, request.user, reason, timezone.now())
    except RefusedError as refused:
        return str(refused)
    said = _("Version %(number)d is proposed; its back-test is being made.")
    messages.success(request, said % {"number": version.number})
    return ""


@require_POST
@watched
@permission_required(MAY_APPROVE, raise_exception=True)
def approve(request: HttpRequest, number: int, version: int) -> HttpResponse:
    """Put a proposal in force."""
    from migration.limits_changes import approve as put_in_force
    from migration.operations import RefusedError

    rollout = get_object_or_404(Rollout, pk=number)
    found = get_object_or_404(LimitsVersion, rollout=rollout, number=version)
    try:
        put_in_force(found, request.user, timezone.now())
    except RefusedError as refused:
        return _show(request, rollout, refusal=str(refused))
    messages.success(request, _("Version %(number)d is in force.") % {"number": version})
    return redirect("migration:limits", rollout.pk)


def _show(
    request: HttpRequest,
    rollout: Rollout,
    *,
    typed: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    refusal: str = "",
) -> HttpResponse:
    in_force = rollout.limits().model_dump()
    context = {
        "rollout": rollout,
        "shown": shown(rollout, request.user),
        "groups": group_rows(RolloutLimits.model_fields, in_force, typed or {}, problems or {}),
        "problems": problems,
        "refusal": refusal,
        "may_propose": request.user.has_perm(MAY_OPERATE),
        "may_approve": request.user.has_perm(MAY_APPROVE),
        "reason": request.POST.get("reason", ""),
        "max_reason": MAX_REASON_CHARACTERS,
        "max_value": MAX_VALUE_CHARACTERS,
    }
    status = REFUSED if problems or refusal else 200
    return render(request, "migration/limits.html", context, status=status)
