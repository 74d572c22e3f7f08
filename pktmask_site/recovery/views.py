"""The page Maintenance: when each task ran, what it did, when it is due, and running one now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.running import ask
from pktmask_site.recovery.scheduled import backup_folder, backups
from pktmask_site.recovery.shown import task_rows
from pktmask_site.recovery.upkeep import tasks

MAY_LOOK: Final = "pktmask_site.view_upkeeprun"
MAY_RUN: Final = "pktmask_site.run_upkeep"
NEWEST_RUNS: Final = 20


@require_safe
@permission_required(MAY_LOOK, raise_exception=True)
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    return render(request, "recovery/maintenance.html", _context(request, timezone.now()))


@require_POST
@permission_required((MAY_LOOK, MAY_RUN), raise_exception=True)
def run(request: HttpRequest, task: str) -> HttpResponse:
    """Ask for a run, or a dry run; the page shows what comes of it."""
    found = tasks.named(task)
    if found is None:
        raise Http404
    is_dry = "dry" in request.POST
    ask(found, request.user, timezone.now(), is_dry=is_dry)
    said = (
        _("%(task)s: a dry run was asked for; it begins within a minute.")
        if is_dry
        else _("%(task)s was asked for; it begins within a minute.")
    )
    messages.success(request, said % {"task": found.title})
    return redirect("maintenance:page")


def _context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    rows = task_rows(tasks.all(), now)
    drilled = _newest_drill()
    there: list[dict[str, Any]] = [
        {"name": path.name, "made": made, "drill": drilled if _is_of(drilled, path) else None}
        for made, path in sorted(backups().items(), reverse=True)
    ]
    titles = {task.name: task.title for task in tasks.all()}
    newest = UpkeepRun.objects.select_related("asked_by")[:NEWEST_RUNS]
    return {
        "rows": rows,
        "under_way": sum(row.under_way is not None for row in rows),
        "backups": there,
        "folder": backup_folder(),
        "runs": [{"run": each, "title": titles.get(each.task, each.task)} for each in newest],
        "may_run": request.user.has_perm(MAY_RUN),
    }


def _newest_drill() -> UpkeepRun | None:
    drills = UpkeepRun.objects.filter(task="restore_drill", is_dry=False)
    return drills.exclude(ended_at=None).order_by("-ended_at").first()


def _is_of(drill: UpkeepRun | None, backup: Path) -> bool:
    return drill is not None and drill.details.get("backup") == backup.name
