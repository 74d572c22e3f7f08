"""Apprise: what a service gets, and how its failures are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from apprise import NotifyType

from monitoring.alerts.message import MessageKind, Severity
from monitoring.channels.apprise import AppriseChannel, _type, references_of
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import AppriseSettings
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
    return AppriseChannel(AppriseSettings(**{"addresses": "env:PKTMASK_SERVICE", **more}))


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
