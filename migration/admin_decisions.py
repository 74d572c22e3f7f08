"""Decisions and looks in the admin, with all that they went by; read, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.admin_rows import chip, link_to, moment, pretty_json, stored
from migration.admin_rows import HistoryAdmin, rules_table, verdict_chip
from migration.models import (
    Decision,
    Evaluation,
)

REASON = stored("reason", _("reason"))
AT = moment("at", _("time"))


@admin.register(Decision)
class DecisionAdmin(HistoryAdmin):
    """Moves, each with all that it went by; its page asks the question again."""

    list_display = (
        "id",
        AT,
        "rollout",
        "move",
        "rule",
        "actor_name",
        "state_before",
        "state_after",
        REASON,
    )
    list_filter = ("move", "is_automatic", "rule", "at")
    search_fields = ("=id", "rollout__name", "actor_name", "rule", "reason")
    search_help_text = _("Number, name of the rollout, who, rule or reason")
    date_hierarchy = "at"
    list_select_related = ("rollout",)
    large = ("situation", "results")
    links = ("rollout__id__exact", "attempt__id__exact")
    rows = (
        ("id", AT, "move"),
        REASON,
        ("rollout_link", "attempt_link", "phase_link"),
        ("rule", "actor_name", "is_automatic_text"),
        ("state_before", "state_after"),
        ("phase_before", "phase_after", "policy_version"),
        "replayed",
        "rules",
        "situation_text",
    )

    @admin.display(description=_("rollout"))
    def rollout_link(self, decision: Decision) -> SafeString | str:
        """Link to the rollout."""
        return link_to(decision.rollout)

    @admin.display(description=_("attempt"))
    def attempt_link(self, decision: Decision) -> SafeString | str:
        """Link to the attempt."""
        return link_to(decision.attempt)

    @admin.display(description=_("phase"))
    def phase_link(self, decision: Decision) -> SafeString | str:
        """Link to the phase."""
        phase = decision.phase
        return "" if phase is None else link_to(phase, phase.get_name_display())

    @admin.display(description=_("by itself"))
    def is_automatic_text(self, decision: Decision) -> str:
        """Say whether the rollout moved by itself; neither is a fault."""
        return gettext("yes") if decision.is_automatic else gettext("no")

    @admin.display(description=_("asked again"))
    def replayed(self, decision: Decision) -> SafeString:
        """Ask the question again from the row alone, and say whether the answer is the same."""
        from migration.replay import replay

        found = replay(decision)
        if found.same:
            return chip(("ok", "ok"), _("Same answer"))
        context = {"differences": found.differences}
        return render_to_string("admin/migration/differences.html", context)

    @admin.display(description=_("rules"))
    def rules(self, decision: Decision) -> SafeString | str:
        """Show what each rule said."""
        return rules_table(decision.results)

    @admin.display(description=_("situation"))
    def situation_text(self, decision: Decision) -> SafeString | str:
        """Show all that it went by."""
        return pretty_json(decision.situation)


@admin.register(Evaluation)
class EvaluationAdmin(HistoryAdmin):
    """Looks at rollouts."""

    list_display = (AT, "attempt_name", "verdict_chip", "move", "rule", REASON)
    list_filter = ("verdict", "move", "rule", "at")
    search_fields = ("attempt__rollout__name", "rule", "reason")
    search_help_text = _("Name of the rollout, rule or reason")
    date_hierarchy = "at"
    list_select_related = ("attempt__rollout",)
    large = ("situation", "results", "attempt__tally", "attempt__baseline")
    links = ("attempt__id__exact", "attempt__rollout__id__exact")
    rows = (
        (AT, "attempt_link"),
        ("verdict_chip", "move", "rule"),
        REASON,
        "rules",
        "situation_text",
    )

    @admin.display(description=_("attempt"))
    def attempt_name(self, evaluation: Evaluation) -> str:
        """Show rollout and attempt."""
        return f"{evaluation.attempt.rollout.name} {evaluation.attempt.number}"

    @admin.display(description=_("attempt"))
    def attempt_link(self, evaluation: Evaluation) -> SafeString | str:
        """Link to the attempt."""
        return link_to(evaluation.attempt)

    @admin.display(description=_("verdict"), ordering="verdict")
    def verdict_chip(self, evaluation: Evaluation) -> SafeString:
        """Show the verdict."""
        return verdict_chip(evaluation.verdict)

    @admin.display(description=_("rules"))
    def rules(self, evaluation: Evaluation) -> SafeString | str:
        """Show what each rule said."""
        return rules_table(evaluation.results)

    @admin.display(description=_("situation"))
    def situation_text(self, evaluation: Evaluation) -> SafeString | str:
        """Show all that it went by."""
        return pretty_json(evaluation.situation)
