"""Whatever lies around TCP: what follows what, how far it reaches, where checksums stand.

A case is a function from a TCP segment to a frame.  The builders write right checksums, so the
masked frame must be the frame that they build of the masked message.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from tests import captures
from tests.captures import (
    ETHERTYPE_MPLS,
    LINK_ETHERNET,
    Frame,
    Transport,
    ethernet,
    ipv4,
    ipv6,
    mpls,
    pppoe,
    response,
    tcp,
    udp,
    vxlan,
)
from tests.trimming.engine.strategies.cases import (
    BEACON,
    ETHERNET_CASES,
    LINK_CASES,
    SOURCE4,
    SOURCE6,
    TARGET4,
    TARGET6,
    Wrap,
    dot3,
    dot11,
    in_udp,
    llc,
    of_type,
)
from tests.trimming.engine.strategies.legacy.classing import (
    classed,
    ipv4_checksum_error,
    limited,
    runs,
)
from trimming.engine.options import TrimOptions
from trimming.engine.strategies.legacy import headers
from trimming.engine.strategies.legacy.tables import (
    ETHER_TYPES,
    IP_PROTOCOLS,
    IPV6_NEXT,
    LINK_TYPES,
    UDP_PORTS,
)

BODY = b"the body, of odd length"
MESSAGE = response(body=BODY)
MASKED = MESSAGE[: -len(BODY)] + bytes(len(BODY))
MASK_OTHER = TrimOptions(other_payload="mask")


def _check(wrap: Wrap, link_type: int) -> None:
    frame, expected = wrap(tcp(MESSAGE, sport=80)), wrap(tcp(MASKED, sport=80))
    outcome = classed([frame], link_type=link_type)
    (letters,), (masked,) = outcome.payload_letters(), outcome.masked
    assert runs(letters) == [("H", len(MESSAGE) - len(BODY)), ("B", len(BODY))]
    assert masked.hex() == expected.hex()


@pytest.mark.parametrize("case", ETHERNET_CASES)
def test_a_body_is_masked_and_all_checksums_around_it_stay_right(case: str) -> None:
    _check(ETHERNET_CASES[case], LINK_ETHERNET)


@pytest.mark.parametrize("case", LINK_CASES)
def test_a_body_is_masked_in_every_link_layer(case: str) -> None:
    link_type, wrap = LINK_CASES[case]
    _check(wrap, link_type)


def test_every_row_of_the_tables_is_tried() -> None:
    assert {link_type for link_type, _ in LINK_CASES.values()} >= set(LINK_TYPES) - {1}
    tried = b"".join(wrap(tcp(MESSAGE)) for wrap in ETHERNET_CASES.values())
    tried += b"".join(wrap(tcp(MESSAGE)) for _, wrap in LINK_CASES.values())
    for number in set(ETHER_TYPES) | set(UDP_PORTS):
        assert struct.pack(">H", number) in tried
    covered = {4, 6, 17, 41, 47, 51, 97, 137, 1, 0, 43, 44, 60, 135, 58}
    assert set(IP_PROTOCOLS) | set(IPV6_NEXT) == covered


@pytest.mark.parametrize("size", range(1, 9))
def test_bodies_of_any_length_at_any_place_keep_checksums_right(size: int) -> None:
    for shift in (b"", b"X: a\r\n", b"X: ab\r\n"):
        head = b"HTTP/1.1 200 OK\r\n" + shift + f"Content-Length: {size}\r\n\r\n".encode()
        for wrap in (ETHERNET_CASES["VXLAN in VXLAN"], ETHERNET_CASES["GRE with checksum"]):
            frame = wrap(tcp(head + b"\xff\x01\xfe\x80abcd"[:size], sport=80))
            expected = wrap(tcp(head + bytes(size), sport=80))
            assert classed([frame]).masked == [expected]


# --- where payload ends ----------------------------------------------------------------------


def test_ethernet_padding_is_not_payload() -> None:
    start = b"HTTP/1.1 200 OK\r\n\r\n"
    first = ethernet(ipv4(tcp(start[:3], sport=80)), padding_to=60, padding_byte=0x55)
    second = ethernet(ipv4(tcp(start[3:] + b"ab", sport=80, seq=1003)))
    outcome = classed([first, second])
    assert outcome.masked[0] == first
    assert outcome.payload_letters() == ["HHH", "H" * 16 + "BB"]


def test_an_ipv4_total_length_of_0_reaches_to_the_end_of_the_frame() -> None:
    frame = ethernet(ipv4(tcp(MESSAGE, sport=80), total_length=0))
    outcome = classed([frame])
    assert outcome.payload_letters()[0].count("B") == len(BODY)
    assert outcome.masked == [ethernet(ipv4(tcp(MASKED, sport=80), total_length=0))]


def test_an_ipv6_payload_length_of_0_reaches_to_the_end_of_the_frame() -> None:
    frame = ethernet(ipv6(tcp(MESSAGE, sport=80), payload_length=0))
    assert classed([frame]).masked == [ethernet(ipv6(tcp(MASKED, sport=80), payload_length=0))]


def test_the_length_of_802_3_bounds_a_packet_that_states_none() -> None:
    payload = llc(ipv4(tcp(MESSAGE, sport=80), total_length=0))
    frames = [
        ethernet(payload + b"padding", ethertype=len(payload)),
        ethernet(payload + b"padding", ethertype=len(payload), vlans=[(0x8100, 1)]),
    ]
    for frame in frames:
        assert classed([frame]).masked[0].endswith(bytes(len(BODY)) + b"padding")


def test_an_ip_length_beyond_the_frame_ends_with_the_frame() -> None:
    frame = ethernet(ipv4(tcp(MESSAGE, sport=80), total_length=9000))
    second = ethernet(ipv4(tcp(MESSAGE, sport=80, seq=1000 + len(MESSAGE))))
    outcome = classed([frame, second])
    assert [letters.count("B") for letters in outcome.payload_letters()] == [len(BODY)] * 2


@pytest.mark.parametrize("length", range(54, 54 + len(MESSAGE), 7))
def test_a_packet_may_be_cut_anywhere_in_its_payload(length: int) -> None:
    frame = ethernet(ipv4(tcp(MESSAGE, sport=80)))
    outcome = classed([Frame(frame[:length], original_len=len(frame))])
    masked = ethernet(ipv4(tcp(MASKED, sport=80)))[:length]
    assert outcome.masked[0][54:] == masked[54:]
    assert outcome.masked[0][:50] == masked[:50]


# --- checksums that are not right ------------------------------------------------------------


@pytest.mark.parametrize("checksum", ["wrong", "zero", "partial"])
def test_a_checksum_that_was_wrong_is_wrong_by_the_same_difference(
    checksum: captures.Checksum,
) -> None:
    packet = ipv4(tcp(MESSAGE, sport=80, checksum=checksum))
    (masked,) = classed([ethernet(packet)]).masked
    before, after = ipv4_checksum_error(packet), ipv4_checksum_error(masked[14:])
    assert before != 0
    assert before == after


@pytest.mark.parametrize("checksum", ["wrong", "zero"])
def test_a_wrong_checksum_around_or_inside_does_not_disturb_the_others(
    checksum: captures.Checksum,
) -> None:
    def wrap(segment: Transport, outer: captures.Checksum) -> bytes:
        return ethernet(ipv4(udp(vxlan(ethernet(ipv4(segment))), dport=4789, checksum=outer)))

    outer_wrong = wrap(tcp(MESSAGE, sport=80), checksum)
    (masked,) = classed([outer_wrong]).masked
    assert masked[42:] == wrap(tcp(MASKED, sport=80), checksum)[42:]
    inner_wrong = wrap(tcp(MESSAGE, sport=80, checksum=checksum), "right")
    (masked,) = classed([inner_wrong]).masked
    # what the body loses, the inner checksum does not make up for twice: the outer one fits
    datagram = masked[14:]
    pseudo = datagram[12:20] + struct.pack(">BBH", 0, 17, len(datagram) - 20)
    assert captures.inet_checksum(pseudo + datagram[20:]) == 0


def test_a_udp_checksum_of_0_stays_0() -> None:
    frame = ETHERNET_CASES["VXLAN without a UDP checksum"](tcp(MESSAGE, sport=80))
    assert classed([frame]).masked[0][40:42] == b"\0\0"


def test_a_udp_checksum_that_becomes_0_is_written_as_all_ones() -> None:
    frames = [ethernet(ipv4(udp(bytes([n // 256, n % 256]) + b"ab"))) for n in range(1)]
    found = classed(frames, MASK_OTHER)
    assert found.masked == frames  # DNS
    for ident in range(70000):
        payload = struct.pack(">I", ident)
        datagram = udp(bytes(4), sport=ident & 0xFFFF, dport=9)
        if datagram.over(SOURCE4, TARGET4)[6:8] == b"\xff\xff":
            frame = ethernet(ipv4(udp(payload, sport=ident & 0xFFFF, dport=9)))
            expected = ethernet(ipv4(datagram))
            assert classed([frame], MASK_OTHER).masked == [expected]
            return
    pytest.fail("no port gives such a checksum")


# --- malformed and unknown -------------------------------------------------------------------


@pytest.mark.parametrize("case", ETHERNET_CASES)
def test_a_frame_that_ends_in_a_header_ends_quietly(case: str) -> None:
    frame = ETHERNET_CASES[case](tcp(MESSAGE, sport=80))
    start = frame.rindex(MESSAGE)
    cut = [Frame(frame[:n], original_len=len(frame)) for n in range(start)]
    outcome = classed(cut)
    assert outcome.payload_letters() == []
    assert outcome.masked == [given.data for given in cut]


@pytest.mark.parametrize("case", LINK_CASES)
def test_a_frame_of_another_link_layer_that_ends_in_a_header_ends_quietly(case: str) -> None:
    link_type, wrap = LINK_CASES[case]
    frame = wrap(tcp(MESSAGE, sport=80))
    cut = [frame[:n] for n in range(frame.rindex(MESSAGE))]
    assert classed(cut, link_type=link_type).masked == cut


def _damaged(at: int, value: bytes) -> Wrap:
    def wrap(inner: Transport) -> bytes:
        frame = ethernet(ipv4(inner))
        return frame[:at] + value + frame[at + len(value) :]

    return wrap


NOT_UNDERSTOOD: dict[str, tuple[int, Wrap]] = {
    "an unknown Ethernet type": (1, _damaged(12, b"\x12\x34")),
    "the wrong IP version": (1, _damaged(14, b"\x55")),
    "an IPv4 header of 16 bytes": (1, _damaged(14, b"\x44")),
    "an IPv4 header longer than the frame": (1, lambda inner: ethernet(ipv4(inner))[:34]),
    "an IPv4 length of less than its header": (1, _damaged(16, b"\0\x10")),
    "a TCP header of 16 bytes": (1, _damaged(46, b"\x40")),
    "a TCP header longer than the packet": (
        1,
        lambda inner: ethernet(ipv4(tcp(b""), total_length=39)),
    ),
    "IPv6 of another version": (
        1,
        lambda inner: ethernet(b"\x50" + ipv6(inner)[1:], ethertype=0x86DD),
    ),
    "PPPoE discovery": (51, lambda inner: b"\x11\x09" + pppoe(ipv4(inner))[2:]),
    "an unknown PPP protocol": (9, lambda inner: b"\xc0\x21" + ipv4(inner)),
    "MPLS and nothing": (1, lambda inner: ethernet(mpls(b""), ethertype=ETHERTYPE_MPLS)),
    "a GTP-U extension of length 0": (
        1,
        in_udp(2152, lambda inner: b"\x34\xff\0\x40\0\0\0\1\0\0\0\x85" + b"\0ab\0" + inner),
    ),
    "another NFLOG attribute of length 0": (
        239,
        lambda inner: b"\2\0\0\1" + bytes(4) + ipv4(inner),
    ),
    "NFLOG and nothing": (239, lambda inner: b"\2\0\0\1"),
    "an empty packet": (101, lambda inner: b""),
    "raw of no version": (101, lambda inner: b"\0" + ipv4(inner)),
    "an address family that nobody knows": (0, lambda inner: b"\x63\0\0\0" + ipv4(inner)),
    "MACsec that is encrypted": (1, of_type(0x88E5, lambda inner: b"\x0c" + bytes(5) + inner)),
    "frame relay and nothing": (107, lambda inner: b"\x18\x41\x03\0"),
    "802.11 management": (105, lambda inner: BEACON),
    "802.11 without data": (105, dot11(1, 4)),
    "802.11 encrypted": (105, dot11(0x41)),
    "802.11 aggregated": (105, dot11(1, 8, b"\x80\0")),
    "802.2 that is no IP": (1, lambda inner: dot3(b"\x42\x42\x03" + ipv4(inner))),
    "PPI of an unknown link type": (
        192,
        lambda inner: struct.pack("<BBHI", 0, 0, 8, 999) + ipv4(inner),
    ),
    "VXLAN with the I bit unset": (1, in_udp(4789, lambda inner: bytes(8) + ethernet(inner))),
}


@pytest.mark.parametrize("case", NOT_UNDERSTOOD)
def test_what_cannot_be_read_is_left_as_it_is(case: str) -> None:
    link_type, wrap = NOT_UNDERSTOOD[case]
    frame = wrap(tcp(MESSAGE, sport=80))
    assert classed([frame], link_type=link_type).masked == [frame]


@pytest.mark.parametrize("depth", [3, 60])
def test_tunnels_are_followed_up_to_a_limit(depth: int) -> None:
    packet = ipv4(tcp(MESSAGE, sport=80))
    for _ in range(depth):
        packet = ipv4(packet, proto=4)
    outcome = classed([ethernet(packet)], limited(max_tunnel_depth=4))
    assert outcome.tally.limits_met["max_tunnel_depth"] == (depth == 60)
    assert bool(outcome.payload_letters()) == (depth == 3)


@pytest.mark.parametrize("wrap", [ipv4, ipv6])
def test_an_ip_protocol_that_is_not_looked_into_is_counted(
    wrap: Callable[..., bytes],
) -> None:
    inner = {"proto": 50} if wrap is ipv4 else {"next_header": 50}
    assert classed([ethernet(wrap(b"esp" * 10, **inner))]).tally.left_bytes == {
        "IP protocol 50": 30
    }


@pytest.mark.parametrize(
    ("port", "payload"),
    [
        pytest.param(2152, b"\x32\x01" + bytes(20), id="GTP-U-echo"),
        pytest.param(2152, b"\x52\xff" + bytes(20), id="GTP-of-another-version"),
        pytest.param(1701, b"\xc8\x02" + bytes(20), id="L2TP-control"),
        pytest.param(1701, b"\x00\x03" + bytes(20), id="L2TP-of-another-version"),
        pytest.param(3544, b"\x77" * 20, id="Teredo-of-nothing-known"),
        pytest.param(4789, bytes(20), id="VXLAN-without-its-flag"),
        pytest.param(4790, b"\x0c\0\0\x77" + bytes(20), id="VXLAN-GPE-of-an-unknown-protocol"),
        pytest.param(6081, b"\x40\0\x65\x58" + bytes(20), id="GENEVE-of-another-version"),
        pytest.param(6081, b"\0\0\x12\x34" + bytes(20), id="GENEVE-of-an-unknown-type"),
        pytest.param(37008, b"\1\0\0\x77" + bytes(20), id="TZSP-of-an-unknown-protocol"),
        pytest.param(37008, b"\2\0\0\1" + bytes(20), id="TZSP-of-another-version"),
        pytest.param(4341, bytes(20), id="LISP-of-no-IP"),
        pytest.param(4341, bytes(8), id="LISP-of-nothing"),
        pytest.param(4789, b"\x08", id="too-short-for-a-tunnel"),
    ],
)
def test_udp_on_the_port_of_a_tunnel_that_holds_none_is_udp(port: int, payload: bytes) -> None:
    frame = ethernet(ipv4(udp(payload, dport=port)))
    assert classed([frame]).tally.left_bytes == {"UDP": len(payload)}
    assert set(classed([frame], MASK_OTHER).payload_letters()[0]) == {"O"}


def test_udp_payload_ends_where_the_udp_length_says() -> None:
    datagram = udp(b"abcdef", dport=9).over(SOURCE4, TARGET4)
    frame = ethernet(ipv4(datagram + b"behind", proto=17))
    assert classed([frame], MASK_OTHER).masked[0].endswith(bytes(6) + b"behind")


def test_udp_of_length_0_reaches_to_the_end() -> None:
    datagram = udp(b"abcdef", dport=9).over(SOURCE4, TARGET4)
    frame = ethernet(ipv4(datagram[:4] + b"\0\0" + datagram[6:], proto=17))
    assert classed([frame], MASK_OTHER).masked[0].endswith(bytes(6))


def test_udp_without_payload_is_nothing() -> None:
    assert not classed([ethernet(ipv4(udp(b"")))]).tally.left_bytes


# --- ICMP ------------------------------------------------------------------------------------


def _icmp(kind: int, quote: bytes, *, six: bool = False) -> bytes:
    head = bytes([kind, 0, 0, 0]) + bytes(4)
    pseudo = SOURCE6 + TARGET6 + struct.pack(">II", 8 + len(quote), 58) if six else b""
    check = captures.inet_checksum(pseudo + head + quote)
    message = head[:2] + struct.pack(">H", check) + head[4:] + quote
    if six:
        return ethernet(ipv6(message, next_header=58))
    return ethernet(ipv4(message, proto=1))


QUOTED = MESSAGE


@pytest.mark.parametrize(("six", "kind"), [(False, 3), (False, 11), (True, 1), (True, 2)])
@pytest.mark.parametrize("version", [4, 6])
def test_an_icmp_quote_is_masked_behind_the_quoted_transport_header(
    six: bool, kind: int, version: int
) -> None:
    def packet(payload: bytes) -> bytes:
        inner = tcp(payload, sport=80, options=b"\1" * 4, checksum="zero")
        return ipv4(inner) if version == 4 else ipv6(inner)

    frame, expected = (_icmp(kind, packet(p), six=six) for p in (QUOTED, bytes(len(QUOTED))))
    assert classed([frame]).masked == [frame]
    assert not classed([frame]).tally.left_bytes
    assert classed([frame], MASK_OTHER).masked == [expected]


def test_a_quote_of_udp_is_masked_behind_8_bytes() -> None:
    frame = _icmp(3, ipv4(udp(b"secret", checksum="zero")))
    assert classed([frame], MASK_OTHER).masked == [_icmp(3, ipv4(udp(bytes(6), checksum="zero")))]


@pytest.mark.parametrize("length", [19, 28, 32])
def test_a_short_quote_is_masked_behind_what_must_be_header(length: int) -> None:
    quote = ipv4(tcp(MESSAGE, sport=80))[:length]
    (masked,) = classed([_icmp(3, quote)], MASK_OTHER).masked
    assert masked[42:70] == _icmp(3, quote)[42:70]
    assert not any(masked[70:])


@pytest.mark.parametrize(("six", "kind"), [(False, 8), (False, 0), (True, 128), (True, 135)])
def test_other_icmp_messages_are_left(six: bool, kind: int) -> None:
    frame = _icmp(kind, ipv4(tcp(MESSAGE)), six=six)
    assert classed([frame], MASK_OTHER).masked == [frame]


def test_want_of_memory_is_not_taken_for_a_packet_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(headers.ICMP, "pre_dissect", fail)
    with pytest.raises(MemoryError):
        classed([_icmp(3, ipv4(udp(b"secret")))], MASK_OTHER)
