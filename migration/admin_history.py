"""The history of rollouts in the admin: attempts, phases and steps; read, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.admin_rows import link_to, moment, pretty_json
from config.languages.told import listed
from migration.admin_rows import HistoryAdmin, Queryset, list_of
from migration.models import (
    Attempt,
    Phase,
    Step,
)
from trimming.quantities import duration
from trimming.routing_words import share_text

BEGAN = moment("started_at", _("began"))
STEP_BEGAN = moment("began_at", _("began"))
ENDED = moment("ended_at", _("ended"))
FINISHED = moment("finished_at", _("ended"))
PAUSED = moment("paused_at", _("paused"))
COUNTED = moment("counted_until", _("counted until"))
CLEAN = moment("clean_at", _("last clean"))
SUSPECT_SINCE = moment("suspect_since", _("suspect since"))


@admin.register(Attempt)
class AttemptAdmin(HistoryAdmin):
    """Walks through the phases."""

    list_display = ("__str__", "rollout", "number", BEGAN, ENDED, "cause")
    list_filter = ("cause", "started_at")
    search_fields = ("rollout__name", "=rollout__id", "cause")
    search_help_text = _("Name or number of the rollout, or cause")
    date_hierarchy = "started_at"
    list_select_related = ("rollout",)
    large = ("tally", "baseline")
    links = ("rollout__id__exact",)
    rows = (
        ("rollout_link", "number"),
        (BEGAN, ENDED, "cause"),
        ("control_version", "treatment_version", "new_build"),
        ("first_policy", "salt"),
        (COUNTED, CLEAN, SUSPECT_SINCE),
        "phases_link",
        "decisions_link",
        "evaluations_link",
        "baseline_text",
        "tally_text",
    )

    @admin.display(description=_("rollout"))
    def rollout_link(self, attempt: Attempt) -> SafeString | str:
        """Link to the rollout."""
        return link_to(attempt.rollout)

    @admin.display(description=_("phases"))
    def phases_link(self, attempt: Attempt) -> SafeString | str:
        """Link to the phases."""
        return list_of("phase", "attempt__id__exact", attempt, _("The phases of this attempt"))

    @admin.display(description=_("decisions"))
    def decisions_link(self, attempt: Attempt) -> SafeString | str:
        """Link to the decisions."""
        label = _("The decisions of this attempt")
        return list_of("decision", "attempt__id__exact", attempt, label)

    @admin.display(description=_("evaluations"))
    def evaluations_link(self, attempt: Attempt) -> SafeString | str:
        """Link to the evaluations."""
        label = _("The evaluations of this attempt")
        return list_of("evaluation", "attempt__id__exact", attempt, label)

    @admin.display(description=_("baseline"))
    def baseline_text(self, attempt: Attempt) -> SafeString | str:
        """Show the frozen baseline."""
        return pretty_json(attempt.baseline)

    @admin.display(description=_("counted"))
    def tally_text(self, attempt: Attempt) -> SafeString | str:
        """Show what was counted."""
        return pretty_json(attempt.tally)


@admin.register(Phase)
class PhaseAdmin(HistoryAdmin):
    """Phases of attempts."""

    list_display = ("__str__", "rollout", "name", "state", "planned", BEGAN, FINISHED)
    list_filter = ("name", "state", "started_at")
    search_fields = ("attempt__rollout__name", "=attempt__rollout__id")
    search_help_text = _("Name or number of the rollout")
    date_hierarchy = "started_at"
    list_select_related = ("attempt__rollout",)
    links = ("attempt__id__exact",)
    rows = (
        ("attempt_link", "number", "name"),
        ("state", "planned"),
        (BEGAN, FINISHED),
        "steps_link",
    )

    def get_queryset(self, request: HttpRequest) -> Queryset:
        """Leave what the attempt has counted out."""
        found = super().get_queryset(request).select_related("attempt__rollout")
        return found.defer("attempt__tally", "attempt__baseline")

    @admin.display(description=_("rollout"))
    def rollout(self, phase: Phase) -> str:
        """Show the rollout."""
        return phase.attempt.rollout.name

    @admin.display(description=_("attempt"))
    def attempt_link(self, phase: Phase) -> SafeString | str:
        """Link to the attempt."""
        return link_to(phase.attempt)

    @admin.display(description=_("planned"), ordering="planned_seconds")
    def planned(self, phase: Phase) -> str:
        """Show the least time by the limits."""
        return duration(phase.planned_seconds)

    @admin.display(description=_("steps"))
    def steps_link(self, phase: Phase) -> SafeString | str:
        """Link to the steps."""
        return list_of("step", "phase__id__exact", phase, _("The steps of this phase"))


@admin.register(Step)
class StepAdmin(HistoryAdmin):
    """Shares of phases."""

    list_display = ("__str__", "rollout", "phase_name", "share_text", STEP_BEGAN, ENDED)
    list_filter = ("phase__name", "began_at")
    search_fields = ("phase__attempt__rollout__name", "=policy_version")
    search_help_text = _("Name of the rollout, or version of the policy")
    date_hierarchy = "began_at"
    list_select_related = ("phase__attempt__rollout",)
    links = ("phase__id__exact",)
    rows = (
        ("phase_link", "number", "share_text"),
        ("policy_version", "policies"),
        (STEP_BEGAN, ENDED),
        (PAUSED, "paused_for"),
    )

    def get_queryset(self, request: HttpRequest) -> Queryset:
        """Leave what the attempt has counted out."""
        found = super().get_queryset(request).select_related("phase__attempt__rollout")
        return found.defer("phase__attempt__tally", "phase__attempt__baseline")

    @admin.display(description=_("rollout"))
    def rollout(self, step: Step) -> str:
        """Show the rollout."""
        return step.phase.attempt.rollout.name

    @admin.display(description=_("phase"), ordering="phase__number")
    def phase_name(self, step: Step) -> str:
        """Show the phase."""
        return step.phase.get_name_display()

    @admin.display(description=_("phase"))
    def phase_link(self, step: Step) -> SafeString | str:
        """Link to the phase."""
        return link_to(step.phase, step.phase.get_name_display())

    @admin.display(description=_("share to scanning"), ordering="share")
    def share_text(self, step: Step) -> str:
        """Show the share in percent."""
        return share_text(step.share)

    @admin.display(description=_("paused"))
    def paused_for(self, step: Step) -> str:
        """Show for how long it was paused."""
        return duration(step.paused_seconds)

    @admin.display(description=_("all policies of it"))
    def policies(self, step: Step) -> str:
        """Show the versions that were published for it, those of drills as such."""
        rows = step.policies.order_by("policy_version")
        drill = gettext("drill")
        return listed(
            f"{each.policy_version} ({drill})" if each.is_drill else str(each.policy_version)
            for each in rows
        )
