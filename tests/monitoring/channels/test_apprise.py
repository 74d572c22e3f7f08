"""Apprise: what a service gets, and how its failures are told."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest
from apprise import NotifyType

from monitoring.alerts.message import MessageKind, Severity
from monitoring.channels.apprise import AppriseChannel, _type, references_of
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import AppriseSettings
from monitoring.channels.guarded_names import guarded
from tests.monitoring.channels.messages import firing, line
from tests.monitoring.channels.receivers import (
    Act,
    Receiver,
    answers,
    free_port,
    resets,
    says,
)


@pytest.fixture
def address(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have the reference env:PKTMASK_SERVICE lead to the receiver."""
    found = f"{receiver.url.replace('http', 'json')}/planted-path"
    monkeypatch.setenv("PKTMASK_SERVICE", found)
    return found


def channel(**more: Any) -> AppriseChannel:
    # the receiver of the tests is on this machine
    usual = {"addresses": "env:PKTMASK_SERVICE", "allow_private": True}
    return AppriseChannel(AppriseSettings(**{**usual, **more}))


def failure(channel: AppriseChannel) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        channel.send(firing())
    return caught.value


@pytest.mark.usefixtures("address")
def test_a_service_gets_subject_text_and_key(receiver: Receiver) -> None:
    assert channel().send(firing()) == "Apprise delivered it to JSON."
    (got,) = receiver.got
    assert got.path == "/planted-path"
    found = got.json()
    assert found["title"] == "[PktMask] Firing, critical: CPU above 90 %"
    assert found["type"] == "failure"
    for words in ("The machine is busy & <slow>.", "CPU 2 above 90 %", "message firing-0001"):
        assert words in found["message"]


@pytest.mark.usefixtures("address")
def test_a_second_sending_says_the_same(receiver: Receiver) -> None:
    channel().send(firing())
    channel().send(firing())
    first, second = (got.json()["message"] for got in receiver.got)
    assert first == second


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (answers(500), "Apprise could not deliver it to: JSON (HTTP 500)."),
        (answers(404, b"planted words"), "Apprise could not deliver it to: JSON (HTTP 404)."),
        (says(b"planted words\r\n\r\n"), "Apprise could not deliver it to: JSON."),
        (resets, "Apprise could not deliver it to: JSON."),
    ],
)
def test_all_failures_may_be_tried_again(receiver: Receiver, act: Act, said: str) -> None:
    receiver.acts[:] = [act]
    error = failure(channel())
    assert (str(error), error.permanent) == (said, False)


@pytest.mark.usefixtures("address")
def test_a_slow_service_is_left_after_the_time_that_is_set(receiver: Receiver) -> None:
    receiver.acts[:] = [receiver.hangs]
    error = failure(channel(timeout_seconds=0.3))
    assert str(error) == "Apprise could not deliver it to: JSON."


def test_when_one_of_two_fails_it_is_named_and_all_are_tried_again(
    receiver: Receiver, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = f"xml://127.0.0.1:{free_port()}/planted-path"
    monkeypatch.setenv("PKTMASK_SERVICE", f"{address}\n{gone}\n")
    assert str(failure(channel())) == "Apprise could not deliver it to: XML."
    assert len(receiver.got) == 1


def test_an_address_that_apprise_does_not_know_is_told_by_its_place(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_SERVICE", f"{address} nothing-planted://token")
    error = failure(channel())
    assert str(error) == "Address 2 in env:PKTMASK_SERVICE is none that Apprise knows."


def test_without_addresses_it_says_what_to_set() -> None:
    assert "apprise.addresses names none" in str(failure(channel(addresses="")))
    assert "PKTMASK_NONE holds no secret" in str(failure(channel(addresses="env:PKTMASK_NONE")))


def test_support_levels_add_addresses() -> None:
    found = AppriseSettings(
        addresses="env:PKTMASK_A, env:PKTMASK_B",
        level_2_addresses="env:PKTMASK_C",
        level_3_addresses="env:PKTMASK_A",
    )
    assert references_of(found, 1) == ("env:PKTMASK_A", "env:PKTMASK_B")
    assert references_of(found, 3) == ("env:PKTMASK_A", "env:PKTMASK_B", "env:PKTMASK_C")


@pytest.mark.parametrize(
    ("kind", "severity", "found"),
    [
        (MessageKind.FIRING, Severity.LOW, NotifyType.INFO),
        (MessageKind.FIRING, Severity.MEDIUM, NotifyType.WARNING),
        (MessageKind.FIRING, Severity.HIGH, NotifyType.FAILURE),
        (MessageKind.FIRING, Severity.CRITICAL, NotifyType.FAILURE),
        (MessageKind.RESOLVED, Severity.CRITICAL, NotifyType.SUCCESS),
    ],
)
def test_services_that_have_types_get_the_one_that_fits(
    kind: MessageKind, severity: Severity, found: NotifyType
) -> None:
    assert _type(replace(firing(), kind=kind, severity=severity)) is found


def test_a_preview_is_the_text_and_counts_what_it_does_not_list() -> None:
    many = replace(firing(), alerts=tuple(line(number) for number in range(30)))
    shown = channel().preview(many)["text/plain"]
    assert shown.startswith("[PktMask] Firing, critical: CPU above 90 %\n")
    assert "23 more alerts are only counted here." in shown


# --- addresses that must not be reached -----------------------------------------------------------


@pytest.mark.usefixtures("address")
def test_this_machine_is_closed_unless_a_setting_opens_it(receiver: Receiver) -> None:
    error = failure(channel(allow_private=False))
    assert str(error) == (
        "The address of a receiver is in a private network or on this machine. "
        "apprise.allow_private would allow it."
    )
    assert receiver.got == []


@pytest.mark.parametrize(
    "address",
    [
        "json://anna:secret@169.254.169.254/token",
        "jsons://100.100.100.200/token",
        "xml://[::ffff:169.254.169.254]/token",
        "ntfy://anna:secret@[fd00:ec2::254]/topic",
        "gotify://168.63.129.16/token",
        "mailto://anna:secret@example.org?smtp=169.254.169.254",
    ],
)
def test_metadata_of_clouds_stays_closed(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_SERVICE", address)
    error = failure(channel(allow_private=True))
    assert str(error) == (
        "The address of a receiver is link-local or serves the metadata of a cloud."
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f000001", "[::1]"])
def test_each_spelling_of_this_machine_is_closed(
    host: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = receiver.url.rsplit(":", 1)[1].strip("/")
    monkeypatch.setenv("PKTMASK_SERVICE", f"json://{host}:{port}/x")
    failure(channel(allow_private=False))
    assert receiver.got == []


@pytest.mark.usefixtures("address")
def test_a_redirect_to_a_closed_address_is_not_followed(receiver: Receiver) -> None:
    elsewhere = b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/latest/\r\n"
    receiver.acts[:] = [says(elsewhere + b"Content-Length: 0\r\n\r\n")]
    error = failure(channel(allow_private=True))
    assert str(error) == (
        "The address of a receiver is link-local or serves the metadata of a cloud."
    )


def test_names_are_resolved_as_ever_where_nothing_is_guarded() -> None:
    assert socket.getaddrinfo("127.0.0.1", 80)[0][4][0] == "127.0.0.1"
    with guarded(allow_private=False), pytest.raises(OSError, match="private"):
        socket.create_connection(("127.0.0.1", 9))
