"""The background task that reads the outbox."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.db import DatabaseError

from monitoring.live.publish import Update
from monitoring.live.tail import BATCH, SqliteOutbox, follow, lifespan
from monitoring.live.topics import EVERYBODYS_CAPTURES, capture_topic
from monitoring.models import LiveUpdate
from tests.monitoring.live.pages import DEADLINE_SECONDS, until, wire

ROOT = Path(__file__).resolve().parents[3]


class ScriptedOutbox:
    """Answers each reading with the next step of a script: updates, or an error to raise."""

    def __init__(self, *script: list[Update] | Exception) -> None:
        self.script = list(script)
        self.closed = 0
        self.threads: set[int] = set()

    def read_new(self) -> list[Update]:
        self.threads.add(threading.get_ident())
        step = self.script.pop(0) if self.script else []
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed += 1


async def followed(outbox: ScriptedOutbox, until_true: Callable[[list[Update]], object]) -> None:
    """Follow ``outbox`` until a condition on what was delivered holds."""
    delivered: list[Update] = []

    async def deliver(updates: list[Update]) -> None:
        delivered.extend(updates)

    task = asyncio.create_task(follow(outbox, deliver, 0.001, 0.001))
    await until(lambda: until_true(delivered))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.asyncio
async def test_what_comes_in_is_delivered_in_order() -> None:
    one, two = Update(1, "a", {}), Update(2, "b", {})
    outbox = ScriptedOutbox([one], [], [two])
    await followed(outbox, lambda delivered: delivered == [one, two])


@pytest.mark.asyncio
async def test_a_failure_closes_the_connection_is_said_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    update = Update(1, "a", {})
    outbox = ScriptedOutbox(DatabaseError("secret"), DatabaseError("secret"), [update])
    await followed(outbox, lambda delivered: delivered == [update])
    assert outbox.closed == 3  # after each failure, and in the end
    assert caplog.text.count("live_tail_failed") == 1
    assert "secret" not in caplog.text


@pytest.mark.asyncio
async def test_all_reading_is_done_in_one_thread_beside_the_event_loop() -> None:
    outbox = ScriptedOutbox(DatabaseError())
    await followed(outbox, lambda _: outbox.closed and not outbox.script)
    assert len(outbox.threads) == 1
    assert threading.get_ident() not in outbox.threads


@pytest.mark.django_db(transaction=True)
class TestSqliteOutbox:
    """Rows of the outbox; all over the connection of the test."""

    def write(self, count: int = 1) -> list[int]:
        rows = [LiveUpdate.objects.create(topic=f"t{n}", body={"n": n}) for n in range(count)]
        return [row.pk for row in rows]

    @pytest.fixture
    def changing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every reading see a new data version, as if another process had written."""
        versions = iter(range(10**6))
        monkeypatch.setattr("monitoring.live.tail._data_version", lambda: next(versions))

    @pytest.mark.usefixtures("changing")
    def test_it_begins_with_what_is_new(self) -> None:
        self.write()
        outbox = SqliteOutbox()
        assert outbox.read_new() == []
        (pk,) = self.write()
        assert outbox.read_new() == [Update(pk, "t0", {"n": 0})]
        assert outbox.read_new() == []

    @pytest.mark.usefixtures("changing")
    def test_nothing_is_skipped_when_it_was_closed_in_between(self) -> None:
        outbox = SqliteOutbox()
        outbox.read_new()
        written = self.write(2)
        outbox.close()
        assert [update.pk for update in outbox.read_new()] == written

    def test_while_nothing_changed_no_rows_are_read(
        self, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        outbox = SqliteOutbox()
        outbox.read_new()
        with django_assert_num_queries(1):
            outbox.read_new()

    def test_what_does_not_fit_into_a_batch_comes_with_the_next(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("monitoring.live.tail._data_version", iter([1, 2, 2, 2]).__next__)
        outbox = SqliteOutbox()
        outbox.read_new()
        LiveUpdate.objects.bulk_create(LiveUpdate(topic="t", body={}) for _ in range(BATCH + 1))
        assert [len(outbox.read_new()) for _ in range(3)] == [BATCH, 1, 0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_it_runs_from_the_start_of_the_web_process_to_its_end(
    layer: InMemoryChannelLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = Update(1, capture_topic(uuid4()), {"owner": 1})
    outbox = ScriptedOutbox([update])
    monkeypatch.setattr("monitoring.live.tail.outbox_of_this_installation", lambda: outbox)
    await layer.group_add(EVERYBODYS_CAPTURES, "page")
    server = wire(lifespan, {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    assert await server.receive_output(DEADLINE_SECONDS) == {"type": "lifespan.startup.complete"}
    assert (await layer.receive("page"))["topic"] == "captures"
    await server.send_input({"type": "lifespan.shutdown"})
    assert await server.receive_output(DEADLINE_SECONDS) == {"type": "lifespan.shutdown.complete"}
    await server.wait(DEADLINE_SECONDS)
    assert outbox.closed == 1


@pytest.mark.asyncio
async def test_without_an_outbox_the_web_process_runs_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitoring.live.tail.outbox_of_this_installation", lambda: None)
    server = wire(lifespan, {"type": "lifespan"})
    for part in ("startup", "shutdown"):
        await server.send_input({"type": f"lifespan.{part}"})
        answer = await server.receive_output(DEADLINE_SECONDS)
        assert answer == {"type": f"lifespan.{part}.complete"}
    await server.wait(DEADLINE_SECONDS)


WRITE_ROWS = """
import django; django.setup()
from monitoring.models import LiveUpdate
LiveUpdate.objects.bulk_create(
    LiveUpdate(topic=topic, body={"n": n}) for n, topic in enumerate(["one", "two", "one"])
)
"""


@pytest.mark.slow
@pytest.mark.asyncio
async def test_rows_of_another_process_are_read_even_when_the_tables_came_later(
    tmp_path: Path,
) -> None:
    environment = os.environ | {
        "PKTMASK_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
        "PYTHONPATH": str(ROOT),
    }

    def run(*arguments: str) -> None:
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)

    follower = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.monitoring.live.following",
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert follower.stdout is not None
    try:
        async with asyncio.timeout(6 * DEADLINE_SECONDS):
            assert json.loads(await follower.stdout.readline()) == "started"
            await sync_to_async(run)("manage.py", "migrate")
            assert json.loads(await follower.stdout.readline()) == "ready"
            await sync_to_async(run)("-c", WRITE_ROWS)
            # the rows of one transaction come together, and only the newest of each topic
            batch = json.loads(await follower.stdout.readline())
        assert batch == [["two", {"n": 1}], ["one", {"n": 2}]]
        await until(lambda: no_reader_is_open(tmp_path / "pktmask.sqlite3"))
    finally:
        follower.kill()
        await follower.wait()


def no_reader_is_open(database: Path) -> bool:
    """Tell whether the log can be written back and emptied: no read transaction holds it."""
    connection = sqlite3.connect(database, timeout=0)
    try:
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        connection.close()
    return busy == 0
