"""The page of all components: for developers, so for staff and administrators."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from config.roles import ADMINISTRATOR
from monitoring.views.shared import with_charts
from pktmask_site.style.tokens import tokens


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
@with_charts
def page(request: HttpRequest) -> HttpResponse:
    """Show every component with samples; its buttons say that they did nothing."""
    if not _may_look(request.user):
        raise PermissionDenied
    if request.method == "POST":
        messages.success(request, _("This is a sample: nothing was done."))
        return redirect("style:page")
    # it needs what no process imports at its start
    from pktmask_site.style.samples import samples

    context = {"tokens": tokens(), "samples": samples(timezone.now())}
    return render(request, "style/page.html", context)


def _may_look(user: Any) -> bool:
    return bool(user.is_staff or user.groups.filter(name=ADMINISTRATOR).exists())
