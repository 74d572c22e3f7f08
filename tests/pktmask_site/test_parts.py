"""What is put right when workers are gone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django_q.models import OrmQ

from monitoring.heartbeats import WORKERS, ask_workers
from monitoring.models import Heartbeat
from pktmask_site import parts
from pktmask_site.parts import EVERY_WORKER, Workers, put_right, service_parts, start_compiling
from tests.factories import make_job, make_user
from trimming.choices import JobState
from trimming.engine.ready import is_ready
from trimming.jobs import claim
from trimming.models import TrimJob
from trimming.tasks import CLUSTER_VARIABLE

pytestmark = pytest.mark.django_db(transaction=True)


def running_job(worker: str) -> TrimJob:
    job = make_job(make_user())
    assert claim(job.pk, worker) is not None
    return job


def test_each_life_of_the_workers_has_a_name_of_its_own_and_owes_no_sign() -> None:
    workers = Workers()
    first = workers.before()[CLUSTER_VARIABLE]
    ask_workers()
    assert workers.before()[CLUSTER_VARIABLE] != first
    assert Heartbeat.objects.get(name=WORKERS).asked_at is None


@pytest.mark.parametrize("in_order", [True, False])
def test_jobs_of_workers_that_are_gone_wait_again(in_order: bool) -> None:
    workers = Workers()
    name = workers.before()[CLUSTER_VARIABLE]
    mine, others = running_job(f"{name}/1"), running_job("elsewhere/1")
    workers.after(in_order)
    mine.refresh_from_db()
    others.refresh_from_db()
    assert (mine.state, mine.forgiven) == (JobState.WAITING, int(in_order))
    assert others.state == JobState.RUNNING


def test_every_waiting_job_has_one_message_afterwards_and_no_old_one_is_left() -> None:
    waiting, lost = make_job(make_user()), running_job("somewhere/1")
    ask_workers()
    put_right(EVERY_WORKER, forgiven=False)
    messages = [message.task["args"] for message in OrmQ.objects.order_by("pk")]
    assert sorted(messages) == sorted([(str(waiting.pk),), (str(lost.pk),)])


@pytest.fixture
def compiling() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that ends when its input does."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


def test_the_service_has_three_parts_and_its_workers_wait_for_their_kernels(
    compiling: subprocess.Popen[bytes],
) -> None:
    found = service_parts("127.0.0.1", 8000, compiling)
    assert [part.name for part in found] == ["web", "workers", "monitor"]
    assert all(not part.is_stuck() for part in found)
    assert [part.may_start() for part in found] == [True, False, True]
    compiling.communicate()
    assert all(part.may_start() for part in found)


@pytest.mark.slow
def test_kernels_are_compiled_wherever_the_service_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parts, "is_ready", lambda: False)
    process = start_compiling()
    assert process is not None
    assert process.wait(timeout=600) == 0
    assert is_ready()


def test_where_all_kernels_are_compiled_no_process_is_started_and_workers_wait_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "is_ready", lambda: True)
    assert start_compiling() is None
    assert all(part.may_start() for part in service_parts("127.0.0.1", 8000, None))
