"""The monitor as a process: it comes back when it is killed, and counts nothing twice."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.captures import Conversation, pcap, request, response
from tests.services.console import QUICK, ROOT, Console, wait_until
from tests.services.rollouts.running import environ

pytestmark = pytest.mark.slow

# what the service promises is 15 s; tests allow for a busy machine
BACK_SECONDS = 45.0
SAMPLES = "SELECT at, missed FROM monitoring_metricsample ORDER BY at"
COUNTED = """SELECT coalesce(sum(json_extract("values", '$."runs_succeeded:control"')), 0)
    FROM monitoring_metricsample"""
BACKENDS = """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid()"""
DONE = "SELECT count(*) FROM trimming_trimrun WHERE outcome = 'done'"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    environ = {**QUICK, "PKTMASK_METRICS__SAMPLE_SECONDS": "1"}
    console = Console(tmp_path_factory.mktemp("monitor"), environ)
    try:
        console.start()
        console.sign_in()
        yield console
    finally:
        console.kill_everything()


def upload(console: Console) -> uuid.UUID:
    talk = Conversation()
    talk.client(request("GET", "/"))
    talk.server(response(body=uuid.uuid4().hex.encode()))
    return console.upload("small.pcap", pcap(talk.packets))


def samples(console: Console) -> list[tuple[datetime, int]]:
    return [(datetime.fromisoformat(at), missed) for at, missed in console.rows(SAMPLES)]


def test_a_killed_monitor_comes_back_and_every_run_is_counted_once(console: Console) -> None:
    captures = [upload(console) for _ in range(3)]
    wait_until(lambda: console.rows(SAMPLES), 60, "a first sample")
    before = len(console.rows(SAMPLES))
    (monitor,) = wait_until(lambda: console.children()["monitor"], 60, "the monitor")
    monitor.kill()
    captures += [upload(console) for _ in range(3)]
    wait_until(lambda: len(console.rows(SAMPLES)) > before + 1, BACK_SECONDS, "samples again")
    wait_until(
        lambda: {console.job_of(capture)[0] for capture in captures} == {"done"}, 60, "results"
    )
    wait_until(
        lambda: console.rows(COUNTED)[0][0] == console.rows(DONE)[0][0], 30, "all to be counted"
    )
    # the first start brings samples of its own
    assert console.rows(COUNTED)[0][0] >= len(captures)


def test_between_two_samples_lie_the_ticks_that_are_said_to_be_missed(console: Console) -> None:
    wait_until(lambda: len(console.rows(SAMPLES)) > 3, 60, "samples")
    found = samples(console)
    for (first, _), (second, missed) in pairwise(found):
        assert second - first == timedelta(seconds=1 + missed)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_monitor_keeps_its_connections_and_takes_new_ones_when_the_server_has_ended_them(
    tmp_path: Path, database: str
) -> None:
    psycopg = pytest.importorskip("psycopg")
    command = [sys.executable, str(ROOT / "manage.py")]
    surroundings = environ(tmp_path, database)
    monitor = subprocess.Popen([*command, "monitor"], env=surroundings, cwd=ROOT)
    try:
        with closing(psycopg.connect(database, autocommit=True)) as server:

            def watched_until() -> datetime | None:
                row = server.execute("SELECT expires_at FROM trimming_guardlease").fetchone()
                return row[0] if row else None

            first = wait_until(watched_until, 60, "a first look")
            wait_until(lambda: watched_until() != first, 30, "a second look")
            before = {pid for (pid,) in server.execute(BACKENDS)}
            later = watched_until()
            wait_until(lambda: watched_until() != later, 30, "one more look")
            assert before & {pid for (pid,) in server.execute(BACKENDS)}
            server.execute(f"SELECT pg_terminate_backend(pid) FROM ({BACKENDS}) AS others")
            ended_at = watched_until()
            wait_until(lambda: watched_until() != ended_at, 30, "a look by new connections")
            assert monitor.poll() is None
    finally:
        monitor.terminate()
        monitor.wait(30)


def test_a_second_monitor_stands_by(console: Console, tmp_path: Path) -> None:
    owners = "SELECT owner FROM monitoring_monitorlease"
    before = wait_until(lambda: console.rows(owners), 60, "a lease")
    second = console.command("monitor")
    try:
        since = len(console.rows(SAMPLES))
        wait_until(lambda: len(console.rows(SAMPLES)) > since + 3, 60, "samples")
        assert second.poll() is None
        assert console.rows(owners) == before
    finally:
        second.terminate()
        second.wait(30)
