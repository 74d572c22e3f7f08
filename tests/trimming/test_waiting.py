"""The jobs that wait as rows, and calling workers to them."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_q.models import OrmQ

from config.models import Adoption
from tests.factories import make_capture, make_job, make_user, standard
from trimming import capacity, jobs, tasks, waiting
from trimming.choices import JobState, Priority
from trimming.conf import trimming_settings
from trimming.models import Capture, TrimJob

pytestmark = pytest.mark.django_db

LONG_BYTES = 50_000_000  # 100 s at the rate of a strategy that was never measured


def queued(owner: User, *, is_long: bool = False, waits: float = 0.0, **values: Any) -> UUID:
    """A job that has been waiting for so long."""
    values = {"queued_at": timezone.now() - timedelta(seconds=waits), **values}
    job = make_job(owner)
    if is_long:
        values["total_bytes"] = LONG_BYTES
    if "total_bytes" in values:
        Capture.objects.filter(pk=job.capture_id).update(size_bytes=values["total_bytes"])
    TrimJob.objects.filter(pk=job.pk).update(**values)
    return job.pk


def claimed() -> UUID | None:
    run = waiting.claim_next("one/1")
    return None if run is None else run.job_id


def test_a_job_knows_its_size_from_the_start() -> None:
    owner = make_user()
    capture = make_capture(owner)
    assert jobs.create_job(capture, standard(), owner).total_bytes == capture.size_bytes > 0


def test_a_short_one_of_the_same_person_does_not_stand_behind_many_long_ones(
    settings: Any,
) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 4}
    owner = make_user()
    long = [queued(owner, is_long=True, waits=900 - number) for number in range(6)]
    short = queued(owner)
    assert [claimed() for _ in range(3)] == [long[0], short, long[1]]


def test_a_small_one_of_the_same_person_does_not_stand_behind_many_that_are_not_quite_long(
    settings: Any,
) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 4}
    owner = make_user()
    limit = int(trimming_settings().long_seconds * trimming_settings().unmeasured_bytes_per_s)
    medium = [queued(owner, total_bytes=limit - 1, waits=900 - number) for number in range(6)]
    assert claimed() == medium[0]
    small = queued(owner)
    assert [claimed() for _ in range(3)] == [small, medium[1], medium[2]]


def test_no_more_long_ones_begin_than_leave_one_worker_free(settings: Any) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 3}
    owner = make_user()
    for _ in range(5):
        queued(owner, is_long=True)
    assert [claimed() is not None for _ in range(4)] == [True, True, False, False]
    assert waiting.oldest() is None
    short = queued(make_user())
    assert claimed() == short


def test_persons_take_turns(settings: Any) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 8}
    many, few = make_user(), make_user()
    first = [queued(many, waits=100 - number) for number in range(4)]
    second = [queued(few, waits=10 - number) for number in range(2)]
    assert [claimed() for _ in range(5)] == [first[0], second[0], first[1], second[1], first[2]]


def test_what_is_urgent_goes_first_and_what_is_not_goes_last() -> None:
    owner = make_user()
    low = queued(owner, waits=300, priority=Priority.LOW)
    normal, high = queued(owner, waits=200), queued(owner, priority=Priority.HIGH)
    assert [claimed() for _ in range(3)] == [high, normal, low]


def test_a_job_that_is_tried_again_keeps_its_priority() -> None:
    job_id = queued(make_user(), priority=Priority.HIGH, state=JobState.FAILED)
    job = TrimJob.objects.select_related("requested_by", "capture").get(pk=job_id)
    again = jobs.retry(job, job.requested_by)
    assert again is not None
    assert again.priority == Priority.HIGH


def test_when_nothing_waits_there_is_nothing_to_do() -> None:
    assert claimed() is None
    assert not waiting.call_next()


def test_who_was_faster_takes_it_and_the_next_one_is_tried(monkeypatch: Any) -> None:
    owner = make_user()
    first, second = queued(owner, waits=2), queued(owner, waits=1)
    claim = jobs.claim

    def claim_after_another(job_id: UUID, *more: Any) -> Any:
        if job_id == first:
            TrimJob.objects.filter(pk=first).update(state=JobState.RUNNING)
        return claim(job_id, *more)

    monkeypatch.setattr(jobs, "claim", claim_after_another)
    assert claimed() == second


class TestCalls:
    """Messages to the workers."""

    def test_a_new_job_calls_a_worker(self, django_capture_on_commit_callbacks: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            make_job(make_user())
        assert OrmQ.objects.count() == 1

    def test_calls_do_not_pile_up(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(jobs, "ENOUGH_CALLS", 3)
        owner = make_user()
        sent = [jobs.call(queued(owner)) for _ in range(5)]
        assert sent == [True, True, True, False, False]

    def test_who_has_done_a_job_calls_for_the_next_unless_somebody_is_called(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # its limits would stay with the process of the tests
        monkeypatch.setattr(tasks, "one_piece_of_work", nullcontext)
        owner = make_user()
        first, second, third = (queued(owner, waits=3 - number) for number in range(3))
        tasks.run_job(str(third))
        states = dict(TrimJob.objects.values_list("pk", "state"))
        assert states[first] == JobState.DONE
        assert states[second] == states[third] == JobState.WAITING
        assert [UUID(row.task["args"][0]) for row in OrmQ.objects.all()] == [second]
        assert not waiting.call_next()

    def test_nobody_is_called_for_what_may_not_begin(self, settings: Any) -> None:
        settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 2}
        owner = make_user()
        queued(owner, is_long=True)
        queued(owner, is_long=True)
        assert claimed() is not None
        assert not waiting.call_next()


class TestCapacity:
    """How many workers there are."""

    def test_on_one_machine_as_many_as_it_is_to_have(self, settings: Any) -> None:
        assert capacity.workers() == settings.Q_CLUSTER["workers"]

    def test_on_many_as_many_as_gave_a_sign(self, settings: Any) -> None:
        settings.INSTALLATION = _shared(settings)
        now = timezone.now()
        for number in range(5):
            Adoption.objects.create(process=f"m/{number}", kind="worker", version=1, at=now)
        Adoption.objects.create(process="m/web", kind="web", version=1, at=now)
        gone = now - timedelta(minutes=2)
        Adoption.objects.create(process="gone/1", kind="worker", version=1, at=gone)
        assert capacity.workers() == 5

    def test_where_none_gave_a_sign_yet_those_that_are_to_be(self, settings: Any) -> None:
        settings.INSTALLATION = _shared(settings)
        assert capacity.workers() == settings.Q_CLUSTER["workers"]


def _shared(settings: Any) -> Any:
    from dataclasses import replace

    return replace(settings.INSTALLATION, database_url="postgresql://elsewhere/pktmask")


def test_sizes_are_long_or_short_by_what_the_strategy_needs_here() -> None:
    owner = make_user()
    limit = int(trimming_settings().long_seconds * trimming_settings().unmeasured_bytes_per_s)
    at, above = queued(owner, waits=9, total_bytes=limit), queued(owner, total_bytes=limit + 1)
    found = waiting._next_jobs(2)
    needs_room = [(each.job_id, each.has_room is not waiting._always) for each in found]
    assert needs_room == [(at, False), (above, True)]
