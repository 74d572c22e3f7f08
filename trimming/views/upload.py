"""Taking captures in."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from trimming.intake import Accepted
from trimming.receiving import Outcome, as_json, receive
from trimming.uploads import Refusal

# the list shows so many refusals one by one; more are counted
SHOWN_REFUSALS = 20


@require_POST
@permission_required("trimming.add_capture", raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """Take in the files of the form, each for itself."""
    return _answer(request, receive(request))


def _answer(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    accepted, refused = outcome.accepted, outcome.refused
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        body = {
            "accepted": [as_json(each) for each in accepted],
            "refused": [{"name": each.name, "reason": each.reason} for each in refused],
        }
        return JsonResponse(body, status=200 if accepted else 422)
    _tell(request, accepted, refused)
    return redirect("trimming:captures")


def _tell(request: HttpRequest, accepted: list[Accepted], refused: list[Refusal]) -> None:
    fresh = sum(not each.duplicate for each in accepted)
    if fresh:
        text = ngettext("%(count)d capture taken in.", "%(count)d captures taken in.", fresh)
        messages.success(request, text % {"count": fresh})
    for each in accepted:
        if each.duplicate:
            messages.info(request, each.note)
    for refusal in refused[:SHOWN_REFUSALS]:
        text = f"{refusal.name}: {refusal.reason}" if refusal.name else refusal.reason
        messages.error(request, text)
    more = len(refused) - SHOWN_REFUSALS
    if more > 0:
        text = ngettext("%(count)d more was refused.", "%(count)d more were refused.", more)
        messages.error(request, text % {"count": more})
