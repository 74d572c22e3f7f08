"""Whatever may lie around TCP: by name, a function from a TCP segment to a frame.

The builders write right checksums, so what is masked must be the frame of the masked segment.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from tests.captures import (
    ETHERTYPE_ETHERNET,
    ETHERTYPE_MPLS,
    ETHERTYPE_PPPOE,
    LINK_IPV4,
    LINK_IPV6,
    LINK_LOOP,
    LINK_NULL,
    LINK_PPP,
    LINK_RAW,
    LINK_SLL,
    LINK_SLL2,
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
    sll,
    sll2,
    udp,
    vxlan,
)

Wrap = Callable[[Transport], bytes]

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


def llc(payload: bytes, *, snap: bool = True) -> bytes:
    return (SNAP + b"\x08\0" if snap else b"\x06\x06\x03") + payload


def dot3(payload: bytes) -> bytes:
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
        llc(ipv4(inner)), vlans=[(0x8100, 5)], ethertype=len(llc(ipv4(inner)))
    ),
    "802.3, LLC and SNAP": lambda inner: dot3(llc(ipv4(inner))),
    "802.3 and LLC": lambda inner: dot3(llc(ipv4(inner), snap=False)),
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
    "cooked and 802.2": (LINK_SLL, lambda inner: sll(llc(ipv4(inner)), ethertype=4)),
    "cooked and 802.3": (LINK_SLL, lambda inner: sll(dot3(llc(ipv4(inner))), ethertype=1)),
    "cooked 2": (LINK_SLL2, lambda inner: sll2(ipv6(inner))),
    "Cisco HDLC": (104, lambda inner: b"\x0f\0\x08\0" + ipv4(inner)),
    "PFLOG": (117, lambda inner: b"\x3d\2" + bytes(62) + ipv4(inner)),
    "NFLOG": (239, _nflog),
    "PPI": (192, lambda inner: struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(ipv4(inner))),
    "PPI and 802.11": (192, behind(struct.pack("<BBHI", 0, 0, 12, 105) + bytes(4), dot11(2))),
    "PKTAP": (258, lambda inner: _pktap(1) + ethernet(ipv4(inner))),
    "PKTAP and raw": (149, lambda inner: _pktap(12) + ipv6(inner)),
    "PKTAP and null": (149, lambda inner: _pktap(0) + null_loopback(ipv4(inner), ">")),
    "token ring": (6, lambda inner: b"\x10\x40" + bytes(12) + llc(ipv4(inner))),
    "token ring with a route": (
        6,
        lambda inner: b"\x10\x40" + bytes(6) + b"\x80" + bytes(5) + b"\4\0ab" + llc(ipv4(inner)),
    ),
    "FDDI": (10, lambda inner: b"\x50" + MAC * 2 + llc(ipv4(inner))),
    "ATM": (100, lambda inner: llc(ipv4(inner))),
    "frame relay": (107, lambda inner: b"\x18\x41\x03\xcc" + ipv4(inner)),
    "frame relay and IPv6": (107, lambda inner: b"\x18\x41\x03\x8e" + ipv6(inner)),
    "frame relay and SNAP": (
        107,
        lambda inner: b"\x18\x41\x03\0\x80" + bytes(3) + b"\x08\0" + ipv4(inner),
    ),
    "Cisco frame relay": (107, lambda inner: b"\x18\x41\x08\0" + ipv4(inner)),
    "ENC": (109, lambda inner: b"\2\0\0\0" + bytes(8) + ipv4(inner)),
    "ENC, big-endian": (109, lambda inner: b"\0\0\0\x18" + bytes(8) + ipv6(inner)),
    "IP over Fibre Channel": (122, lambda inner: bytes(16) + llc(ipv4(inner))),
    "Firewire": (138, lambda inner: bytes(16) + b"\x08\0" + ipv4(inner)),
    "802.11": (105, dot11(1)),
    "802.11 with four addresses": (105, dot11(3, fourth=MAC)),
    "802.11 with QoS": (105, dot11(2, 8, b"\0\0")),
    "802.11 with QoS and HT control": (105, dot11(0x82, 8, b"\0\0" + bytes(4))),
    "radiotap": (127, behind(RADIOTAP, dot11(2))),
    "Prism": (119, behind(PRISM, dot11(1))),
    "AVS": (163, behind(AVS, dot11(1))),
}
