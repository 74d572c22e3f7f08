"""Giving a result away: which one it is, who may take it, what is noted, and the answer.

A result in quarantine is refused with its reason; whether it is in one is asked of the database
when the download is granted.
``FileResponse`` would hold the whole file in memory under ASGI, hence the iterators of streams.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import content_disposition_header

from config.audit import address_of, record
from trimming.archive_names import result_name
from trimming.models import AnyUser, Download, Quarantine, TrimRun
from trimming.quarantine import lock_runs
from trimming.streams import stream_file

PCAP_TYPE: Final = "application/vnd.tcpdump.pcap"


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


def grant(
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


def answer_with(run: TrimRun) -> HttpResponseBase:
    """Return the answer that gives a granted result away."""
    storage, stored = run.output.storage, str(run.output.name)
    if sign := getattr(storage, "signed_address", None):
        # the server of the storage gives it away, to who was sent there within a minute
        answer = HttpResponseRedirect(sign(stored, _disposition(name_of(run)), PCAP_TYPE))
        answer["Cache-Control"] = "private, no-store"
        return answer
    return attachment(stream_file(storage, stored), name_of(run), PCAP_TYPE, run.output_bytes or 0)


def attachment(
    body: AsyncIterator[bytes], name: str, content_type: str, length: int
) -> StreamingHttpResponse:
    """Return an answer that streams ``body`` into a file of that name."""
    response = StreamingHttpResponse(body, content_type=content_type)
    response["Content-Length"] = str(length)
    response["Content-Disposition"] = _disposition(name)
    response["Cache-Control"] = "private, no-store"
    return response


def name_of(run: TrimRun) -> str:
    """Return what a result is called where it is taken to."""
    capture = run.job.capture
    return result_name(capture.name, capture.file_format.startswith("pcapng"))


def _quarantines(run_ids: list[int]) -> list[Quarantine]:
    found = Quarantine.objects.in_force().filter(run__in=run_ids)
    return list(found.select_related("run__job__capture").order_by("run_id"))


def _disposition(name: str) -> str:
    return content_disposition_header(True, name) or "attachment"
