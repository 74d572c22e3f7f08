"""Slack: what its API gets, and what its answers mean."""

from __future__ import annotations

import json
import ssl
from dataclasses import replace
from typing import Any

import pytest

from monitoring.channels.base import ChannelError
from monitoring.channels.conf import SlackSettings
from monitoring.channels.slack import REFUSALS, SlackChannel, channel_of
from monitoring.channels.slack_blocks import blocks, fallback
from tests.monitoring.channels.messages import firing
from tests.monitoring.channels.receivers import (
    Act,
    Receiver,
    answers,
    free_port,
    http_receiver,
    resets,
    says,
)

pytestmark = pytest.mark.usefixtures("planted")
OK = answers(200, b'{"ok":true,"channel":"C1","ts":"1.2"}', Content_Type="application/json")


def by_token(receiver_url: str, **more: Any) -> SlackChannel:
    given: dict[str, Any] = {"token": "env:PKTMASK_PLANTED", "channel": "C1"}
    return SlackChannel(SlackSettings(**{**given, **more}), api=f"{receiver_url}/api/")


def by_webhook(monkeypatch: pytest.MonkeyPatch, receiver_url: str, **more: Any) -> SlackChannel:
    monkeypatch.setenv("PKTMASK_HOOK", f"{receiver_url}/services/T/B/planted-path")
    return SlackChannel(SlackSettings(webhook="env:PKTMASK_HOOK", **more))


def refused(error: str, status: int = 200) -> Act:
    body = json.dumps({"ok": False, "error": error}).encode()
    return answers(status, body, Content_Type="application/json")


def failure(channel: SlackChannel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        channel.send(firing())
    return caught.value


def test_the_api_gets_blocks_text_and_key(receiver: Receiver, planted: str) -> None:
    receiver.acts[:] = [OK]
    assert by_token(receiver.url).send(firing()) == "Slack took it for C1."
    (got,) = receiver.got
    assert got.path == "/api/chat.postMessage"
    assert got.headers["Authorization"] == f"Bearer {planted}"
    found = got.json()
    assert found["channel"] == "C1"
    assert found["blocks"] == blocks(firing())
    assert found["text"] == fallback(firing())
    assert found["metadata"] == {
        "event_type": "pktmask_alert",
        "event_payload": {"key": "firing-0001", "kind": "firing", "severity": "critical"},
    }
    assert (found["unfurl_links"], found["unfurl_media"]) == (False, False)


def test_a_second_sending_has_the_same_ids_and_another_message_has_others(
    receiver: Receiver,
) -> None:
    receiver.acts[:] = [OK]
    channel = by_token(receiver.url)
    for message in (firing(), firing(), replace(firing(), key="firing-0002")):
        channel.send(message)
    first, second, other = (got.json()["client_msg_id"] for got in receiver.got)
    assert first == second != other


def test_a_webhook_gets_the_same_blocks(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = by_webhook(monkeypatch, receiver.url)
    assert channel.send(firing()) == "Slack took it for the channel of the webhook."
    (got,) = receiver.got
    assert got.path == "/services/T/B/planted-path"
    assert got.json()["blocks"] == blocks(firing())
    assert got.json()["metadata"]["event_payload"]["key"] == "firing-0001"


@pytest.mark.parametrize("error", sorted(REFUSALS))
def test_what_a_person_must_mend_is_refused_for_good(receiver: Receiver, error: str) -> None:
    receiver.acts[:] = [refused(error)]
    found = failure(by_token(receiver.url))
    assert found.permanent
    assert str(found) == f"Slack refused it ({error}): {REFUSALS[error]}."


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable", "new"])
def test_other_errors_are_tried_again(receiver: Receiver, error: str) -> None:
    receiver.acts[:] = [refused(error)]
    found = failure(by_token(receiver.url))
    assert (str(found), found.permanent) == (f"Slack did not take it ({error}).", False)


def test_a_limit_of_rates_asks_for_patience(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited = b'{"ok":false,"error":"ratelimited"}'
    receiver.acts[:] = [answers(429, limited, Retry_After="30")]
    for channel in (by_token(receiver.url), by_webhook(monkeypatch, receiver.url)):
        found = failure(channel)
        assert (found.permanent, found.retry_after_seconds) == (False, 30.0)
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    ("status", "said", "permanent"),
    [
        (403, b"invalid_token", True),
        (404, b"no_service", True),
        (410, b"channel_is_archived", True),
        (400, b"some_new_error", True),
        (500, b"rollup_error", False),
        (503, b"<html>", False),
        (404, b"<html>", True),
        (200, b"<html>", False),
    ],
)
def test_answers_of_a_webhook_mean_what_slack_says(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    said: bytes,
    permanent: bool,
) -> None:
    receiver.acts[:] = [answers(status, said)]
    found = failure(by_webhook(monkeypatch, receiver.url))
    assert found.permanent is permanent
    assert "<html>" not in str(found)


@pytest.mark.parametrize(
    "act",
    [
        answers(200, b"<html>planted words</html>"),
        answers(200, b'["planted words"]', Content_Type="application/json"),
        answers(200, b'{"ok":false,"error":{"planted":"words"}}', Content_Type="application/json"),
        answers(200, b"\xff\xfe planted words"),
        answers(502, b"planted words"),
        says(b"planted words\r\n\r\n"),
        resets,
    ],
)
def test_an_answer_that_is_not_slacks_is_tried_again_and_not_quoted(
    receiver: Receiver, act: Act
) -> None:
    receiver.acts[:] = [act]
    found = failure(by_token(receiver.url))
    assert not found.permanent
    assert "planted" not in str(found)
    assert len(receiver.got) == 1


def test_a_slow_slack_is_left_after_the_time_that_is_set(receiver: Receiver) -> None:
    receiver.acts[:] = [receiver.hangs]
    found = failure(by_token(receiver.url, timeout_seconds=0.2))
    assert (str(found), found.permanent) == ("Slack did not answer in time.", False)
    assert len(receiver.got) == 1


def test_a_certificate_that_nobody_signed_is_refused(tls: ssl.SSLContext) -> None:
    with http_receiver(tls) as receiver:
        found = failure(by_token(receiver.url))
    assert str(found) == "Slack shows a certificate that cannot be trusted."
    assert receiver.got == []


def test_nobody_listens() -> None:
    found = failure(by_token(f"http://127.0.0.1:{free_port()}"))
    assert str(found) == "Slack does not listen at that address."


def test_metadata_of_clouds_stays_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = failure(by_webhook(monkeypatch, "http://169.254.169.254/latest"))
    assert str(found) == "Slack stands at an address that nothing is sent to."


def test_what_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "slack.channel" in str(failure(by_token("http://127.0.0.1:1", channel="")))
    assert "Neither slack.token nor slack.webhook" in str(failure(SlackChannel(SlackSettings())))
    channel = by_webhook(monkeypatch, "http://127.0.0.1:1")
    monkeypatch.setenv("PKTMASK_HOOK", "file:///etc/passwd")
    assert "no address on the web" in str(failure(channel))


def test_a_support_level_without_a_channel_has_that_of_the_level_below() -> None:
    full = SlackSettings(channel="C1", level_2_channel="C2", level_3_channel="C3")
    sparse = full.model_copy(update={"level_2_channel": ""})
    assert [channel_of(full, level) for level in (1, 2, 3)] == ["C1", "C2", "C3"]
    assert [channel_of(sparse, level) for level in (1, 2, 3)] == ["C1", "C1", "C3"]
    assert channel_of(SlackSettings(channel="C1"), 3) == "C1"


def test_a_preview_is_what_the_block_kit_builder_takes() -> None:
    shown = by_token("http://127.0.0.1:1").preview(firing())
    assert json.loads(shown["application/json"]) == {"blocks": blocks(firing())}
    assert shown["text/plain"].startswith("Firing, critical: CPU above 90 %")
