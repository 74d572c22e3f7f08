"""A sender of alerts that is killed loses none, and repeats with the same key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.monitoring.channels.receivers import Receiver, answers, http_receiver
from tests.services.console import wait_until
from tests.services.rehearsal import Rehearsal

pytestmark = pytest.mark.slow

PATIENCE_SECONDS: Final = 90.0
ROWS: Final = """SELECT key, kind, state, body FROM monitoring_notification
    WHERE channel = 'webhook' ORDER BY at"""
RULE: Final = "rollout_rolled_back"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture
def console(tmp_path: Path, receiver: Receiver) -> Iterator[Rehearsal]:
    console = Rehearsal(
        tmp_path,
        PKTMASK_WEBHOOK__ENABLED="true",
        PKTMASK_WEBHOOK__ADDRESS=f"{receiver.url}/alerts",
        PKTMASK_WEBHOOK__SIGNING_SECRET="env:PKTMASK_HOOK_SECRET",
        PKTMASK_WEBHOOK__ALLOW_PRIVATE="true",
        PKTMASK_WEBHOOK__ALLOW_HTTP="true",
        PKTMASK_HOOK_SECRET="a secret of the test",
        PKTMASK_ALERTS__CLAIM_SECONDS="10",
        PKTMASK_ALERTS__CRITICAL_WAIT_SECONDS="0",
        PKTMASK_ALERTS__GROUP_INTERVAL_SECONDS="0",
    )
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


def kill_the_sender(console: Rehearsal) -> None:
    """Kill the monitor, and whoever stands in for it in another process goes on without it."""
    for process in console.children()["monitor"]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def is_about_the_rollback(body: Any) -> bool:
    return RULE in [each["rule"] for each in body["alerts"]]


def stored(console: Rehearsal, kind: str) -> list[tuple[str, str]]:
    """Return key and state of the messages about the rollback."""
    return [
        (key, state)
        for key, found, state, body in console.rows(ROWS)
        if found == kind and is_about_the_rollback(json.loads(body))
    ]


def arrived(receiver: Receiver, kind: str) -> list[str]:
    """Return the keys of the messages about the rollback that arrived, in their order."""
    return [
        got.headers["Idempotency-Key"]
        for got in receiver.got
        if got.json()["kind"] == kind and is_about_the_rollback(got.json())
    ]


def test_a_sender_that_is_killed_loses_no_alert_and_repeats_with_the_same_key(
    console: Rehearsal, receiver: Receiver
) -> None:
    def dies_before_it_knows(handler: BaseHTTPRequestHandler) -> None:
        kill_the_sender(console)
        receiver.hangs(handler)

    # between sending and marking: it has arrived, and its sender never hears so
    receiver.acts = [dies_before_it_knows, answers(200, b"ok")]
    console.rollout("start")
    console.manage("emergency_rollback", "--reason", "a rehearsal")
    wait_until(lambda: len(arrived(receiver, "firing")) >= 2, PATIENCE_SECONDS, "it to come again")
    wait_until(
        lambda: [state for _key, state in stored(console, "firing")] == ["sent"],
        PATIENCE_SECONDS,
        "it to be marked",
    )
    assert {key for key, _state in stored(console, "firing")} == set(arrived(receiver, "firing"))

    # between committing and sending, as near as a look at the outbox comes
    console.rollout("restart")
    wait_until(lambda: stored(console, "resolved"), PATIENCE_SECONDS, "a message in the outbox")
    kill_the_sender(console)
    wait_until(
        lambda: [state for _key, state in stored(console, "resolved")] == ["sent"],
        PATIENCE_SECONDS,
        "it to be sent",
    )
    assert set(arrived(receiver, "resolved")) == {key for key, _ in stored(console, "resolved")}
