"""Pages that give results away: one file, or many in one archive, as streams."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from config.languages.told import listed, told
from trimming.archive_names import distinct
from trimming.giving import answer_with, attachment, grant, name_of, newest_results
from trimming.models import Quarantine
from trimming.streams import stream_archive, zip_of

log = structlog.get_logger("pktmask.downloads")
MAX_ARCHIVE_FILES = 500
# what was asked for cannot be given now; the answer says why
REFUSED = 409
# who keeps the files does not answer, or not well
UNREACHED = 503
# so many captures are named in a refusal
NAMED = 3


@require_GET
@permission_required("trimming.download_capture", raise_exception=True)
def download(request: HttpRequest, capture_id: UUID) -> HttpResponseBase:
    """Stream the newest published output of a capture."""
    try:
        found = newest_results(request.user, [capture_id])
    except OSError as error:
        return _unreached(request, error)
    granted, refused = grant(request, found, in_archive=False)
    if refused:
        context = {"capture": refused[0].run.job.capture, "quarantine": refused[0]}
        return render(request, "trimming/in_quarantine.html", context, status=REFUSED)
    if not granted:
        raise Http404(_("There is no result to download."))
    return answer_with(granted[0])


@require_POST
@permission_required("trimming.download_capture", raise_exception=True)
def archive(request: HttpRequest) -> HttpResponseBase:
    """Stream the newest published outputs of many captures as one ZIP archive.

    Takes ``ids``, the captures' ids.  Those without a result, or not visible, are left out; with
    one in quarantine there is no archive, so that nobody takes a part of it for the whole.
    """
    ids = ids_of(request.POST.getlist("ids"))
    try:
        found = newest_results(request.user, ids)
    except OSError as error:
        return _unreached(request, error)
    granted, refused = grant(request, found, in_archive=True)
    if not granted:
        nothing = _("None of the selected captures has a result to download.")
        messages.error(request, _refusal_of(refused) if refused else nothing)
        return redirect("trimming:captures")
    names = distinct(name_of(run) for run in granted)
    members = [
        (name, str(run.output.name), run.output_bytes or 0)
        for name, run in zip(names, granted, strict=True)
    ]
    packed = zip_of(granted[0].output.storage, members)
    name = f"pktmask-{timezone.now():%Y%m%d-%H%M%S}.zip"
    return attachment(stream_archive(packed), name, "application/zip", len(packed))


def _unreached(request: HttpRequest, error: OSError) -> HttpResponse:
    log.warning("storage_unreached", error=error.strerror)
    return render(request, "trimming/storage_unreached.html", status=UNREACHED)


def ids_of(texts: list[str]) -> list[UUID]:
    """Read the ids of captures that were selected; raises BadRequest."""
    if len(texts) > MAX_ARCHIVE_FILES:
        raise BadRequest(f"at most {MAX_ARCHIVE_FILES} captures can be selected")
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise BadRequest("ids are UUIDs") from None


def _refusal_of(refused: list[Quarantine]) -> str:
    """Say which of the selected results cannot be taken, why, and what to do."""
    names = [each.run.job.capture.name for each in refused[:NAMED]]
    more = [] if len(refused) <= NAMED else ["…"]
    text = ngettext(
        "%(n)d selected result is in quarantine: %(names)s. The reason: %(reason)s Nothing was"
        " downloaded. Leave it out, run it again, or ask an approver to release it.",
        "%(n)d selected results are in quarantine: %(names)s. The reason: %(reason)s Nothing was"
        " downloaded. Leave them out, run them again, or ask an approver to release them.",
        len(refused),
    )
    reason = told(refused[0].reason).rstrip(".") + "."
    return text % {"n": len(refused), "names": listed(names + more), "reason": reason}
