"""Suspects in the admin: read; they are run again and released on the page of their rollout."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.admin_rows import chip, link_to, moment
from migration.admin_rows import HistoryAdmin
from migration.choices import SuspectState
from migration.models import Suspect
from migration.suspect_rows import SUSPECT_LOOKS, name_for
from trimming.models import Capture

LOOKED_AT = moment("looked_at", _("compared"))


@admin.register(Suspect)
class SuspectAdmin(HistoryAdmin):
    """Outputs that were served before a rollback."""

    list_display = ("capture_name", "attempt_name", "state_chip", "differing_bytes", LOOKED_AT)
    list_filter = ("state", "looked_at")
    search_fields = ("=run__job__capture__id", "attempt__rollout__name")
    search_help_text = _("Id of the capture, or name of the rollout")
    date_hierarchy = "looked_at"
    list_select_related = ("attempt__rollout", "run__job__capture")
    large = ("attempt__tally", "attempt__baseline", "run__report")
    links = ("attempt__rollout__id__exact",)
    rows = (
        ("capture_link", "run_link", "attempt_link"),
        ("state_chip", "rerun_link", LOOKED_AT),
        ("differing_bytes", "first_difference"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Suspect]:
        """Note of each whether its capture is for this person."""
        visible = Capture.objects.visible_to(request.user)
        is_visible = Exists(visible.filter(pk=OuterRef("run__job__capture")))
        found: QuerySet[Suspect] = super().get_queryset(request)
        return found.annotate(is_visible=is_visible)

    @admin.display(description=_("capture"))
    def capture_name(self, suspect: Suspect) -> str:
        """Show the capture."""
        return name_for(suspect.run.job.capture, suspect.is_visible)  # type: ignore[attr-defined]  # annotated

    @admin.display(description=_("attempt"))
    def attempt_name(self, suspect: Suspect) -> str:
        """Show rollout and attempt."""
        return f"{suspect.attempt.rollout.name} {suspect.attempt.number}"

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, suspect: Suspect) -> SafeString:
        """Show the state."""
        return chip(SUSPECT_LOOKS[SuspectState(suspect.state)], suspect.get_state_display())

    @admin.display(description=_("capture"))
    def capture_link(self, suspect: Suspect) -> SafeString | str:
        """Link to the capture, for whom it is there."""
        capture = suspect.run.job.capture
        is_visible = suspect.is_visible  # type: ignore[attr-defined]  # annotated
        return link_to(capture) if is_visible else name_for(capture, is_visible)

    @admin.display(description=_("run"))
    def run_link(self, suspect: Suspect) -> SafeString | str:
        """Link to the run that was served."""
        return link_to(suspect.run)

    @admin.display(description=_("attempt"))
    def attempt_link(self, suspect: Suspect) -> SafeString | str:
        """Link to the attempt."""
        return link_to(suspect.attempt)

    @admin.display(description=_("second run"))
    def rerun_link(self, suspect: Suspect) -> SafeString | str:
        """Link to the job that runs it again."""
        return link_to(suspect.rerun)
