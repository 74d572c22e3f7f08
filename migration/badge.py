"""The rollout in a word, for every page: its state, its phase and its share, in one query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Max, OuterRef, Q, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from migration.choices import ACTIVE, ROLLOUT_LOOKS, PhaseName, RolloutState
from migration.models import Approval, Attempt, Evaluation, Rollout, Step
from trimming.routing_words import share_text

# short words for a narrow place; states of which nobody needs to know have none
WORDS: Final[Mapping[RolloutState, Any]] = {
    RolloutState.RUNNING: pgettext_lazy("badge", "Running"),
    RolloutState.PAUSED: pgettext_lazy("badge", "Paused"),
    RolloutState.AWAITING: pgettext_lazy("badge", "Approval"),
    RolloutState.ROLLED_BACK: pgettext_lazy("badge", "Rolled back"),
}
STEPS: Final = Step.objects.filter(phase__attempt__rollout=OuterRef("pk")).order_by(
    "-phase__attempt__number", "-phase__number", "-number"
)


def facts_now() -> dict[str, Any] | None:
    """Return state, phase and share of the active rollout, or of the newest one; plain values."""
    found = (
        Rollout.objects.annotate(
            is_active=Q(state__in=[state.value for state in ACTIVE]),
            phase=Subquery(STEPS.values("phase__number")[:1]),
            share=Subquery(STEPS.values("share")[:1]),
        )
        .order_by("-is_active", "-created_at", "-pk")
        .values("pk", "state", "revision", "phase", "share")
        .first()
    )
    return dict(found) if found else None


def news_now() -> dict[str, Any] | None:
    """Return the facts with what an open page must be told of: looks and requests."""
    found = facts_now()
    if found is None:
        return None
    newest = Attempt.objects.filter(rollout=found["pk"]).order_by("-number").values("pk")[:1]
    asked = Approval.objects.filter(step__phase__attempt__rollout=found["pk"])
    return found | {
        "look": Evaluation.objects.filter(attempt=Subquery(newest)).aggregate(pk=Max("pk"))["pk"],
        "asked": list(asked.order_by("-pk").values_list("pk", "state")[:1]),
    }


def in_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with what the badge and the strip show, in the language active now."""
    state = RolloutState(facts["state"])
    look = ROLLOUT_LOOKS[state]
    return {
        **facts,
        "tone": look.tone,
        "shape": look.shape,
        "word": str(WORDS.get(state, "")),
        "sentence": _sentence(state, facts),
    }


def _sentence(state: RolloutState, facts: Mapping[str, Any]) -> str:
    if state not in ACTIVE or facts["phase"] is None:
        return ""
    words = {
        "phase": facts["phase"],
        "count": len(PhaseName),
        "share": share_text(facts["share"]),
    }
    return _("Phase %(phase)d of %(count)d, %(share)s scanning") % words
