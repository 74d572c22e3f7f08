"""Counting: how facts are added does not matter, only what they are."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.conf import RolloutLimits
from migration.gates.evidence import tally_as_json
from migration.gates.tally import (
    LONGEST_ROW,
    SLOW_P0,
    ArmCount,
    Assigned,
    Compared,
    Served,
    StepCount,
    Tally,
    slow_limits,
)
from monitoring.eprocesses import Harm
from monitoring.metrics.histograms import of_values
from monitoring.statistics import Shared
from tests.migration.pure import (
    BASELINE,
    DAY,
    GIVEN,
    LIMITS,
    NOW,
    PAIRS,
    RUNS,
    SIZE,
    SLOW_MS,
    STEP,
    fold,
    pair,
    run,
)

CUTS = st.lists(st.integers(0, 8), max_size=3).map(sorted)


def pieces(facts: list[Any], cuts: list[int]) -> list[list[Any]]:
    ends = [0, *cuts, len(facts)]
    return [facts[begin:end] for begin, end in pairwise(ends)]


def values(tally: Tally) -> dict[str, Any]:
    return {each.name: getattr(tally, each.name) for each in fields(tally)}


# --- runs -----------------------------------------------------------------------------------------


@given(RUNS, PAIRS, GIVEN, CUTS)
def test_one_batch_or_many_give_the_same_counts_and_the_same_evidence(
    runs: list[Served], pairs: list[Compared], given_to: list[Assigned], cuts: list[int]
) -> None:
    together = (
        Tally()
        .with_baseline(BASELINE)
        .serve(runs, BASELINE)
        .compare(pairs, LIMITS.slower_by)
        .share_out(given_to, given_to)
    )
    one_by_one = Tally().with_baseline(BASELINE)
    for each in pieces(runs, cuts):
        one_by_one = one_by_one.serve(each, BASELINE)
    for each in pieces(pairs, cuts):
        one_by_one = one_by_one.compare(each, LIMITS.slower_by)
    for each in pieces(given_to, cuts):
        one_by_one = one_by_one.share_out(each, each)
    for (name, whole), part in zip(
        values(together).items(), values(one_by_one).values(), strict=True
    ):
        if isinstance(whole, Harm):
            assert part.log_e == pytest.approx(whole.log_e, rel=1e-9, abs=1e-9), name
            # who looks more often has seen at least as much
            assert part.max_log_e >= whole.max_log_e - 1e-9, name
        else:
            assert part == whole, name


@given(RUNS, PAIRS, CUTS)
def test_the_most_evidence_only_grows(
    runs: list[Served], pairs: list[Compared], cuts: list[int]
) -> None:
    tally = Tally().with_baseline(BASELINE)
    for some_runs, some_pairs in zip(pieces(runs, cuts), pieces(pairs, cuts), strict=True):
        after = tally.serve(some_runs, BASELINE).compare(some_pairs, LIMITS.slower_by)
        for name, value in values(after).items():
            if isinstance(value, Harm):
                assert value.max_log_e >= max(getattr(tally, name).max_log_e, 0.0)
                assert value.max_log_e >= value.log_e - 1e-9
        assert after.most_in_a_row >= max(tally.most_in_a_row, after.in_a_row)
        tally = after


@given(RUNS, PAIRS, GIVEN)
def test_nothing_that_is_counted_is_no_number(
    runs: list[Served], pairs: list[Compared], given_to: list[Assigned]
) -> None:
    def check(value: Any) -> None:
        match value:
            case dict():
                check(list(value.values()))
            case list():
                for each in value:
                    check(each)
            case float():
                assert math.isfinite(value)

    check(tally_as_json(fold(runs, pairs, given_to)))


def test_nothing_new_changes_nothing() -> None:
    tally = fold([run(failed=True)], [pair(mismatched=True)], [Assigned(True, 0.1)])
    assert tally.serve([], BASELINE) is tally
    assert tally.compare([], LIMITS.slower_by) is tally
    assert tally.share_out([], []) == tally


def test_adding_leaves_the_tally_before_as_it_was() -> None:
    tally = fold([run()], [pair()], [])
    before = tally_as_json(tally)
    tally.serve([run(failed=True)], BASELINE).compare([pair(leaked=True)], 0.1).leak(NOW)
    assert tally_as_json(tally) == before


def test_runs_are_counted_by_step_and_arm() -> None:
    tally = Tally().serve(
        [
            run(),
            run(failed=True),
            run(on_treatment=False),
            run(step="other:0", on_treatment=False, failed=True),
        ],
        None,
    )
    assert tally.of_step(STEP) == StepCount(ArmCount(1, 0), ArmCount(2, 1))
    assert tally.of_step(STEP).both == ArmCount(3, 1)
    assert tally.of_step("other:0") == StepCount(ArmCount(1, 1), ArmCount())
    assert tally.of_step("never:0") == StepCount()


def test_a_rate_without_runs_is_0() -> None:
    assert ArmCount().rate == 0
    assert ArmCount(4, 1).rate == 0.25


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_run_at_a_share_between_the_arms_compares_them(share: float) -> None:
    before = Tally().with_baseline(BASELINE)
    after = before.serve([run(share=share, failed=True, duration_ms=60.0)], BASELINE)
    assert after.errors.log_e > 0
    assert after.slow.log_e > 0
    assert (after.errors_alone, after.slow_alone) == (before.errors_alone, before.slow_alone)


def test_a_failure_of_control_speaks_for_treatment() -> None:
    after = Tally().serve([run(on_treatment=False, failed=True)], None)
    assert after.errors.log_e < 0
    assert after.errors.max_log_e == 0


def test_a_run_at_a_share_of_everything_is_held_against_the_baseline_alone() -> None:
    before = Tally().with_baseline(BASELINE)
    after = before.serve([run(share=1.0, failed=True, duration_ms=60.0), run(share=1.0)], BASELINE)
    assert (after.errors, after.slow) == (before.errors, before.slow)
    for process in (after.errors_alone, after.slow_alone):
        assert process is not None
        assert (process.failed, process.succeeded) == (1, 1)


@pytest.mark.parametrize(("share", "on_treatment"), [(0.0, False), (0.0, True), (1.0, False)])
def test_a_run_that_chance_did_not_give_to_its_arm_is_counted_and_compares_nothing(
    share: float, on_treatment: bool
) -> None:
    before = Tally().with_baseline(BASELINE)
    ran = run(share=share, on_treatment=on_treatment, failed=True, duration_ms=60.0)
    after = before.serve([ran], BASELINE)
    processes = ("errors", "slow", "errors_alone", "slow_alone")
    assert [getattr(after, name) for name in processes] == [
        getattr(before, name) for name in processes
    ]
    assert after.of_step(STEP).both == ArmCount(1, 1)


def test_without_a_baseline_no_run_is_slow_and_none_is_held_against_it() -> None:
    after = Tally().serve([run(share=1.0, failed=True), run(duration_ms=1e6)], None)
    assert after.errors_alone is None
    assert after.slow_alone is None
    assert after.slow == Tally().slow


@pytest.mark.parametrize(
    ("changes", "is_slow"),
    [
        ({"duration_ms": SLOW_MS}, False),
        ({"duration_ms": SLOW_MS + 0.1}, True),
        # a run without a result, and a size without a limit
        ({"duration_ms": None}, False),
        ({"duration_ms": 1e6, "size_bytes": 10}, False),
    ],
)
def test_a_run_is_slow_beyond_the_limit_of_its_size(changes: dict[str, Any], is_slow: bool) -> None:
    before = Tally().with_baseline(BASELINE)
    assert (before.serve([run(**changes)], BASELINE).slow != before.slow) is is_slow
    alone = before.serve([run(share=1.0, **changes)], BASELINE).slow_alone
    assert alone is not None
    assert alone.failed == is_slow


def test_a_run_that_has_no_limit_is_neither_slow_nor_fast() -> None:
    tally = Tally().with_baseline(BASELINE)
    runs = [run(share=1.0, duration_ms=None), run(share=1.0, size_bytes=10)]
    assert tally.serve(runs, BASELINE).slow_alone == tally.slow_alone


@pytest.mark.parametrize(
    ("runs", "now", "most"),
    [
        ("", 0, 0),
        ("FF", 2, 2),
        ("FFs", 0, 2),
        ("FFsF", 1, 2),
        ("FsFFFsF", 1, 3),
        # control says nothing of treatment, neither way
        ("FcF", 2, 2),
        ("FCF", 2, 2),
        ("CCC", 0, 0),
    ],
)
def test_failures_of_treatment_are_counted_one_after_the_other(
    runs: str, now: int, most: int
) -> None:
    tally = Tally()
    for each in runs:
        failed = run(on_treatment=each.lower() != "c", failed=each.isupper())
        tally = tally.serve([failed], None)
    assert (tally.in_a_row, tally.most_in_a_row) == (now, most)
    together = [run(on_treatment=each.lower() != "c", failed=each.isupper()) for each in runs]
    at_once = Tally().serve(together, None)
    assert (at_once.in_a_row, at_once.most_in_a_row) == (now, most)


@pytest.mark.parametrize(
    ("ended", "now", "most"),
    [
        # a success that ended before the row, and was committed in the middle of it
        ("F2 F3 s1 F4", 3, 3),
        ("F2 F3 s2 F4", 2, 2),
        ("F1 F3 s2 F4", 2, 2),
        # a failure that ended before a success that is counted already
        ("F1 s5 F2 F6", 1, 1),
        ("s5 s2 F3 F6", 1, 1),
    ],
)
def test_failures_are_in_a_row_by_when_they_ended_and_not_by_when_they_were_committed(
    ended: str, now: int, most: int
) -> None:
    runs = [
        run(failed=each[0] == "F", at=NOW + timedelta(seconds=int(each[1:])))
        for each in ended.split()
    ]
    tally = Tally().serve(runs, None)
    assert (tally.in_a_row, tally.most_in_a_row) == (now, most)


def test_a_row_of_failures_is_kept_as_long_as_a_limit_may_be() -> None:
    tally = Tally().serve([run(failed=True)] * (LONGEST_ROW + 1), None)
    assert tally.in_a_row == RolloutLimits(failures_in_a_row=LONGEST_ROW).failures_in_a_row


# --- comparisons ----------------------------------------------------------------------------------


def test_comparisons_are_counted_by_what_they_say() -> None:
    tally = Tally().compare([pair(), pair(), pair(mismatched=True)], 0.1)
    assert (tally.matched, tally.mismatched, tally.pairs) == (2, 1, 3)


@pytest.mark.parametrize(
    ("control_failed", "treatment_failed"), [(True, False), (False, True), (True, True)]
)
@pytest.mark.parametrize("mismatched", [True, False])
def test_where_a_strategy_came_to_no_answer_there_is_none_to_differ(
    control_failed: bool, treatment_failed: bool, mismatched: bool
) -> None:
    failed = pair(
        mismatched=mismatched, control_failed=control_failed, treatment_failed=treatment_failed
    )
    tally = Tally().compare([failed, pair()], 0.1)
    assert (tally.matched, tally.mismatched, tally.pairs) == (1, 0, 1)


def test_only_a_capture_on_which_one_strategy_alone_fails_says_which_is_worse() -> None:
    both, none = pair(control_failed=True, treatment_failed=True), pair()
    assert Tally().compare([both, none], 0.1).discordant == Tally().discordant
    assert Tally().compare([pair(treatment_failed=True)], 0.1).discordant.log_e > 0
    worse = Tally().compare([pair(control_failed=True), both], 0.1)
    assert worse.discordant.log_e < 0
    assert worse.pairs_control_failed == 2


@pytest.mark.parametrize(
    ("changes", "slower", "not_slower"),
    [
        ({"treatment_ms": 22.1}, 1, 0),
        ({"treatment_ms": 22.0}, 0, 1),
        ({"treatment_ms": None}, 0, 0),
        ({"control_ms": None}, 0, 0),
    ],
)
def test_a_pair_is_slower_beyond_its_tolerance_when_both_were_timed(
    changes: dict[str, Any], slower: int, not_slower: int
) -> None:
    tally = Tally().compare([pair(**changes)], 0.1)
    assert (tally.paired.slower, tally.paired.not_slower) == (slower, not_slower)
    assert tally.ratios.count == slower + not_slower


def test_a_pair_whose_control_took_no_time_has_no_ratio() -> None:
    tally = Tally().compare([pair(control_ms=0.0, treatment_ms=0.0)], 0.1)
    assert tally.ratios.count == 0
    assert tally.paired.not_slower == 1


def test_ratios_are_of_treatment_to_control() -> None:
    tally = Tally().compare([pair(control_ms=10.0, treatment_ms=30.0)] * 3, 0.1)
    assert tally.ratios == of_values([3.0] * 3)


def test_leaks_are_counted_with_the_time_of_the_last() -> None:
    later = NOW + timedelta(hours=1)
    tally = Tally().compare([pair(leaked=True), pair(leaked=True, at=later), pair()], 0.1)
    assert (tally.leaks, tally.last_leak_at) == (2, later)
    again = tally.compare([pair()], 0.1)
    assert (again.leaks, again.last_leak_at) == (2, later)


def test_a_leak_that_verification_finds_counts_as_well() -> None:
    tally = Tally().leak(NOW)
    assert (tally.leaks, tally.last_leak_at) == (1, NOW)


def test_comparisons_from_elsewhere_are_added_to_the_bound_and_not_to_the_tally() -> None:
    tally = Tally(matched=5, mismatched=1)
    bound = tally.mismatch_bound(0.02, imported=3)
    assert (bound.p0, bound.matched, bound.mismatched) == (0.02, 8, 1)
    assert tally.mismatch_bound(0.02).matched == 5


# --- sharing out ----------------------------------------------------------------------------------


def test_captures_are_counted_by_the_share_that_was_in_force() -> None:
    given_to = [
        *(Assigned(True, 0.1), Assigned(False, 0.1), Assigned(False, 0.1), Assigned(True, 0.25)),
        # no chance, nothing to check
        *(Assigned(False, 0.0), Assigned(True, 1.0)),
    ]
    tally = Tally().share_out(given_to, given_to[:1])
    assert tally.assigned.shared == (Shared(0.1, 1, 2), Shared(0.25, 1, 0))
    assert tally.completed.shared == (Shared(0.1, 1, 0),)


# --- the baseline ---------------------------------------------------------------------------------


def test_the_processes_without_a_control_begin_with_the_baseline() -> None:
    tally = Tally(matched=3).with_baseline(BASELINE)
    assert tally.errors_alone is not None
    assert tally.errors_alone.p0 == BASELINE.error_limit
    assert tally.slow_alone is not None
    assert tally.slow_alone.p0 == SLOW_P0 == pytest.approx(0.055)
    assert tally.matched == 3


def test_the_limit_of_a_baseline_is_above_the_rate_that_it_saw() -> None:
    assert BASELINE.failed / BASELINE.runs < BASELINE.error_limit < 0.03


def test_limits_that_hold_without_a_control_need_more_runs() -> None:
    times = [(SIZE, float(ms)) for ms in range(200)] + [(10, 1.0)] * 99
    compared, alone = slow_limits(iter(times), 201)
    assert [bucket for bucket, _ in compared.p95_ms] == [4096]
    assert alone.p95_ms == ()
    assert slow_limits(times, 200)[1] == compared


# --- rounds of evidence ---------------------------------------------------------------------------


def test_the_first_round_begins_with_the_first_look() -> None:
    found = Tally().renewed("a:0", NOW, DAY)
    assert (found.evidence_round, found.round_step, found.round_since) == (1, "a:0", NOW)


@pytest.mark.parametrize(
    ("step", "seconds", "number"), [("a:0", DAY - 1, 1), ("a:0", DAY, 2), ("a:1", 1, 2)]
)
def test_a_new_step_or_a_day_begins_a_new_round(step: str, seconds: float, number: int) -> None:
    begun = Tally().renewed("a:0", NOW, DAY)
    found = begun.renewed(step, NOW + timedelta(seconds=seconds), DAY)
    assert found.evidence_round == number


def test_a_new_round_forgets_evidence_of_harm_and_keeps_what_was_counted() -> None:
    begun = Tally().with_baseline(BASELINE).renewed("a:0", NOW, DAY)
    both = [run(share=0.5, failed=True), run(share=1.0, failed=True)]
    served = begun.serve(both, None)
    found = served.renewed("a:1", NOW, DAY)
    fresh = Tally().with_baseline(BASELINE)
    for name in ("errors", "slow", "discordant", "paired", "errors_alone", "slow_alone"):
        assert getattr(found, name) == getattr(fresh, name), name
    assert (found.steps, found.in_a_row) == (served.steps, served.in_a_row)


def test_all_rounds_together_have_all_of_alpha_and_no_more() -> None:
    weights = [replace(Tally(), evidence_round=number).round_weight for number in range(1, 2000)]
    assert 0.999 < math.fsum(weights) < 1
