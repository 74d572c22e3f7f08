"""The strategy as a whole: what share_safe hides, what is counted, and properties."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.captures import (
    LINK_ETHERNET,
    Conversation,
    Direction,
    Frame,
    ethernet,
    fragments_of_ipv4,
    fragments_of_ipv6,
    gre,
    gtpu,
    ipv4,
    ipv6,
    mpls,
    request,
    response,
    tcp,
    udp,
    vxlan,
)
from tests.trimming.engine.strategies.legacy.classing import (
    STANDARD,
    Given,
    Outcome,
    classed,
    ipv4_checksum_error,
    runs,
    spelled,
)
from trimming.engine.formats.records import Packet
from trimming.engine.options import Limits, TrimOptions, built_in_profile
from trimming.engine.strategies.legacy.strategy import LegacyStrategy
from trimming.engine.strategies.legacy.tables import LINK_TYPES
from trimming.engine.strategies.registry import load_strategy

SHARE_SAFE = built_in_profile("share_safe")
GET = request()


def test_the_strategy_is_registered_under_its_name() -> None:
    strategy = load_strategy("legacy")
    assert isinstance(strategy, LegacyStrategy)
    assert (strategy.name, strategy.version) == ("legacy", "1.2")


# --- share_safe ------------------------------------------------------------------------------


def test_share_safe_masks_tcp_that_is_not_http() -> None:
    talk = Conversation(dport=25)
    talk.handshake()
    talk.server(b"220 mail.example\r\n")
    assert classed(talk).masked[-1] == talk.packets[-1]
    outcome = classed(talk, SHARE_SAFE)
    assert outcome.masked[-1] == talk.frame("server", 0, bytes(18))[:18] + outcome.masked[-1][18:]
    assert not any(outcome.masked[-1][54:])


def test_share_safe_keeps_handshakes_of_tls_and_masks_application_data() -> None:
    hello = b"\x16\x03\x01\x00\x05\x01abcd"
    data = b"\x17\x03\x03\x00\x04data"
    talk = Conversation(dport=443)
    talk.handshake()
    talk.client(hello + data, 4)
    outcome = classed(talk, SHARE_SAFE)
    assert outcome.client(talk) == "T" * 15 + "OOOO"
    assert outcome.masked[-1][54:] == bytes(3)


def test_share_safe_masks_udp_but_dns() -> None:
    frames = [
        ethernet(ipv4(udp(b"query", dport=53))),
        ethernet(ipv4(udp(b"answer", sport=53, dport=9))),
        ethernet(ipv4(udp(b"secret", dport=9))),
        ethernet(ipv6(udp(b"secret", dport=9))),
    ]
    outcome = classed(frames, SHARE_SAFE)
    assert outcome.masked == [
        *frames[:2],
        ethernet(ipv4(udp(bytes(6), dport=9))),
        ethernet(ipv6(udp(bytes(6), dport=9))),
    ]
    assert outcome.tally.left_bytes == {"DNS": 11}
    assert classed(frames).tally.left_bytes == {"DNS": 11, "UDP": 12}


def test_share_safe_hides_credentials_and_query_values_with_x() -> None:
    def head(target: str, cookie: str, referer: str) -> bytes:
        return request(
            target=target, fields=[("Host", "a"), ("Cookie", cookie), ("Referer", referer)]
        )

    given_head = head("/p?q=secret", "sid=123", "http://u:p@h/?a=b")
    expected = head("/p?q=xxxxxx", "xxxxxxx", "http://xxx@h/?a=x")
    talk, hidden = Conversation(), Conversation()
    for conversation, data in ((talk, given_head), (hidden, expected)):
        conversation.handshake()
        conversation.client(data)
    assert classed(talk, SHARE_SAFE).masked == hidden.packets
    assert classed(talk).masked == talk.packets


def test_a_profile_may_keep_what_is_uncertain() -> None:
    talk = Conversation()
    talk.client(b"junk before" + bytes(3))
    talk.client(GET)
    assert not any(classed(talk).masked[0][54:])
    kept = classed(talk, TrimOptions(uncertain="keep"))
    assert kept.masked == talk.packets
    assert kept.payload_letters()[0] == "U" * 14


# --- what is not understood, and frame checks ------------------------------------------------


def test_unknown_link_types_are_counted_and_left() -> None:
    outcome = classed([b"abc", b"defg"], SHARE_SAFE, link_type=147)
    assert outcome.tally.unknown_link_types == {"147": 2}
    assert outcome.tally.left_bytes == {"link type 147": 7}
    assert outcome.masked == [b"abc", b"defg"]


MESSAGE = response(body=b"hello")


def test_a_right_frame_check_sequence_stays_right() -> None:
    frame = ethernet(ipv4(tcp(MESSAGE, sport=80)), fcs=True)
    (masked,) = classed([frame]).masked
    assert masked != frame
    assert zlib.crc32(masked[:-4]) == int.from_bytes(masked[-4:], "little")


@pytest.mark.parametrize("declared", [None, 4])
def test_a_wrong_frame_check_sequence_keeps_its_error_where_one_is_declared(
    declared: int | None,
) -> None:
    frame = ethernet(ipv4(tcp(MESSAGE, sport=80)), fcs=True, fcs_right=False)
    packet = Packet(1, 0, frame, len(frame), LINK_ETHERNET, None, declared)
    (masked,) = classed([packet]).masked
    wrong = zlib.crc32(masked[:-4]) ^ int.from_bytes(masked[-4:], "little")
    assert (wrong == 0x1234) is (declared == 4)
    assert (masked[-4:] == frame[-4:]) is (declared is None)


def test_a_frame_check_behind_radiotap_covers_the_frame_only() -> None:
    head = bytes([8, 1]) + bytes(22) + b"\xaa\xaa\x03\0\0\0\x08\0"
    frame = head + ipv4(tcp(MESSAGE, sport=80))
    whole = b"\0\0\x08\0" + bytes(4) + frame + zlib.crc32(frame).to_bytes(4, "little")
    (masked,) = classed([whole], link_type=127).masked
    assert masked[:8] == whole[:8]
    assert zlib.crc32(masked[8:-4]) == int.from_bytes(masked[-4:], "little")


def test_a_cut_or_tiny_frame_has_no_frame_check() -> None:
    frame = ethernet(ipv4(tcp(MESSAGE, sport=80)), fcs=True)
    outcome = classed([Frame(frame, original_len=len(frame) + 1), b"\0" * 7, b""])
    assert outcome.masked[0][-4:] == frame[-4:]


def test_a_packet_without_a_time_is_read() -> None:
    frame = ethernet(ipv4(tcp(MESSAGE, sport=80)))
    packet = Packet(1, 0, frame, len(frame), LINK_ETHERNET, None)
    assert runs(classed([packet]).payload_letters()[0])[-1] == ("B", 5)


# --- properties: the class of a byte belongs to its place in the stream -----------------------


def _length(body: bytes, status: int = 200) -> list[tuple[str, bytes]]:
    message = response(status, body=body)
    return [("H", message[: len(message) - len(body)]), ("B", body)]


def _chunks(*chunks: bytes) -> list[tuple[str, bytes]]:
    found = [("H", response(fields=[("Transfer-Encoding", "chunked")], content_length=False))]
    for chunk in chunks:
        found += [("F", f"{len(chunk):x};e=f\r\n".encode()), ("B", chunk), ("F", b"\r\n")]
    return [*found, ("F", b"0\r\n"), ("H", b"T: v\r\n\r\n")]


INNER = response(body=b"inner") + GET
POST = request("POST", body=b"a=b&c=d")
Parts = list[tuple[str, bytes]]
Turn = tuple[Direction, Parts]

DIALOGUES: dict[str, list[Turn]] = {
    "by length": [
        ("client", [("H", GET)]),
        ("server", _length(b"hello" * 9)),
        ("client", [("H", POST[:-7]), ("B", POST[-7:])]),
        ("server", _length(INNER)),
    ],
    "chunked, with trailers": [
        ("client", [("H", GET)]),
        ("server", _chunks(b"abc", INNER)),
        ("client", [("H", GET)]),
        ("server", _chunks(b"\r\n0\r\n\r\n")),
    ],
    "pipelined, HEAD and no bodies": [
        ("client", [("H", GET + request("HEAD") + GET + GET)]),
        (
            "server",
            [
                *_length(b"one"),
                ("H", response(fields=[("Content-Length", "99")], content_length=False)),
                ("H", response(100, "Continue", content_length=False)),
                ("H", response(304, content_length=False)),
                *_length(b"four", 404),
            ],
        ),
    ],
    "to the end": [
        ("client", [("H", GET)]),
        ("server", [("H", response(content_length=False)), ("B", INNER * 3)]),
    ],
    "tunnel": [
        ("client", [("H", request("CONNECT", "a.example:443"))]),
        ("server", [("H", response(content_length=False))]),
        ("client", [("B", GET)]),
        ("server", [("B", INNER)]),
    ],
}


@dataclass
class _Piece:
    direction: Direction
    offset: int
    data: bytes


@st.composite
def cuttings(draw: st.DrawFn) -> tuple[str, int, int, list[_Piece]]:
    """A dialogue, two initial sequence numbers, and segments that carry it, in some order.

    Segments change places only within a turn, and only as far as the reorder limits allow.
    """
    name = draw(st.sampled_from(sorted(DIALOGUES)))
    isns = st.one_of(st.integers(0, 2**32 - 1), st.integers(2**32 - 300, 2**32 - 1))
    sent: dict[Direction, int] = {"client": 0, "server": 0}
    whole: dict[Direction, bytes] = {"client": b"", "server": b""}
    pieces: list[_Piece] = []
    for direction, parts in DIALOGUES[name]:
        data = b"".join(part for _, part in parts)
        start = sent[direction]
        whole[direction] += data
        sent[direction] += len(data)
        cuts = draw(st.lists(st.integers(1, len(data)), max_size=6))
        edges = sorted({0, *cuts, len(data)})
        turn = []
        for at, end in pairwise(edges):
            back = draw(st.integers(0, min(at, 9)))
            turn.append(_Piece(direction, start + at - back, data[at - back : end]))
        if draw(st.booleans()):
            turn = draw(st.permutations(turn))
        for _ in range(draw(st.integers(0, 2))):
            at = draw(st.integers(0, sent[direction] - 1))
            end = draw(st.integers(at + 1, sent[direction]))
            # at any place of the turn for bytes of earlier turns, else at its end
            copy = _Piece(direction, at, whole[direction][at:end])
            turn.insert(draw(st.integers(0, len(turn))) if end <= start else len(turn), copy)
        pieces += turn
    return name, draw(isns), draw(isns), pieces


def _expected(name: str, direction: Direction) -> str:
    parts = [part for side, turn in DIALOGUES[name] for part in turn if side == direction]
    return spelled(*parts)


def _classed_pieces(client_isn: int, server_isn: int, pieces: list[_Piece]) -> Outcome:
    talk = Conversation(client_isn=client_isn, server_isn=server_isn)
    talk.handshake()
    for piece in pieces:
        talk.segment(piece.direction, piece.offset, piece.data)
    return classed(talk)


@given(cuttings())
def test_the_class_of_a_byte_does_not_depend_on_cutting_order_copies_or_numbers(
    case: tuple[str, int, int, list[_Piece]],
) -> None:
    name, client_isn, server_isn, pieces = case
    outcome = _classed_pieces(client_isn, server_isn, pieces)
    assert runs(outcome.stream(40000, client_isn)) == runs(_expected(name, "client"))
    assert runs(outcome.stream(80, server_isn)) == runs(_expected(name, "server"))


@given(cuttings())
def test_every_copy_of_a_byte_is_masked_alike(case: tuple[str, int, int, list[_Piece]]) -> None:
    name, client_isn, server_isn, pieces = case
    outcome = _classed_pieces(client_isn, server_isn, pieces)
    for port, isn, expected in (
        (40000, client_isn, _expected(name, "client")),
        (80, server_isn, _expected(name, "server")),
    ):
        for place, copies in outcome.copies(port).items():
            is_body = expected[(place - isn - 1) % 2**32] == "B"
            assert {after for _, _, after in copies} == {0 if is_body else copies[0][1]}


PLAIN: list[Turn] = [
    ("client", [("H", POST[:-7]), ("B", POST[-7:])]),
    ("server", _length(b"hello" * 9)),
    ("client", [("H", GET)]),
    ("server", [*_chunks(b"secret" * 5, b"x: y"), *_length(b"more")]),
    ("client", [("H", GET)]),
    ("server", [("H", response(content_length=False)), ("B", b"to the end" * 4)]),
]


@given(
    st.integers(5, 60),
    st.sets(st.integers(0, 200), max_size=60),
    st.lists(st.integers(0, 200), max_size=4),
    st.sampled_from([1, 2, 1024]),
)
def test_whatever_is_lost_or_late_no_byte_of_a_body_is_kept(
    size: int, lost: set[int], late: list[int], patience: int
) -> None:
    talk = Conversation()
    letters: dict[Direction, str] = {"client": "", "server": ""}
    for direction, parts in PLAIN:
        data = b"".join(part for _, part in parts)
        (talk.client if direction == "client" else talk.server)(data, size)
        letters[direction] += spelled(*parts)
    for n in late:
        if n < len(talk.packets):
            talk.packets.append(talk.packets[n])
    frames = [frame for n, frame in enumerate(talk.packets) if n not in lost]
    outcome = classed(frames, TrimOptions(limits=Limits(reorder_segments=patience)))
    for direction in letters:
        copies = outcome.copies(talk.ports[direction])
        for place, found in copies.items():
            if letters[direction][place - talk.isn[direction] - 1] == "B":
                kept = [letter for letter, _, after in found if after and letter != "O"]
                assert not kept
                # OTHER only where nothing of the connection was recognised as HTTP
                assert outcome.tally.http_streams == 0 or not any(a for _, _, a in found)


@given(cuttings())
def test_checksums_stay_right_whatever_is_masked(
    case: tuple[str, int, int, list[_Piece]],
) -> None:
    outcome = _classed_pieces(*case[1:])
    assert all(ipv4_checksum_error(masked[14:]) == 0 for masked in outcome.masked)


# --- fuzzing: nothing raises -----------------------------------------------------------------


def _valid_frames() -> Iterator[tuple[bytes, int]]:
    """Yield frames of many kinds, with their link types."""
    for turns in DIALOGUES.values():
        talk = Conversation()
        talk.handshake()
        for direction, parts in turns:
            data = b"".join(part for _, part in parts)
            (talk.client if direction == "client" else talk.server)(data, 60)
        talk.fin()
        for frame in talk.packets:
            yield frame, LINK_ETHERNET
    plain, six = ipv4(tcp(MESSAGE, sport=80)), ipv6(tcp(MESSAGE, sport=80))
    for packet in (*fragments_of_ipv4(plain, [24, 8]), *fragments_of_ipv6(six, [24, 8])):
        yield ethernet(packet), LINK_ETHERNET
    for inner in (
        ipv4(gre(plain, checksum=True, key=1), proto=47),
        ipv4(udp(vxlan(ethernet(plain)), dport=4789)),
        ipv4(udp(gtpu(plain, sequence=1), dport=2152)),
        ipv4(udp(b"\0\1\0\0" + bytes(9) + six, dport=3544)),
        ipv4(udp(b"\0\2\0\1\0\1\xff\3\0\x21" + plain, dport=1701)),
        ipv4(udp(b"dns", dport=53)),
        ipv4(b"\3\0\0\0" + bytes(4) + plain, proto=1),
        ipv6(tcp(MESSAGE), extension_headers=[(0, bytes(8)), (60, bytes(8))]),
    ):
        yield ethernet(inner), LINK_ETHERNET
    yield ethernet(mpls(plain), ethertype=0x8847), LINK_ETHERNET
    for link_type in LINK_TYPES:
        yield bytes(8) + plain, link_type


VALID = list(_valid_frames())
TINY = Limits(
    max_header_bytes=200,
    max_line_bytes=60,
    max_connections=2,
    max_closed_connections=1,
    idle_seconds=1,
    idle_packets=1,
    reorder_segments=3,
    reorder_bytes=200,
    reorder_total_bytes=300,
    history_runs=5,
    max_open_datagrams=2,
    max_tunnel_depth=2,
)
FUZZED_OPTIONS = (
    STANDARD,
    TrimOptions(limits=TINY),
    SHARE_SAFE,
    TrimOptions(other_payload="mask", body_keep_bytes=3, limits=TINY),
)


def _mutated(source: random.Random) -> list[Given]:
    """Return some frames, most of them damaged."""
    packets: list[Given] = []
    start = source.randrange(len(VALID))
    for n in range(source.randrange(1, 14)):
        frame, link_type = VALID[(start + n) % len(VALID)] if n % 4 else source.choice(VALID)
        data = bytearray(frame)
        kind = source.randrange(8)
        if kind == 0:
            data = bytearray(source.randbytes(source.randrange(120)))
        if kind in (1, 2, 3):
            for _ in range(source.randrange(1, 6)):
                data[source.randrange(len(data))] = source.randrange(256)
        if kind == 4:
            del data[source.randrange(len(data)) :]
        if kind == 5:
            at = source.randrange(len(data))
            data[at:at] = source.randbytes(source.randrange(20))
        if source.randrange(20) == 0:
            link_type = source.choice([*LINK_TYPES, 12, 101, 9999])
        original_len = len(data) + source.choice([0, 0, 0, 40, 70000])
        time_ns = source.choice([None, 0, n, n * 10**9, 10**19])
        fcs_len = source.choice([None, None, 4, 2])
        packets.append(Packet(n + 1, 0, bytes(data), original_len, link_type, time_ns, fcs_len))
    return packets


def _survives(seed: int) -> None:
    source = random.Random(seed)
    packets = _mutated(source)
    outcome = classed(packets, source.choice(FUZZED_OPTIONS))
    for packet, masked in zip(outcome.packets, outcome.masked, strict=True):
        assert len(masked) == packet.captured_len


@settings(max_examples=100, derandomize=True)
@given(st.integers(0, 2**64 - 1))
def test_no_capture_makes_the_strategy_raise(seed: int) -> None:
    _survives(seed)


@pytest.mark.long
@settings(max_examples=20_000, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**64 - 1))
def test_none_of_twenty_thousand_captures_makes_the_strategy_raise(seed: int) -> None:
    _survives(seed)
