"""Trying channels out, and the command that does it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from monitoring.alerts.message import Message, MessageKind
from monitoring.channels.base import ChannelError, Channels, channels
from monitoring.channels.trials import tried
from tests.monitoring.channels.mail_server import MailServer, mail_server
from tests.monitoring.channels.receivers import Receiver, answers

CHANNELS = ["email", "slack", "log", "webhook", "apprise"]


@dataclass
class Sends:
    """A channel that keeps what it is given, or fails."""

    error: Exception | None = None
    got: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> str:
        self.got.append(message)
        if self.error is not None:
            raise self.error
        return "taken"

    def preview(self, message: Message) -> Mapping[str, str]:
        return {}


def run(*arguments: str) -> tuple[int, str]:
    said = StringIO()
    code = 0
    try:
        call_command("test_channels", *arguments, stdout=said)
    except SystemExit as end:
        code = int(str(end.code))
    except CommandError as error:
        return error.returncode, str(error)
    return code, said.getvalue()


def test_each_channel_is_tried_whatever_became_of_the_others() -> None:
    known = Channels()
    works = Sends()
    known.register("works", lambda: works)
    known.register("refuses", lambda: Sends(ChannelError("No.", permanent=True)))
    known.register("breaks", lambda: Sends(KeyError("planted")))
    known.register("off", lambda: None)
    found = list(tried(known.names(), known))
    assert [each.outcome for each in found] == ["ok", "failed", "failed", "off"]
    assert [found[0].said, found[1].said] == ["taken", "No."]
    assert "KeyError" in found[2].said
    assert "planted" not in found[2].said
    assert found[3].took_ms is None
    assert all(each.took_ms is not None and each.took_ms >= 0 for each in found[:3])


def test_each_trial_is_a_test_message_with_a_key_of_its_own() -> None:
    known = Channels()
    channel = Sends()
    known.register("one", lambda: channel)
    list(tried(["one", "one"], known))
    first, second = channel.got
    assert first.kind is MessageKind.TEST
    assert first.key != second.key


@pytest.fixture
def configured(
    receiver: Receiver, planted: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MailServer]:
    """Have all channels switched on, and lead to receivers on this machine."""
    monkeypatch.setenv("PKTMASK_SERVICE", receiver.url.replace("http", "json"))
    monkeypatch.setenv("PKTMASK_HOOK", f"{receiver.url}/slack")
    with mail_server() as server:
        given: dict[str, Any] = {
            "EMAIL__ENABLED": "true",
            "EMAIL__RECEIVERS": "one@example.org",
            "EMAIL__HOST": "127.0.0.1",
            "EMAIL__PORT": str(server.port),
            "EMAIL__SECURITY": "none",
            "SLACK__ENABLED": "true",
            "SLACK__WEBHOOK": "env:PKTMASK_HOOK",
            "WEBHOOK__ENABLED": "true",
            "WEBHOOK__ADDRESS": f"{receiver.url}/hook",
            "WEBHOOK__SIGNING_SECRET": "env:PKTMASK_PLANTED",
            "WEBHOOK__ALLOW_PRIVATE": "true",
            "WEBHOOK__ALLOW_HTTP": "true",
            "APPRISE__ENABLED": "true",
            "APPRISE__ALLOW_PRIVATE": "true",
            "APPRISE__ADDRESSES": "env:PKTMASK_SERVICE",
            "CONSOLE__PUBLIC_URL": "https://pktmask.example.org/",
        }
        for name, value in given.items():
            monkeypatch.setenv(f"PKTMASK_{name}", value)
        yield server


def test_a_message_arrives_through_every_channel_that_is_switched_on(
    receiver: Receiver, configured: MailServer
) -> None:
    code, said = run("--json")
    found = json.loads(said)
    assert code == 0
    assert [(each["channel"], each["outcome"]) for each in found] == [
        (name, "ok") for name in CHANNELS
    ]
    assert configured.mail()["Subject"] == "[PktMask] Test: This channel works"
    assert len(receiver.got) == 3
    assert "https://pktmask.example.org" in receiver.got[0].body.decode()


def test_one_failure_is_the_exit_code_1_and_says_why(
    receiver: Receiver, configured: MailServer
) -> None:
    receiver.acts[:] = [answers(404)]
    code, said = run()
    rows = dict(zip(CHANNELS, said.splitlines(), strict=True))
    assert code == 1
    assert rows["email"].split()[:2] == ["email", "ok"]
    assert rows["webhook"].endswith("ms  The receiver answered HTTP 404 Not Found.")
    code, said = run("--channel", "email")
    assert (code, len(said.splitlines())) == (0, 1)
    assert run("--channel", "webhook")[0] == 1


def test_all_channels_but_the_log_are_off_until_they_are_switched_on() -> None:
    assert [name for name in channels.names() if channels.named(name) is not None] == ["log"]


def test_what_is_off_is_not_a_failure() -> None:
    code, said = run("--channel", "slack")
    assert (code, said.split()) == (0, ["slack", "off", "It", "is", "not", "switched", "on."])


def test_an_unknown_name_is_the_exit_code_2_with_the_known_ones() -> None:
    assert run("--channel", "pager") == (
        2,
        "There is no channel 'pager'; the channels are: email, slack, log, webhook, apprise.",
    )
