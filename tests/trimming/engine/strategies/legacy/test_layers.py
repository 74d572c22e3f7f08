"""Whatever lies around TCP: what follows what, how far it reaches, where checksums stand.

A case is a function from a TCP segment to a frame.  The builders write right checksums, so the
masked frame must be the frame that they build of the masked message.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest

from tests import captures
from tests.captures import (
    ETHERTYPE_ETHERNET,
    ETHERTYPE_MPLS,
    ETHERTYPE_PPPOE,
    LINK_ETHERNET,
    LINK_IPV4,
    LINK_IPV6,
    LINK_LOOP,
    LINK_NULL,
    LINK_PPP,
    LINK_RAW,
    LINK_SLL,
    LINK_SLL2,
    Frame,
    Transport,
    ethernet,
    geneve,
    gre,
    gtpu,
    ipv4,
    ipv6,
    mpls,
    null_loopback,
    ppp,
    pppoe,
    response,
    sll,
    sll2,
    tcp,
    udp,
    vxlan,
)
from tests.trimming.engine.strategies.legacy.classing import (
    classed,
    ipv4_checksum_error,
    limited,
    runs,
)
from trimming.engine.options import TrimOptions
from trimming.engine.strategies.legacy.tables import (
    ETHER_TYPES,
    IP_PROTOCOLS,
    IPV6_NEXT,
    LINK_TYPES,
    UDP_PORTS,
)

Wrap = Callable[[Transport], bytes]

BODY = b"the body, of odd length"
MESSAGE = response(body=BODY)
MASKED = MESSAGE[: -len(BODY)] + bytes(len(BODY))
MASK_OTHER = TrimOptions(other_payload="mask")

SOURCE4, TARGET4 = IPv4Address("10.0.0.1").packed, IPv4Address("10.0.0.2").packed
SOURCE6, TARGET6 = IPv6Address("fd00::1").packed, IPv6Address("fd00::2").packed
# the first nibble is none of an IP version and none of a control word
MAC = b"\x12\0\0\0\0\2"
SNAP = b"\xaa\xaa\x03\0\0\0"
BEACON = b"\x80\0\0\0" + b"\xff" * 6 + b"\x02\0\0\0\0\1" * 2 + b"\0\0" + bytes(12)


def in_ipv4(protocol: int, around: Callable[[bytes], bytes]) -> Wrap:
    """A case with an IPv4 packet around a header of ``protocol`` around an IPv4 packet."""
    return lambda inner: ethernet(ipv4(around(ipv4(inner)), proto=protocol))


def in_udp(port: int, around: Callable[[bytes], bytes]) -> Wrap:
    """A case with a tunnel in UDP around an IPv4 packet; the UDP checksum is right."""
    return lambda inner: ethernet(ipv4(udp(around(ipv4(inner)), dport=port)))


def of_type(ether_type: int, around: Callable[[bytes], bytes]) -> Wrap:
    """A case with an Ethernet frame around a header of ``ether_type`` around an IPv4 packet."""
    return lambda inner: ethernet(around(ipv4(inner)), ethertype=ether_type)


def with_extensions(*extensions: tuple[int, bytes]) -> Wrap:
    """A case with IPv6 extension headers."""
    return lambda inner: ethernet(ipv6(inner, extension_headers=extensions))


def dot11(flags: int, subtype: int = 0, behind: bytes = b"", fourth: bytes = b"") -> Wrap:
    """A case with an 802.11 data frame; ``behind`` stands behind the addresses."""

    def frame(inner: Transport) -> bytes:
        head = bytes([0x08 | subtype << 4, flags]) + b"\0\0" + MAC * 3 + b"\0\0"
        return head + fourth + behind + SNAP + b"\x08\0" + ipv4(inner)

    return frame


def behind(head: bytes, inner: Wrap) -> Wrap:
    """A case with bytes in front of another."""
    return lambda segment: head + inner(segment)


def _llc(payload: bytes, *, snap: bool = True) -> bytes:
    return (SNAP + b"\x08\0" if snap else b"\x06\x06\x03") + payload


def _dot3(payload: bytes) -> bytes:
    return ethernet(payload, ethertype=len(payload))


def _l2tp(flags: int, rest: bytes) -> Callable[[bytes], bytes]:
    return lambda inner: struct.pack(">H", flags) + rest + ppp(inner)


def _nflog(inner: Transport) -> bytes:
    packet = ipv4(inner)
    prefix = struct.pack("<HH", 9, 10) + b"hello" + bytes(3)
    return b"\x02\0\0\1" + prefix + struct.pack("<HH", 4 + len(packet), 9) + packet


def _pktap(link_type: int) -> bytes:
    return struct.pack("<III", 108, 1, link_type) + bytes(96)


def _nsh(next_protocol: int) -> bytes:
    return struct.pack(">II", 63 << 22 | 6 << 16 | 1 << 8 | next_protocol, 0x100FF) + bytes(16)


def _ah4(inner: Transport) -> bytes:
    head = struct.pack(">BBHII", 6, 4, 0, 1, 1) + bytes(12)
    return ethernet(ipv4(head + inner.over(SOURCE4, TARGET4), proto=51))


def _pptp(inner: bytes) -> bytes:
    payload = ppp(inner)
    return struct.pack(">HHHHI", 0x3001, 0x880B, len(payload), 1, 1) + payload


def _vxlan_gpe(following: int) -> Callable[[bytes], bytes]:
    head = struct.pack(">BHBI", 0x0C, 0, following, 0x100)
    return lambda inner: head + inner


RADIOTAP = struct.pack("<BBHI", 0, 0, 12, 0) + bytes(4)
PRISM = struct.pack("<II16s", 0x44, 144, b"wlan0") + bytes(120)
AVS = struct.pack(">II", 0x80211001, 64) + bytes(56)
WIDE = bytes([0, 127]) + bytes(6 + 8 * 127)

ETHERNET_CASES: dict[str, Wrap] = {
    "IPv4": lambda inner: ethernet(ipv4(inner)),
    "IPv4 with options": lambda inner: ethernet(ipv4(inner, options=b"\x94\x04\0\0")),
    "IPv6": lambda inner: ethernet(ipv6(inner)),
    "802.1Q": lambda inner: ethernet(ipv4(inner), vlans=[(0x8100, 5)]),
    "QinQ": lambda inner: ethernet(ipv4(inner), vlans=[(0x88A8, 5), (0x8100, 6)]),
    "QinQ of old": lambda inner: ethernet(ipv6(inner), vlans=[(0x9100, 5), (0x9200, 6)]),
    "802.1Q and LLC": lambda inner: ethernet(
        _llc(ipv4(inner)), vlans=[(0x8100, 5)], ethertype=len(_llc(ipv4(inner)))
    ),
    "802.3, LLC and SNAP": lambda inner: _dot3(_llc(ipv4(inner))),
    "802.3 and LLC": lambda inner: _dot3(_llc(ipv4(inner), snap=False)),
    "VN-Tag": of_type(0x8926, lambda inner: bytes(4) + b"\x08\0" + inner),
    "802.1ah": of_type(0x88E7, lambda inner: bytes(4) + ethernet(inner)),
    "PPPoE": of_type(ETHERTYPE_PPPOE, pppoe),
    "PPPoE with a compressed protocol": of_type(
        ETHERTYPE_PPPOE,
        lambda inner: struct.pack(">BBHH", 0x11, 0, 1, 1 + len(inner)) + b"\x21" + inner,
    ),
    "PPPoE without a length": of_type(
        ETHERTYPE_PPPOE, lambda inner: b"\x11\0\0\1\0\0" + b"\0\x21" + inner
    ),
    "PPP by its Ethernet type": of_type(0x880B, lambda inner: b"\0\x21" + inner),
    "Ethernet in Ethernet": of_type(ETHERTYPE_ETHERNET, ethernet),
    "MPLS": of_type(ETHERTYPE_MPLS, mpls),
    "MPLS, two labels, multicast": of_type(0x8848, lambda inner: mpls(inner, [16, 17])),
    "MPLS and IPv6": lambda inner: ethernet(mpls(ipv6(inner)), ethertype=ETHERTYPE_MPLS),
    "MPLS pseudowire with control word": of_type(
        ETHERTYPE_MPLS, lambda inner: mpls(bytes(4) + ethernet(inner))
    ),
    "MPLS pseudowire without": of_type(
        ETHERTYPE_MPLS, lambda inner: mpls(ethernet(inner, dst=MAC))
    ),
    "MPLS in PPP": of_type(
        ETHERTYPE_PPPOE, lambda inner: b"\x11\0\0\1\0\0" + b"\x02\x81" + mpls(inner)
    ),
    "TRILL": of_type(0x22F3, lambda inner: b"\0\x40\0\1\0\2" + bytes(4) + ethernet(inner)),
    "Cisco metadata": of_type(0x8909, lambda inner: b"\1\1abcd\x08\0" + inner),
    "MACsec": of_type(0x88E5, lambda inner: bytes(6) + b"\x08\0" + inner),
    "MACsec with a channel": of_type(
        0x88E5, lambda inner: b"\x20\0" + bytes(12) + b"\x08\0" + inner + bytes(16)
    ),
    "HSR": of_type(0x892F, lambda inner: bytes(4) + b"\x08\0" + inner),
    "NSH and IPv4": of_type(0x894F, lambda inner: _nsh(1) + inner),
    "NSH and Ethernet": of_type(0x894F, lambda inner: _nsh(3) + ethernet(inner)),
    "IP in IP": in_ipv4(4, lambda inner: inner),
    "IPv6 in IPv4": lambda inner: ethernet(ipv4(ipv6(inner), proto=41)),
    "IPv4 in IPv6": lambda inner: ethernet(ipv6(ipv4(inner), next_header=4)),
    "AH": _ah4,
    "EtherIP": in_ipv4(97, lambda inner: b"\x30\0" + ethernet(inner)),
    "MPLS in IP": in_ipv4(137, mpls),
    "GRE": in_ipv4(47, gre),
    "GRE with key and sequence": in_ipv4(47, lambda inner: gre(inner, key=1, seq=2)),
    "GRE with checksum": in_ipv4(47, lambda inner: gre(inner, checksum=True)),
    "GRE with checksum and key": in_ipv4(47, lambda inner: gre(inner, checksum=True, key=1)),
    "GRE and Ethernet": in_ipv4(
        47, lambda inner: gre(ethernet(inner), proto=ETHERTYPE_ETHERNET, checksum=True)
    ),
    "GRE in GRE": in_ipv4(
        47, lambda inner: gre(ipv4(gre(inner, checksum=True), proto=47), checksum=True)
    ),
    "PPTP": in_ipv4(47, _pptp),
    "WCCP": in_ipv4(47, lambda inner: gre(inner, proto=0x883E)),
    "WCCP with a redirect header": in_ipv4(
        47, lambda inner: gre(b"\x80\0\0\0" + inner, proto=0x883E)
    ),
    "ERSPAN I": in_ipv4(47, lambda inner: gre(ethernet(inner), proto=0x88BE)),
    "ERSPAN II": in_ipv4(
        47, lambda inner: gre(b"\x10\1\0\1" + bytes(4) + ethernet(inner), proto=0x88BE, seq=1)
    ),
    "ERSPAN III": in_ipv4(
        47, lambda inner: gre(b"\x20\1\0\1" + bytes(8) + ethernet(inner), proto=0x22EB, seq=1)
    ),
    "ERSPAN III with a platform subheader": in_ipv4(
        47,
        lambda inner: gre(
            b"\x20\1\0\1" + bytes(7) + b"\1" + bytes(8) + ethernet(inner), proto=0x22EB, seq=1
        ),
    ),
    "VXLAN": in_udp(4789, lambda inner: vxlan(ethernet(inner))),
    "VXLAN without a UDP checksum": lambda inner: ethernet(
        ipv4(udp(vxlan(ethernet(ipv4(inner))), dport=4789, checksum="zero"))
    ),
    "VXLAN in VXLAN": in_udp(
        4789,
        lambda inner: vxlan(ethernet(ipv4(udp(vxlan(ethernet(inner)), dport=4789)))),
    ),
    "VXLAN in IPv6": lambda inner: ethernet(
        ipv6(udp(vxlan(ethernet(ipv6(inner))), sport=4789, dport=9))
    ),
    "VXLAN on the port of Linux": in_udp(8472, lambda inner: vxlan(ethernet(inner))),
    "LISP": in_udp(4341, lambda inner: bytes(8) + inner),
    "TZSP": in_udp(37008, lambda inner: b"\1\0\0\1" + b"\0\x0a\2ab\1" + ethernet(inner)),
    "TZSP and 802.11": lambda inner: ethernet(
        ipv4(udp(b"\1\0\0\x12\1" + dot11(1)(inner), dport=37008))
    ),
    "VXLAN-GPE and IPv4": in_udp(4790, _vxlan_gpe(1)),
    "VXLAN-GPE and Ethernet": in_udp(4790, lambda inner: _vxlan_gpe(3)(ethernet(inner))),
    "VXLAN-GPE and NSH": in_udp(4790, lambda inner: _vxlan_gpe(4)(_nsh(1) + inner)),
    "GENEVE": in_udp(6081, lambda inner: geneve(ethernet(inner))),
    "GENEVE with options": in_udp(
        6081, lambda inner: geneve(inner, proto=0x0800, options=b"\0\1\2\1abcd")
    ),
    "GTP-U": in_udp(2152, gtpu),
    "GTP-U with a sequence": in_udp(2152, lambda inner: gtpu(inner, sequence=5)),
    "GTP-U with extension headers": in_udp(
        2152,
        lambda inner: (
            struct.pack(">BBHI", 0x34, 0xFF, 12 + len(inner), 1)
            + b"\0\0\0\x85"
            + b"\1ab\x40"
            + b"\1cd\0"
            + inner
        ),
    ),
    "GTP-U with an N-PDU number": in_udp(
        2152,
        lambda inner: struct.pack(">BBHI", 0x31, 0xFF, 4 + len(inner), 1) + b"\0\0\7\0" + inner,
    ),
    "GTP-U with the bit for an extension and none": in_udp(
        2152,
        lambda inner: struct.pack(">BBHI", 0x34, 0xFF, 4 + len(inner), 1) + b"\0\0\0\0" + inner,
    ),
    "L2TP": in_udp(1701, _l2tp(0x0002, b"\0\1\0\1")),
    "L2TP with length": in_udp(1701, _l2tp(0x4002, b"\0\0\0\1\0\1")),
    "L2TP with sequence": in_udp(1701, _l2tp(0x0802, b"\0\1\0\1" + bytes(4))),
    "L2TP with offset": in_udp(1701, _l2tp(0x0202, b"\0\1\0\1" + b"\0\3abc")),
    "MPLS in UDP": in_udp(6635, mpls),
    "Teredo": lambda inner: ethernet(ipv4(udp(ipv6(inner), dport=3544))),
    "Teredo with origin": lambda inner: ethernet(
        ipv4(udp(b"\0\0abcdef" + ipv6(inner), sport=3544, dport=9))
    ),
    "Teredo with authentication": lambda inner: ethernet(
        ipv4(udp(b"\0\1\2\3abABC" + bytes(9) + ipv6(inner), dport=3544))
    ),
    "Teredo with authentication and origin": lambda inner: ethernet(
        ipv4(udp(b"\0\1\0\0" + bytes(9) + b"\0\0abcdef" + ipv6(inner), dport=3544))
    ),
    "IPv6 with hop-by-hop options": with_extensions((0, b"\0\0" + bytes(6))),
    "IPv6 with a routing header": with_extensions((43, b"\0\2" + bytes(22))),
    "IPv6 with destination options": with_extensions((60, b"\0\1" + bytes(14))),
    "IPv6 with a mobility header": with_extensions((135, b"\0\0" + bytes(6))),
    "IPv6 with AH": with_extensions((51, b"\0\4" + bytes(22))),
    "IPv6 with an atomic fragment": with_extensions((44, bytes(8))),
    "IPv6 with all of them": with_extensions(
        (0, bytes(8)), (60, bytes(8)), (43, bytes(8)), (44, bytes(8)), (60, b"\0\1" + bytes(14))
    ),
    "IPv6 with an option of a kilobyte": with_extensions((60, WIDE)),
}

LINK_CASES: dict[str, tuple[int, Wrap]] = {
    "null": (LINK_NULL, lambda inner: null_loopback(ipv4(inner))),
    "null and IPv6": (LINK_NULL, lambda inner: null_loopback(ipv6(inner))),
    "null, big-endian": (LINK_NULL, lambda inner: null_loopback(ipv6(inner), ">", family=28)),
    "loop": (LINK_LOOP, lambda inner: null_loopback(ipv4(inner), ">")),
    "PPP": (LINK_PPP, lambda inner: ppp(ipv4(inner), hdlc=False)),
    "PPP in HDLC": (50, lambda inner: ppp(ipv6(inner))),
    "PPPoE": (51, lambda inner: pppoe(ipv4(inner))),
    "raw": (LINK_RAW, lambda inner: ipv4(inner)),
    "raw 12": (12, lambda inner: ipv6(inner)),
    "raw 14": (14, lambda inner: ipv4(inner)),
    "IPv4": (LINK_IPV4, lambda inner: ipv4(inner)),
    "IPv6": (LINK_IPV6, lambda inner: ipv6(inner)),
    "cooked": (LINK_SLL, lambda inner: sll(ipv4(inner))),
    "cooked and 802.2": (LINK_SLL, lambda inner: sll(_llc(ipv4(inner)), ethertype=4)),
    "cooked and 802.3": (LINK_SLL, lambda inner: sll(_dot3(_llc(ipv4(inner))), ethertype=1)),
    "cooked 2": (LINK_SLL2, lambda inner: sll2(ipv6(inner))),
    "Cisco HDLC": (104, lambda inner: b"\x0f\0\x08\0" + ipv4(inner)),
    "PFLOG": (117, lambda inner: b"\x3d\2" + bytes(62) + ipv4(inner)),
    "NFLOG": (239, _nflog),
    "PPI": (192, lambda inner: struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(ipv4(inner))),
    "PPI and 802.11": (192, behind(struct.pack("<BBHI", 0, 0, 12, 105) + bytes(4), dot11(2))),
    "PKTAP": (258, lambda inner: _pktap(1) + ethernet(ipv4(inner))),
    "PKTAP and raw": (149, lambda inner: _pktap(12) + ipv6(inner)),
    "PKTAP and null": (149, lambda inner: _pktap(0) + null_loopback(ipv4(inner), ">")),
    "token ring": (6, lambda inner: b"\x10\x40" + bytes(12) + _llc(ipv4(inner))),
    "token ring with a route": (
        6,
        lambda inner: b"\x10\x40" + bytes(6) + b"\x80" + bytes(5) + b"\4\0ab" + _llc(ipv4(inner)),
    ),
    "FDDI": (10, lambda inner: b"\x50" + MAC * 2 + _llc(ipv4(inner))),
    "ATM": (100, lambda inner: _llc(ipv4(inner))),
    "frame relay": (107, lambda inner: b"\x18\x41\x03\xcc" + ipv4(inner)),
    "frame relay and IPv6": (107, lambda inner: b"\x18\x41\x03\x8e" + ipv6(inner)),
    "frame relay and SNAP": (
        107,
        lambda inner: b"\x18\x41\x03\0\x80" + bytes(3) + b"\x08\0" + ipv4(inner),
    ),
    "Cisco frame relay": (107, lambda inner: b"\x18\x41\x08\0" + ipv4(inner)),
    "ENC": (109, lambda inner: b"\2\0\0\0" + bytes(8) + ipv4(inner)),
    "ENC, big-endian": (109, lambda inner: b"\0\0\0\x18" + bytes(8) + ipv6(inner)),
    "IP over Fibre Channel": (122, lambda inner: bytes(16) + _llc(ipv4(inner))),
    "Firewire": (138, lambda inner: bytes(16) + b"\x08\0" + ipv4(inner)),
    "802.11": (105, dot11(1)),
    "802.11 with four addresses": (105, dot11(3, fourth=MAC)),
    "802.11 with QoS": (105, dot11(2, 8, b"\0\0")),
    "802.11 with QoS and HT control": (105, dot11(0x82, 8, b"\0\0" + bytes(4))),
    "radiotap": (127, behind(RADIOTAP, dot11(2))),
    "Prism": (119, behind(PRISM, dot11(1))),
    "AVS": (163, behind(AVS, dot11(1))),
}


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
    payload = _llc(ipv4(tcp(MESSAGE, sport=80), total_length=0))
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
    "802.2 that is no IP": (1, lambda inner: _dot3(b"\x42\x42\x03" + ipv4(inner))),
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
