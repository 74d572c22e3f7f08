"""Giving results away: one file, or many in one archive, as streams.

A result in quarantine is refused with its reason; whether it is in one is asked of the database
when the download is granted.
``FileResponse`` would hold the whole file in memory under ASGI, hence the iterators of streams.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from config.audit import address_of, record
from trimming.archive_names import distinct, result_name
from trimming.models import AnyUser, Download, Quarantine, TrimRun
from trimming.quarantine import lock_runs
from trimming.streams import stream_archive, stream_file, zip_of

log = structlog.get_logger("pktmask.downloads")
MAX_ARCHIVE_FILES = 500
# what was asked for cannot be given now; the answer says why
REFUSED = 409
# who keeps the files does not answer, or not well
UNREACHED = 503
# so many captures are named in a refusal
NAMED = 3
PCAP_TYPE = "application/vnd.tcpdump.pcap"


@require_GET
@permission_required("trimming.download_capture", raise_exception=True)
def download(request: HttpRequest, capture_id: UUID) -> HttpResponseBase:
    """Stream the newest published output of a capture."""
    try:
        found = newest_results(request.user, [capture_id])
    except OSError as error:
        return _unreached(request, error)
    granted, refused = _grant(request, found, in_archive=False)
    if refused:
        context = {"capture": refused[0].run.job.capture, "quarantine": refused[0]}
        return render(request, "trimming/in_quarantine.html", context, status=REFUSED)
    if not granted:
        raise Http404(_("There is no result to download."))
    run = granted[0]
    storage, stored = run.output.storage, str(run.output.name)
    if sign := getattr(storage, "signed_address", None):
        # the server of the storage gives it away, to who was sent there within a minute
        answer = HttpResponseRedirect(sign(stored, _disposition(_name(run)), PCAP_TYPE))
        answer["Cache-Control"] = "private, no-store"
        return answer
    return _attachment(stream_file(storage, stored), _name(run), PCAP_TYPE, run.output_bytes or 0)


@require_POST
@permission_required("trimming.download_capture", raise_exception=True)
def archive(request: HttpRequest) -> HttpResponseBase:
    """Stream the newest published outputs of many captures as one ZIP archive.

    Takes ``ids``, the captures' ids.  Those without a result, or not visible, are left out; with
    one in quarantine there is no archive, so that nobody takes a part of it for the whole.
    """
    ids = _ids(request.POST.getlist("ids"))
    try:
        found = newest_results(request.user, ids)
    except OSError as error:
        return _unreached(request, error)
    granted, refused = _grant(request, found, in_archive=True)
    if not granted:
        nothing = _("None of the selected captures has a result to download.")
        messages.error(request, _refusal_of(refused) if refused else nothing)
        return redirect("trimming:captures")
    names = distinct(_name(run) for run in granted)
    members = [
        (name, str(run.output.name), run.output_bytes or 0)
        for name, run in zip(names, granted, strict=True)
    ]
    packed = zip_of(granted[0].output.storage, members)
    name = f"pktmask-{timezone.now():%Y%m%d-%H%M%S}.zip"
    return _attachment(stream_archive(packed), name, "application/zip", len(packed))


def newest_results(user: AnyUser, capture_ids: Iterable[UUID]) -> list[TrimRun]:
    """Return the newest published run of each capture whose output is there, oldest first.

    Also where it is in quarantine: an older one is not given in its place.
    """
    runs = (
        TrimRun.objects.published_to(user)
        .filter(job__capture__pk__in=list(capture_ids))
        .select_related("job__capture")
        .order_by("started_at", "pk")
    )
    newest = {run.job.capture_id: run for run in runs}
    return [run for run in newest.values() if run.output.storage.exists(str(run.output.name))]


def _unreached(request: HttpRequest, error: OSError) -> HttpResponse:
    log.warning("storage_unreached", error=error.strerror)
    return render(request, "trimming/storage_unreached.html", status=UNREACHED)


def _ids(texts: list[str]) -> list[UUID]:
    if len(texts) > MAX_ARCHIVE_FILES:
        raise BadRequest(f"at most {MAX_ARCHIVE_FILES} captures go into one archive")
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise BadRequest("ids are UUIDs") from None


def _name(run: TrimRun) -> str:
    capture = run.job.capture
    return result_name(capture.name, capture.file_format.startswith("pcapng"))


def _grant(
    request: HttpRequest, runs: list[TrimRun], *, in_archive: bool
) -> tuple[list[TrimRun], list[Quarantine]]:
    """Leave a row and an audit event for each result that is taken away, before its first byte.

    Returns those that may be taken, and the quarantines of those that are in one: then nothing may
    be taken, and nothing is noted.
    """
    assert request.user.is_authenticated  # the permission asks for it
    with transaction.atomic():
        locked = lock_runs([run.pk for run in runs])
        free = TrimRun.objects.downloadable_by(request.user).filter(pk__in=locked)
        free_ids = set(free.values_list("pk", flat=True))
        granted = [run for run in runs if run.pk in free_ids]
        if len(granted) < len(runs) and (refused := _quarantines(locked)):
            return [], refused
        for run in granted:
            Download.objects.create(
                run=run,
                user=request.user,
                at=timezone.now(),
                address=address_of(request),
                in_archive=in_archive,
            )
            record("download", request=request, target=run.job.capture, run=run.pk)
    return granted, []


def _quarantines(run_ids: list[int]) -> list[Quarantine]:
    found = Quarantine.objects.in_force().filter(run__in=run_ids)
    return list(found.select_related("run__job__capture").order_by("run_id"))


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
    reason = refused[0].reason.rstrip(".") + "."
    return text % {"n": len(refused), "names": ", ".join(names + more), "reason": reason}


def _attachment(
    body: AsyncIterator[bytes], name: str, content_type: str, length: int
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(body, content_type=content_type)
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = _disposition(name)
    response["Cache-Control"] = "private, no-store"
    return response


def _disposition(name: str) -> str:
    return content_disposition_header(True, name) or "attachment"
