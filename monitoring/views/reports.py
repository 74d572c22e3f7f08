"""Reports: all of them, one of them, as files, made now, mailed again."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.audit import record
from config.csv_tables import table
from monitoring.channels.conf import listed
from monitoring.reports.choices import ReportKind
from monitoring.reports.conf import report_settings
from monitoring.reports.documents import as_html, as_json, file_name
from monitoring.reports.mailing import mail_again
from monitoring.reports.making import make_now, wanted_kinds
from monitoring.reports.models import Report
from monitoring.reports.shown import (
    COLUMNS,
    about,
    as_table,
    can_be_shown,
    captures_in,
    in_words,
    measured,
    parts_for,
    time_of,
    title_of,
)
from monitoring.views.shared import with_charts
from trimming.models import Capture

MAY_LOOK: Final = "monitoring.view_report"
MAY_MAKE: Final = "monitoring.make_report"
PAGE_SIZE: Final = 30


def watched(view: Any) -> Any:
    """Give the page to whoever may see reports, and never from a cache."""
    return never_cache(permission_required(MAY_LOOK, raise_exception=True)(view))


@require_safe
@watched
def page(request: HttpRequest) -> HttpResponse:
    """Show all reports, or those of one kind, newest first; a file with ``format=csv``."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in ReportKind.values else ""
    rows = Report.objects.defer("data")
    rows = rows.filter(kind=kind) if kind else rows
    if request.GET.get("format") == "csv":
        return table("reports", COLUMNS, as_table(rows))
    found = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page", "1"))
    settings = report_settings()
    context = {
        "page": found,
        "items": [{"report": each, "time": time_of(each)} for each in found],
        "kind": kind,
        "kinds": ReportKind,
        "clock": [str(each.label).lower() for each in wanted_kinds()],
        "hour": f"{settings.due_hours:02d}:05",
        "zone": settings.zone,
        "receivers": len(listed(settings.receivers)),
        "may_make": request.user.has_perm(MAY_MAKE),
    }
    return render(request, "monitoring/reports.html", context)


@require_safe
@watched
@with_charts
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one report; captures have names where the reader may see them."""
    row = get_object_or_404(Report, pk=pk)
    is_readable = can_be_shown(row)
    parts = parts_for(row, request.user) if is_readable else []
    context = {
        "report": row,
        "title": title_of(row),
        "time": time_of(row),
        "about": about(row),
        "measured": measured(row),
        "is_readable": is_readable,
        "parts": in_words(parts, row.time_zone, _names(captures_in(parts), request.user)),
        "receivers": len(listed(report_settings().receivers)),
        "may_make": request.user.has_perm(MAY_MAKE),
    }
    return render(request, "monitoring/report.html", context)


def _names(captures: set[str], user: Any) -> dict[str, str]:
    ids = [UUID(each) for each in captures]
    rows = Capture.objects.visible_to(user).filter(pk__in=ids).values_list("pk", "name")
    return {str(pk): name for pk, name in rows}


@require_safe
@watched
def as_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Give one report as a file that needs nothing else."""
    row = get_object_or_404(Report, pk=pk)
    if not can_be_shown(row):
        return HttpResponseBadRequest(
            _("This report has the form of another version; it can be downloaded as JSON."),
            content_type="text/plain; charset=utf-8",
        )
    name = file_name(row, "html")
    return HttpResponse(
        as_html(row, request.user),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
@watched
def as_values(request: HttpRequest, pk: int) -> JsonResponse:
    """Give one report as JSON."""
    row = get_object_or_404(Report, pk=pk)
    name = file_name(row, "json")
    return JsonResponse(
        as_json(row, request.user),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
        json_dumps_params={"indent": 1},
    )


@require_POST
@permission_required((MAY_LOOK, MAY_MAKE), raise_exception=True)
def make(request: HttpRequest) -> HttpResponse:
    """Make the report of the time so far, and show it."""
    kind = request.POST.get("kind", "")
    if kind not in ReportKind.values:
        messages.error(request, _("Choose a day, a week or a month; nothing was made."))
        return redirect("reports:list")
    row = make_now(ReportKind(kind), timezone.now(), request.user.get_username())
    record("make_report", request=request, target=row, kind=kind)
    messages.success(request, _("Made: %(title)s.") % {"title": title_of(row)})
    return redirect("reports:report", pk=row.pk)


@require_POST
@permission_required((MAY_LOOK, MAY_MAKE), raise_exception=True)
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a report mailed, also once more."""
    row = get_object_or_404(Report, pk=pk)
    if not listed(report_settings().receivers):
        messages.error(request, _("Nobody is set to get reports; set reports.receivers."))
    elif not mail_again(row, timezone.now()):
        messages.warning(request, _("It waits to be mailed already."))
    else:
        record("mail_report", request=request, target=row)
        messages.success(request, _("It is mailed within ten minutes."))
    return redirect("reports:report", pk=row.pk)
