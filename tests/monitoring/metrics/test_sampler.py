"""Every run is in exactly one sample, whatever comes late and whoever is killed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from monitoring import lease
from monitoring.metrics.registry import Kind, Metric, Registry, Values, Window, registry
from monitoring.metrics.sampler import measure, take_sample, tick_of, uncounted_runs
from monitoring.models import CountedRun, MetricSample
from tests.factories import make_job, make_user
from trimming.choices import RunOutcome
from trimming.models import TrimRun

pytestmark = pytest.mark.django_db(transaction=True)

ME = "this process"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _my_turn() -> None:
    assert lease.take_or_renew(ME)


def run_that_ended(at: datetime, **values: object) -> TrimRun:
    job = make_job(make_user())
    job.created_at = at - timedelta(seconds=3)
    job.save()
    given: Mapping[str, object] = {
        "attempt": 1,
        "strategy": "legacy",
        "worker": "w",
        "outcome": RunOutcome.DONE,
        "started_at": at - timedelta(seconds=2),
        "finished_at": at,
        "input_bytes": 1000,
        "duration_ms": 2000.0,
        "messages": 10,
        "masked_bytes": 400,
    }
    return TrimRun.objects.create(job=job, **{**given, **values})


def sample(seconds: float) -> MetricSample | None:
    return take_sample(NOON + timedelta(seconds=seconds), 5, ME)


def test_a_sample_lies_on_a_tick_and_says_how_late_it_was_taken() -> None:
    taken = sample(5.25)
    assert taken is not None
    assert taken.at == NOON + timedelta(seconds=5)
    assert taken.late_ms == pytest.approx(250)
    assert taken.missed == 0


def test_a_tick_has_one_sample_only() -> None:
    assert sample(5) is not None
    assert sample(9.9) is None
    assert MetricSample.objects.count() == 1


def test_ticks_that_passed_are_said_and_not_filled_in() -> None:
    sample(5)
    taken = sample(20.1)
    assert taken is not None
    assert (taken.missed, taken.covers_seconds) == (2, 15)
    assert MetricSample.objects.count() == 2


def test_a_run_is_counted_with_what_it_did() -> None:
    run_that_ended(NOON + timedelta(seconds=3))
    taken = sample(5)
    assert taken is not None
    assert taken.values["runs_succeeded:control"] == 1
    assert taken.values["input_bytes:control"] == 1000
    assert taken.values["messages:control"] == 10
    assert taken.values["runs_succeeded:treatment"] == 0
    assert sum(taken.histograms["message_ms:control"].values()) == 1


def test_a_run_that_was_committed_late_comes_with_the_next_sample_and_once() -> None:
    sample(5)
    run_that_ended(NOON + timedelta(seconds=4))
    counts = [sample(seconds) for seconds in (10, 15, 20)]
    assert [each and each.values["runs_succeeded:control"] for each in counts] == [1, 0, 0]


def test_runs_of_a_time_without_a_monitor_are_counted_over_all_of_that_time() -> None:
    sample(5)
    run_that_ended(NOON + timedelta(minutes=20))
    taken = sample(3600)
    assert taken is not None
    assert taken.values["runs_succeeded:control"] == 1
    assert taken.covers_seconds == 3595


def test_a_sample_that_is_rolled_back_has_counted_nothing() -> None:
    run = run_that_ended(NOON + timedelta(seconds=3))
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        sample(5)
    assert not CountedRun.objects.exists()
    assert [fact.pk for fact in uncounted_runs(NOON, NOON + timedelta(seconds=9))] == [run.pk]


def test_who_does_not_hold_the_lease_stores_nothing() -> None:
    run_that_ended(NOON + timedelta(seconds=3))
    assert take_sample(NOON + timedelta(seconds=5), 5, "somebody else") is None
    assert not MetricSample.objects.exists()
    assert not CountedRun.objects.exists()


@pytest.mark.parametrize(
    ("outcome", "blame", "key"),
    [
        (RunOutcome.FAILED, "", "runs_failed:control"),
        (RunOutcome.LATE, "", "runs_failed:control"),
        (RunOutcome.UNVERIFIED, "strategy", "verification_failures"),
        (RunOutcome.UNVERIFIED, "capture", "odd_captures"),
        (RunOutcome.REFUSED, "", "runs_refused"),
        (RunOutcome.LOST, "", "runs_broken"),
    ],
)
def test_each_end_has_its_counter(outcome: RunOutcome, blame: str, key: str) -> None:
    run_that_ended(NOON + timedelta(seconds=3), outcome=outcome, blame=blame)
    taken = sample(5)
    assert taken is not None
    assert taken.values[key] == 1
    assert taken.values["input_bytes:control"] == 0
    is_failure = blame != "capture" and outcome not in (RunOutcome.REFUSED, RunOutcome.LOST)
    assert taken.values["runs_failed:control"] == is_failure


def test_a_refused_output_is_counted_when_it_is_known_whose_fault_it_was() -> None:
    refused = run_that_ended(
        NOON + timedelta(seconds=3), outcome=RunOutcome.UNVERIFIED, blame="undecided"
    )
    before = sample(5)
    assert before is not None
    assert before.values["verification_failures"] == before.values["odd_captures"] == 0
    later = NOON + timedelta(minutes=30)
    TrimRun.objects.filter(pk=refused.pk).update(blame="capture", blamed_at=later)
    for seconds, count in ((1805, 1), (1810, 0)):
        taken = sample(seconds)
        assert taken is not None
        assert taken.values["odd_captures"] == count


def test_a_metric_that_is_added_appears_without_another_change() -> None:
    mine = Registry()

    def source(window: Window) -> Values:
        return {"answer": 42 * window.seconds}

    mine.register(source, Metric("answer", "", Kind.GAUGE, "the answer"))
    taken = take_sample(NOON, 5, ME, mine)
    assert taken is not None
    assert taken.values["answer"] == 210


def test_a_source_that_fails_costs_its_own_metrics_only() -> None:
    mine = Registry()

    def failing(window: Window) -> Values:
        raise ValueError("secret")

    mine.register(failing)
    mine.register(lambda window: {"answer": 1.0}, Metric("answer", "", Kind.GAUGE, ""))
    assert measure(Window(NOON, NOON), mine) == {"answer": 1.0}


def test_a_name_is_given_once() -> None:
    mine = Registry()
    metric = Metric("answer", "", Kind.GAUGE, "")
    mine.register(lambda window: {}, metric)
    with pytest.raises(ValueError, match="already"):
        mine.register(lambda window: {}, metric)


def test_every_value_of_a_sample_is_of_a_registered_metric() -> None:
    taken = sample(5)
    assert taken is not None
    for key in (*taken.values, *taken.histograms):
        metric = registry.of_key(key)
        assert metric is not None, key
        assert key in metric.sample_keys()


def test_a_tick_is_a_multiple_of_the_interval() -> None:
    assert tick_of(NOON + timedelta(seconds=14.99), 5) == NOON + timedelta(seconds=10)
