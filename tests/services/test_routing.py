"""What a rollback and a guard mean to the running service."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.files import MAIN
from tests.factories import capture_bytes
from tests.services.console import QUICK, ROOT, Console, wait_until

pytestmark = pytest.mark.slow

PUBLISH = """
from trimming.policy import Wish, publish
from trimming.routing_choices import Mode, Origin
publish(Wish(Mode.SCANNING, guarded={guarded}), origin=Origin.ROLLOUT, reason="test")
"""
RESTORE = """
from config.choices import VersionKind
from config.models import ConfigVersion
from config.versions import newest_version, restore
restore(ConfigVersion.objects.get(number=1), newest_version(), reason="test")
"""
FIRST = "routing:\n  first_mode: scanning\ntrimming:\n  max_attempts: {attempts}\n"


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    folder = tmp_path / "config" / "local"
    folder.mkdir(parents=True)
    (folder / MAIN).write_text(FIRST.format(attempts=20))
    return folder / MAIN


@pytest.fixture
def console(tmp_path: Path, settings_file: Path) -> Iterator[Console]:
    quick = {k: v for k, v in QUICK.items() if not k.endswith("MAX_ATTEMPTS")}
    folder = settings_file.parent.parent
    environ = {
        **quick,
        "PKTMASK_CONFIG_DIR": str(folder),
        "PKTMASK_ROUTING__GUARD_SECONDS": "1",
    }
    console = Console(tmp_path, environ)
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


def manage(console: Console, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.check_output(command, env=console.environ, text=True)


def shell(console: Console, program: str) -> None:
    manage(console, "shell", "-v", "0", "-c", program)


def routed(console: Console, strategy: str = "") -> tuple[str, str]:
    """Upload a capture; return the strategy that served it, and why."""
    data = capture_bytes(os.urandom(8).hex().encode())
    capture = console.upload(f"{uuid.uuid4().hex}.pcap", data, strategy)
    wait_until(lambda: console.job_of(capture)[0] == "done", 60, "the job")
    query = (
        "SELECT r.strategy, j.why FROM trimming_capture c "
        "JOIN trimming_trimjob j ON j.id = c.current_job_id "
        "JOIN trimming_trimrun r ON r.id = j.published_run_id WHERE c.id = ?"
    )
    served, why = console.rows(query, capture.hex)[0]
    return served, why


def in_force(console: Console) -> tuple[str, float, int]:
    query = "SELECT mode, treatment_share, fence_epoch FROM trimming_routingpolicy "
    mode, share, epoch = console.rows(f"{query} ORDER BY version DESC LIMIT 1")[0]
    return mode, share, epoch


def versions(console: Console) -> int:
    return int(console.rows("SELECT max(number) FROM config_configversion")[0][0])


def test_no_edit_no_restored_configuration_and_no_restart_ends_a_rollback(
    console: Console, settings_file: Path
) -> None:
    assert routed(console) == ("scanning", "mode_scanning")
    manage(console, "emergency_rollback", "--reason", "test")
    stands = ("legacy", 0.0, 2)
    assert in_force(console) == stands
    settings_file.touch()
    before = versions(console)
    settings_file.write_text(FIRST.format(attempts=21))
    wait_until(lambda: versions(console) == before + 1, 20, "the edit to be taken")
    shell(console, RESTORE)
    assert versions(console) == before + 2
    assert routed(console) == ("legacy", "mode_legacy")
    assert console.stop() == 0
    console.start()
    assert routed(console) == ("legacy", "mode_legacy")
    assert in_force(console) == stands


def test_when_nobody_watches_a_guarded_trial_new_captures_go_to_legacy_and_say_why(
    console: Console,
) -> None:
    shell(console, PUBLISH.format(guarded=True))
    assert routed(console) == ("scanning", "mode_scanning")
    (monitor,) = console.children()["monitor"]
    console.hold(monitor)
    try:
        wait_until(lambda: routed(console) == ("legacy", "unwatched"), 60, "legacy to serve")
    finally:
        monitor.resume()
    wait_until(lambda: routed(console) == ("scanning", "mode_scanning"), 60, "the watch to go on")
