"""A monitor that is gone is told by another process, within a minute."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from tests.services.console import QUICK, Console, wait_until

pytestmark = pytest.mark.slow

# what the service promises
TOLD_SECONDS = 60.0
CLOCK = "SELECT at FROM monitoring_alertclock WHERE at IS NOT NULL"
SENT = """SELECT body, ended_at FROM monitoring_notification
    WHERE state = 'sent' AND channel = 'log' AND kind = 'firing'"""


@pytest.fixture
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    console = Console(tmp_path_factory.mktemp("dead_man"), QUICK)
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


def told(console: Console) -> bool:
    """Kill whatever monitor there is again; return whether its absence was told."""
    for monitor in console.children()["monitor"]:
        with suppress(psutil.NoSuchProcess):
            monitor.kill()
    return any(
        each["rule"] == "monitor_silent"
        for body, _ended_at in console.rows(SENT)
        for each in json.loads(body)["alerts"]
    )


def test_a_monitor_that_cannot_come_back_is_told_within_a_minute(console: Console) -> None:
    wait_until(lambda: console.rows(CLOCK), 60, "a first look of the monitor")
    began = time.monotonic()
    wait_until(lambda: told(console), TOLD_SECONDS, "another process to tell of the monitor")
    assert time.monotonic() - began <= TOLD_SECONDS
    # it is told once, however many processes look
    wait_until(lambda: console.children()["monitor"], 60, "the monitor to come back")
    resolved = SENT.replace("'firing'", "'resolved'")
    wait_until(lambda: console.rows(resolved), 60, "the alert to be resolved")
    silent = [
        body
        for body, _ended_at in console.rows(SENT)
        if "monitor_silent" in [each["rule"] for each in json.loads(body)["alerts"]]
    ]
    assert len(silent) == 1
