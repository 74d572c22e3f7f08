"""Captures for scripts: upload, state, report, result."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from pktmask_site.api import shapes
from pktmask_site.api.access import Token
from pktmask_site.api.choices import Scope
from pktmask_site.api.described import UPLOAD_FORM, refusals, result_file
from pktmask_site.api.problems import Refused
from pktmask_site.plain_requests import has_nul
from trimming.choices import JobState
from trimming.giving import answer_with, grant, newest_results
from trimming.listing import Filter, Row, counts_by_state, page_of, row_of, with_runs
from trimming.models import Capture
from trimming.profiles import offered
from trimming.proofs import NoProofError, proof_of
from trimming.receiving import as_json, receive
from trimming.views.capture_page import Result, newest_result

router = Router(tags=["Captures"])
# large enough for any list, small enough for any database
LAST_PAGE: Final = 1_000_000


class Wanted(Schema):
    """What the list is narrowed to."""

    state: JobState | None = Field(None, description="only captures whose newest job is so")
    search: str = Field(
        "",
        max_length=200,
        # NUL is no character of a text
        pattern=r"^[^\x00]*$",
        description="in names, or how a digest begins",
    )
    page: int = Field(1, ge=1, le=LAST_PAGE)


@router.post(
    "captures",
    auth=Token(Scope.UPLOAD),
    operation_id="upload",
    summary="Upload captures",
    url_name="captures",
    response={201: shapes.Uploaded, 422: shapes.UploadRefused, **refusals(411, 413, 415, 507)},
    openapi_extra=UPLOAD_FORM,
)
def upload(request: HttpRequest) -> Any:
    """Keep each file of the form and have it trimmed. Files are refused one by one, with a reason;
    the answer is 201 when at least one was kept. 429: too many captures wait already, or this token
    asks too often."""
    if has_nul(request.POST):
        raise Refused(
            400,
            _("There is a character in it that is in no text (NUL). Nothing was stored."),
        )
    outcome = receive(request, profile_by="name")
    refused = [{"name": each.name, "reason": each.reason} for each in outcome.refused]
    if outcome.accepted:
        accepted = [as_json(each) for each in outcome.accepted]
        return Status(201, {"accepted": accepted, "refused": refused})
    said = " ".join(dict.fromkeys(each["reason"] for each in refused))
    raise Refused(429 if outcome.is_full else 422, said, refused=refused)


@router.get(
    "captures",
    auth=Token(Scope.READ),
    operation_id="captures",
    summary="List captures",
    url_name="captures",
    response={200: shapes.Captures, **refusals(422)},
)
def listed(request: HttpRequest, wanted: Query[Wanted]) -> dict[str, Any]:
    """List the captures that you may see, the newest uploads first, fifty on a page. A page behind
    the last one is the last one."""
    known = set(Wanted.model_fields)
    if not known.issuperset(request.GET):
        # a wish with a typing error must not give everything
        said = _("The query may hold: %(known)s. Nothing else is understood.")
        raise Refused(422, said % {"known": ", ".join(sorted(known))})
    now = timezone.now()
    asked = Filter(state=wanted.state or "", search=wanted.search.strip())
    counts = counts_by_state(request.user, asked, now)
    page = page_of(request.user, asked, counts, wanted.page, now)
    rows = [state_of(row) for row in page.rows]
    return {"captures": rows, "page": page.number, "pages": page.pages, "total": page.total}


@router.get(
    "captures/{uuid:capture_id}",
    auth=Token(Scope.READ),
    operation_id="status",
    summary="See where a capture stands",
    response={200: shapes.CaptureState, **refusals(404)},
)
def status(request: HttpRequest, capture_id: UUID) -> dict[str, Any]:
    """Tell where the newest job of a capture stands."""
    return state_of(row_of(visible(request, capture_id)))


@router.get(
    "captures/{uuid:capture_id}/report",
    auth=Token(Scope.READ),
    operation_id="report",
    summary="Read the report of a result",
    response={200: shapes.RunReport, **refusals(404, 409)},
)
def report(request: HttpRequest, capture_id: UUID) -> dict[str, Any]:
    """Tell what the run reported whose result would be downloaded. 409: there is none yet."""
    result = result_of(visible(request, capture_id))
    run = result.run
    return {
        "capture": capture_id,
        "attempt": run.attempt,
        "strategy": run.strategy,
        "strategy_version": run.strategy_version,
        "profile": run.job.profile.name,
        "profile_version": run.job.profile.version,
        "finished_at": run.finished_at,
        "output_bytes": run.output_bytes,
        "output_sha256": run.output_sha256,
        "verdict": result.verdict.tone,
        "in_quarantine": result.quarantine is not None,
        "report": None if result.report is None else run.report,
    }


@router.get(
    "captures/{uuid:capture_id}/result",
    auth=Token(Scope.DOWNLOAD),
    operation_id="download",
    summary="Download a result",
    response={200: None, 302: None, **refusals(404, 409, 503)},
    openapi_extra={"responses": result_file()},
)
def download(request: HttpRequest, capture_id: UUID) -> HttpResponseBase:
    """Give the newest trimmed capture. 302: a storage elsewhere gives it away, at an address that
    is good for a minute; do not send the token there. 409: there is none yet, or it is in
    quarantine."""
    found = visible(request, capture_id)
    try:
        runs = newest_results(request.user, [capture_id])
    except OSError as error:
        raise Refused(
            503, _("The storage of the captures does not answer. Try again in a minute.")
        ) from error
    granted, held = grant(request, runs, in_archive=False)
    if held:
        said = _("The result is in quarantine: %(reason)s Run it again, or ask for its release.")
        raise Refused(409, said % {"reason": held[0].reason.rstrip(".") + "."})
    if not granted:
        raise no_result(found)
    return answer_with(granted[0])


@router.get(
    "profiles",
    auth=Token(Scope.UPLOAD),
    operation_id="profiles",
    summary="List the profiles",
    response={200: shapes.Profiles, **refusals()},
)
def profiles(request: HttpRequest) -> dict[str, Any]:
    """List what an upload may name as its profile."""
    rows = [
        {"name": each.name, "version": each.version, "description": each.description}
        for each in offered()
    ]
    return {"profiles": rows}


@router.get(
    "captures/{uuid:capture_id}/proof",
    auth=Token(Scope.READ),
    operation_id="proof",
    summary="Read the proof of sanitisation",
    response={200: shapes.Proof, **refusals(404, 409)},
)
def proof(request: HttpRequest, capture_id: UUID) -> dict[str, Any]:
    """State what was done to a capture, signed. The public keys are at `/proof-keys.json`, for
    everybody. 409: there is no result, or it was not verified."""
    found = visible(request, capture_id)
    try:
        return proof_of(found, result_of(found).run)
    except NoProofError as error:
        raise Refused(409, str(error)) from error


def visible(request: HttpRequest, capture_id: UUID) -> Capture:
    """Return a capture that the person of the token may see; raises Refused for all others."""
    rows = with_runs(Capture.objects.visible_to(request.user)).select_related(
        "current_job__profile"
    )
    found = rows.filter(pk=capture_id).first()
    if found is None:
        raise Refused(
            404,
            _("There is no such capture, or it is not yours to see. `captures` lists yours."),
        )
    return found


def result_of(capture: Capture) -> Result:
    """Return its newest result; raises Refused when it has none."""
    result = newest_result(capture)
    if result is None:
        raise no_result(capture)
    return result


def no_result(capture: Capture) -> Refused:
    """Say why there is nothing to give."""
    job = capture.current_job
    if job is not None and job.is_open:
        said = _("There is no result yet: the job is %(state)s. Ask again in some seconds.")
        return Refused(409, said % {"state": str(job.get_state_display()).lower()})
    if job is not None and job.reason:
        said = _("There is no result: %(reason)s Run it again, or upload it again.")
        return Refused(409, said % {"reason": job.reason.rstrip(".") + "."})
    return Refused(409, _("There is no result any more. Run it again, or upload it again."))


def state_of(row: Row) -> dict[str, Any]:
    """Return what is told of a capture."""
    capture, job = row.capture, row.job
    return {
        "id": capture.pk,
        "name": capture.name,
        "owner": capture.owner.get_username(),
        "size_bytes": capture.size_bytes,
        "sha256": capture.sha256,
        "format": capture.file_format,
        "uploaded_at": capture.uploaded_at,
        "state": row.state,
        "percent": 0 if job is None else job.percent,
        "profile": "" if job is None else job.profile.name,
        "strategy": row.strategy,
        "reason": row.reason,
        "has_result": row.has_result,
        "in_quarantine": row.is_in_quarantine,
        "page": capture.get_absolute_url(),
    }
