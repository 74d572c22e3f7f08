"""What rollouts go by and leave behind, in the admin: limits, evidence, drills; read only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.admin_rows import link_to, moment, pretty_json, stored
from migration.admin_rows import HistoryAdmin, verdict_chip
from migration.choices import GateVerdict
from migration.models import (
    EvidenceArchive,
    FinalReport,
    ImportedEvidence,
    LimitsVersion,
    RollbackDrill,
)
from trimming.quantities import duration

REASON = stored("reason", _("reason"))
SENTENCE = stored("sentence", _("what was seen"))
AT = moment("at", _("time"))


@admin.register(LimitsVersion)
class LimitsVersionAdmin(HistoryAdmin):
    """Changes of limits; they are proposed and approved on the rollout's page of limits."""

    list_display = ("__str__", "rollout", "number", "author_name", AT, "approved_by", REASON)
    list_filter = ("at",)
    search_fields = ("rollout__name", "author_name", "reason")
    search_help_text = _("Name of the rollout, who, or reason")
    date_hierarchy = "at"
    list_select_related = ("rollout", "approved")
    large = ("values",)
    links = ("rollout__id__exact",)
    rows = (
        ("rollout_link", "number"),
        ("author_name", AT, "approved_by"),
        REASON,
        "values_text",
        "back_test_text",
    )

    @admin.display(description=_("rollout"))
    def rollout_link(self, version: LimitsVersion) -> SafeString | str:
        """Link to the rollout."""
        return link_to(version.rollout)

    @admin.display(description=_("approved by"))
    def approved_by(self, version: LimitsVersion) -> str:
        """Show who approved it."""
        found = getattr(version, "approved", None)
        return "" if found is None else found.actor_name or gettext("with the draft")

    @admin.display(description=_("limits that differ from the configuration"))
    def values_text(self, version: LimitsVersion) -> SafeString | str:
        """Show the values."""
        return pretty_json(version.values)

    @admin.display(description=_("back-test"))
    def back_test_text(self, version: LimitsVersion) -> SafeString | str:
        """Show what they would have done."""
        found = getattr(version, "back_test", None)
        return gettext("not there yet") if found is None else pretty_json(found.result)


@admin.register(ImportedEvidence)
class ImportedEvidenceAdmin(HistoryAdmin):
    """Offline tests that count for an attempt."""

    list_display = ("offline_test", "attempt_name", "matched", "mismatched", "actor_name", AT)
    list_filter = ("at",)
    search_fields = ("offline_test__name", "attempt__rollout__name", "actor_name")
    search_help_text = _("Name of the test or the rollout, or who")
    date_hierarchy = "at"
    list_select_related = ("attempt__rollout", "offline_test")
    large = ("attempt__tally", "attempt__baseline", "offline_test__result")
    rows = (("offline_test_link", "attempt_link"), ("matched", "mismatched"), ("actor_name", AT))

    @admin.display(description=_("attempt"))
    def attempt_name(self, imported: ImportedEvidence) -> str:
        """Show rollout and attempt."""
        return f"{imported.attempt.rollout.name} {imported.attempt.number}"

    @admin.display(description=_("offline test"))
    def offline_test_link(self, imported: ImportedEvidence) -> SafeString | str:
        """Link to the offline test."""
        return link_to(imported.offline_test)

    @admin.display(description=_("attempt"))
    def attempt_link(self, imported: ImportedEvidence) -> SafeString | str:
        """Link to the attempt."""
        return link_to(imported.attempt)


@admin.register(EvidenceArchive)
class EvidenceArchiveAdmin(HistoryAdmin):
    """Evidence as it was when the last phase began."""

    list_display = ("attempt_name", AT, "sha256")
    date_hierarchy = "at"
    list_select_related = ("attempt__rollout",)
    large = ("baseline", "tally", "attempt__tally", "attempt__baseline")
    rows = (("attempt_link", AT), "sha256", "baseline_text", "tally_text")

    @admin.display(description=_("attempt"))
    def attempt_name(self, archive: EvidenceArchive) -> str:
        """Show rollout and attempt."""
        return f"{archive.attempt.rollout.name} {archive.attempt.number}"

    @admin.display(description=_("attempt"))
    def attempt_link(self, archive: EvidenceArchive) -> SafeString | str:
        """Link to the attempt."""
        return link_to(archive.attempt)

    @admin.display(description=_("baseline"))
    def baseline_text(self, archive: EvidenceArchive) -> SafeString | str:
        """Show the baseline."""
        return pretty_json(archive.baseline)

    @admin.display(description=_("counted"))
    def tally_text(self, archive: EvidenceArchive) -> SafeString | str:
        """Show what was counted."""
        return pretty_json(archive.tally)


@admin.register(RollbackDrill)
class RollbackDrillAdmin(HistoryAdmin):
    """Rollbacks that were rehearsed."""

    list_display = (AT, "attempt_name", "passed_chip", "took", "actor_name", SENTENCE)
    list_filter = ("passed", "at")
    search_fields = ("attempt__rollout__name", "actor_name")
    search_help_text = _("Name of the rollout, or who")
    date_hierarchy = "at"
    list_select_related = ("attempt__rollout",)
    large = ("attempt__tally", "attempt__baseline")
    links = ("attempt__rollout__id__exact",)
    rows = ((AT, "attempt_link", "actor_name"), ("passed_chip", "took"), SENTENCE)

    @admin.display(description=_("attempt"))
    def attempt_name(self, drill: RollbackDrill) -> str:
        """Show rollout and attempt."""
        attempt = drill.attempt
        return "" if attempt is None else f"{attempt.rollout.name} {attempt.number}"

    @admin.display(description=_("attempt"))
    def attempt_link(self, drill: RollbackDrill) -> SafeString | str:
        """Link to the attempt."""
        return link_to(drill.attempt)

    @admin.display(description=_("result"), ordering="passed")
    def passed_chip(self, drill: RollbackDrill) -> SafeString:
        """Show whether it passed."""
        return verdict_chip(GateVerdict.PASSED if drill.passed else GateVerdict.FAILED)

    @admin.display(description=_("took"), ordering="took_ms")
    def took(self, drill: RollbackDrill) -> str:
        """Show the time from asking for the fence to the commit."""
        return duration(drill.took_ms / 1000)


@admin.register(FinalReport)
class FinalReportAdmin(HistoryAdmin):
    """Reports of completed rollouts."""

    list_display = ("rollout", AT)
    list_select_related = ("rollout",)
    large = ("text",)
    rows = (("rollout_link", AT), "text_shown")

    @admin.display(description=_("rollout"))
    def rollout_link(self, report: FinalReport) -> SafeString | str:
        """Link to the rollout."""
        return link_to(report.rollout)

    @admin.display(description=_("report"))
    def text_shown(self, report: FinalReport) -> SafeString:
        """Show the report as it was stored, as Markdown."""
        return format_html('<pre class="json">{}</pre>', report.text)
