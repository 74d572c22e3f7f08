"""Comparisons in the background in the admin: read, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.admin_rows import chip, link_to, moment, pretty_json, stored
from trimming import quantities
from trimming.models import Shadow
from trimming.owned_rows import OwnedRows
from trimming.routing_choices import LeakState
from trimming.shadow_report import LEAK_LOOKS, verdict_of

REASON = stored("reason", _("reason"))
CONTROL_FAILURE = stored("control_failure", _("legacy failed"))
TREATMENT_FAILURE = stored("treatment_failure", _("scanning failed"))
QUEUED = moment("queued_at", _("queued"))
STARTED = moment("started_at", _("begun"))
FINISHED = moment("finished_at", _("ended"))
LEASE_UNTIL = moment("lease_until", _("lease until"))


@admin.register(Shadow)
class ShadowAdmin(OwnedRows):
    """Comparisons of the two strategies behind served jobs."""

    owner_lookup = "job__capture__owner"

    list_display = (
        "capture_link",
        "verdict",
        "leak_chip",
        "legacy_took",
        "scanning_took",
        "treatment_version",
        "policy_version",
        FINISHED,
    )
    list_filter = ("state", "outcome", "leak", "treatment_version", "queued_at")
    search_fields = ("=job__id", "=digest", "job__capture__name", "reason")
    search_help_text = _("Name of the capture, its SHA-256, id of the job or reason")
    date_hierarchy = "queued_at"
    list_select_related = ("job__capture",)
    rows = (
        ("verdict", "leak_chip", "state"),
        REASON,
        ("capture_link", "job_link", "digest"),
        ("policy_version", "fence_epoch"),
        (QUEUED, STARTED, FINISHED),
        ("worker", "attempt", LEASE_UNTIL),
        ("control_version", "legacy_took", CONTROL_FAILURE),
        ("treatment_version", "scanning_took", TREATMENT_FAILURE),
        ("went_first", "leaked_bytes", "over_masked_bytes"),
        "report_text",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the comparisons themselves out of lists: they are large."""
        found = super().get_queryset(request)
        is_list = request.resolver_match is not None and "object_id" not in (
            request.resolver_match.kwargs
        )
        return found.defer("report") if is_list else found

    @admin.display(description=_("capture"), ordering="job__capture__name")
    def capture_link(self, shadow: Shadow) -> str:
        """Show the name of the capture; the first column links to the comparison."""
        return shadow.job.capture.name

    @admin.display(description=_("job"))
    def job_link(self, shadow: Shadow) -> SafeString | str:
        """Link to the job."""
        return link_to(shadow.job)

    @admin.display(description=_("outcome"), ordering="outcome")
    def verdict(self, shadow: Shadow) -> SafeString:
        """Show the outcome, or the state while there is none."""
        found = verdict_of(shadow)
        return chip((found.tone, found.shape), found.label)

    @admin.display(description=_("leak"), ordering="leak")
    def leak_chip(self, shadow: Shadow) -> SafeString | str:
        """Show whether something leaks."""
        leak = LeakState(shadow.leak)
        return "" if leak is LeakState.NONE else chip(LEAK_LOOKS[leak], leak.label)

    @admin.display(description=_("legacy took"), ordering="control_ms")
    def legacy_took(self, shadow: Shadow) -> str:
        """Show how long legacy planned."""
        return _took(shadow.control_ms)

    @admin.display(description=_("scanning took"), ordering="treatment_ms")
    def scanning_took(self, shadow: Shadow) -> str:
        """Show how long scanning planned."""
        return _took(shadow.treatment_ms)

    @admin.display(description=_("comparison"))
    def report_text(self, shadow: Shadow) -> SafeString | str:
        """Show the whole comparison; it holds counts and places, never payload."""
        return pretty_json(shadow.report)


def _took(ms: float | None) -> str:
    return "" if ms is None else quantities.duration(ms / 1000)
