"""The proof of sanitisation of a capture: a page to print, a signed file, and the public keys."""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from pktmask.proofs import keys_as_json
from trimming.capture_report import CaptureReport, not_understood, read_report
from trimming.models import Capture, TrimRun
from trimming.proofs import NoProofError, proof_of, public_keys
from trimming.views.capture_page import newest_result

# what was asked for cannot be given now; the answer says why
REFUSED: Final = 409


@never_cache
@require_GET
def page(request: HttpRequest, capture_id: UUID) -> HttpResponse:
    """Show the proof on one page; 404 for captures of others."""
    capture = _visible(request, capture_id)
    context: dict[str, Any] = {"capture": capture}
    try:
        run = newest_run(capture)
        context |= {"proof": proof_of(capture, run), **_figures(run)}
    except NoProofError as error:
        context["why_not"] = str(error)
    context |= {
        "keys": keys_as_json(public_keys())["keys"],
        "keys_address": request.build_absolute_uri(reverse("proof_keys")),
        "file_name": file_name(capture),
    }
    status = REFUSED if "why_not" in context else 200
    return render(request, "trimming/proof.html", context, status=status)


@never_cache
@require_GET
def file(request: HttpRequest, capture_id: UUID) -> HttpResponse:
    """Give the proof as a file."""
    capture = _visible(request, capture_id)
    try:
        proof = proof_of(capture, newest_run(capture))
    except NoProofError as error:
        context = {"capture": capture, "why_not": str(error)}
        return render(request, "trimming/proof.html", context, status=REFUSED)
    answer = HttpResponse(json.dumps(proof, indent=2), content_type="application/json")
    answer["Content-Disposition"] = (
        content_disposition_header(True, file_name(capture)) or "attachment"
    )
    return answer


@login_not_required
@require_safe
def keys(request: HttpRequest) -> JsonResponse:
    """Tell the public keys, to everybody: who has a proof need not have an account."""
    return JsonResponse(keys_as_json(public_keys()))


def newest_run(capture: Capture) -> TrimRun:
    """Return the run whose result would be downloaded; raises NoProofError without one."""
    result = newest_result(capture)
    if result is None:
        raise NoProofError(_("There is no result to state anything of. Run the capture first."))
    return result.run


def file_name(capture: Capture) -> str:
    """Return what the file of its proof is called."""
    return f"{capture.name}.proof.json"


def _visible(request: HttpRequest, capture_id: UUID) -> Capture:
    return get_object_or_404(Capture.objects.visible_to(request.user), pk=capture_id)


def _figures(run: TrimRun) -> dict[str, Any]:
    report: CaptureReport | None = read_report(run.report)
    assert report is not None  # else there is no proof
    assert run.report is not None
    return {
        "report": report,
        "run": run,
        "not_understood": not_understood(run.report["left_bytes"]),
    }
