"""The page Audit log: who did what, when, from where, and whether it was touched; exports."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from typing import IO, Any, Final

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe

from config.audit import record
from config.chain import COLUMNS
from pktmask_site.audit_log.exports import CHUNK, Event, write_csv, write_json
from pktmask_site.audit_log.listing import FilterForm, events
from pktmask_site.audit_log.verification import TASK
from pktmask_site.recovery.choices import UNDER_WAY
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.shown import newest_runs
from trimming.streams import stream_open

MAY_LOOK: Final = "config.view_auditevent"
MAY_VERIFY: Final = "pktmask_site.run_upkeep"
PAGE_SIZE: Final = 50
Writer = Callable[[Iterable[Event], IO[bytes]], int]
FORMS: Final[dict[str, tuple[str, Writer]]] = {
    "csv": ("text/csv; charset=utf-8", write_csv),
    "json": ("application/json", write_json),
}


@never_cache
@require_safe
@permission_required(MAY_LOOK, raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    form = FilterForm(request.GET)
    found = Paginator(events(form.asked), PAGE_SIZE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "form": form,
        "page": found,
        "verified": newest_runs().get(TASK),
        "is_verifying": UpkeepRun.objects.filter(task=TASK, state__in=UNDER_WAY).exists(),
        "may_verify": request.user.has_perm(MAY_VERIFY),
    }
    return render(request, "audit_log/audit_log.html", context)


@never_cache
@require_GET
@permission_required(MAY_LOOK, raise_exception=True)
def export(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """Give what the page finds as a file, the oldest first; that it was given is an event, too."""
    if form not in FORMS:
        raise Http404
    content_type, write = FORMS[form]
    asked = FilterForm(request.GET).asked
    rows = events(asked).order_by("at", "id").values(*COLUMNS)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was sent
    count = write(rows.iterator(chunk_size=CHUNK), file)
    said = {name: str(value) for name, value in asked.items()}
    record("audit_exported", request=request, form=form, filter=said, events=count)
    answer = StreamingHttpResponse(stream_open(file), content_type=content_type)
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Content-Length"] = str(file.tell())
    return answer
