"""Giving results away: one file, or many in one archive, as streams.

``FileResponse`` would hold the whole file in memory under ASGI, hence the iterators of streams.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config.audit import address_of, record
from trimming.archive_names import distinct, result_name
from trimming.models import AnyUser, Download, TrimRun
from trimming.streams import stream_archive, stream_file, zip_of

MAX_ARCHIVE_FILES = 500
PCAP_TYPE = "application/vnd.tcpdump.pcap"


@require_GET
@permission_required("trimming.download_capture", raise_exception=True)
def download(request: HttpRequest, capture_id: UUID) -> StreamingHttpResponse:
    """Stream the newest published output of a capture."""
    found = newest_results(request.user, [capture_id])
    if not found:
        raise Http404(_("There is no result to download."))
    run = found[0]
    _note(request, found, in_archive=False)
    body = stream_file(run.output.storage, str(run.output.name))
    return _attachment(body, _name(run), PCAP_TYPE, run.output_bytes or 0)


@require_POST
@permission_required("trimming.download_capture", raise_exception=True)
def archive(request: HttpRequest) -> HttpResponseBase:
    """Stream the newest published outputs of many captures as one ZIP archive.

    Takes ``ids``, the captures' ids.  Those without a result, or not visible, are left out.
    """
    found = newest_results(request.user, _ids(request.POST.getlist("ids")))
    if not found:
        messages.error(request, _("None of the selected captures has a result to download."))
        return redirect("trimming:captures")
    _note(request, found, in_archive=True)
    names = distinct(_name(run) for run in found)
    members = [
        (name, str(run.output.name), run.output_bytes or 0)
        for name, run in zip(names, found, strict=True)
    ]
    packed = zip_of(found[0].output.storage, members)
    name = f"pktmask-{timezone.now():%Y%m%d-%H%M%S}.zip"
    return _attachment(stream_archive(packed), name, "application/zip", len(packed))


def newest_results(user: AnyUser, capture_ids: Iterable[UUID]) -> list[TrimRun]:
    """Return the newest downloadable run of each capture whose output is there, oldest first."""
    runs = (
        TrimRun.objects.downloadable_by(user)
        .filter(job__capture__pk__in=list(capture_ids))
        .select_related("job__capture")
        .order_by("started_at", "pk")
    )
    newest = {run.job.capture_id: run for run in runs}
    return [run for run in newest.values() if run.output.storage.exists(str(run.output.name))]


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


def _note(request: HttpRequest, runs: list[TrimRun], *, in_archive: bool) -> None:
    """Leave a row and an audit event for each result that is taken away, before its first byte."""
    assert request.user.is_authenticated  # the permission asks for it
    with transaction.atomic():
        for run in runs:
            Download.objects.create(
                run=run,
                user=request.user,
                at=timezone.now(),
                address=address_of(request),
                in_archive=in_archive,
            )
            record("download", request=request, target=run.job.capture, run=run.pk)


def _attachment(
    body: AsyncIterator[bytes], name: str, content_type: str, length: int
) -> StreamingHttpResponse:
    response = StreamingHttpResponse(body, content_type=content_type)
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response
