"""The page about routing: what is in force and why, another policy, and taking it all back."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from trimming.policy import PolicyRefusedError, emergency_rollback, permitted_modes, publish
from trimming.policy_forms import CONFIRMATION, PolicyForm, RollbackForm, policy_form_of
from trimming.routing_choices import Origin
from trimming.routing_summary import KINDS, history, in_force, runs_lately

log = structlog.get_logger("pktmask.routing")

MAY_LOOK = "trimming.view_routingpolicy"
MAY_PUBLISH = "trimming.publish_policy"
MAY_ROLL_BACK = "trimming.emergency_rollback"
# what was asked for cannot be done; nothing was changed
REFUSED = 422


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@permission_required(MAY_LOOK, raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the page; a POST publishes another policy and is answered by the page when refused."""
    if request.method != "POST":
        return _show(request)
    if not request.user.has_perm(MAY_PUBLISH):
        raise PermissionDenied
    form = PolicyForm(request.POST)
    if not form.is_valid():
        return _show(request, form=form)
    try:
        policy = publish(
            form.wish(),
            origin=Origin.OPERATOR,
            reason=form.cleaned_data["reason"],
            request=request,
        )
    except PolicyRefusedError as refused:
        return _show(request, form=form, refusal=str(refused))
    said = _("Policy %(version)d is in force: %(mode)s.")
    messages.success(request, said % {"version": policy.version, "mode": policy.get_mode_display()})
    return redirect("routing:page")


@require_POST
@permission_required((MAY_LOOK, MAY_ROLL_BACK), raise_exception=True)
def rollback(request: HttpRequest) -> HttpResponse:
    """Send everything to legacy at once.  Pressed twice it is done twice, which changes nothing."""
    form = RollbackForm(request.POST)
    if not form.is_valid():
        return _show(request, rollback_form=form)
    began = time.perf_counter()
    try:
        policy = emergency_rollback(reason=form.cleaned_data["reason"], request=request)
    except DatabaseError as error:
        log.exception("not_rolled_back", error=type(error).__name__)
        return render(request, "trimming/not_rolled_back.html", status=503)
    took_ms = 1000 * (time.perf_counter() - began)
    said = _("Everything goes to legacy: policy %(version)d, in %(ms).1f ms.")
    messages.success(request, said % {"version": policy.version, "ms": took_ms})
    return redirect("routing:page")


def _show(
    request: HttpRequest,
    *,
    form: PolicyForm | None = None,
    refusal: str = "",
    rollback_form: RollbackForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    found = in_force(now)
    context: dict[str, Any] = {
        "now": found,
        "policy": found.policy,
        "runs": runs_lately(now),
        "kinds": KINDS,
        "history": history(request.GET.get("page", "1")),
        "may_roll_back": request.user.has_perm(MAY_ROLL_BACK),
        "rollback_form": rollback_form or RollbackForm(),
        "word": CONFIRMATION,
        "refusal": refusal,
    }
    if request.user.has_perm(MAY_PUBLISH):
        context |= {"form": form or policy_form_of(found.policy), "modes": permitted_modes()}
    is_refused = form is not None or rollback_form is not None
    status = REFUSED if is_refused else 200
    return render(request, "trimming/routing.html", context, status=status)
