"""One machine among others: its workers, its queue, its disk, and what it does at its start."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from monitoring import heartbeats
from monitoring.loop import STALE_UPLOAD
from monitoring.models import Heartbeat
from monitoring.pulse import Pulse
from monitoring.tasks import GIVE_SIGN, note_sign
from pktmask_site import first_start, housekeeping, parts
from pktmask_site.brokers import SharedDatabase, SharedRedis
from pktmask_site.housekeeping import Housekeeping
from tests.factories import make_job, make_user
from tests.services.console import wait_until
from trimming.choices import JobState
from trimming.jobs import claim
from trimming.models import TrimJob
from trimming.tasks import CLUSTER_VARIABLE

pytestmark = pytest.mark.django_db(transaction=True)

COMMON = "pktmask"


@pytest.fixture
def here(settings: Any, tmp_path: Path) -> Any:
    """Be the machine ``here`` among others."""
    settings.INSTALLATION = replace(
        settings.INSTALLATION, database_url="postgresql://elsewhere/pktmask", machine="here"
    )
    settings.DATA_DIR = tmp_path
    settings.WORK_ROOT = tmp_path / "work"
    return settings


def begun(*machines: str) -> None:
    for machine in machines:
        heartbeats.begin(heartbeats.workers_of(machine))


class TestSigns:
    """The question of life goes to each machine."""

    def test_each_machine_is_asked_in_its_own_queue(self, here: Any) -> None:
        begun("here", "there")
        assert heartbeats.ask_workers()
        assert sorted(OrmQ.objects.values_list("key", flat=True)) == [
            "pktmask@here",
            "pktmask@there",
        ]
        assert not heartbeats.ask_workers()

    def test_an_answer_counts_for_the_machine_that_gave_it(self, here: Any) -> None:
        begun("here", "there")
        heartbeats.ask_workers()
        note_sign({"func": GIVE_SIGN, "success": True})
        signs = dict(Heartbeat.objects.values_list("name", "at"))
        assert signs["workers@here"] is not None
        assert signs["workers@there"] is None

    def test_a_machine_whose_workers_hang_is_stuck_although_others_work(self, here: Any) -> None:
        begun("here", "there")
        heartbeats.ask_workers()
        long_ago = timezone.now() - timedelta(minutes=5)
        Heartbeat.objects.filter(name="workers@here").update(asked_at=long_ago, started_at=long_ago)
        job = make_job(make_user())
        assert claim(job.pk, "there/1") is not None
        assert heartbeats.workers_are_stuck("here/")
        assert not heartbeats.workers_are_stuck("there/")

    def test_as_long_as_one_machine_works_jobs_are_done(self, here: Any) -> None:
        begun("here", "there")
        heartbeats.beat(heartbeats.MONITOR)
        heartbeats.ask_workers()
        heartbeats.beat("workers@there")
        long_ago = timezone.now() - timedelta(minutes=5)
        Heartbeat.objects.filter(name="workers@here").update(asked_at=long_ago)
        assert heartbeats.pulse_now(timezone.now()) is Pulse.WORKING
        Heartbeat.objects.filter(name="workers@there").update(
            asked_at=long_ago, at=long_ago - timedelta(seconds=1)
        )
        assert heartbeats.pulse_now(timezone.now()) is Pulse.STOPPED

    def test_a_machine_that_is_not_there_any_more_is_forgotten(self, here: Any) -> None:
        begun("here", "gone")
        Heartbeat.objects.filter(name="workers@gone").update(
            started_at=timezone.now() - timedelta(hours=2)
        )
        assert heartbeats.forget_machines() == 1
        assert list(Heartbeat.objects.values_list("name", flat=True)) == ["workers@here"]


class TestQueues:
    """A machine reads its own queue first, and then the common one."""

    def test_what_was_sent_to_this_machine_comes_first(self, here: Any) -> None:
        async_task("common.one", broker=SharedDatabase(COMMON))
        async_task("of.there", broker=SharedDatabase(heartbeats.queue_of("there")))
        async_task("of.here", broker=SharedDatabase(heartbeats.queue_of("here")))
        broker = SharedDatabase(COMMON)
        taken = []
        for _ in range(2):
            [(number, _)] = broker.dequeue()
            taken.append(OrmQ.objects.get(pk=number).task["func"])
            broker.acknowledge(number)
        assert taken == ["of.here", "common.one"]
        assert [row.task["func"] for row in OrmQ.objects.all()] == ["of.there"]

    def test_the_same_holds_for_redis(self, here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        redis = pytest.importorskip("redis")
        from django_q.conf import Conf

        address = os.environ.get("PKTMASK_TEST_REDIS", "redis://127.0.0.1:6379/15")
        try:
            server = redis.from_url(address, socket_connect_timeout=2)
            server.ping()
        except redis.RedisError:
            pytest.skip("Redis is not running")
        monkeypatch.setattr(Conf, "REDIS", address)
        monkeypatch.setattr(Conf, "CLUSTER_NAME", f"test-{uuid.uuid4()}")
        monkeypatch.setitem(here.Q_CLUSTER, "name", Conf.CLUSTER_NAME)
        own = SharedRedis(heartbeats.queue_of("here"))
        broker = SharedRedis(Conf.CLUSTER_NAME)
        try:
            broker.enqueue(b"common")
            own.enqueue(b"own")
            assert [broker.dequeue()[0][1] for _ in range(2)] == [b"own", b"common"]
        finally:
            broker.delete_queue()
            own.delete_queue()


class TestStart:
    """What a machine puts right when it begins."""

    def test_it_takes_back_what_its_own_last_workers_had_and_leaves_the_rest(
        self, here: Any
    ) -> None:
        name = parts.Workers().before()[CLUSTER_VARIABLE]
        mine, others = make_job(make_user()), make_job(make_user())
        assert claim(mine.pk, f"{name}/1")
        assert claim(others.pk, "elsewhere/1")
        async_task("somebody.elses", broker=SharedDatabase(COMMON))
        parts.put_right_at_start()
        states = dict(TrimJob.objects.values_list("pk", "state"))
        assert states == {mine.pk: JobState.WAITING, others.pk: JobState.RUNNING}
        assert "somebody.elses" in [row.task["func"] for row in OrmQ.objects.all()]

    def test_at_the_very_first_start_there_is_nothing_to_take_back(self, here: Any) -> None:
        job = make_job(make_user())
        assert claim(job.pk, "elsewhere/1")
        parts.put_right_at_start()
        assert TrimJob.objects.get().state == JobState.RUNNING

    def test_a_machine_has_the_parts_that_it_is_to_have(self) -> None:
        found = parts.service_parts("127.0.0.1", 8000, None, ("web", "monitor"))
        assert [part.name for part in found] == ["web", "monitor"]

    def test_one_that_is_alone_waits_for_nobody(self) -> None:
        with first_start.one_at_a_time(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")


class TestHousekeeping:
    """Each machine keeps its own disk clean."""

    @pytest.fixture
    def cleaning(self) -> Iterator[list[str]]:
        """Clean up all the time: the first time fails."""
        done: list[str] = []

        def clean_up() -> None:
            done.append("tried")
            if len(done) == 1:
                raise DatabaseError("away")

        running = Housekeeping(0.01, clean_up).start()
        yield done
        running.stop()
        assert not any(thread.name == "housekeeping" for thread in threading.enumerate())

    def test_a_failure_does_not_end_it(self, cleaning: list[str]) -> None:
        wait_until(lambda: len(cleaning) >= 3, 30, "more than one time")

    def test_folders_that_nobody_works_in_are_removed(self, here: Any, tmp_path: Path) -> None:
        here.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
        here.FILE_UPLOAD_TEMP_DIR.mkdir()
        left = here.WORK_ROOT / f"{uuid.uuid4()}-1"
        left.mkdir(parents=True)
        stale = here.FILE_UPLOAD_TEMP_DIR / "half an upload"
        stale.write_bytes(b"half")
        long_ago = timezone.now().timestamp() - 2 * STALE_UPLOAD.total_seconds()
        os.utime(stale, (long_ago, long_ago))
        housekeeping.clean_up()
        assert not left.exists()
        assert not stale.exists()
