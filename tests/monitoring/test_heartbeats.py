"""Signs of life as rows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from django_q.models import OrmQ

from monitoring import heartbeats
from monitoring.models import Heartbeat
from monitoring.tasks import GIVE_SIGN, give_sign, note_sign
from tests.factories import make_job, make_user
from tests.trimming.shadows import compare_all, make_shadow
from trimming.jobs import claim
from trimming.models import Shadow, TrimRun
from trimming.shadow_queue import claim as claim_shadow

pytestmark = pytest.mark.django_db(transaction=True)


def workers() -> Heartbeat:
    return Heartbeat.objects.get(name=heartbeats.WORKERS)


def set_back(name: str, seconds: float, *fields: str) -> None:
    past = timezone.now() - timedelta(seconds=seconds)
    Heartbeat.objects.filter(name=name).update(**dict.fromkeys(fields, past))


def test_the_workers_are_asked_once_until_they_answer() -> None:
    assert heartbeats.ask_workers()
    assert not heartbeats.ask_workers()
    assert OrmQ.objects.count() == 1
    assert OrmQ.objects.get().func() == GIVE_SIGN
    heartbeats.beat(heartbeats.WORKERS)
    assert heartbeats.ask_workers()
    assert OrmQ.objects.count() == 2


def test_a_sign_is_noted_when_its_task_has_gone_through() -> None:
    heartbeats.ask_workers()
    give_sign()
    note_sign({"func": GIVE_SIGN, "success": False})
    note_sign({"func": "trimming.tasks.run_job", "success": True})
    assert workers().at is None
    note_sign({"func": GIVE_SIGN, "success": True})
    assert workers().at is not None


def test_a_sign_of_a_part_that_nobody_began_is_noted() -> None:
    heartbeats.beat(heartbeats.MONITOR)
    assert Heartbeat.objects.get(name=heartbeats.MONITOR).at is not None


def test_a_new_start_forgets_what_was_asked() -> None:
    heartbeats.ask_workers()
    heartbeats.begin(heartbeats.WORKERS)
    row = workers()
    assert (row.asked_at, row.at) == (None, None)
    assert row.started_at is not None
    assert heartbeats.ask_workers()


def test_workers_that_do_not_answer_are_stuck() -> None:
    assert not heartbeats.workers_are_stuck()
    heartbeats.ask_workers()
    assert not heartbeats.workers_are_stuck()
    set_back(heartbeats.WORKERS, 20, "asked_at")
    assert heartbeats.workers_are_stuck()


def test_workers_that_all_have_a_job_are_not_stuck() -> None:
    user = make_user()
    for number in range(django_settings.Q_CLUSTER["workers"]):
        run = claim(make_job(user).pk, f"cluster/{number}")
        assert run is not None
        type(run).objects.filter(pk=run.pk).update(
            started_at=timezone.now() - timedelta(seconds=300)
        )
    heartbeats.ask_workers()
    set_back(heartbeats.WORKERS, 20, "asked_at")
    assert not heartbeats.workers_are_stuck()


def test_workers_that_are_busy_with_comparisons_are_not_stuck(
    settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 1}
    compare_all()
    assert claim_shadow(make_shadow().pk, "cluster/1") is not None
    TrimRun.objects.update(started_at=timezone.now() - timedelta(seconds=300))
    heartbeats.ask_workers()
    set_back(heartbeats.WORKERS, 20, "asked_at")
    assert not heartbeats.workers_are_stuck()
    Shadow.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert heartbeats.workers_are_stuck()


def test_workers_that_claimed_a_job_just_now_are_not_stuck() -> None:
    claim(make_job(make_user()).pk, "cluster/1")
    heartbeats.ask_workers()
    set_back(heartbeats.WORKERS, 20, "asked_at")
    assert not heartbeats.workers_are_stuck()


def test_a_monitor_without_a_recent_sign_is_silent() -> None:
    assert not heartbeats.monitor_is_silent()
    heartbeats.begin(heartbeats.MONITOR)
    heartbeats.beat(heartbeats.MONITOR)
    assert not heartbeats.monitor_is_silent()
    set_back(heartbeats.MONITOR, 40, "at", "started_at")
    assert heartbeats.monitor_is_silent()
