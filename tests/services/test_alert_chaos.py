"""Channels that are down, slow or refuse, and a monitor that is killed, in real time."""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.monitoring.channels.mail_server import MailServer, mail_server
from tests.monitoring.channels.receivers import answers, free_port, http_receiver
from tests.services.alerts.apps import NAME, severity_of, write
from tests.services.console import Console, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.long]

COUNT: Final = 60
DOWN_SECONDS: Final = 600.0
KILLED_AFTER: Final = (150.0, 400.0)
# the longest pause between two attempts, and time for what has gathered
RECOVERY_SECONDS: Final = 540.0
ROWS: Final = """SELECT key, channel, kind, severity, state, why, body, at, ended_at, attempts
    FROM monitoring_notification ORDER BY at"""
TELLINGS: Final = """SELECT t.channel, t.kind, t.state, t.why, n.state, a.title, a.severity
    FROM monitoring_alerttelling t
    JOIN monitoring_alert a ON a.key = t.alert_id
    LEFT JOIN monitoring_notification n ON n.key = t.notification_id"""
WAITING: Final = """SELECT count(*) FROM monitoring_notification
    WHERE state = 'pending' AND channel IN ('email', 'webhook')
    AND (severity = 'critical' OR attempts > 0)"""
CRITICAL: Final = {number for number in range(COUNT) if severity_of(number) == "critical"}


class Trial:
    """The service with four receivers, and what has arrived at them."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._running = running
        self.mail = MailServer(free_port())
        self.slow = running.enter_context(http_receiver())
        self.refusing = running.enter_context(http_receiver())
        self.well = running.enter_context(http_receiver())
        self.slow.acts = [self._answers_late]
        self.refusing.acts = [answers(404, b"no_service")]
        self.console = Console(
            folder,
            {
                "DJANGO_SETTINGS_MODULE": "tests.services.alerts.settings",
                "PKTMASK_WORKERS": "2",
                "PKTMASK_CONSOLE__PUBLIC_URL": "https://pktmask.example.org",
                "PKTMASK_EMAIL__ENABLED": "true",
                "PKTMASK_EMAIL__RECEIVERS": "one@example.org",
                "PKTMASK_EMAIL__HOST": "127.0.0.1",
                "PKTMASK_EMAIL__PORT": str(self.mail.port),
                "PKTMASK_EMAIL__SECURITY": "none",
                "PKTMASK_SLACK__ENABLED": "true",
                "PKTMASK_SLACK__WEBHOOK": "env:PKTMASK_SLACK_HOOK",
                "PKTMASK_SLACK_HOOK": f"{self.refusing.url}/services/T0/B0/x",
                "PKTMASK_WEBHOOK__ENABLED": "true",
                "PKTMASK_WEBHOOK__ADDRESS": f"{self.slow.url}/alerts",
                "PKTMASK_WEBHOOK__SIGNING_SECRET": "env:PKTMASK_HOOK_SECRET",
                "PKTMASK_WEBHOOK__ALLOW_PRIVATE": "true",
                "PKTMASK_WEBHOOK__ALLOW_HTTP": "true",
                "PKTMASK_HOOK_SECRET": "a secret of the test",
                "PKTMASK_APPRISE__ENABLED": "true",
                "PKTMASK_APPRISE__ALLOW_PRIVATE": "true",
                "PKTMASK_APPRISE__ADDRESSES": "env:PKTMASK_APPRISE_URL",
                "PKTMASK_APPRISE_URL": self.well.url.replace("http://", "json://"),
            },
        )

    def _answers_late(self, handler: Any) -> None:
        if not self.slow.released.wait(30):
            answers(200, b"ok")(handler)

    def let_them_work(self) -> None:
        """Let mail be taken and the slow one answer at once; the refusing one goes on to refuse."""
        self._running.enter_context(mail_server(server=self.mail))
        self.slow.acts = [answers(200, b"ok")]

    def kill_the_monitor(self) -> None:
        """Kill it; the supervisor starts another."""
        for process in self.console.children()["monitor"]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def arrived(self) -> dict[str, list[tuple[str, str]]]:
        """Return key and text of what has arrived, by channel, in its order."""
        mails = [self.mail.mail(number) for number in range(len(self.mail.got))]
        return {
            "email": [(each["X-PktMask-Key"], _text(each)) for each in mails],
            "webhook": [(each.headers["Idempotency-Key"], _all(each)) for each in self.slow.got],
            "apprise": [_of_apprise(each.json()) for each in self.well.got],
        }


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return str(body.get_content())


def _all(got: Any) -> str:
    return json.dumps(got.json())


def _of_apprise(sent: Any) -> tuple[str, str]:
    keys = re.findall(r"\b[0-9a-f]{32}\b", sent["message"])
    return keys[-1], sent["message"]


def numbers(texts: list[str]) -> set[int]:
    """Return which alerts are named."""
    return {int(each) for text in texts for each in re.findall(r"Number (\d+) is wrong", text)}


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    with ExitStack() as running:
        trial = Trial(tmp_path, running)
        try:
            trial.console.start()
            yield trial
        finally:
            trial.slow.released.set()
            trial.console.kill_everything()


def test_after_ten_minutes_of_trouble_no_critical_alert_is_lost(trial: Trial) -> None:
    console = trial.console
    began = time.time()
    write(console.data_dir, count=COUNT, began=began, seconds=DOWN_SECONDS)
    for seconds in (*KILLED_AFTER, DOWN_SECONDS):
        time.sleep(max(0.0, began + seconds - time.time()))
        if seconds < DOWN_SECONDS:
            trial.kill_the_monitor()
    before = {name: len(found) for name, found in trial.arrived().items()}
    trial.let_them_work()
    worked = time.time()
    wait_until(
        lambda: (
            trial.mail.got
            and numbers([text for _key, text in trial.arrived()["email"]]) >= CRITICAL
            and console.rows(WAITING) == [(0,)]
        ),
        RECOVERY_SECONDS,
        "what has gathered to be told",
    )
    recovered = time.time() - worked
    rows = {row[0]: row for row in console.rows(ROWS)}
    arrived = trial.arrived()
    figures: dict[str, Any] = {"recovered_s": round(recovered), "before": before}
    for channel in ("email", "webhook", "apprise"):
        figures[channel] = check_channel(channel, arrived[channel], rows)
    # one is never told what is suppressed, refused for good, or waits, without a reason
    for _channel, _kind, state, why, message, *_about in console.rows(TELLINGS):
        assert state == "queued" or why, "without a reason"
        assert state != "queued" or message in ("sent", "suppressed", "dead", "pending")
    refused = [row for row in rows.values() if row[1] == "slack"]
    assert {row[4] for row in refused} <= {"dead", "pending"}
    # and of mail, what was not critical came as a digest
    assert figures["email"]["digests"] > 0
    figures["slack"] = dict(Counter(row[4] for row in refused))
    # others are told that there are dead letters, and that channels fail
    told = [row for row in rows.values() if row[1] == "email" and row[0] in dict(arrived["email"])]
    rules = {alert["rule"] for row in told for alert in json.loads(row[6])["alerts"]}
    assert {"dead_letters", NAME} <= rules
    figures["log_ms"] = latency(rows, "log")
    figures["apprise_ms"] = latency(rows, "apprise")
    sys.stdout.write(f"{json.dumps(figures)}\n")


def check_channel(
    channel: str, arrived: list[tuple[str, str]], rows: dict[str, tuple[Any, ...]]
) -> dict[str, Any]:
    """Hold what has arrived on a channel against the outbox; return figures."""
    keys = Counter(key for key, _text in arrived)
    assert set(keys) <= rows.keys(), "a key that nobody stored"
    sent = {key for key, row in rows.items() if row[1] == channel and row[4] == "sent"}
    assert sent <= set(keys), "marked as sent, and never arrived"
    alone = [text for key, text in arrived if rows[key][2] != "digest"]
    assert numbers(alone) >= CRITICAL, "a critical alert was lost, or is in a digest only"
    # one by one: no message about critical alerts carries what has gathered
    critical = [
        rows[key] for key in keys if rows[key][2] == "firing" and rows[key][3] == "critical"
    ]
    assert max(len(json.loads(row[6])["alerts"]) for row in critical) <= 3
    digests = [key for key in keys if rows[key][2] == "digest"]
    digested = [key for key, row in rows.items() if row[1] == channel and row[5] == "backlog"]
    assert bool(digested) == bool(digests)
    assert all(rows[key][3] != "critical" for key in digested)
    return {
        "arrived": len(arrived),
        "messages": len(keys),
        "repeated": sum(count - 1 for count in keys.values()),
        "critical": len(critical),
        "digests": len(digests),
        "in_digests": len(digested),
    }


def latency(rows: dict[str, tuple[Any, ...]], channel: str) -> dict[str, float]:
    """Return how long messages of a channel took from the outbox to their end."""
    took = [
        1000 * (_time(row[8]) - _time(row[7])).total_seconds()
        for row in rows.values()
        if row[1] == channel and row[4] == "sent"
    ]
    return {"count": len(took), "median": round(statistics.median(took)), "max": round(max(took))}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
