"""Rollbacks against busy workers, with the real task and the real publishing, in real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.services.console import ROOT, wait_until
from tests.services.prepared import SECRET_KEY
from trimming.fence import LOCK, SHARED

pytestmark = pytest.mark.slow


def environ(folder: Path, url: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PKTMASK_", "DJANGO_"))}
    return {
        **kept,
        "PKTMASK_DATA_DIR": str(folder),
        "PKTMASK_DATABASE_URL": url,
        "PKTMASK_SECRET_KEY": SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "tests.services.fence.settings",
        # the race brings the breaker to nothing, and a lost probe must not stop it
        "PKTMASK_TRIMMING__MAX_ATTEMPTS": "100",
    }


def race(folder: Path, url: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.fence.race", *arguments],
        cwd=ROOT,
        env=environ(folder, url),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    sys.stdout.write(f"{json.dumps(found)}\n")  # the long run reads it
    return found


def is_clean(found: dict[str, Any]) -> bool:
    return (found["late_decisions"], found["late_publications"]) == (0, 0)


# on SQLite the short trials of test_rollbacks.py race as well
@pytest.mark.parametrize(
    ("database", "workers", "rollbacks"),
    [("postgresql", 6, 6), pytest.param("sqlite", 4, 6, marks=pytest.mark.long)],
    indirect=["database"],
)
def test_after_a_rollback_nothing_is_decided_or_published_for_the_treatment(
    tmp_path: Path, database: str, workers: int, rollbacks: int
) -> None:
    asked = ("--workers", str(workers), "--rollbacks", str(rollbacks))
    found = race(tmp_path, database, *asked)
    assert is_clean(found)
    assert found["broken_workers"] == 0
    assert found["treatment_runs"] >= rollbacks  # there was something to roll back


@pytest.mark.long
@pytest.mark.parametrize(
    ("database", "workers"), [("postgresql", 16), ("sqlite", 4)], indirect=["database"]
)
def test_forty_rollbacks_against_all_workers_let_nothing_through_and_are_quick(
    tmp_path: Path, database: str, workers: int
) -> None:
    found = race(tmp_path, database, "--workers", str(workers), "--rollbacks", "40")
    assert is_clean(found)
    assert found["broken_workers"] == 0
    assert found["median_ms"] < 50
    assert found["longest_ms"] < 500


@pytest.mark.long
@pytest.mark.parametrize(
    ("database", "workers"), [("postgresql", 16), ("sqlite", 4)], indirect=["database"]
)
def test_without_the_fence_the_same_race_is_lost(
    tmp_path: Path, database: str, workers: int
) -> None:
    asked = ("--workers", str(workers), "--rollbacks", "40", "--without-fence")
    assert not is_clean(race(tmp_path, database, *asked))


SETUP = """
from django.contrib.auth.models import User
from tests.captures import pcap
from tests.factories import make_job
from trimming import jobs
from trimming.policy import Wish, publish
from trimming.routing_choices import Mode, Origin
jobs.send = lambda job_id: None
publish(Wish(Mode.SCANNING), origin=Origin.ROLLOUT, reason="test")
print(make_job(User.objects.create_user("race"), data=pcap([bytes(64)])).pk)
"""
LOOK = """
import json
from trimming.models import TrimJob, TrimRun
job = TrimJob.objects.get()
runs = list(TrimRun.objects.order_by("attempt").values_list("strategy", "outcome"))
print(json.dumps([job.state, job.why, runs, bool(job.published_run_id)]))
"""


def manage(folder: Path, url: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT,
        env={**environ(folder, url), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def shell(folder: Path, url: str, program: str) -> str:
    return manage(folder, url, "shell", "-v", "0", "-c", program)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_whoever_is_stopped_within_the_fence_does_not_keep_a_rollback_from_its_end(
    tmp_path: Path, database: str
) -> None:
    psycopg = pytest.importorskip("psycopg")
    with closing(psycopg.connect(database)) as stopped:
        stopped.execute(SHARED, [LOCK])
        manage(tmp_path, database, "emergency_rollback", "--reason", "test")
        with pytest.raises(psycopg.Error, match="idle-in-transaction"):
            stopped.execute("SELECT 1")


@pytest.mark.parametrize(
    "database", ["postgresql", pytest.param("sqlite", marks=pytest.mark.long)], indirect=True
)
def test_a_worker_that_was_stopped_over_a_rollback_publishes_nothing_and_legacy_serves(
    tmp_path: Path, database: str
) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    job_id = shell(tmp_path, database, SETUP)
    command = [sys.executable, "-m", "tests.services.fence.worker", str(tmp_path), "--once", job_id]
    surroundings = {**environ(tmp_path, database), "FENCE_GATE": str(gate)}
    worker = subprocess.Popen(command, cwd=ROOT, env=surroundings)
    try:
        wait_until((gate / "begun").exists, 60, "the treatment to begin")
        worker.send_signal(signal.SIGSTOP)
        process = psutil.Process(worker.pid)
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED, 10, "the worker to stop")
        (gate / "open").touch()
        manage(tmp_path, database, "emergency_rollback", "--reason", "test")
        worker.send_signal(signal.SIGCONT)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        worker.wait()
    state, why, runs, is_published = json.loads(shell(tmp_path, database, LOOK))
    assert (state, why, is_published) == ("waiting", "rolled_back", False)
    assert runs == [["scanning", "discarded"]]
    assert not [path for path in (tmp_path / "files" / "outputs").rglob("*") if path.is_file()]
    subprocess.run(command, cwd=ROOT, env=environ(tmp_path, database), check=True)
    state, why, runs, is_published = json.loads(shell(tmp_path, database, LOOK))
    assert (state, why, is_published) == ("done", "mode_legacy", True)
    assert runs == [["scanning", "discarded"], ["legacy", "done"]]
    shutil.rmtree(gate)
