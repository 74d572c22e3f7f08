"""Every encapsulation is followed to the TCP segment, and every checksum on the way is held."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from tests.captures import (
    Conversation,
    ethernet,
    fragments_of_ipv4,
    fragments_of_ipv6,
    geneve,
    gre,
    gtpu,
    ipv4,
    ipv6,
    mpls,
    null_loopback,
    ppp,
    pppoe,
    raw,
    request,
    sll,
    sll2,
    tcp,
    udp,
    vxlan,
)
from tests.trimming.engine.verification.test_verify import TEXT, body_spans, head, simple
from tests.trimming.engine.verification.trimmed import Body, Trimmed, adjust_tcp, trimmed
from trimming.engine.verification.layers import MAX_LAYERS
from trimming.engine.verification.links import LINK_TYPES, walk_datagram, walk_frame

OUTER = {"src": "192.0.2.1", "dst": "192.0.2.2"}


def over_udp(port: int, make: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda p: ethernet(ipv4(udp(make(p), dport=port), **OUTER))  # type: ignore[arg-type]


def under_ip(proto: int, make: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda p: ethernet(ipv4(make(p), proto=proto, **OUTER))  # type: ignore[arg-type]


def over_gre(proto: int, make: Callable[[bytes], bytes], **how: object) -> Callable[[bytes], bytes]:
    return under_ip(47, lambda p: gre(make(p), proto=proto, **how))  # type: ignore[arg-type]


def in_ipv6(*extensions: tuple[int, bytes]) -> Callable[[bytes], bytes]:
    return lambda p: ethernet(ipv6(p, next_header=4, extension_headers=extensions))


NSH = bytes((0, 2, 1, 1)) + bytes(4)
LLC = b"\xaa\xaa\x03\0\0\0\x08\0"
ADDRESSES = b"\x02\0\0\0\0\1" * 2
WIRELESS = bytes((0x08, 0x01, 0, 0)) + ADDRESSES + b"\x02\0\0\0\0\3\0\0"


def with_check(frame: bytes) -> bytes:
    return frame + zlib.crc32(frame).to_bytes(4, "little")


ETHERNET = {
    "plain": ethernet,
    "vlan": lambda p: ethernet(p, vlans=[(0x8100, 5)]),
    "qinq": lambda p: ethernet(p, vlans=[(0x88A8, 5), (0x8100, 6), (0x9100, 7), (0x9200, 8)]),
    "mac in mac": lambda p: ethernet(bytes(4) + ethernet(p), ethertype=0x88E7),
    "vntag": lambda p: ethernet(bytes(4) + b"\x08\0" + p, ethertype=0x8926),
    "mpls": lambda p: ethernet(mpls(p, [1, 2, 3]), ethertype=0x8847),
    "pseudowire": lambda p: ethernet(mpls(bytes(4) + ethernet(p)), ethertype=0x8848),
    "bare pseudowire": lambda p: ethernet(
        mpls(ethernet(p, dst=b"\xa2\0\0\0\0\1")), ethertype=0x8847
    ),
    "pppoe": lambda p: ethernet(pppoe(p), ethertype=0x8864),
    "pppoe, short protocol": lambda p: ethernet(
        struct.pack(">BBHHB", 0x11, 0, 1, len(p) + 1, 0x21) + p, ethertype=0x8864
    ),
    "mpls in ppp": lambda p: ethernet(
        struct.pack(">BBHHH", 0x11, 0, 1, len(p) + 6, 0x0281) + mpls(p), ethertype=0x8864
    ),
    "padding": lambda p: ethernet(p, padding_to=1600, padding_byte=7),
    "frame check": lambda p: ethernet(p, fcs=True),
    "ip in ip": under_ip(4, raw),
    "hop by hop": in_ipv6((0, bytes(8)), (43, bytes(8)), (60, bytes(8)), (135, bytes(8))),
    "authentication": in_ipv6((51, bytes((0, 4)) + bytes(22))),
    "atomic fragment": in_ipv6((44, bytes(8))),
    "etherip": under_ip(97, lambda p: b"\x30\0" + ethernet(p)),
    "gre": over_gre(0x0800, raw),
    "gre with all": over_gre(0x0800, raw, key=1, seq=2, checksum=True),
    "gre wrong": over_gre(0x0800, raw, checksum=True),
    "gre routes": under_ip(
        47, lambda p: b"\x40\0\x08\0" + bytes(4) + b"\0\2\0\4abcd" + bytes(4) + p
    ),
    "gre bridged": over_gre(0x6558, ethernet),
    "gre mpls": over_gre(0x8847, mpls),
    "gre ppp": over_gre(0x880B, ppp),
    "erspan 1": over_gre(0x88BE, ethernet),
    "erspan 2": over_gre(0x88BE, lambda p: bytes(8) + ethernet(p), seq=1),
    "erspan 3": over_gre(0x22EB, lambda p: bytes(12) + ethernet(p), seq=1),
    "erspan 3 long": over_gre(0x22EB, lambda p: bytes(11) + b"\1" + bytes(8) + ethernet(p)),
    "nsh": over_gre(0x894F, lambda p: NSH + p),
    "wccp 1": over_gre(0x883E, raw),
    "wccp 2": over_gre(0x883E, lambda p: bytes(4) + p),
    "pptp": under_ip(
        47,
        lambda p: struct.pack(">HHHHII", 0x3081, 0x880B, len(ppp(p)), 1, 1, 1) + ppp(p),
    ),
    "vxlan": over_udp(4789, lambda p: vxlan(ethernet(p))),
    "vxlan on the port of linux": over_udp(8472, lambda p: vxlan(ethernet(p))),
    "vxlan gpe": over_udp(4790, lambda p: b"\x0c\0\0\1" + bytes(4) + p),
    "vxlan gpe nsh": over_udp(4790, lambda p: b"\x0c\0\0\4" + bytes(4) + NSH + p),
    "vxlan on 4790": over_udp(4790, lambda p: vxlan(ethernet(p))),
    "geneve": over_udp(6081, lambda p: geneve(ethernet(p), options=bytes(8))),
    "geneve ip": over_udp(6081, lambda p: geneve(p, proto=0x0800)),
    "gtp": over_udp(2152, gtpu),
    "gtp sequence": over_udp(2152, lambda p: gtpu(p, sequence=5)),
    "gtp extension": over_udp(
        2152,
        lambda p: struct.pack(">BBHI", 0x34, 255, len(p) + 8, 1) + b"\0\0\0\x85\1\0\0\0" + p,
    ),
    "teredo": over_udp(3544, lambda p: ipv6(p, next_header=4)),
    "teredo with all": over_udp(
        3544, lambda p: b"\0\1\0\0" + bytes(9) + bytes(8) + ipv6(p, next_header=4)
    ),
    "l2tp": over_udp(1701, lambda p: b"\0\2\0\1\0\1" + ppp(p)),
    "l2tp with all": over_udp(
        1701,
        lambda p: struct.pack(">HHHHHHHH", 0x4A02, 16 + len(ppp(p)), 1, 1, 0, 0, 0, 0)[:12]
        + b"\0\2\0\0" + ppp(p),
    ),
    "mpls over udp": over_udp(6635, mpls),
    "tunnel by source port": lambda p: ethernet(
        ipv4(udp(vxlan(ethernet(p)), sport=4789, dport=999), **OUTER)  # type: ignore[arg-type]
    ),
    "no outer checksum": lambda p: ethernet(
        ipv4(udp(vxlan(ethernet(p)), dport=4789, checksum="zero"))
    ),
    "partial outer checksum": lambda p: ethernet(
        ipv6(udp(vxlan(ethernet(p, vlans=[(0x8100, 1)])), dport=4789))
    ),
}  # fmt: skip

LINKS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "null": (0, null_loopback),
    "loop": (108, lambda p: null_loopback(p, ">")),
    "ppp": (9, ppp),
    "raw": (101, raw),
    "raw 12": (12, raw),
    "ipv4": (228, raw),
    "ppp hdlc": (50, ppp),
    "cisco in ppp hdlc": (50, lambda p: b"\x0f\0\x08\0" + p),
    "cisco hdlc": (104, lambda p: b"\x0f\0\x08\0" + p),
    "pppoe": (51, pppoe),
    "wireless": (105, lambda p: WIRELESS + LLC + p),
    "wireless qos": (105, lambda p: b"\x88\x03" + WIRELESS[2:] + bytes(6 + 2) + LLC + p),
    "wireless ht": (105, lambda p: b"\x88\x81" + WIRELESS[2:] + bytes(6) + LLC + p),
    "sll": (113, sll),
    "sll2": (276, sll2),
    "pflog": (117, lambda p: bytes((61, 2)) + bytes(62) + p),
    "prism": (119, lambda p: struct.pack("<II", 0x44, 144) + bytes(136) + WIRELESS + LLC + p),
    "avs": (163, lambda p: struct.pack(">II", 0x80211001, 64) + bytes(56) + WIRELESS + LLC + p),
    "radiotap": (127, lambda p: struct.pack("<HHI", 0, 8, 0) + WIRELESS + LLC + p),
    "radiotap with all": (
        127,
        lambda p: struct.pack("<HHII", 0, 25, 0x80000003, 0) + bytes(4) + bytes(8) + b"\0"
        + WIRELESS + LLC + p,
    ),
    "radiotap, frame check": (
        127,
        lambda p: struct.pack("<HHIB", 0, 9, 2, 0x10) + with_check(WIRELESS + LLC + p),
    ),
    "ppi": (192, lambda p: struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(p)),
    "pktap": (258, lambda p: struct.pack("<III", 108, 1, 1) + bytes(96) + ethernet(p)),
    "nflog": (
        239,
        lambda p: bytes(4) + struct.pack("<HH", 5, 1) + bytes(4) + struct.pack("<HH", 4 + len(p), 9)
        + p,
    ),
}  # fmt: skip


def test_a_length_field_of_ieee_802_3_bounds_the_packet() -> None:
    def short(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        c.server(head(1000) + body(TEXT[:1000]))

    def wrap(packet: bytes) -> bytes:
        return ADDRESSES + struct.pack(">H", len(LLC + packet)) + LLC + packet + b"trailer"

    assert_followed(trimmed(short, wrap=wrap))


def assert_followed(case: Trimmed) -> None:
    assert case.verify().findings == ()
    assert case.verify().http_streams == 2
    index, start, end = body_spans(case)[0]
    case.leave_in_plan(index, start, end)
    case.after[index] = case.before[index]
    assert case.rules() == {"kept-bytes"}


@pytest.mark.parametrize("name", list(ETHERNET))
def test_it_follows_an_ethernet_frame_with(name: str) -> None:
    assert_followed(trimmed(simple(TEXT), wrap=ETHERNET[name]))


@pytest.mark.parametrize("name", list(LINKS))
def test_it_follows_the_link_type(name: str) -> None:
    link_type, wrap = LINKS[name]
    assert_followed(trimmed(simple(TEXT), wrap=wrap, link_type=link_type))


@pytest.mark.parametrize("name", ["ethernet", "wireless", "ppi with wireless"])
def test_a_packet_that_reaches_into_the_check_sequence_is_followed_to_its_end(name: str) -> None:
    link_type, head_ = {
        "ethernet": (1, ADDRESSES + b"\x08\0"),
        "wireless": (105, WIRELESS + LLC),
        "ppi with wireless": (192, struct.pack("<BBHI", 0, 0, 8, 105) + WIRELESS + LLC),
    }[name]
    frame = head_ + ipv4(tcp(b"x" * 80))
    walk = walk_frame(frame, len(frame), link_type, 4)
    assert (walk.payload_end, [check.end for check in walk.checks][-1]) == (len(frame),) * 2


@pytest.mark.parametrize("name", ["gre with all", "vxlan", "frame check", "plain"])
def test_each_outer_checksum_is_held(name: str) -> None:
    case = trimmed(simple(TEXT), wrap=ETHERNET[name])
    at = {"gre with all": 14 + 20 + 5, "vxlan": 14 + 20 + 7, "frame check": -3, "plain": 51}[name]
    frame = bytearray(case.after[4])
    frame[at] ^= 0x10
    case.after[4] = bytes(frame)
    assert "checksum" in case.rules()


def test_ipv6_at_the_link() -> None:
    case = trimmed(simple(TEXT), wrap=raw, link_type=229, ipv6=True)
    assert_followed(case)


@pytest.mark.parametrize("ipv6_", [False, True])
def test_a_length_of_zero_means_up_to_the_end_of_the_frame(ipv6_: bool) -> None:
    def offloaded(packet: bytes) -> bytes:
        if ipv6_:
            return ethernet(packet[:4] + b"\0\0" + packet[6:])
        return ethernet(packet[:2] + b"\0\0" + packet[4:])

    assert_followed(trimmed(simple(TEXT), wrap=offloaded, ipv6=ipv6_))


def fragmented(order: list[int], ipv6_: bool = False, *, drop: int = -1) -> Trimmed:
    """A dialogue whose response comes in fragments, which arrive in ``order``."""

    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        packet = c.packet("server", 0, head(1200) + body(TEXT[:1200]))
        cut = fragments_of_ipv6 if ipv6_ else fragments_of_ipv4
        pieces = cut(packet, [400, 400])
        c.packets += [c.wrap(pieces[number]) for number in order if number != drop]
        c.sent["server"] += 1200 + len(head(1200))
        c.client(request())
        c.server(head(5) + body(b"abcde"))

    return trimmed(script, ipv6=ipv6_)


ORDERS = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 0, 1, 2], [0, 1, 2, 2, 0]]


@pytest.mark.parametrize("ipv6_", [False, True])
@pytest.mark.parametrize("order", ORDERS)
def test_fragments_in_any_order(order: list[int], ipv6_: bool) -> None:
    case = fragmented(order, ipv6_)
    assert case.verify().findings == ()
    assert case.verify().header_blocks == 4


@pytest.mark.parametrize("order", ORDERS)
def test_a_fragment_left_unmasked_is_found(order: list[int]) -> None:
    for index, spans in enumerate(fragmented(order).spans):
        case = fragmented(order)
        for start, end in spans:
            case.leave_in_plan(index, start, end)
            frame = bytearray(case.after[index])
            frame[start:end] = case.before[index][start:end]
            case.after[index] = bytes(frame)
            assert "kept-bytes" in case.rules()


def test_a_checksum_over_fragments_is_held() -> None:
    case = fragmented([0, 1, 2])
    frame = bytearray(case.after[4])
    frame[50] ^= 1
    case.after[4] = bytes(frame)
    assert case.rules() == {"checksum"}


def test_a_changed_checksum_of_an_incomplete_datagram_must_be_planned() -> None:
    case = fragmented([0, 1, 2], drop=2)
    assert case.rules() == {"outside-plan"}


def test_fragments_inside_a_tunnel_and_a_tunnel_in_fragments() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        inner = c.packet("server", 0, head(1200) + body(TEXT[:1200]))
        pieces = fragments_of_ipv4(inner, [400])
        c.packets += [ethernet(ipv4(gre(piece, proto=0x800), proto=47)) for piece in pieces]
        c.sent["server"] += 1200 + len(head(1200))
        inner = ethernet(c.packet("server", c.sent["server"], head(1200) + body(TEXT[:1200])))
        outer = ipv4(udp(vxlan(inner), dport=4789), **OUTER)  # type: ignore[arg-type]
        c.packets += [ethernet(piece) for piece in fragments_of_ipv4(outer, [400])]

    case = trimmed(script)
    # inside of fragments only the plan can name the inner checksum
    plan = case.plan()
    assert {f.rule for f in case.verify().findings} <= {"outside-plan"}
    assert case.verify().header_blocks == 3
    plan.__exit__()


def test_truncated_packets_change_by_the_difference_of_what_was_captured() -> None:
    case = trimmed(simple(TEXT))
    for index, frame in enumerate(case.before):
        if len(frame) > 400:
            case.original_lens[index] = len(frame)
            case.before[index] = frame[:400]
            case.after[index] = case.after[index][:50] + frame[50:52] + case.after[index][52:400]
            adjust_tcp(case, index)
    case.spans = [[(a, min(b, 400)) for a, b in s if a < 400] for s in case.spans]
    assert case.verify().findings == ()
    for index, start, end in body_spans(case):
        mutant = case.copy()
        mutant.unmask(index, start, end)
        assert mutant.rules() == {"kept-bytes"}


@pytest.mark.parametrize("link_type", sorted(LINK_TYPES))
def test_nothing_malformed_raises(link_type: int) -> None:
    for cut in range(120):
        for seed in (b"\x45\0\0\0", b"\xaa" * 4, bytes(4), b"\x60\0", b"\xff\x03\0\x21\x45"):
            walk_frame((seed * 40)[:cut], cut, link_type, 4)


def test_cut_frames_never_raise() -> None:
    cases = [(1, wrap) for wrap in ETHERNET.values()] + list(LINKS.values())
    for link_type, wrap in cases:
        case = trimmed(lambda c, body: c.client(b"x" * 10), wrap=wrap, link_type=link_type)
        for end in range(len(case.before[0])):
            walk = walk_frame(case.before[0][:end], len(case.before[0]), link_type, None)
            assert walk.segment is None or walk.segment.length == 10


def test_the_depth_is_bounded() -> None:
    packet = b""
    for _ in range(100):
        packet = ipv4(packet, proto=4)
    assert walk_frame(packet, len(packet), 101, None).layers == MAX_LAYERS + 1


def test_an_odd_datagram_never_raises() -> None:
    for protocol in range(256):
        for length in range(24):
            walk_datagram(b"\xff" * length, (b"a" * 4, b"b" * 4, protocol, 1), 100)
            walk_datagram(b"\x30" * length, (b"a" * 4, b"b" * 4, protocol, 1), 100)
