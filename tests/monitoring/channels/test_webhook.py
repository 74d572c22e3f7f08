"""The webhook: what arrives, and what happens when it does not."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from typing import Any

import pytest
from hypothesis import given

from monitoring.alerts.message import Message
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import WebhookSettings
from monitoring.channels.webhook import WebhookChannel
from monitoring.channels.webhook_body import body
from tests.monitoring.channels.messages import any_message, firing
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


def channel(address: str, **more: Any) -> WebhookChannel:
    given: dict[str, Any] = {
        "address": address,
        "signing_secret": "env:PKTMASK_PLANTED",
        "allow_private": True,
        "allow_http": True,
    }
    return WebhookChannel(WebhookSettings(**{**given, **more}))


def failure(channel: WebhookChannel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        channel.send(firing())
    return caught.value


def test_what_arrives_is_the_message_signed(receiver: Receiver, planted: str) -> None:
    said = channel(f"{receiver.url}/hook?team=a").send(firing())
    assert said == "The receiver took it (HTTP 200 OK)."
    (got,) = receiver.got
    assert got.path == "/hook?team=a"
    timestamp = got.headers["X-PktMask-Timestamp"]
    signed = timestamp.encode() + b"." + got.body
    expected = hmac.new(planted.encode(), signed, hashlib.sha256).hexdigest()
    assert got.headers["X-PktMask-Signature"] == f"sha256={expected}"
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    found = got.json()
    assert (found["key"], found["kind"], found["severity"]) == (
        "firing-0001",
        "firing",
        "critical",
    )
    assert found["alerts"][1]["fingerprint"] == "fingerprint-2"
    assert found["alerts"][1]["since"] == "2026-11-29T07:29:05+00:00"
    assert (found["more"], found["support_level"]) == (3, 2)
    assert found["links"]["runbook"].endswith("/runbook/#cpu")


def test_a_second_sending_has_the_same_key_and_the_same_body(receiver: Receiver) -> None:
    receiver.acts[:] = [answers(503), answers(204)]
    failure(channel(receiver.url))
    channel(receiver.url).send(firing())
    first, second = receiver.got
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "firing-0001"
    assert first.body == second.body


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
def test_a_refusal_is_for_good(receiver: Receiver, status: int) -> None:
    receiver.acts[:] = [answers(status, b"planted words")]
    error = failure(channel(receiver.url))
    assert error.permanent
    assert f"HTTP {status}" in str(error)
    assert "planted words" not in str(error)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again_when_the_receiver_says(
    receiver: Receiver, status: int
) -> None:
    receiver.acts[:] = [answers(status, Retry_After="17")]
    error = failure(channel(receiver.url))
    assert (error.permanent, error.retry_after_seconds) == (False, 17.0)


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.acts[:] = [answers(307, Location=f"{receiver.url}/elsewhere")]
    error = failure(channel(receiver.url))
    assert error.permanent
    assert "redirects are not followed" in str(error)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (says(b"\x00\x01 garbage\r\n\r\n"), "no HTTP"),
        (says(b""), "broke the connection off"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 70_000), "no HTTP"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n"), "no HTTP"),
        (resets, "broke the connection off"),
    ],
)
def test_an_answer_that_is_none_is_tried_again(receiver: Receiver, act: Act, said: str) -> None:
    receiver.acts[:] = [act]
    error = failure(channel(receiver.url))
    assert said in str(error)
    assert not error.permanent


@pytest.mark.parametrize("name", ["hangs", "drips"])
def test_a_slow_receiver_is_left_after_the_time_that_is_set(receiver: Receiver, name: str) -> None:
    receiver.acts[:] = [getattr(receiver, name)]
    error = failure(channel(receiver.url, timeout_seconds=0.3))
    assert (str(error), error.permanent) == ("The receiver did not answer in time.", False)
    assert len(receiver.got) == 1


def test_a_large_answer_is_not_read(receiver: Receiver) -> None:
    receiver.acts[:] = [says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"a" * 99)]
    assert "took it" in channel(receiver.url).send(firing())


def test_nobody_listens() -> None:
    error = failure(channel(f"http://127.0.0.1:{free_port()}"))
    assert (str(error), error.permanent) == ("The receiver does not listen at that address.", False)


def test_this_machine_is_closed_unless_a_setting_opens_it(receiver: Receiver) -> None:
    error = failure(channel(receiver.url, allow_private=False))
    assert "private network or on this machine" in str(error)
    assert "webhook.allow_private" in str(error)
    assert receiver.got == []


def test_metadata_of_clouds_stays_closed() -> None:
    error = failure(channel("http://169.254.169.254/latest/meta-data/"))
    assert str(error).endswith("is link-local or serves the metadata of a cloud.")


def test_a_name_is_resolved_once_and_all_its_addresses_are_checked(receiver: Receiver) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.9.9.9"]

    port = receiver.url.rpartition(":")[2]
    settings = channel(f"http://rebinding.example:{port}/x").settings
    assert "took it" in WebhookChannel(settings, resolve).send(firing())
    assert asked == ["rebinding.example"]
    (got,) = receiver.got
    assert got.headers["Host"] == f"rebinding.example:{port}"

    strict = settings.model_copy(update={"allow_private": False})
    mixed = WebhookChannel(strict, lambda _host, _port: ["93.184.215.14", "127.0.0.1"])
    assert "private network" in str(failure(mixed))
    assert len(receiver.got) == 1


def test_a_name_that_is_none_or_takes_too_long_is_tried_again(receiver: Receiver) -> None:
    def late(_host: str, _port: int) -> list[str]:
        receiver.released.wait(60)
        return []

    settings = channel("https://slow.example", timeout_seconds=0.2).settings
    assert "in time" in str(failure(WebhookChannel(settings, late)))
    long_label = f"https://{'a' * 70}.example"
    assert "cannot be resolved" in str(failure(channel(long_label)))


def test_tls_is_needed_unless_a_setting_says_otherwise(receiver: Receiver) -> None:
    error = failure(channel(receiver.url, allow_http=False))
    assert str(error) == (
        "webhook.address cannot be used: an address on the web begins with https:// here."
    )
    assert receiver.got == []


def test_a_certificate_that_nobody_signed_is_refused(tls: ssl.SSLContext) -> None:
    with http_receiver(tls) as receiver:
        error = failure(channel(receiver.url, allow_http=False))
    assert str(error) == "The receiver shows a certificate that cannot be trusted."
    assert not error.permanent
    assert receiver.got == []


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_is_refused_that_of_the_name_is_taken(
    tls: ssl.SSLContext,
) -> None:
    with http_receiver(tls) as receiver:
        settings = channel(receiver.url, allow_http=False).settings
        assert "took it" in WebhookChannel(settings).send(firing())
        port = receiver.url.rpartition(":")[2]
        other = settings.model_copy(update={"address": f"https://other.example:{port}"})
        error = failure(WebhookChannel(other, lambda _host, _port: ["127.0.0.1"]))
    assert "certificate" in str(error)
    assert len(receiver.got) == 1


def test_plain_http_where_tls_is_expected_is_an_error_of_tls(receiver: Receiver) -> None:
    error = failure(channel(receiver.url.replace("http:", "https:")))
    assert str(error) == "The TLS connection to The receiver failed."


def test_the_address_may_be_a_secret_itself(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_HOOK", f"{receiver.url}/token-in-path")
    channel("env:PKTMASK_HOOK").send(firing())
    assert receiver.got[0].path == "/token-in-path"
    monkeypatch.setenv("PKTMASK_HOOK", "no address")
    assert "webhook.address cannot be used" in str(failure(channel("env:PKTMASK_HOOK")))


def test_without_address_or_secret_it_says_what_to_set(receiver: Receiver) -> None:
    assert "must both be set" in str(failure(channel("")))
    assert "must both be set" in str(failure(channel(receiver.url, signing_secret="")))
    missing = failure(channel(receiver.url, signing_secret="env:PKTMASK_NONE"))
    assert "PKTMASK_NONE holds no secret" in str(missing)


def test_a_preview_is_the_body_without_network() -> None:
    shown = channel("http://127.0.0.1:1").preview(firing())
    assert json.loads(shown["application/json"]) == json.loads(body(firing()))


@given(any_message)
def test_any_message_gives_a_body_that_holds_it(message: Message) -> None:
    found = json.loads(body(message))
    assert found["key"] == message.key
    assert len(found["alerts"]) + found["more"] == len(message.alerts) + message.more
