"""A health check of what the database holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django_q.models import Schedule

from config.roles import OPERATOR
from monitoring import schedules, tasks
from monitoring.choices import Verdict
from monitoring.conf import health_settings, targets
from monitoring.health.arms import Assigned, compare, compare_arms, compare_times, slower
from monitoring.health.check import check_now
from monitoring.health.facts import limits_of, load
from monitoring.metrics.histograms import of_values
from monitoring.metrics.rollups import roll_up
from monitoring.models import HealthReport, MetricRollup, MetricSample
from monitoring.signals import health_checked
from tests.factories import make_user
from trimming.routing_choices import Arm

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=15)


def make_samples(
    *, count: int = 24, end: datetime = NOON, succeeded: int = 5, failed: int = 0, **values: float
) -> None:
    MetricSample.objects.bulk_create(
        MetricSample(
            at=end - timedelta(seconds=5 * number),
            covers_seconds=5,
            late_ms=1,
            values={
                "runs_succeeded:control": succeeded,
                "runs_failed:control": failed,
                "runs_succeeded:treatment": 0,
                "runs_failed:treatment": 0,
                "cpu_percent": 40,
                "memory_percent": 50,
                "disk_percent": 50,
                "worker_rss_bytes": 2e8,
                "oldest_waiting_seconds": 0,
                "workers_answer": 1,
                "breakers_open": 0,
                "treatment_share": 0,
                **values,
            },
            histograms={"message_ms:control": of_values([6.0] * succeeded).as_json()},
        )
        for number in range(count)
    )


def test_a_service_that_does_well_is_ok() -> None:
    make_samples()
    report = check_now(NOON)
    assert report.verdict == Verdict.OK
    assert report.score is not None
    assert {each["verdict"] for each in report.dimensions} <= {"ok", "not_applicable"}


def test_a_service_without_a_sample_is_unknown() -> None:
    report = check_now(NOON)
    assert (report.verdict, report.score, report.mean) == (Verdict.UNKNOWN, None, None)


def test_what_a_chinese_page_asks_for_is_stored_in_english() -> None:
    with translation.override("zh-hans"):
        assert check_now(NOON).sentence.startswith("There is no sample yet")


def test_a_service_whose_samples_are_old_is_unknown_until_there_is_a_new_one() -> None:
    make_samples(end=NOON - timedelta(minutes=1))
    assert check_now(NOON).verdict == Verdict.UNKNOWN
    make_samples(count=1)
    assert check_now(NOON).verdict == Verdict.OK


def test_failures_are_seen_and_pass() -> None:
    make_samples(failed=1)
    assert check_now(NOON).verdict == Verdict.FAIL
    make_samples(end=NOON + timedelta(days=4))
    assert check_now(NOON + timedelta(days=4)).verdict == Verdict.OK


def test_one_busy_moment_does_not_decide() -> None:
    make_samples(count=23, end=NOON - timedelta(seconds=5))
    make_samples(count=1, cpu_percent=100)
    assert check_now(NOON).verdict == Verdict.OK


def test_burn_rates_remember_days_from_rollups() -> None:
    make_samples(end=NOON - timedelta(hours=30), succeeded=10, failed=2)
    roll_up(NOON)
    roll_up(NOON)
    MetricSample.objects.all().delete()
    make_samples()
    facts = load(NOON, WINDOW)
    # also what no rollup holds yet
    assert facts.burns[3 * 86_400] == (48, 288 + 24 * 5)
    assert facts.burns[3600] == (0, 24 * 5)
    assert facts.burns[300] == (0, 24 * 5)
    assert MetricRollup.objects.exists()


def test_who_asked_is_noted_and_everybody_is_told(
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[int] = []

    def hear(report_id: int, **_: Any) -> None:
        told.append(report_id)

    health_checked.connect(hear)
    try:
        asker = make_user(OPERATOR)
        with django_capture_on_commit_callbacks(execute=True):
            report = check_now(NOON, asker)
    finally:
        health_checked.disconnect(hear)
    assert told == [report.pk]
    assert HealthReport.objects.get().asked_by == asker


def test_a_check_takes_the_same_few_queries_whatever_the_history() -> None:
    make_samples(count=3)
    with CaptureQueriesContext(
        connection,
    ) as few:
        load(NOON, WINDOW)
    make_samples(count=180, end=NOON - timedelta(seconds=15))
    with CaptureQueriesContext(connection) as many:
        load(NOON, WINDOW)
    assert len(few) == len(many) <= 9


def test_limits_are_those_of_the_settings() -> None:
    limits = limits_of(health_settings(), targets())
    assert limits.worker_rss_bytes[0] < limits.worker_rss_bytes[1]
    assert limits.error_rate == (
        health_settings().error_rate_warn,
        health_settings().error_rate_fail,
    )


# --- the arms -------------------------------------------------------------------------------------


def assigned(number: int, arm: Arm, *, failed: bool = False) -> Assigned:
    return Assigned(f"{arm}{number}", arm, 0.5, failed)


def test_without_a_test_of_two_arms_there_is_nothing_to_compare() -> None:
    assert compare_arms(None).sample_ratio_e is None
    assert compare([]).harm_e is None
    assert compare_times(None).slower_e is slower([]).slower_e is None


def test_each_capture_counts_once_with_its_first_job() -> None:
    twice = [assigned(1, Arm.TREATMENT), assigned(1, Arm.TREATMENT, failed=True)]
    found = compare([*twice, assigned(1, Arm.CONTROL)])
    assert (found.assigned, found.assigned_to_treatment) == (2, 1)
    assert found.harm_e == pytest.approx(1)


def test_failures_of_one_arm_are_evidence_of_harm() -> None:
    fails = [assigned(n, Arm.TREATMENT, failed=True) for n in range(30)]
    found = compare([*fails, *(assigned(n, Arm.CONTROL) for n in range(30))])
    assert found.harm_e is not None
    assert found.harm_e > 100
    assert found.sample_ratio_e is not None
    assert found.sample_ratio_e < 1000


# --- by the clock ---------------------------------------------------------------------------------


def test_schedules_are_made_once_follow_the_settings_and_leave_others_alone() -> None:
    Schedule.objects.create(name="somebody else's", func="x.y", schedule_type=Schedule.ONCE)
    Schedule.objects.create(name=f"{schedules.PREFIX}of an older version", func="x.y")
    for _ in range(2):
        schedules.ensure_schedules()
    mine = Schedule.objects.filter(name__startswith=schedules.PREFIX)
    assert {each.name for each in mine} == set(schedules.wanted())
    mine.filter(func=schedules.CHECK_HEALTH).update(minutes=9)
    schedules.ensure_schedules()
    assert mine.get(func=schedules.CHECK_HEALTH).minutes == health_settings().check_minutes
    assert Schedule.objects.filter(name="somebody else's").exists()


@pytest.mark.parametrize("name", ["check_health", "roll_up_metrics", "prune_metrics"])
def test_what_is_scheduled_runs_on_an_empty_database(name: str) -> None:
    getattr(tasks, name)()


def test_schedules_name_tasks_that_exist() -> None:
    for path, minutes in schedules.wanted().values():
        assert callable(getattr(tasks, path.rpartition(".")[2]))
        assert minutes >= 1


# --- facts ----------------------------------------------------------------------------------------


def test_a_gauge_comes_with_the_age_of_the_newest_sample_that_has_it() -> None:
    make_samples(count=10)
    for row in MetricSample.objects.filter(at__gt=NOON - timedelta(seconds=12)):
        del row.values["cpu_percent"]
        row.save()
    facts = load(NOON + timedelta(seconds=2), WINDOW)
    assert (facts.ages["cpu_percent"], facts.ages["disk_percent"]) == (17, 2)
    assert facts.window_seconds == 900


def test_a_source_that_fails_leaves_its_dimension_unknown() -> None:
    make_samples(count=20)
    for row in MetricSample.objects.filter(at__gt=NOON - timedelta(seconds=60)):
        del row.values["cpu_percent"]
        row.save()
    report = check_now(NOON)
    assert report.verdict == Verdict.UNKNOWN
    assert "CPU was last known 60 s ago" in report.sentence


def test_throughput_is_of_the_time_of_work_and_masked_bytes_may_be_unknown() -> None:
    make_samples(count=2)
    facts = load(NOON, WINDOW)
    assert (facts.bytes_per_second, facts.masked_bytes) == (None, None)
    for row in MetricSample.objects.all():
        row.values |= {"input_bytes:control": 5_000_000, "masked_bytes:treatment": 7}
        row.histograms |= {"run_ms:control": of_values([200.0, 300.0]).as_json()}
        row.save()
    facts = load(NOON, WINDOW)
    assert facts.bytes_per_second == pytest.approx(1e7, rel=0.01)
    assert facts.masked_bytes == 14
    assert facts.baseline_bytes_per_second is None
