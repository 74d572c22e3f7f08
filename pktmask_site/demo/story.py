"""What the page of the demo says about each phase, and about faults.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from migration.choices import PhaseName, RolloutState
from pktmask_site.demo.acts import APPROVE_AFTER_SECONDS, FIRST_CAPTURES
from trimming.routing_choices import FaultKind


class PhaseStory(NamedTuple):
    """What happens in a phase, and what ends it."""

    happens: Any
    ends: Any


class FaultStory(NamedTuple):
    """What a fault does to scanning, and what one then sees."""

    does: Any
    seen: Any


PHASES: Final[Mapping[PhaseName, PhaseStory]] = {
    PhaseName.BASELINE: PhaseStory(
        gettext_lazy(
            "Legacy serves every capture. In the background both strategies trim a copy of it, and "
            "their results are compared byte by byte."
        ),
        gettext_lazy(
            "When enough was compared, what legacy is like is frozen: the baseline for all that "
            "comes."
        ),
    ),
    PhaseName.AB_TEST: PhaseStory(
        gettext_lazy(
            "A small share of the captures goes to scanning. The digest of a capture draws its "
            "arm, so the same capture always gets the same one."
        ),
        gettext_lazy("It goes on when scanning succeeds, is not slower, and shows no harm."),
    ),
    PhaseName.GRADUAL: PhaseStory(
        gettext_lazy(
            "The share grows in steps. Each step needs its least time, its captures, and a healthy "
            "service."
        ),
        gettext_lazy("The last step asks for an approval: the next phase has no control."),
    ),
    PhaseName.FULL: PhaseStory(
        gettext_lazy(
            "Scanning serves everything. Legacy still takes over what scanning fails on, and is "
            "compared with now and then."
        ),
        gettext_lazy("It goes on when failures stay as rare as in the frozen baseline."),
    ),
    PhaseName.CLEANUP: PhaseStory(
        gettext_lazy(
            "Legacy must not be used any more. A rollback is rehearsed, and its time is measured."
        ),
        gettext_lazy("Then legacy is retired, and the final report is written."),
    ),
}
FAULTS: Final[Mapping[FaultKind, FaultStory]] = {
    FaultKind.FAILING: FaultStory(
        gettext_lazy("Scanning fails on every capture."),
        gettext_lazy(
            "Legacy serves these captures, so nobody's job fails. Three failures in a row roll "
            "back; in phase 1 the comparisons end the phase."
        ),
    ),
    FaultKind.LEAKING: FaultStory(
        gettext_lazy("Scanning masks nothing."),
        gettext_lazy(
            "Verification refuses each of these outputs, so none is offered. One confirmed leak "
            "rolls back, and everything that scanning served is kept back until it is checked."
        ),
    ),
    FaultKind.SLOW: FaultStory(
        gettext_lazy("Scanning takes a second and more for each capture."),
        gettext_lazy("Comparisons of the same captures show it within a few dozen."),
    ),
}


def now_sentence(state: RolloutState | None, reason: str) -> str:
    """Return what happens at present, and what the visitor can do; ``reason`` is the gates'."""
    if state is None:
        words = {"count": FIRST_CAPTURES}
        return (
            _("Traffic has begun; after %(count)d captures the rollout starts by itself.") % words
        )
    if state is RolloutState.AWAITING:
        said = _(
            "It waits for an approval. Give it as the approver, or wait: after %(seconds)d s the "
            "demo does."
        )
        return said % {"seconds": round(APPROVE_AFTER_SECONDS)}
    return str(SENTENCES[state]) or reason


SENTENCES: Final[Mapping[RolloutState, Any]] = {
    RolloutState.DRAFT: gettext_lazy("A rollout is made and not started yet."),
    RolloutState.RUNNING: "",
    RolloutState.PAUSED: gettext_lazy(
        "Somebody paused it: the share stays as it is. Harm rolls back all the same."
    ),
    RolloutState.COMPLETED: gettext_lazy(
        "All captures go to scanning, and legacy is retired. Start the demo again to see it anew."
    ),
    RolloutState.ROLLED_BACK: gettext_lazy(
        "Everything goes to legacy again. Switch the fault off, look at the suspects, and restart "
        "the rollout."
    ),
    RolloutState.ABORTED: gettext_lazy(
        "Somebody sent everything to legacy. Start another rollout when you like."
    ),
}
