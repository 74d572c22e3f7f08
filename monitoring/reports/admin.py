"""Reports in the admin: history that is only read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from config.admin_rows import ReadOnlyAdmin, moment, pretty_json
from monitoring.reports.models import Report

BEGINS = moment("begin", _("begins"))
ENDS = moment("end", _("ends"))
MADE = moment("made_at", _("made"))
MAILED = moment("mailed_at", _("mailed"))


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """What was made, and what became of its mail."""

    list_display = ("kind", BEGINS, ENDS, "zone", "is_whole", MADE, "mail_state")
    list_filter = ("kind", "is_whole", "mail_state")
    date_hierarchy = "begin"
    rows = (
        ("kind", BEGINS, ENDS, "zone"),
        ("is_whole", MADE, "made_by", "version", "measured_share"),
        ("mail_state", "mail_attempts", MAILED, "mail_answer"),
        "kept_parts",
    )

    @admin.display(description=_("parts"))
    def kept_parts(self, report: Report) -> str:
        """Show the parts as they are kept."""
        return pretty_json(report.data)
