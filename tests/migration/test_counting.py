"""What is counted of rows: each capture once, by the arm that it was assigned to."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from migration import counting
from migration.choices import GateVerdict, PhaseName
from migration.conf import RolloutLimits
from migration.counting import LATE_COMMITS, SLACK, count
from migration.gates.evidence import tally_from_json
from migration.gates.tally import ArmCount, StepCount, Tally
from migration.models import Attempt, ComparedCapture, Rollout, ServedCapture
from tests.factories import make_user
from tests.migration.traffic import Service, counted, in_phase
from trimming.choices import RunOutcome
from trimming.models import Capture, GuardLease, TrimJob, TrimRun
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Arm, LeakState, ShadowOutcome, ShadowState, Why

pytestmark = pytest.mark.django_db

AB, SOON = "small_ab_test:0", timedelta(seconds=1)
FAILURES = (RunOutcome.FAILED, RunOutcome.UNVERIFIED, RunOutcome.LATE)
NOBODYS = (
    *(RunOutcome.REFUSED, RunOutcome.CANCELLED, RunOutcome.LOST, RunOutcome.BROKEN),
    *(RunOutcome.GIVEN_BACK, RunOutcome.DISCARDED),
)


def look(service: Service, rollout: Rollout) -> Tally:
    """Count, and nothing else; return all that is counted."""
    service.pass_time(1)
    assert count(rollout.attempt, rollout.limits(), service.now)
    return counted(rollout)


def in_ab(rollout: Rollout) -> StepCount:
    """Return both arms' counts in phase 2."""
    return counted(rollout).of_step(AB)


def copy_of(capture: Capture) -> Capture:
    """Return a capture of somebody else with the same bytes."""
    return Capture.objects.create(
        owner=make_user(),
        name="other.pcap",
        origin=capture.origin,
        size_bytes=capture.size_bytes,
        sha256=capture.sha256,
        file_format="pcap",
        uploaded_at=capture.uploaded_at,
    )


# --- each capture once ----------------------------------------------------------------------------


def test_a_capture_that_is_uploaded_again_counts_once() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    capture = service.given_to(TREATMENT)
    for _ in range(3):
        service.end(service.claim(capture))
        look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(1, 0)


def test_the_same_bytes_of_two_owners_count_once() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    capture = service.given_to(TREATMENT)
    service.end(service.claim(capture))
    service.end(service.claim(copy_of(capture)), RunOutcome.FAILED)
    look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(1, 0)


def test_of_several_attempts_at_a_job_the_first_one_that_tells_counts() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    job = service.claim(service.given_to(TREATMENT))
    for outcome in (RunOutcome.LOST, RunOutcome.LATE, RunOutcome.DONE):
        service.end(job, outcome)
        look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(1, 1)


def test_what_a_person_chose_counts_for_nobody() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    chosen = service.claim(service.given_to(TREATMENT), arm=Arm.NONE, why=Why.OVERRIDE)
    service.end(chosen, RunOutcome.FAILED)
    tally = look(service, rollout)
    assert tally.of_step(AB) == StepCount()
    assert tally.assigned.shared == ()


def test_a_capture_that_a_person_sent_elsewhere_first_still_counts_when_it_is_assigned() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    capture = service.given_to(TREATMENT)
    service.end(service.claim(capture, arm=Arm.NONE, why=Why.OVERRIDE), RunOutcome.FAILED)
    look(service, rollout)
    service.end(service.claim(capture))
    look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(1, 0)


def test_counting_again_changes_nothing() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve(5)
    service.compare(3, outcome=ShadowOutcome.MISMATCHED)
    first = look(service, rollout)
    assert look(service, rollout) == first


# --- arms that are swapped ---


SWAPPED = {Arm.CONTROL: Arm.TREATMENT, Arm.TREATMENT: Arm.CONTROL}


@pytest.mark.parametrize("number", [0, 1])
def test_arms_that_are_swapped_are_noticed_at_any_share(number: int) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, number=number)  # 25 and 50 %
    for _ in range(2):
        job = service.claim()
        TrimJob.objects.filter(pk=job.pk).update(arm=SWAPPED[Arm(job.arm)])
        job.refresh_from_db()
        service.end(job)
    assert look(service, rollout).misplaced >= 2
    decision = service.look()
    assert decision is not None
    assert (decision.move, decision.rule, decision.verdict) == (None, "arms", GateVerdict.ERROR)


def test_what_is_assigned_to_legacy_and_run_by_scanning_is_noticed() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    service.end(service.claim(), strategy=TREATMENT)
    assert look(service, rollout).misplaced == 1


def test_what_falls_back_or_finds_the_breaker_open_is_on_its_arm() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    [run] = service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    service.fall_back(run)
    service.end(service.claim(service.given_to(TREATMENT), routed_to=CONTROL, why=Why.BREAKER_OPEN))
    service.serve(10)
    assert look(service, rollout).misplaced == 0


# --- by its arm -----------------------------------------------------------------------------------


def test_a_run_counts_for_the_arm_of_its_capture() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 3)
    service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    service.serve_on(CONTROL, 2)
    look(service, rollout)
    assert in_ab(rollout) == StepCount(ArmCount(2, 0), ArmCount(4, 1))


@pytest.mark.parametrize("outcome", FAILURES)
def test_a_fallback_counts_against_treatment(outcome: RunOutcome) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    [run] = service.serve_on(TREATMENT, 1, outcome)
    service.fall_back(run)
    look(service, rollout)
    assert in_ab(rollout) == StepCount(ArmCount(), ArmCount(1, 1))


def test_a_failure_counts_while_its_job_still_waits_for_legacy() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    job = service.claim(service.given_to(TREATMENT))
    run = service.end(job, RunOutcome.FAILED)
    service.wait_for_legacy(run)
    assert look(service, rollout).in_a_row == 1


def test_a_failure_counts_however_long_its_job_waits_for_legacy() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    run = service.end(service.claim(service.given_to(TREATMENT)), RunOutcome.FAILED)
    service.wait_for_legacy(run)
    look(service, rollout)
    service.pass_time(10 * LATE_COMMITS.total_seconds())
    look(service, rollout)
    service.fall_back(run)
    look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(1, 1)


@pytest.mark.parametrize("outcome", NOBODYS)
def test_an_end_that_says_nothing_of_the_strategy_counts_for_nobody(outcome: RunOutcome) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 2, outcome)
    service.serve_on(CONTROL, 2, outcome)
    tally = look(service, rollout)
    assert tally.of_step(AB) == StepCount()
    assert tally.in_a_row == 0


def test_what_nobody_watched_is_not_part_of_the_trial() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    GuardLease.objects.all().delete()
    run = service.end(service.claim(service.given_to(TREATMENT)), RunOutcome.FAILED)
    assert (run.strategy, run.job.why) == (CONTROL, Why.UNWATCHED)
    tally = look(service, rollout)
    assert tally.of_step(AB) == StepCount()
    assert tally.assigned.shared == ()
    assert not ServedCapture.objects.filter(digest=run.job.capture.sha256).exists()


def test_a_run_by_another_policy_than_those_of_the_attempt_is_not_counted() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    job = service.claim(service.given_to(TREATMENT))
    TrimJob.objects.filter(pk=job.pk).update(policy_version=1)
    service.end(job, RunOutcome.FAILED, policy_version=1)
    assert look(service, rollout).of_step(AB) == StepCount()


def test_each_run_counts_at_the_share_in_whose_step_it_was_given() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, number=1)
    service.serve_on(TREATMENT, 2)
    tally = look(service, rollout)
    assert tally.of_step("gradual_rollout:1").treatment == ArmCount(2, 0)
    assert tally.of_step("gradual_rollout:0") == StepCount()
    assert [each.w for each in tally.assigned.shared] == [0.5]


# --- late and many --------------------------------------------------------------------------------


def test_a_run_that_is_committed_late_is_counted() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    job = service.claim(service.given_to(TREATMENT))
    service.pass_time(LATE_COMMITS.total_seconds())
    look(service, rollout)
    service.end(job, finished_at=service.now - LATE_COMMITS + SOON)
    look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(1, 0)


def test_a_job_that_is_claimed_and_committed_late_is_counted() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    look(service, rollout)
    job = service.claim(
        service.given_to(TREATMENT), claimed_at=service.now - LATE_COMMITS + 2 * SOON
    )
    service.end(job)
    look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(1, 0)


def test_what_ended_while_nobody_looked_for_long_is_counted() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 2)
    service.pass_time(6 * 3600)
    service.serve_on(TREATMENT, 2)
    look(service, rollout)
    assert in_ab(rollout).treatment == ArmCount(4, 0)


def test_more_rows_than_are_read_at_once_are_all_counted_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "MOST", 4)
    service, rollout = in_phase(PhaseName.AB_TEST)
    for _ in range(3):
        service.serve_on(TREATMENT, 5)
        service.compare(5)
        service.pass_time(0.5)
    for _ in range(12):
        look(service, rollout)
    found = counted(rollout)
    both = found.of_step(AB).both
    assert (both.finished, found.pairs) == (30, 15)
    assert rollout.attempt.counted_until == service.now


def test_what_is_left_for_the_next_look_does_not_count_as_clean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    monkeypatch.setattr(counting, "MOST", 2)
    service.pass_time(1)
    service.serve_on(TREATMENT, 2)
    first = service.now
    service.pass_time(60)
    service.serve_on(TREATMENT, 2, RunOutcome.FAILED)
    look(service, rollout)
    assert rollout.attempt.clean_at == first


# --- two at once ----------------------------------------------------------------------------------


def test_whoever_comes_second_counts_nothing() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 3)
    first, second = rollout.attempt, rollout.attempt
    assert count(first, rollout.limits(), service.now)
    before = dump()
    assert not count(second, rollout.limits(), service.now)
    assert dump() == before
    assert in_ab(rollout).treatment == ArmCount(3, 0)


def test_who_has_counted_knows_what_is_stored() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 3)
    attempt = rollout.attempt
    assert count(attempt, rollout.limits(), service.now)
    assert tally_from_json(attempt.tally) == counted(rollout)
    assert attempt.revision == rollout.attempt.revision


def dump() -> list[Any]:
    """Return what counting writes."""
    models: tuple[Any, ...] = (Attempt, ServedCapture, ComparedCapture)
    return [list(model.objects.order_by("pk").values()) for model in models]


# --- builds ---------------------------------------------------------------------------------------


def test_the_first_versions_that_are_seen_are_those_of_the_attempt() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    service.compare(1)
    look(service, rollout)
    attempt = rollout.attempt
    assert (attempt.control_version, attempt.treatment_version) == ("1.0", "2.0")
    assert attempt.new_build == ""


def test_a_new_build_of_scanning_does_not_count_and_is_noted() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 2)
    look(service, rollout)
    service.versions[TREATMENT] = "2.1"
    service.serve_on(TREATMENT, 3)
    service.compare(2)
    tally = look(service, rollout)
    assert tally.of_step(AB).treatment == ArmCount(2, 0)
    assert tally.pairs == 0
    assert rollout.attempt.new_build == "scanning 2.1"
    assert rollout.attempt.treatment_version == "2.0"


def test_a_new_build_of_legacy_is_noted_as_well() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.versions[CONTROL] = "1.1"
    service.serve_on(CONTROL, 1)
    look(service, rollout)
    assert rollout.attempt.new_build == "legacy 1.1"


def test_a_failure_tells_no_version_and_counts() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 1)
    look(service, rollout)
    service.versions[TREATMENT] = "2.1"
    service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    assert look(service, rollout).of_step(AB).treatment == ArmCount(2, 1)


# --- comparisons and leaks ------------------------------------------------------------------------


def test_only_the_first_comparison_of_a_capture_counts() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    [first] = service.compare(1)
    service.pass_time(1)
    again = service.end(service.claim(service.capture(first.digest)))
    service.compared(again, outcome=ShadowOutcome.MISMATCHED)
    tally = look(service, rollout)
    assert (tally.matched, tally.mismatched) == (1, 0)


@pytest.mark.parametrize(
    "values",
    [
        {"outcome": ShadowOutcome.IGNORED},
        {"state": ShadowState.DROPPED, "outcome": ""},
        {"state": ShadowState.BROKEN, "outcome": ShadowOutcome.IGNORED},
        {"state": ShadowState.RUNNING, "outcome": "", "finished_at": None},
    ],
)
def test_a_comparison_without_an_answer_counts_for_nothing(values: dict[str, Any]) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.compare(2, **values)
    tally = look(service, rollout)
    assert tally.pairs == 0
    assert not ComparedCapture.objects.exists()


def test_a_comparison_in_which_only_scanning_failed_is_discordant_and_no_mismatch() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    failed = {"treatment_failure": "it failed", "treatment_ms": None}
    service.compare(1, outcome=ShadowOutcome.MISMATCHED, **failed)
    tally = look(service, rollout)
    assert (tally.pairs, tally.mismatched) == (0, 0)
    assert tally.discordant.log_e > 0


@pytest.mark.parametrize(
    ("leak", "leaks"), [(LeakState.CONFIRMED, 1), (LeakState.SUSPECTED, 0), (LeakState.NONE, 0)]
)
def test_only_a_confirmed_leak_of_a_comparison_is_one(leak: LeakState, leaks: int) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.compare(1, outcome=ShadowOutcome.MISMATCHED, leak=leak)
    assert look(service, rollout).leaks == leaks
    assert look(service, rollout).leaks == leaks


def test_a_confirmed_leak_of_a_new_build_is_one_as_well() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.compare(1)
    look(service, rollout)
    service.versions[TREATMENT] = "2.1"
    service.compare(1, outcome=ShadowOutcome.MISMATCHED, leak=LeakState.CONFIRMED)
    assert look(service, rollout).leaks == 1
    assert look(service, rollout).leaks == 1


def test_a_leak_of_a_comparison_that_is_not_the_first_is_one_as_well() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    [first] = service.compare(1)
    look(service, rollout)
    for _ in range(2):
        again = service.end(service.claim(service.capture(first.digest)))
        service.compared(again, outcome=ShadowOutcome.MISMATCHED, leak=LeakState.CONFIRMED)
        tally = look(service, rollout)
        assert (tally.leaks, tally.pairs) == (1, 1)


def test_what_verification_refuses_of_scanning_alone_is_a_leak() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    [run] = service.serve_on(TREATMENT, 1, RunOutcome.UNVERIFIED)
    assert look(service, rollout).leaks == 0
    healed = service.fall_back(run)
    tally = look(service, rollout)
    assert (tally.leaks, tally.last_leak_at) == (1, healed.finished_at)
    assert look(service, rollout).leaks == 1


def test_what_verification_refuses_of_both_says_nothing_of_scanning() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    [run] = service.serve_on(TREATMENT, 1, RunOutcome.UNVERIFIED)
    service.fall_back(run, RunOutcome.UNVERIFIED)
    tally = look(service, rollout)
    assert tally.leaks == 0
    assert tally.of_step(AB).treatment == ArmCount(0, 0)
    assert tally.odd == 1


def test_a_failure_of_another_kind_that_legacy_mends_is_no_leak() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    [run] = service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    service.fall_back(run)
    assert look(service, rollout).leaks == 0


# --- settled --------------------------------------------------------------------------------------


def test_captures_are_settled_when_their_time_is_over_and_only_those_that_ended() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 2)
    service.serve_on(CONTROL, 3)
    for _ in range(4):
        service.claim(service.given_to(TREATMENT))  # these never end
    tally = look(service, rollout)
    assert [tuple(each) for each in tally.assigned.shared] == [(0.2, 6, 3)]
    assert tally.completed.shared == ()
    service.pass_time(120 + SLACK.total_seconds())
    tally = look(service, rollout)
    assert [tuple(each) for each in tally.completed.shared] == [(0.2, 2, 3)]
    assert look(service, rollout) == tally


# --- whichever way --------------------------------------------------------------------------------


def counts(tally: Tally) -> tuple[Any, ...]:
    """Return what does not depend on the order of the looks."""
    shared = [sorted(each.shared) for each in (tally.assigned, tally.completed)]
    processes = (tally.errors, tally.slow, tally.discordant, tally.paired)
    evidence = [pytest.approx(each.log_e, abs=1e-9) for each in processes]
    return (
        *(tally.steps, tally.matched, tally.mismatched, tally.leaks, shared, evidence),
        *(tally.in_a_row, tally.most_in_a_row, tally.pairs_control_failed, tally.ratios),
    )


def some_traffic(service: Service, pick: random.Random) -> list[Callable[[], object]]:
    """Return things that happen one after the other, a second apart."""
    captures = [service.given_to(pick.choice([TREATMENT, CONTROL])) for _ in range(6)]

    def upload() -> None:
        job = service.claim(pick.choice(captures))
        run = service.end(job, pick.choice([*FAILURES, *NOBODYS, *[RunOutcome.DONE] * 9]))
        if run.strategy == TREATMENT and run.outcome in FAILURES:
            service.fall_back(run)

    def compare() -> None:
        run = service.end(service.claim(pick.choice(captures)))
        is_leak = pick.random() < 0.2
        outcome = ShadowOutcome.MISMATCHED if is_leak else ShadowOutcome.MATCHED
        leak = LeakState.CONFIRMED if is_leak else LeakState.NONE
        service.compared(run, outcome=outcome, leak=leak)

    return [pick.choice([upload, compare]) for _ in range(14)]


@pytest.mark.parametrize("seed", range(4))
def test_however_the_looks_are_split_the_same_is_counted(seed: int) -> None:
    pick = random.Random(seed)
    service, rollout = in_phase(PhaseName.AB_TEST)
    before = kept(rollout)
    happened = some_traffic(service, pick)
    for each in happened:
        service.pass_time(1)
        each()
        if pick.random() < 0.5:
            count(rollout.attempt, rollout.limits(), service.now)
    look(service, rollout)
    one_by_one = counts(counted(rollout))
    forget_since(rollout, before)
    assert count(rollout.attempt, rollout.limits(), service.now)
    assert counts(counted(rollout)) == one_by_one


def kept(rollout: Rollout) -> tuple[dict[str, Any], list[str]]:
    """Return the attempt's row, and which captures have their mark."""
    attempt = rollout.attempt
    row = dict(Attempt.objects.filter(pk=attempt.pk).values().get())
    return row, list(attempt.served.values_list("digest", flat=True))


def forget_since(rollout: Rollout, before: tuple[dict[str, Any], list[str]]) -> None:
    """Take back what was counted since."""
    row, digests = before
    rollout.attempt.served.exclude(digest__in=digests).delete()
    rollout.attempt.compared.exclude(digest__in=digests).delete()
    Attempt.objects.filter(pk=row.pop("id")).update(**row)


def test_limits_of_slow_runs_are_of_those_that_counted() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    service.serve(2, ms=30.0)
    service.serve(1, RunOutcome.FAILED)
    look(service, rollout)
    assert sorted(counting.control_times(rollout.attempt)) == [
        *[(40_000, 10.0)] * 2,
        *[(40_000, 30.0)] * 2,
    ]


def test_no_row_is_read_whole_that_is_not_needed(django_assert_max_num_queries: Any) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    attempt, limits = rollout.attempt, RolloutLimits(**rollout.limits().model_dump())
    service.serve(20)
    service.compare(5)
    with django_assert_max_num_queries(24):
        assert count(attempt, limits, service.now)
    assert TrimRun.objects.count() > 20
