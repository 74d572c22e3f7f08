"""Whose fault it is when verification refuses an output: outcomes in, an answer out.  Pure.

Who makes captures can make odd ones, which verification refuses whatever strategy made the output.
They must open no breaker and roll nothing back.  So an output of the treatment that is refused
waits for what the control makes of the same job, which comes at once, and says nothing before that.
"""

from __future__ import annotations

from typing import Final

from django.db.models import Q

from trimming.choices import BLAME_KINDS, OUTCOME_KINDS, Blame, OutcomeKind, RunOutcome

# what an end of the control says of a treatment whose output was refused; what is not here is no
# answer: the machine failed, or somebody stopped it
ANSWERS: Final[dict[RunOutcome, Blame]] = {
    RunOutcome.DONE: Blame.STRATEGY,
    RunOutcome.UNVERIFIED: Blame.CAPTURE,
    RunOutcome.REFUSED: Blame.CAPTURE,
    RunOutcome.FAILED: Blame.CAPTURE,
    RunOutcome.LATE: Blame.CAPTURE,
}


def blame_at_end(outcome: RunOutcome, *, is_control: bool, is_alone: bool = False) -> Blame | None:
    """Return whose fault a refused output is when its run ends; None for any other end.

    ``is_alone``: no control will run, so nobody can clear the strategy.  What is refused of the
    control has no better answer to be held against.
    """
    if outcome is not RunOutcome.UNVERIFIED:
        return None
    if is_control:
        return Blame.CAPTURE
    return Blame.STRATEGY if is_alone else Blame.UNDECIDED


def blame_by_answer(answer: RunOutcome) -> Blame:
    """Return whose fault a refused output of the treatment is, by how the control ended."""
    return ANSWERS.get(answer, Blame.UNDECIDED)


def kind_of(outcome: RunOutcome, blame: Blame | None) -> OutcomeKind:
    """Return what the end of a run says of its strategy."""
    return OUTCOME_KINDS[outcome] if blame is None else BLAME_KINDS[blame]


def of_kinds(*kinds: OutcomeKind) -> Q:
    """Return what holds of runs whose end says one of ``kinds`` of their strategy."""
    outcomes = [outcome for outcome, kind in OUTCOME_KINDS.items() if kind in kinds]
    blames = [blame for blame, kind in BLAME_KINDS.items() if kind in kinds]
    return Q(blame="", outcome__in=outcomes) | Q(blame__in=blames)
