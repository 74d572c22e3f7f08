"""The channel log: fields of ECS, and no link with a token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from structlog.testing import capture_logs

from monitoring.alerts.message import Message, MessageKind, Severity
from monitoring.channels.log import MAX_ALERTS, SEVERITIES, LogChannel, fields
from monitoring.channels.words import headline
from tests.monitoring.channels.messages import any_message, firing, line

ROOT = Path(__file__).parents[3]

PROGRAM = """
import django
django.setup()
from pktmask_site.logs import logging_settings
logging_settings(as_json={as_json})
from dataclasses import replace
from monitoring.alerts.message import Severity
from monitoring.channels.log import LogChannel
from tests.monitoring.channels.messages import firing
print(LogChannel().send(replace(firing(), severity=Severity.{severity})))
"""


@pytest.fixture(scope="module")
def written() -> str:
    """Return the line that a process in production writes."""
    return written_by(as_json=True, severity="CRITICAL")


def written_by(*, as_json: bool, severity: str) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(as_json=as_json, severity=severity)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "It is in the log.\n"
    return done.stderr


@pytest.mark.slow
def test_an_event_has_the_fields_of_ecs(written: str) -> None:
    found: dict[str, Any] = json.loads(written)
    assert found["message"] == "Firing, critical: CPU above 90 %"
    assert found["log.level"] == "critical"
    event = found["event"]
    assert (event["kind"], event["action"], event["severity"]) == ("alert", "alert-firing", 99)
    assert event["created"] == "2026-11-29T07:31:05+00:00"
    assert event["reason"] == "The machine is busy & <slow>."
    assert found["rule"]["name"] == ["cpu_percent_1", "cpu_percent_2"]
    assert found["pktmask"]["alert"]["key"] == "firing-0001"
    assert found["pktmask"]["alert"]["fingerprints"] == ["fingerprint-1", "fingerprint-2"]


@pytest.mark.slow
def test_on_a_terminal_what_is_low_is_written_too() -> None:
    assert "Firing, low: CPU above 90 %" in written_by(as_json=False, severity="LOW")


@pytest.mark.slow
def test_the_link_that_acknowledges_is_not_in_the_log(written: str) -> None:
    assert firing().acknowledge not in written
    assert firing().acknowledge not in LogChannel().preview(firing())["application/json"]


@pytest.mark.parametrize(
    ("kind", "severity", "level"),
    [
        (MessageKind.FIRING, Severity.LOW, "info"),
        (MessageKind.FIRING, Severity.MEDIUM, "warning"),
        (MessageKind.ESCALATED, Severity.HIGH, "error"),
        (MessageKind.DIGEST, Severity.CRITICAL, "critical"),
        (MessageKind.RESOLVED, Severity.CRITICAL, "info"),
        (MessageKind.TEST, Severity.CRITICAL, "info"),
    ],
)
def test_levels_follow_severity_and_what_is_over_is_information(
    kind: MessageKind, severity: Severity, level: str
) -> None:
    message = replace(firing(), kind=kind, severity=severity)
    with capture_logs() as logged:
        LogChannel().send(message)
    (found,) = logged
    assert (found["log_level"], found["event"]) == (level, headline(message))


def test_a_number_grows_with_the_severity() -> None:
    assert [SEVERITIES[each] for each in Severity] == sorted(SEVERITIES.values())


def test_alerts_that_are_not_listed_are_counted() -> None:
    message = replace(firing(), alerts=tuple(line(number) for number in range(MAX_ALERTS + 5)))
    found = fields(message)["pktmask.alert"]
    assert (len(found["fingerprints"]), found["more"]) == (MAX_ALERTS, 8)


@given(any_message)
def test_any_message_is_an_event_in_json(message: Message) -> None:
    shown = json.loads(LogChannel().preview(message)["application/json"])
    assert shown["pktmask.alert"]["key"] == message.key
    assert shown["event.kind"] == "alert"
