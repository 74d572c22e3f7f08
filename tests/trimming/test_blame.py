"""Whose fault a refused output is: the whole table, and what no row of it may ever do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.blame import ANSWERS, blame_at_end, blame_by_answer, kind_of
from trimming.choices import BLAME_KINDS, OUTCOME_KINDS, Blame, OutcomeKind, RunOutcome

REFUSED = RunOutcome.UNVERIFIED
OUTCOMES = st.sampled_from(RunOutcome)
# what is no end, or an end that the machine or a person made
NO_ANSWERS = (
    RunOutcome.RUNNING,
    RunOutcome.CANCELLED,
    RunOutcome.BROKEN,
    RunOutcome.DISCARDED,
    RunOutcome.LOST,
    RunOutcome.GIVEN_BACK,
)


@pytest.mark.parametrize(
    ("answer", "blame", "kind"),
    [
        (RunOutcome.DONE, Blame.STRATEGY, OutcomeKind.STRATEGY_FAILURE),
        (RunOutcome.UNVERIFIED, Blame.CAPTURE, OutcomeKind.ODD_CAPTURE),
        (RunOutcome.REFUSED, Blame.CAPTURE, OutcomeKind.ODD_CAPTURE),
        (RunOutcome.FAILED, Blame.CAPTURE, OutcomeKind.ODD_CAPTURE),
        (RunOutcome.LATE, Blame.CAPTURE, OutcomeKind.ODD_CAPTURE),
        *((each, Blame.UNDECIDED, OutcomeKind.UNDECIDED) for each in NO_ANSWERS),
    ],
)
def test_a_refused_output_of_scanning_is_what_legacy_says_of_the_same_job(
    answer: RunOutcome, blame: Blame, kind: OutcomeKind
) -> None:
    assert blame_by_answer(answer) is blame
    assert kind_of(REFUSED, blame) is kind


def test_each_end_of_legacy_is_an_answer_or_none() -> None:
    assert {*ANSWERS, *NO_ANSWERS} == set(RunOutcome)
    assert not {*ANSWERS} & {*NO_ANSWERS}
    assert BLAME_KINDS.keys() == set(Blame)


@pytest.mark.parametrize(
    ("is_control", "is_alone", "blame"),
    [
        (False, False, Blame.UNDECIDED),
        (False, True, Blame.STRATEGY),
        (True, False, Blame.CAPTURE),
        (True, True, Blame.CAPTURE),
    ],
)
def test_at_its_end_a_refused_output_waits_for_legacy_where_legacy_is_still_to_come(
    is_control: bool, is_alone: bool, blame: Blame
) -> None:
    assert blame_at_end(REFUSED, is_control=is_control, is_alone=is_alone) is blame


@given(OUTCOMES, st.booleans(), st.booleans())
def test_of_no_other_end_anybody_else_is_asked(
    outcome: RunOutcome, is_control: bool, is_alone: bool
) -> None:
    blame = blame_at_end(outcome, is_control=is_control, is_alone=is_alone)
    assert (blame is None) == (outcome is not REFUSED)
    if blame is None:
        assert kind_of(outcome, blame) is OUTCOME_KINDS[outcome]


@given(OUTCOMES, st.lists(OUTCOMES, max_size=6))
def test_scanning_is_to_blame_exactly_where_legacy_did_better_and_never_well_by_not_knowing(
    outcome: RunOutcome, answers: list[RunOutcome]
) -> None:
    blame = blame_at_end(outcome, is_control=False)
    for answer in answers:  # of the same job, one after the other, until one of them tells
        if blame is Blame.UNDECIDED:
            blame = blame_by_answer(answer)
    kind = kind_of(outcome, blame)
    if outcome is not REFUSED:
        assert kind is OUTCOME_KINDS[outcome]
        return
    told = next((each for each in answers if each in ANSWERS), None)
    assert (kind is OutcomeKind.STRATEGY_FAILURE) == (told is RunOutcome.DONE)
    assert (kind is OutcomeKind.UNDECIDED) == (told is None)
    assert kind is not OutcomeKind.SUCCEEDED
