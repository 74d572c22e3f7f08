"""Rows that come late, many at once, or in the middle of their way: all of them are counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from migration import counting
from migration.choices import RolloutState
from migration.gates.evidence import tally_from_json
from migration.gates.tally import Tally
from migration.models import ComparedCapture, Rollout, ServedCapture
from tests.migration.traffic import Service, start, walk
from trimming import jobs
from trimming.choices import JobState, RunOutcome
from trimming.models import TrimJob
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Why

pytestmark = pytest.mark.django_db(transaction=True)


def tally_of(rollout: Rollout) -> Tally:
    return tally_from_json(rollout.attempt.tally)


def given_to_treatment(service: Service) -> TrimJob:
    while True:
        job = service.claim()
        if job.routed_to == TREATMENT:
            return job
        service.end(job)


def test_a_failure_counts_while_its_capture_still_waits_for_legacy() -> None:
    service = Service()
    rollout = start(service, ab_share=0.5)
    walk(service, rollout, "small_ab_test")
    job = given_to_treatment(service)
    service.end(job, RunOutcome.FAILED)
    # as trimming.jobs.fall_back leaves it, for as long as no worker is free
    waits = {"state": JobState.WAITING, "failed_on": TREATMENT, **jobs.NOT_ROUTED}
    TrimJob.objects.filter(pk=job.pk).update(**waits)
    service.pass_time(1)
    service.look()
    assert tally_of(rollout).in_a_row == 1
    job.refresh_from_db()
    again = service.claim(job.capture, failed_on=TREATMENT, routed_to=CONTROL)
    service.end(again)
    service.pass_time(1)
    service.look()
    assert tally_of(rollout).in_a_row == 1  # one capture, one result


def test_what_an_open_breaker_sends_to_legacy_says_nothing_of_the_treatment() -> None:
    service = Service()
    rollout = start(service, ab_share=0.5, failures_in_a_row=4)
    walk(service, rollout, "small_ab_test")
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    for _ in range(2):
        capture = service.given_to(TREATMENT)
        service.end(service.claim(capture, routed_to=CONTROL, why=Why.BREAKER_OPEN))
    service.pass_time(1)
    service.look()
    assert tally_of(rollout).of_step("small_ab_test:0").treatment == (3, 3)
    service.serve_on(TREATMENT, 1, RunOutcome.FAILED)  # the breaker's probe
    service.pass_time(1)
    service.look()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.ROLLED_BACK


def test_more_than_one_look_takes_is_counted_by_the_next_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "MOST", 7)
    service = Service()
    rollout = start(service)
    for _ in range(5):
        service.compare(6)
        service.pass_time(1)
        service.look()
    assert ServedCapture.objects.filter(run__isnull=False).count() == 30
    assert ComparedCapture.objects.count() == tally_of(rollout).pairs == 30
    service.compare(20)
    for _ in range(3):
        service.pass_time(6)
        service.look()
    assert ServedCapture.objects.filter(run__isnull=False).count() == 50
    assert ComparedCapture.objects.count() == tally_of(rollout).pairs == 50


def test_what_is_committed_behind_a_later_end_is_seen_by_the_next_look() -> None:
    service = Service()
    rollout = start(service)
    first, second = service.claim(), service.claim()
    service.end(second)
    service.look()
    before = tally_of(rollout).steps
    service.end(first, finished_at=service.now - timedelta(milliseconds=10))
    service.evaluator.look(service.now)
    assert tally_of(rollout).steps != before
