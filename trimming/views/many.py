"""One action for many captures that somebody selected in the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy
from django.views.decorators.http import require_POST

from trimming.models import Capture
from trimming.views.actions import ACTS
from trimming.views.downloads import ids_of

# those that the list offers, and how it is said that they were done
DONE: Final[Mapping[str, Any]] = {
    "cancel": ngettext_lazy("%(n)d job is cancelled.", "%(n)d jobs are cancelled.", "n"),
    "retry": ngettext_lazy("%(n)d capture waits again.", "%(n)d captures wait again.", "n"),
    "delete": ngettext_lazy("%(n)d capture was deleted.", "%(n)d captures were deleted.", "n"),
}


@require_POST
def many(request: HttpRequest) -> HttpResponse:
    """Do what ``act`` names to the captures ``ids``; each is done or left by itself.

    Those that are not visible are left out.  Leads back to the list as ``query`` narrowed it.
    """
    name = request.POST.get("act", "")
    if name not in DONE:
        raise BadRequest("act is cancel, retry or delete")
    act = ACTS[name]
    if not request.user.has_perms(act.permissions):
        raise PermissionDenied
    visible = Capture.objects.visible_to(request.user).select_related("current_job")
    captures = visible.filter(pk__in=ids_of(request.POST.getlist("ids")))
    answers = [(capture, act.do(request, capture)) for capture in captures]
    done = sum(answer.ok for _capture, answer in answers)
    refused = [(capture, answer.message) for capture, answer in answers if not answer.ok]
    if done:
        messages.success(request, DONE[name] % {"n": done})
    if refused:
        capture, reason = refused[0]
        text = ngettext(
            "%(n)d was left as it is. %(name)s: %(reason)s",
            "%(n)d were left as they are. The first, %(name)s: %(reason)s",
            len(refused),
        )
        said = {"n": len(refused), "name": capture.name, "reason": reason}
        messages.error(request, text % said)
    if not answers:
        messages.error(request, _("Nothing was selected. Tick captures first."))
    query = QueryDict(request.POST.get("query", "")).urlencode()
    return redirect(reverse("trimming:captures") + (f"?{query}" if query else ""))
