"""Load through the real upload of a real service, with a fault on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.services.console import QUICK, ROOT, Console, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    environ = {**QUICK, "PKTMASK_DRILLS__PERMITTED": "true"}
    console = Console(tmp_path_factory.mktemp("load"), environ)
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


def generate(
    console: Console, *options: str, password: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "generate_load", "--url", console.url, *options],
        env={**console.environ, "PKTMASK_LOAD_PASSWORD": password or console.password},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_captures_arrive_and_a_fault_ends_their_jobs(console: Console) -> None:
    ended = generate(
        console,
        *("--rate", "5", "--seconds", "2", "--mix", "small=8,broken=2", "--json"),
        *("--fault", "failing", "--fault-strategy", "legacy", "--fault-seconds", "600"),
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["sent"] == 10
    assert found["accepted"] + sum(found["refused"].values()) == 10
    assert found["accepted"] >= 5
    assert not any(why.startswith("HTTP") for why in found["refused"])
    made = "SELECT count(*) FROM trimming_capture WHERE name LIKE 'load-%'"
    assert console.rows(made) == [(found["accepted"],)]
    drills = "SELECT action FROM config_auditevent WHERE action LIKE 'drill_%'"
    assert console.rows(drills) == [("drill_started",)]
    waiting = "SELECT count(*) FROM trimming_trimjob WHERE state IN ('waiting', 'running')"
    wait_until(lambda: console.rows(waiting) == [(0,)], 120, "all jobs to end")
    failed = "SELECT count(*) FROM trimming_trimrun WHERE reason LIKE '%in a drill%'"
    assert console.rows(failed)[0][0] > 0


def test_a_wrong_password_is_told(console: Console) -> None:
    ended = generate(console, password="not the password")
    assert ended.returncode == 1
    assert "Name or password of admin is wrong." in ended.stderr
