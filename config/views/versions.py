"""The versions of the configuration: all of them, one, and restoring it."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.forms import MAX_REASON_CHARACTERS, ReasonForm
from config.in_force import InForce, in_force
from config.meanwhile import since
from config.models import ConfigVersion
from config.restoration import Restoration, restoration
from config.versions import ConflictError, newest_number, restore
from config.views.page import CHANGE, VIEW

PAGE_SIZE: Final = 50


@never_cache
@require_safe
@permission_required(VIEW, raise_exception=True)
def versions(request: HttpRequest) -> HttpResponse:
    """List the versions, the newest first."""
    found = ConfigVersion.objects.defer("files", "console").order_by("-number")
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "newest": newest_number()}
    return render(request, "config/versions.html", context)


@never_cache
@require_safe
@permission_required(VIEW, raise_exception=True)
def version(request: HttpRequest, number: int) -> HttpResponse:
    """Show one version: what it changed, and what restoring it would."""
    shown = get_object_or_404(ConfigVersion, number=number)
    found = in_force()
    return _page(request, shown, found, restoration(shown, found))


@never_cache
@require_POST
@permission_required((VIEW, CHANGE), raise_exception=True)
def restore_version(request: HttpRequest, number: int) -> HttpResponse:
    """Put in force again what a version gave, as a new version; nothing where it cannot be done."""
    target = get_object_or_404(ConfigVersion, number=number)
    found, form = in_force(), ReasonForm(request.POST)
    plan = restoration(target, found)
    is_current = since(form.base_number, found.number) is None
    if not (is_current and plan.differences and form.is_valid() and found.newest):
        return _page(request, target, found, plan, form)
    try:
        made = restore(target, found.newest, reason=form.cleaned_data["reason"], request=request)
    except ConflictError:
        newer = in_force()
        return _page(request, target, newer, restoration(target, newer), form)
    sentence = _("Version %(made)d applies: version %(target)d was restored.")
    messages.success(request, sentence % {"made": made.number, "target": target.number})
    return redirect("config:configuration")


def _page(
    request: HttpRequest,
    shown: ConfigVersion,
    found: InForce,
    plan: Restoration,
    form: ReasonForm | None = None,
) -> HttpResponse:
    meanwhile = None if form is None else since(form.base_number, found.number)
    context = {
        "version": shown,
        "found": found,
        "plan": plan,
        "is_in_force": shown.number == found.number,
        "can_restore": bool(plan.differences) and request.user.has_perm(CHANGE),
        "form": form,
        "meanwhile": meanwhile,
        "max_reason": MAX_REASON_CHARACTERS,
    }
    # a form whose reason is missing is mended and sent again; the rest needs another look
    is_refused = form is not None and (meanwhile is not None or not plan.differences)
    return render(request, "config/version.html", context, status=409 if is_refused else 200)
