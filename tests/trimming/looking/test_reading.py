"""Reading messages and packets of a capture: what is asked for, and never more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.captures import Conversation, pcap, request, response
from trimming.engine.errors import InputError
from trimming.engine.options import PROFILES, TrimOptions
from trimming.engine.pipeline import trim
from trimming.engine.strategies.registry import load_strategy
from trimming.looking import reading
from trimming.looking.reading import NoSuchPacketError, messages, packet
from trimming.looking.words import LookedAt, Messages

SECRET = b"the body that nobody may see"


@pytest.fixture
def talk() -> Conversation:
    """Three exchanges: packets 1 to 3 open, then a request and an answer in two packets each."""
    made = Conversation()
    made.handshake()
    for number in range(3):
        made.client(request("GET", f"/{number}?q=1", [("Cookie", "id=7")]))
        made.server(response(body=SECRET), cut=30)
    return made


def trimmed(folder: Path, data: bytes, options: TrimOptions = PROFILES["standard"]) -> Path:
    (folder / "original").write_bytes(data)
    trim(
        folder / "original",
        folder / "result",
        lambda: load_strategy("scanning"),
        options,
        clock=lambda: 0.0,
        peak_rss_bytes=lambda: 0,
    )
    return folder / "result"


def heads(answer: dict[str, Any]) -> list[str]:
    return [each.start for each in Messages.model_validate(answer).messages]


def test_messages_are_those_of_the_result_with_what_it_hides(
    talk: Conversation, tmp_path: Path
) -> None:
    result = trimmed(tmp_path, pcap(talk.packets), PROFILES["share_safe"])
    found = Messages.model_validate(messages(result, PROFILES["share_safe"], 1, 25))
    assert [each.start for each in found.messages[:2]] == ["GET /0?q=x HTTP/1.1", "HTTP/1.1 200 OK"]
    assert ("Cookie", "xxxx") in found.messages[0].fields
    assert found.messages[0].source == "10.0.0.1:40000"
    assert found.messages[0].packet == 4
    assert all(each.is_whole for each in found.messages)
    assert (len(found.messages), found.next_packet, found.left_out) == (6, None, 0)
    assert SECRET.decode() not in found.model_dump_json()


def test_a_page_tells_where_the_next_one_begins(talk: Conversation, tmp_path: Path) -> None:
    result = trimmed(tmp_path, pcap(talk.packets))
    first = messages(result, TrimOptions(), 1, 2)
    assert heads(first) == ["GET /0?q=1 HTTP/1.1", "HTTP/1.1 200 OK"]
    second = messages(result, TrimOptions(), first["next_packet"], 2)
    assert heads(second) == ["GET /1?q=1 HTTP/1.1", "HTTP/1.1 200 OK"]
    assert heads(messages(result, TrimOptions(), 10_000, 2)) == []


def test_the_end_of_a_head_is_not_looked_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BEHIND_PACKETS", 3)
    waiting = Conversation(sport=41000)
    waiting.client(request("GET", "/slow", [("A", "b" * 50)]), cut=40)
    other = Conversation(sport=42000)
    for number in range(9):
        other.client(request("GET", f"/{number}"))
        other.server(response(body=b""))
    packets = [waiting.packets[0], *other.packets, *waiting.packets[1:]]
    result = trimmed(tmp_path, pcap(packets))
    found = Messages.model_validate(messages(result, TrimOptions(), 1, 1))
    assert [each.is_whole for each in found.messages] == [False]
    assert found.next_packet == 2


def test_a_packet_is_shown_before_and_after_with_its_classes(
    talk: Conversation, tmp_path: Path
) -> None:
    options = TrimOptions()
    result = trimmed(tmp_path, pcap(talk.packets), options)
    first = LookedAt.model_validate(packet(tmp_path / "original", result, options, 6, 0, 2048))
    assert SECRET[:5].hex() in first.before
    assert first.after is not None
    assert SECRET[:5].hex() not in first.after
    assert [name for *_, name in first.spans] == ["header", "body"]
    part = LookedAt.model_validate(packet(tmp_path / "original", result, options, 6, 60, 10))
    assert part.before == first.before[120:140]
    assert [(start, end) for start, end, _ in part.spans] == [(60, 63), (63, 70)]
    bare = LookedAt.model_validate(packet(tmp_path / "original", None, options, 1, 0, 2048))
    assert (bare.after, bare.spans) == (None, [])


def test_a_packet_that_is_not_there_is_said(talk: Conversation, tmp_path: Path) -> None:
    result = trimmed(tmp_path, pcap(talk.packets))
    with pytest.raises(NoSuchPacketError):
        packet(tmp_path / "original", result, TrimOptions(), len(talk.packets) + 1, 0, 16)


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "result").write_bytes(b"no capture at all")
    with pytest.raises(InputError):
        messages(tmp_path / "result", TrimOptions(), 1, 1)


def test_addresses_of_version_6_and_heads_in_fragments_are_shown(tmp_path: Path) -> None:
    six = Conversation(ipv6=True)
    six.client(request("GET", "/six"))
    result = trimmed(tmp_path, pcap(six.packets))
    found = Messages.model_validate(messages(result, TrimOptions(), 1, 5))
    assert found.messages[0].source == "[fd00::1]:40000"
