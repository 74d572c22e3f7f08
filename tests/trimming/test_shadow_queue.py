"""Comparisons in the background: which are queued, when they begin, and who may end them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.factories import capture_bytes, make_capture, make_job, make_user, standard
from tests.trimming.results import finish
from tests.trimming.shadows import compare_all, make_shadow, reread, set_routing, shadow_of
from trimming import jobs, shadow_queue, sweeper
from trimming.choices import JobState
from trimming.models import RoutingPolicy, Shadow, TrimJob
from trimming.policy import Wish, emergency_rollback, publish
from trimming.routing_choices import Mode, Origin, ShadowOutcome, ShadowState
from trimming.shadow_rules import Flow
from trimming.signals import shadow_ended

pytestmark = pytest.mark.django_db

Sent = list[tuple[str, int]]


@pytest.fixture(autouse=True)
def sent(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What the workers were told: the id of a comparison, and after how long it is ended."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 3}
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    found: Sent = []

    def note(func: str, shadow_id: str, timeout: int) -> None:
        assert func == "trimming.tasks.run_shadow"
        found.append((shadow_id, timeout))

    monkeypatch.setattr("django_q.tasks.async_task", note)
    return found


def begun(worker: str = "one/1", **values: Any) -> Shadow:
    shadow = shadow_queue.claim(make_shadow().pk, worker)
    assert shadow is not None
    Shadow.objects.filter(pk=shadow.pk).update(**values)
    return Shadow.objects.get(pk=shadow.pk)


# --- queued ---------------------------------------------------------------------------------------


def test_a_served_capture_is_queued_when_the_policy_compares_it() -> None:
    compare_all()
    shadow = shadow_of(make_job(make_user()))
    assert shadow is not None
    policy = RoutingPolicy.objects.first()
    assert policy is not None
    assert shadow.digest == shadow.job.capture.sha256
    assert (shadow.policy_version, shadow.fence_epoch) == (policy.version, policy.fence_epoch)
    assert (shadow.state, shadow.outcome, shadow.attempt) == (ShadowState.WAITING, "", 0)


def test_nothing_is_queued_at_a_share_of_zero_or_while_a_rollback_stands() -> None:
    assert shadow_of(make_job(make_user())) is None
    compare_all(share=0.0)
    assert shadow_of(make_job(make_user())) is None
    compare_all()
    emergency_rollback(reason="a test")
    assert shadow_of(make_job(make_user())) is None


def test_it_is_queued_by_publishing_once_that_is_committed(
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    compare_all()
    with django_capture_on_commit_callbacks(execute=True):
        run = finish(make_job(make_user()))
        assert not Shadow.objects.exists()
    assert Shadow.objects.get().job_id == run.job_id


def test_a_fault_while_queueing_leaves_the_served_result(
    django_capture_on_commit_callbacks: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(jobs, "queue_shadow", fail)
    with django_capture_on_commit_callbacks() as callbacks:
        run = finish(make_job(make_user()))
    assert TrimJob.objects.get().published_run == run
    # Django logs what such a callback raises and goes on
    robust = [each for each in callbacks if "publish" in getattr(each, "__qualname__", "")]
    assert len(robust) == 1


def test_a_capture_is_compared_once_under_one_salt() -> None:
    compare_all()
    data = capture_bytes()
    assert shadow_of(make_job(make_user(), data)) is not None
    assert shadow_of(make_job(make_user(), data)) is None
    wish = Wish(Mode.COMPARISON, shadow_share=1.0, salt="another")
    publish(wish, origin=Origin.OPERATOR, reason="a test")
    assert shadow_of(make_job(make_user(), data)) is not None


def test_a_new_build_of_a_strategy_compares_known_captures_again() -> None:
    compare_all()
    data, now = capture_bytes(), timezone.now()
    ended: dict[str, Any] = {"state": ShadowState.DONE, "control_version": "1", "finished_at": now}
    make_shadow(data, **ended, treatment_version="1")
    make_shadow(data_of_nobody := capture_bytes(b"not a capture"), **ended)
    assert shadow_of(make_job(make_user(), data)) is None
    later = now + timedelta(seconds=1)
    make_shadow(**{**ended, "finished_at": later}, treatment_version="2")
    assert shadow_of(make_job(make_user(), data)) is not None
    # ignored before a strategy was loaded: no build will read it
    assert shadow_of(make_job(make_user(), data_of_nobody)) is None


@pytest.mark.parametrize("state", [ShadowState.DROPPED, ShadowState.BROKEN])
def test_a_capture_that_was_not_compared_may_be_at_its_next_job(state: ShadowState) -> None:
    compare_all()
    data = capture_bytes()
    make_shadow(data, state=state)
    assert shadow_of(make_job(make_user(), data)) is not None


def test_a_job_has_one_comparison_however_often_it_is_told() -> None:
    compare_all()
    run = finish(make_job(make_user()))
    first = shadow_queue.queue_shadow(run)
    assert first is not None
    Shadow.objects.update(state=ShadowState.BROKEN)
    assert shadow_queue.queue_shadow(run) == first
    assert Shadow.objects.count() == 1


def test_beyond_the_limit_it_is_kept_as_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_routing(monkeypatch, "shadow_pending_files", 1)
    compare_all()
    make_shadow()
    left_out = make_shadow()
    assert left_out.state == ShadowState.DROPPED
    assert left_out.reason == "So many were waiting already: 1 (routing.shadow_pending_files)."
    assert left_out.finished_at is not None


# --- handed out -----------------------------------------------------------------------------------


def test_ids_are_given_to_workers_oldest_first_and_one_worker_is_left(sent: Sent) -> None:
    compare_all()
    shadows = [make_shadow() for _ in range(3)]
    assert shadow_queue.hand_out() == 2
    assert [shadow_id for shadow_id, _ in sent] == [str(each.pk) for each in shadows[:2]]
    assert shadow_queue.hand_out() == 0


def test_a_worker_that_hangs_in_it_is_ended_after_the_deadline(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_routing(monkeypatch, "shadow_deadline_seconds", 60.0)
    compare_all()
    make_shadow()
    shadow_queue.hand_out()
    assert [seconds for _, seconds in sent] == [60 + shadow_queue.HANG_SECONDS]


def test_nothing_is_handed_out_while_a_job_waits(sent: Sent) -> None:
    compare_all()
    make_shadow()
    make_job(make_user())
    assert shadow_queue.hand_out() == 0
    assert sent == []


def test_running_jobs_and_comparisons_take_the_room(sent: Sent) -> None:
    compare_all()
    make_shadow()
    begun()
    job = make_job(make_user())
    jobs.claim(job.pk, "two/1")
    assert shadow_queue.hand_out() == 0
    TrimJob.objects.filter(pk=job.pk).update(state=JobState.FAILED)
    assert shadow_queue.hand_out() == 1


def test_a_message_that_was_lost_is_sent_again(sent: Sent) -> None:
    compare_all()
    shadow = make_shadow()
    shadow_queue.hand_out()
    Shadow.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert shadow_queue.hand_out() == 1
    assert [shadow_id for shadow_id, _ in sent] == [str(shadow.pk)] * 2


# --- claimed --------------------------------------------------------------------------------------


def test_it_is_claimed_once() -> None:
    compare_all()
    shadow = make_shadow()
    mine = shadow_queue.claim(shadow.pk, "one/1")
    assert mine is not None
    assert (mine.state, mine.attempt, mine.worker) == (ShadowState.RUNNING, 1, "one/1")
    assert mine.started_at is not None
    assert shadow_queue.claim(shadow.pk, "two/1") is None
    assert reread(shadow).worker == "one/1"


def test_one_that_was_handed_out_is_given_back_when_a_job_came_between(sent: Sent) -> None:
    compare_all()
    shadow = make_shadow()
    shadow_queue.hand_out()
    job = make_job(make_user())
    assert shadow_queue.claim(shadow.pk, "one/1") is None
    found = reread(shadow)
    assert (found.state, found.attempt, found.lease_until) == (ShadowState.WAITING, 0, None)
    TrimJob.objects.filter(pk=job.pk).update(state=JobState.FAILED)
    assert shadow_queue.hand_out() == 1


def test_what_was_queued_before_a_rollback_is_left_out() -> None:
    compare_all()
    swept, claimed = make_shadow(), make_shadow()
    emergency_rollback(reason="a test")
    assert shadow_queue.claim(claimed.pk, "one/1") is None
    assert reread(claimed).state == ShadowState.DROPPED
    assert shadow_queue.drop_outdated() == 1
    found = reread(swept)
    assert found.state == ShadowState.DROPPED
    assert found.reason == "Everything was sent to legacy before it was begun."
    assert shadow_queue.drop_outdated() == 0


def test_another_share_leaves_what_is_queued() -> None:
    compare_all()
    shadow = make_shadow()
    compare_all(share=0.1)
    assert shadow_queue.drop_outdated() == 0
    assert shadow_queue.claim(shadow.pk, "one/1") is not None


# --- ended ----------------------------------------------------------------------------------------


def test_only_who_holds_it_renews_or_ends_it() -> None:
    compare_all()
    shadow = begun()
    late = Shadow.objects.get(pk=shadow.pk)
    late.attempt -= 1
    assert shadow_queue.renew(shadow)
    assert not shadow_queue.renew(late)
    assert not shadow_queue.end(late, ShadowState.DONE, outcome=ShadowOutcome.MATCHED)
    assert reread(shadow).state == ShadowState.RUNNING
    assert shadow_queue.end(shadow, ShadowState.DONE, outcome=ShadowOutcome.MATCHED)
    assert not shadow_queue.end(shadow, ShadowState.BROKEN)
    assert reread(shadow).outcome == ShadowOutcome.MATCHED


def test_the_apps_above_are_told_of_every_end(
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    told: list[UUID] = []

    def note(shadow_id: UUID, **_: Any) -> None:
        told.append(shadow_id)

    compare_all()
    done, dropped = begun(), make_shadow()
    shadow_ended.connect(note)
    with django_capture_on_commit_callbacks(execute=True):
        shadow_queue.end(done, ShadowState.DONE)
        emergency_rollback(reason="a test")
        shadow_queue.drop_outdated()
    assert told == [done.pk, dropped.pk]


def test_a_silent_worker_loses_it_and_the_second_time_it_is_broken() -> None:
    compare_all()
    past = timezone.now() - timedelta(seconds=1)
    shadow, healthy = begun(lease_until=past), begun()
    assert shadow_queue.take_back_lost() == 1
    found = reread(shadow)
    assert (found.state, found.attempt, found.worker) == (ShadowState.WAITING, 1, "")
    assert reread(healthy).state == ShadowState.RUNNING
    assert shadow_queue.claim(shadow.pk, "two/1") is not None
    Shadow.objects.filter(pk=shadow.pk).update(lease_until=past)
    shadow_queue.take_back_lost()
    found = reread(shadow)
    assert (found.state, found.outcome) == (ShadowState.BROKEN, ShadowOutcome.IGNORED)
    assert found.reason.startswith("The worker stopped answering")


def test_comparisons_of_workers_that_were_stopped_do_not_count_the_attempt() -> None:
    compare_all()
    stopped, other = begun("one/1"), begun("onetwo/1")
    sweeper.take_back("one/", forgiven=True)
    found = reread(stopped)
    assert (found.state, found.attempt) == (ShadowState.WAITING, 0)
    assert reread(other).state == ShadowState.RUNNING


def test_what_was_handed_out_to_workers_that_are_gone_is_handed_out_again(sent: Sent) -> None:
    compare_all()
    make_shadow()
    shadow_queue.hand_out()
    sweeper.take_back("one/", forgiven=False)
    assert shadow_queue.hand_out() == 1


def test_a_served_job_knows_nothing_of_its_comparison() -> None:
    compare_all()
    job = make_job(make_user())
    shadow_of(job)
    before = TrimJob.objects.filter(pk=job.pk).values().get()
    shadow = shadow_queue.claim(Shadow.objects.get().pk, "one/1")
    assert shadow is not None
    shadow_queue.end(shadow, ShadowState.BROKEN)
    assert TrimJob.objects.filter(pk=job.pk).values().get() == before


def test_a_capture_that_was_deleted_meanwhile_still_has_its_row() -> None:
    compare_all()
    user = make_user()
    capture = make_capture(user)
    assert shadow_of(jobs.create_job(capture, standard(), user)) is not None


# --- how they come --------------------------------------------------------------------------------


def test_the_flow_counts_what_waits_runs_and_ended_lately(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    compare_all()
    now = timezone.now()
    for ago in (20, 50):
        make_shadow(queued_at=now - timedelta(seconds=ago))
    begun()
    for state, ago in [
        (ShadowState.DONE, 29),
        (ShadowState.BROKEN, 5),
        (ShadowState.DROPPED, 5),
        (ShadowState.DONE, 31),
    ]:
        make_shadow(state=state, finished_at=now - timedelta(seconds=ago))
    with django_assert_num_queries(1):
        assert shadow_queue.flow(now) == Flow(waiting=2, oldest_seconds=50, running=1, ended=2)


def test_without_comparisons_nothing_flows() -> None:
    assert shadow_queue.flow(timezone.now()) == Flow()
