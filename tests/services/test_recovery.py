"""A backup under load, everything destroyed, and the service again on an empty folder."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.factories import capture_bytes
from tests.services.console import QUICK, ROOT, Console, wait_until
from tests.services.prepared import SECRET_KEY

pytestmark = pytest.mark.slow

COMMAND_SECONDS = 180.0
TO_SCANNING = """
from trimming.policy import Wish, publish
from trimming.routing_choices import Mode, Origin
publish(Wish(Mode.SCANNING), origin=Origin.OPERATOR, reason="a test")
"""
NEWEST_POLICY = (
    "SELECT mode, fence_epoch, stands_back FROM trimming_routingpolicy ORDER BY version DESC"
)
WAITING = "SELECT count(*) FROM trimming_trimjob WHERE state = 'waiting'"
MAX_WAITING = 8  # four of them are samples at first
OUTCOMES = (
    "SELECT r.outcome FROM trimming_trimrun r JOIN trimming_trimjob j ON j.id = r.job_id "
    "WHERE j.capture_id = ?"
)
WORKER = (
    "SELECT lease_owner FROM trimming_trimjob WHERE capture_id = ? AND state = 'running' "
    "AND lease_owner <> ''"
)
OPEN = "SELECT count(*) FROM trimming_trimjob WHERE state IN ('waiting', 'running')"


class Recovered(Console):
    """A console on either database, whose data can be destroyed."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(
            folder,
            {
                **QUICK,
                # a busy machine must not look like a lost worker
                "PKTMASK_TRIMMING__LEASE_SECONDS": "30",
                "PKTMASK_DATABASE_URL": url,
                "PKTMASK_SECRET_KEY": SECRET_KEY,
                "PKTMASK_ADMIN_PASSWORD": "a password of the test",
                "PKTMASK_ROUTING__PERMIT_SCANNING": "true",
            },
        )
        self._url = url

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        if not self._url:
            return super().rows(query, *values)
        import psycopg

        with psycopg.connect(self._url) as database:
            found: list[tuple[Any, ...]] = database.execute(
                query.replace("?", "%s").encode(), values
            ).fetchall()
            return found

    def can_be_written(self) -> bool:
        return bool(self._url) or super().can_be_written()

    def manage(self, *arguments: str) -> str:
        """Run a command to its end, and return what it printed."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def destroy(self) -> None:
        """Lose the machine: every process, the data folder, and the database."""
        self.kill_everything()
        shutil.rmtree(self.data_dir)
        if self._url:
            import psycopg

            with closing(psycopg.connect(self._url, autocommit=True)) as database:
                database.execute("DROP SCHEMA public CASCADE")
                database.execute("CREATE SCHEMA public")


@contextmanager
def uploads(console: Console, accepted: dict[uuid.UUID, bytes]) -> Iterator[None]:
    """Upload small captures one after the other; what was answered for is in ``accepted``."""
    stopping, failures = threading.Event(), list[str]()

    def upload() -> None:
        try:
            for number in itertools.count():
                # more that wait would keep the test waiting
                while not stopping.wait(0.1) and console.rows(WAITING)[0][0] >= MAX_WAITING:
                    pass
                if stopping.is_set():
                    return
                data = capture_bytes(f"body {number} of {time.monotonic_ns()}".encode())
                accepted[console.upload(f"{number}.pcap", data)] = data
        except urllib.error.HTTPError as error:
            failures.append(f"{error.code}: {error.read().decode()}")
        except Exception as error:
            failures.append(repr(error))

    thread = threading.Thread(target=upload)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)],
    indirect=True,
)
def test_what_was_accepted_before_a_backup_survives_the_loss_of_everything(
    tmp_path: Path, database: str, big_capture: Path
) -> None:
    console = Recovered(tmp_path, database)
    backup = tmp_path / "backup"
    accepted: dict[uuid.UUID, bytes] = {}
    try:
        console.start()
        console.sign_in()
        console.manage("shell", "-v", "0", "-c", TO_SCANNING)
        with uploads(console, accepted):
            wait_until(lambda: len(accepted) >= 5, 240, "uploads")
            big = big_capture.read_bytes()
            # legacy takes long enough to be in the middle of it
            capture = console.upload("big.pcap", big, "legacy")
            accepted[capture] = big
            # held in the middle of it, however fast the machine is
            worker = wait_until(lambda: console.rows(WORKER, capture.hex), 240, "the large job")
            console.hold(psutil.Process(int(worker[0][0].split("/")[1])))
            assert console.job_of(capture)[0] == "running"
            before = dict(accepted)
            told = json.loads(console.manage("backup", str(backup), "--json"))
            during = len(accepted) - len(before)
        assert told["faults"] == []
        assert during > 0
        [(mode, epoch, _)] = console.rows(NEWEST_POLICY)[:1]
        assert mode == "scanning"
        console.destroy()
        assert not console.data_dir.exists()

        console.manage("restore", str(backup), "--check")
        assert not console.data_dir.exists() or not any((console.data_dir / "files").iterdir())
        said = console.manage("restore", str(backup))
        assert "Everything goes to legacy" in said
        console.start()
        console._opener = Console(tmp_path)._opener  # sessions were dropped
        wait_until(lambda: not console.rows(OPEN)[0][0], 300, "all jobs to end")
        # or lost, where the backup took longer than the lease of the worker that was held
        outcomes = {row[0] for row in console.rows(OUTCOMES, capture.hex)}
        assert outcomes & {"given_back", "lost"}
        console.sign_in()
        for known, data in before.items():
            assert console.job_of(known)[0] == "done"
            stored = (console.data_dir / "files" / "originals" / str(known)).read_bytes()
            assert hashlib.sha256(stored).digest() == hashlib.sha256(data).digest()
            assert len(console.result_of(known)) == len(data)
        assert [tuple(row) for row in console.rows(NEWEST_POLICY)[:1]] == [
            ("legacy", epoch + 1, 1 if not database else True)
        ]
        assert console.stop(signal.SIGTERM) == 0
        sys.stdout.write(f"{len(before)} captures before, {during} meanwhile, {told}\n")
    finally:
        console.kill_everything()
