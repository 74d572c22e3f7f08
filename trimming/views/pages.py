"""The list of captures, and a row of it."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from config.audit import record
from trimming.capture_exports import CHUNK, MAX_EXPORTED, write_csv
from trimming.choices import JobState
from trimming.forms import FilterForm, upload_choices
from trimming.listing import (
    Counts,
    Filter,
    Row,
    counts_by_state,
    found,
    page_of,
    row_of,
    sees_owners,
    with_runs,
)
from trimming.models import AnyUser, Capture
from trimming.streams import stream_open

TAB_ORDER = (
    JobState.RUNNING,
    JobState.WAITING,
    JobState.DONE,
    JobState.FAILED,
    JobState.REFUSED,
    JobState.CANCELLED,
)


@require_GET
@never_cache
@permission_required("trimming.view_capture", raise_exception=True)
def captures(request: HttpRequest) -> HttpResponse:
    """Show the list of captures; with ``part=counts`` only its numbers, for a page that is open."""
    now = timezone.now()
    form = FilterForm(request.GET)
    wanted = form.read()
    counts = counts_by_state(request.user, wanted, now)
    context: dict[str, Any] = {
        "filter": wanted,
        "counts": counts,
        "tabs": tabs(request.GET, wanted, counts),
    }
    if request.GET.get("part") == "counts":
        return render(request, "trimming/partials/counts.html", context)
    page = page_of(request.user, wanted, counts, form.number(), now)
    context |= {
        "form": form,
        "page": page,
        "newer": address(request.GET, page=page.number - 1) if page.number > 1 else "",
        "older": address(request.GET, page=page.number + 1) if page.number < page.pages else "",
        # only here do new captures belong on top
        "is_newest": page.number == 1 and not wanted.narrows and not wanted.sort,
        "columns": columns(request.GET, wanted),
        "query": address(request.GET).removeprefix("?"),
        "upload": upload_choices(request.user),
        **row_context(request.user, now),
    }
    return render(request, "trimming/captures.html", context)


@require_GET
@never_cache
@permission_required("trimming.view_capture", raise_exception=True)
def row(request: HttpRequest, capture_id: UUID) -> HttpResponse:
    """Show one row of the list; 404 for captures of others."""
    visible = with_runs(Capture.objects.visible_to(request.user))
    shown: Row = row_of(get_object_or_404(visible, pk=capture_id))
    context = {"row": shown, **row_context(request.user, timezone.now())}
    return render(request, "trimming/partials/row.html", context)


def row_context(user: AnyUser, now: datetime) -> dict[str, Any]:
    """Return what every row needs beside itself."""
    return {"now": now, "sees_owners": sees_owners(user)}


def tabs(query: QueryDict, wanted: Filter, counts: Counts) -> list[dict[str, Any]]:
    """Return the states that can be chosen, with how many the rest of the filter finds in each."""
    states: list[tuple[str, Any]] = [("", pgettext_lazy("captures", "All"))]
    states += [(state.value, state.label) for state in TAB_ORDER]
    return [
        {
            "state": state,
            "label": label,
            "count": counts.found_in(state),
            "is_current": state == wanted.state,
            "address": address(query, state=state),
        }
        for state, label in states
    ]


# which columns sort, and which of them begin with the largest
SORTED_COLUMNS: Final = (("name", ""), ("state", ""), ("size", "-"), ("started", "-"))


def columns(query: QueryDict, wanted: Filter) -> dict[str, dict[str, str]]:
    """Return, for each column that sorts, where its head leads and how it is sorted now.

    The first press sorts, the second turns it round, the third gives the newest first again.
    """
    shown: dict[str, dict[str, str]] = {}
    for name, first in SORTED_COLUMNS:
        second = "" if first else "-"
        steps = {f"{first}{name}": f"{second}{name}", f"{second}{name}": ""}
        turned = steps.get(wanted.sort, f"{first}{name}")
        now = {name: "ascending", f"-{name}": "descending"}.get(wanted.sort, "")
        shown[name] = {"address": address(query, sort=turned), "now": now}
    return shown


@require_GET
@never_cache
@permission_required("trimming.view_capture", raise_exception=True)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Give what the list finds as a CSV file, in its order; that it was given is noted."""
    wanted = FilterForm(request.GET).read()
    captures = with_runs(found(request.user, wanted, timezone.now()))[:MAX_EXPORTED]
    rows = map(row_of, captures.iterator(chunk_size=CHUNK))
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was sent
    count = write_csv(rows, file)
    record("captures_exported", request=request, filter=asdict(wanted), captures=count)
    answer = StreamingHttpResponse(stream_open(file), content_type="text/csv; charset=utf-8")
    name = f"captures-{timezone.now():%Y%m%d-%H%M%S}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Content-Length"] = str(file.tell())
    return answer


def address(query: QueryDict, **values: str | int) -> str:
    """Return the list's own address with some values changed; a new filter begins at page 1."""
    changed = query.copy()
    for name in ("page", "part"):
        changed.pop(name, None)
    for name, value in values.items():
        if value in ("", 1):
            changed.pop(name, None)
        else:
            changed[name] = str(value)
    text = changed.urlencode()
    return f"?{text}" if text else "?"
