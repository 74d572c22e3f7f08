"""Quarantines in the admin: read, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.admin_rows import chip, link_to, moment, stored
from trimming.models import Quarantine
from trimming.owned_rows import OwnedRows

REASON = stored("reason", _("reason"))
SINCE = moment("at", _("since"))
RELEASED = moment("released_at", _("released"))


@admin.register(Quarantine)
class QuarantineAdmin(OwnedRows):
    """Outputs that nobody may take away, and those that were released."""

    owner_lookup = "run__job__capture__owner"

    list_display = ("capture_name", "state", SINCE, REASON, RELEASED, "released_by")
    list_filter = (("released_at", admin.EmptyFieldListFilter), "at")
    search_fields = ("=run__job__id", "=run__job__capture__id", "run__job__capture__name", "reason")
    search_help_text = _("Name of the capture, id or reason")
    date_hierarchy = "at"
    list_select_related = ("run__job__capture", "released_by")
    rows = (
        ("state", SINCE),
        REASON,
        ("capture_link", "run_link"),
        (RELEASED, "released_by"),
        "release_reason",
    )

    @admin.display(description=_("capture"), ordering="run__job__capture__name")
    def capture_name(self, quarantine: Quarantine) -> str:
        """Show the name of the capture; the first column links to the quarantine."""
        return quarantine.run.job.capture.name

    @admin.display(description=_("capture"))
    def capture_link(self, quarantine: Quarantine) -> SafeString | str:
        """Link to the capture."""
        return link_to(quarantine.run.job.capture)

    @admin.display(description=_("run"))
    def run_link(self, quarantine: Quarantine) -> SafeString | str:
        """Link to the run."""
        return link_to(quarantine.run)

    @admin.display(description=_("state"), ordering="released_at")
    def state(self, quarantine: Quarantine) -> SafeString:
        """Say whether it is in force."""
        if quarantine.is_in_force:
            return chip(("fail", "hold"), _("in quarantine"))
        return chip(("ok", "ok"), _("released"))
