"""What is known at a look: samples, health, memory and times, and whose policy is in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from migration.choices import ApprovalState, Move, PhaseName, RolloutState
from migration.counting import count
from migration.gates.evidence import Evidence
from migration.gates.tally import ArmCount
from migration.models import Attempt, ImportedEvidence, Rollout, Step
from migration.situation import load, step_seconds
from monitoring.choices import Dimension
from monitoring.conf import health_settings
from monitoring.metrics.histograms import of_values
from monitoring.models import MetricSample
from tests.migration.traffic import Service, in_phase, move
from trimming import policy as policies
from trimming.choices import RunOutcome
from trimming.models import OfflineTest, TrimRun
from trimming.policy import Wish, emergency_rollback
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Arm, Mode, Origin, Why

pytestmark = pytest.mark.django_db

SLOW = of_values([900.0] * 10).as_json()
FAST = of_values([5.0] * 10).as_json()


def seen(service: Service, rollout: Rollout) -> Evidence:
    return load(rollout, service.now).evidence


def look(service: Service, rollout: Rollout) -> None:
    """Count, and nothing else."""
    assert count(rollout.attempt, rollout.limits(), service.now)


# --- samples --------------------------------------------------------------------------------------


def test_the_age_is_that_of_the_newest_sample() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.sample()
    service.pass_time(7)
    assert seen(service, rollout).sample_age_seconds == 7


def test_an_age_is_known_however_old_the_newest_sample_is() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.sample()
    service.pass_time(86_400)
    assert seen(service, rollout).sample_age_seconds == 86_400


def test_without_any_sample_no_age_is_known() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    MetricSample.objects.all().delete()
    assert seen(service, rollout).sample_age_seconds is None


def test_a_sample_of_a_clock_that_is_ahead_is_fresh() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(5)
    service.sample()
    service.pass_time(-5)
    assert seen(service, rollout).sample_age_seconds == 0


# --- health ---------------------------------------------------------------------------------------


def test_the_newest_report_counts_with_its_age_and_what_fails() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(60)
    service.report(0.4, Dimension.ERROR_RATE, Dimension.RESOURCES)
    service.pass_time(9)
    health = seen(service, rollout).health
    assert health is not None
    assert (health.score, health.age_seconds) == (0.4, 9)
    assert set(health.failing) == {"error_rate", "resources"}


def test_reports_from_before_treatment_do_not_count() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    for _ in range(3):
        service.pass_time(60)
        service.report(0.1, Dimension.ERROR_RATE)
    service.pass_time(1)
    move(service, rollout, Move.FREEZE, Move.PROMOTE)
    assert seen(service, rollout).health is None


def test_reports_of_the_attempt_before_do_not_count() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.report(0.1, Dimension.ERROR_RATE)
    service.pass_time(1)
    move(service, rollout, Move.ROLL_BACK, Move.RESTART)
    assert seen(service, rollout).health is None


def low_in_a_row(service: Service, rollout: Rollout, *reports: Any) -> int:
    """Let reports come, each a score and what fails, oldest first; return how many are low."""
    for score, *failing in reports:
        service.pass_time(60)
        service.report(score, *failing)
    health = seen(service, rollout).health
    assert health is not None
    return health.low_in_a_row


ERRORS = Dimension.ERROR_RATE


def test_low_reports_are_counted_from_the_newest_on() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    assert low_in_a_row(service, rollout, (0.5, ERRORS), (0.9,), (0.5, ERRORS), (0.4, ERRORS)) == 2


def test_a_report_without_a_score_is_skipped() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    assert low_in_a_row(service, rollout, (0.5, ERRORS), (None,), (0.4, ERRORS)) == 2


def test_reports_without_a_score_hide_no_low_ones() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    reports = [(0.5, ERRORS)] * 2 + [(None,)] * 3 + [(0.5, ERRORS)]
    assert low_in_a_row(service, rollout, *reports) == 3


def test_a_low_report_for_which_treatment_is_not_to_blame_ends_the_row() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    reports = ((0.5, ERRORS), (0.5, Dimension.RESOURCES), (0.5, ERRORS))
    assert low_in_a_row(service, rollout, *reports) == 1


# --- memory and times -----------------------------------------------------------------------------


def test_memory_is_critical_since_it_went_above_without_a_break() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    limit = health_settings().worker_rss_bytes_fail
    service.samples(20, worker_rss_bytes=limit)
    service.samples(5, worker_rss_bytes=limit - 1)
    service.samples(50, worker_rss_bytes=limit)
    assert seen(service, rollout).critical_seconds == {"memory": 45}


def test_memory_that_fell_is_not_critical() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    limit = health_settings().worker_rss_bytes_fail
    service.samples(50, worker_rss_bytes=limit)
    service.samples(5, worker_rss_bytes=limit - 1)
    assert seen(service, rollout).critical_seconds == {}


def test_a_sample_without_memory_is_no_break() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    limit = health_settings().worker_rss_bytes_fail
    service.samples(20, worker_rss_bytes=limit)
    service.samples(10)
    service.samples(20, worker_rss_bytes=limit)
    assert seen(service, rollout).critical_seconds == {"memory": 45}


def test_times_are_critical_where_treatment_alone_is_slow() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.samples(50, treatment=SLOW, control=FAST)
    assert seen(service, rollout).critical_seconds == {"latency": 45}


def test_times_are_critical_where_there_is_no_control() -> None:
    service, rollout = in_phase(PhaseName.FULL)
    service.samples(50, treatment=SLOW)
    assert seen(service, rollout).critical_seconds == {"latency": 45}


def test_what_is_slow_on_both_arms_is_not_treatments() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.samples(50, treatment=SLOW, control=SLOW)
    assert seen(service, rollout).critical_seconds == {}


@pytest.mark.parametrize(("percent", "seconds"), [(89.0, {"latency": 195}), (90.0, {})])
def test_what_is_slow_on_a_busy_machine_is_not_treatments(
    percent: float, seconds: dict[str, float]
) -> None:
    service, rollout = in_phase(PhaseName.FULL)
    service.samples(200, treatment=SLOW, cpu_percent=percent)
    assert seen(service, rollout).critical_seconds == seconds


def test_times_are_critical_from_when_the_machine_is_no_longer_busy() -> None:
    service, rollout = in_phase(PhaseName.FULL)
    service.samples(120, treatment=SLOW, cpu_percent=100)
    service.samples(60, treatment=SLOW, cpu_percent=20)
    assert seen(service, rollout).critical_seconds == {"latency": 40}


def test_a_busy_machine_leaves_nothing_behind_for_the_quiet_after_it() -> None:
    service, rollout = in_phase(PhaseName.FULL)
    service.samples(700, treatment=SLOW, cpu_percent=100)
    service.samples(300, cpu_percent=1)
    assert seen(service, rollout).critical_seconds == {}


def test_a_moment_of_work_makes_no_machine_busy() -> None:
    service, rollout = in_phase(PhaseName.FULL)
    service.samples(100, treatment=SLOW, cpu_percent=50)
    service.samples(10, treatment=SLOW, cpu_percent=100)
    assert seen(service, rollout).critical_seconds == {"latency": 105}


def test_times_grow_no_older_where_nothing_is_measured() -> None:
    service, rollout = in_phase(PhaseName.FULL)
    service.samples(50, treatment=SLOW)
    service.samples(600)
    assert seen(service, rollout).critical_seconds == {"latency": 45}


def test_the_times_of_few_captures_are_not_judged() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    few = of_values([900.0]).as_json()
    service.samples(50, treatment=few, control=FAST)
    assert seen(service, rollout).critical_seconds == {}


def test_what_was_critical_before_the_attempt_is_not_held_against_it() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    limit = health_settings().worker_rss_bytes_fail
    service.samples(50, worker_rss_bytes=limit)
    move(service, rollout, Move.ROLL_BACK, Move.RESTART)
    service.samples(10, worker_rss_bytes=limit)
    assert seen(service, rollout).critical_seconds == {"memory": 5}


# --- recent runs ----------------------------------------------------------------------------------


def test_recent_are_the_captures_of_both_arms_within_the_hour() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 5, RunOutcome.FAILED)
    look(service, rollout)
    service.pass_time(3601)
    service.serve_on(TREATMENT, 2, RunOutcome.FAILED)
    service.serve_on(CONTROL, 3)
    look(service, rollout)
    assert seen(service, rollout).recent == ArmCount(5, 2)


def test_of_recent_captures_the_newest_count() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, error_rate_runs=2)
    service.serve_on(CONTROL, 5, RunOutcome.FAILED)
    service.pass_time(1)
    service.serve_on(CONTROL, 4)
    look(service, rollout)
    assert seen(service, rollout).recent == ArmCount(4, 0)


def test_a_capture_that_somebody_tries_again_and_again_counts_once() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    capture = service.given_to(CONTROL)
    for _ in range(20):
        service.end(service.claim(capture), RunOutcome.FAILED)
    service.serve_on(CONTROL, 4)
    look(service, rollout)
    found = seen(service, rollout).recent
    assert (found.finished, found.failed) == (2 + 5, 1)


def test_what_a_person_chose_is_not_among_the_recent_ones() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    job = service.claim(arm=Arm.NONE, why=Why.OVERRIDE)
    service.end(job, RunOutcome.FAILED)
    look(service, rollout)
    assert seen(service, rollout).recent.failed == 0


def test_a_fallback_is_one_recent_capture_that_failed() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    [run] = service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    service.fall_back(run)
    look(service, rollout)
    assert seen(service, rollout).recent == ArmCount(2 + 1, 1)


# --- whose policy ---------------------------------------------------------------------------------


def test_while_its_own_policy_is_in_force_nothing_stands_against_it() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    found = seen(service, rollout)
    assert (found.overtaken, found.was_rolled_back) == ("", False)


def test_the_policy_of_an_operator_overtakes_it_and_is_named() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    policy = policies.publish(
        Wish(Mode.COMPARISON), origin=Origin.OPERATOR, reason="by hand", actor=service.owner
    )
    found = seen(service, rollout)
    assert f"Policy {policy.version} by {service.owner.username}" in found.overtaken
    assert not found.was_rolled_back


def test_an_emergency_rollback_is_told_from_any_other_policy() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    emergency_rollback(reason="the disk smokes", actor=service.owner)
    found = seen(service, rollout)
    assert found.was_rolled_back
    assert found.overtaken == f"{service.owner.username} rolled back: the disk smokes"


def test_a_rollback_that_was_lifted_since_is_still_one() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    emergency_rollback(reason="the disk smokes")
    policies.publish(Wish(Mode.COMPARISON, lift=True), origin=Origin.OPERATOR, reason="mended")
    assert seen(service, rollout).was_rolled_back


# --- the rest -------------------------------------------------------------------------------------


def test_a_new_build_is_told() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    Attempt.objects.filter(pk=rollout.attempt.pk).update(new_build="scanning 2.1")
    assert seen(service, rollout).new_build == "scanning 2.1"


def test_what_was_tested_elsewhere_is_summed_and_kept_apart() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    for number in (1, 2):
        test = OfflineTest.objects.create(at=service.now, name="a", captures=9, result={})
        ImportedEvidence.objects.create(
            attempt=rollout.attempt,
            offline_test=test,
            matched=10,
            mismatched=number,
            at=service.now,
        )
    found = seen(service, rollout)
    assert (found.imported_matched, found.imported_mismatched) == (20, 3)
    assert found.tally.pairs == 0


def test_the_request_of_the_present_step_is_the_one_that_counts() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    assert load(rollout, service.now).request is None
    move(service, rollout, Move.REQUEST)
    situation = load(rollout, service.now)
    assert situation.state == RolloutState.AWAITING
    assert situation.request is not None
    assert situation.request.state == ApprovalState.WAITING
    assert situation.request.expires_at == service.now + timedelta(days=1)
    move(service, rollout, Move.PROMOTE)
    assert load(rollout, service.now).request is None


@pytest.mark.parametrize(("at", "took"), [(None, 100.0), (40, 40.0)])
def test_a_step_that_ended_while_it_was_paused_took_no_longer_than_to_the_pause(
    at: int | None, took: float
) -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    begin = service.now
    step = Step(began_at=begin, ended_at=begin + timedelta(seconds=100))
    step.paused_at = None if at is None else begin + timedelta(seconds=at)
    assert step_seconds(step, begin + timedelta(seconds=500)) == took


# --- the last phase -------------------------------------------------------------------------------


def test_legacy_is_unused_since_the_last_phase_began_or_since_its_last_run() -> None:
    service, rollout = in_phase(PhaseName.CLEANUP)
    service.pass_time(100)
    assert seen(service, rollout).cleanup.legacy_unused_seconds == 100
    service.end(service.claim(routed_to=CONTROL))
    service.pass_time(30)
    assert seen(service, rollout).cleanup.legacy_unused_seconds == 30


def test_before_the_last_phase_nothing_is_known_of_it() -> None:
    service, rollout = in_phase(PhaseName.FULL)
    TrimRun.objects.update(started_at=service.now)
    assert seen(service, rollout).cleanup.legacy_unused_seconds is None


def test_a_baseline_and_evidence_that_are_archived_are_known_to_be() -> None:
    service, rollout = in_phase(PhaseName.CLEANUP)
    assert seen(service, rollout).cleanup.is_archived
