"""What recovery adds to reports: restore drills and backups by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.reports.parts import Part, moment, shortened, text
from monitoring.reports.sections import Span, sections
from pktmask_site.recovery.choices import UNDER_WAY, UpkeepState
from pktmask_site.recovery.models import UpkeepRun

MAY_LOOK: Final = "pktmask_site.view_upkeeprun"
TASKS: Final = ("backup", "restore_drill")


@sections.register("recovery", gettext_lazy("Backups and restore drills"), 72)
def recovery(span: Span) -> Iterator[Part]:
    """Give the backups and the drills that ended in the time."""
    ended = UpkeepRun.objects.filter(
        task__in=TASKS, is_dry=False, ended_at__gte=span.begin, ended_at__lt=span.until
    )
    found = list(ended.exclude(state__in=UNDER_WAY).order_by("-ended_at", "-pk"))
    drills = [run for run in found if run.task == "restore_drill"]
    passed = sum(run.state == UpkeepState.DONE for run in drills)
    said = (
        ngettext(
            "%(n)s restore drill was held; %(passed)s passed.",
            "%(n)s restore drills were held; %(passed)s passed.",
            len(drills),
        )
        if drills
        else _("No restore drill was held.")
    ) % {"n": f"{len(drills):,}", "passed": f"{passed:,}"}
    names = {"backup": _("Backup"), "restore_drill": _("Restore drill")}
    columns = (_("Time"), _("What"), _("Outcome"), _("What was seen"))
    rows = [
        (
            moment(run.ended_at),
            text(names[run.task]),
            text(UpkeepState(run.state).label),
            text(run.sentence),
        )
        for run in found
    ]
    tables = [shortened(_("Newest first"), columns, rows)] if rows else []
    title = _("Backups and restore drills")
    yield Part("recovery", title, said, tables=tables, permission=MAY_LOOK)
