"""From TCP segments to frames: addresses, IP, fragments, tunnels, link layers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from tests.captures import (
    ETHERTYPE_MPLS,
    ETHERTYPE_PPPOE,
    LINK_ETHERNET,
    LINK_IPV4,
    LINK_LOOP,
    LINK_NULL,
    LINK_PPP,
    LINK_RAW,
    LINK_SLL,
    LINK_SLL2,
    Checksum,
    Transport,
    ethernet,
    fragments_of_ipv4,
    fragments_of_ipv6,
    geneve,
    gre,
    gtpu,
    inet_checksum,
    ipv4,
    ipv6,
    mpls,
    null_loopback,
    ppp,
    pppoe,
    sll,
    sll2,
    tcp,
    udp,
    vxlan,
)
from tests.trimming.engine.strategies.cases import ETHERNET_CASES, LINK_CASES
from tests.trimming.engine.strategies.differential.dice import Dice
from tests.trimming.engine.strategies.differential.segments import Segment

Around = Callable[[bytes], bytes]

# around an IP packet, to an IP packet
TUNNELS: Mapping[str, Around] = {
    "GRE": lambda packet: ipv4(gre(packet), proto=47),
    "GRE with key and checksum": lambda packet: ipv4(gre(packet, key=7, checksum=True), proto=47),
    "GRE with a wrong checksum": lambda packet: ipv4(gre(packet, checksum="wrong"), proto=47),
    "GRE around Ethernet": lambda packet: ipv4(gre(ethernet(packet), proto=0x6558), proto=47),
    "VXLAN": lambda packet: ipv4(udp(vxlan(ethernet(packet)), dport=4789)),
    "VXLAN without a checksum": lambda packet: ipv4(
        udp(vxlan(ethernet(packet)), dport=4789, checksum="zero")
    ),
    "VXLAN with a wrong checksum": lambda packet: ipv4(
        udp(vxlan(ethernet(packet)), dport=4789, checksum="wrong")
    ),
    "VXLAN in IPv6": lambda packet: ipv6(udp(vxlan(ethernet(packet)), dport=4789)),
    "GENEVE": lambda packet: ipv4(udp(geneve(ethernet(packet)), dport=6081)),
    "GENEVE around IPv4": lambda packet: ipv4(udp(geneve(packet, proto=0x0800), dport=6081)),
    "GTP-U": lambda packet: ipv4(udp(gtpu(packet), dport=2152)),
    "IP in IP": lambda packet: ipv4(packet),
    "IP in IPv6": lambda packet: ipv6(packet, next_header=4 if packet[0] >> 4 == 4 else 41),
}
ON_ETHERNET: Mapping[str, Around] = {
    "802.1Q": lambda packet: ethernet(packet, vlans=[(0x8100, 5)]),
    "QinQ": lambda packet: ethernet(packet, vlans=[(0x88A8, 5), (0x8100, 6)]),
    "MPLS": lambda packet: ethernet(mpls(packet), ethertype=ETHERTYPE_MPLS),
    "MPLS with two labels": lambda packet: ethernet(
        mpls(packet, [16, 17]), ethertype=ETHERTYPE_MPLS
    ),
    "MPLS around Ethernet": lambda packet: ethernet(
        mpls(bytes(4) + ethernet(packet)), ethertype=ETHERTYPE_MPLS
    ),
    "PPPoE": lambda packet: ethernet(pppoe(packet), ethertype=ETHERTYPE_PPPOE),
}
# cases that take a packet for an IP packet in the one that they make
WRAPPED: Mapping[str, Around] = {
    name: cast(Around, wrap) for name, wrap in ETHERNET_CASES.items() if name != "AH"
}
LINKS: Mapping[str, tuple[int, Around]] = {
    "cooked": (LINK_SLL, sll),
    "cooked 2": (LINK_SLL2, sll2),
    "raw": (LINK_RAW, lambda packet: packet),
    "raw IPv4": (LINK_IPV4, lambda packet: packet),
    "null": (LINK_NULL, null_loopback),
    "loop": (LINK_LOOP, lambda packet: null_loopback(packet, ">")),
    "PPP": (LINK_PPP, ppp),
    "unknown link type": (147, lambda packet: packet),
}
RARE_LINKS: Mapping[str, tuple[int, Around]] = {
    f"link of {name}": (link, cast(Around, wrap))
    for name, (link, wrap) in LINK_CASES.items()
    if name not in LINKS
}
# as text they stand in another order than as numbers
PAIRS4 = (("10.0.0.9", "10.0.0.10"), ("9.255.0.1", "100.0.0.1"), ("10.0.0.1", "10.0.0.1"))
PAIRS6 = (
    ("fd00::9", "fd00::10"),
    ("2001:db8::1", "2001:db8:1::1"),
    ("::1", "::ffff:10.0.0.1"),
    ("fe80::a:0:0:1", "fe80:0:0:a::1"),
    ("fd00::1:0", "fd00::f"),
    ("1:0:0:2::", "1::2:0:0:3"),
)
EXTENSIONS: Mapping[str, tuple[tuple[int, bytes], ...]] = {
    "hop-by-hop options": ((0, bytes(8)),),
    "destination options": ((60, b"\0\1" + bytes(14)),),
    "routing header and options": ((43, b"\0\2" + bytes(22)), (60, bytes(8))),
    "atomic fragment": ((44, bytes(8)),),
}


@dataclass(frozen=True)
class Link:
    """The lowest layer of a capture, or of one of its interfaces."""

    link_type: int
    around: Around


@dataclass(frozen=True)
class Route:
    """What all packets of a connection have in common."""

    is_ipv6: bool
    addresses: tuple[str, str]
    ports: tuple[int, int]
    first: tuple[int, int]
    tunnels: tuple[Around, ...]
    link: Link
    checksum: Checksum


def link(dice: Dice, fcs_len: int | None) -> Link:
    """Return a link layer, most often Ethernet, with what the file declares at its end."""
    if dice.hits("another link layer", 0.08):
        return Link(*dice.named(LINKS))
    if dice.hits("rare link layers", 0.1):
        return Link(*dice.named(RARE_LINKS))
    if dice.hits("tags or labels", 0.15):
        return Link(LINK_ETHERNET, dice.named(ON_ETHERNET))
    if dice.hits("rare wrappings", 0.06):
        name = dice.choice(list(WRAPPED))
        return Link(LINK_ETHERNET, WRAPPED[name])
    return Link(LINK_ETHERNET, _ethernet(dice, fcs_len))


def _ethernet(dice: Dice, fcs_len: int | None) -> Around:
    padding = dice.choice((60, 60, 200)) if dice.hits("Ethernet padding", 0.2) else 0
    byte = 0x41 if padding and dice.hits("padding of letters", 0.4) else 0
    fcs = fcs_len == 4 or (fcs_len is None and dice.hits("frame check sequence", 0.12))
    right = not (fcs and dice.hits("wrong frame check sequence", 0.2))
    return lambda packet: ethernet(
        packet, padding_to=padding, padding_byte=byte, fcs=fcs, fcs_right=right
    )


def route(dice: Dice, number: int, below: Link) -> Route:
    """Return where a connection runs; ``number`` keeps it apart from others."""
    is_ipv6 = dice.hits("IPv6", 0.25)
    pair = ("fd00::1", "fd00::2") if is_ipv6 else ("10.0.0.1", "10.0.0.2")
    if dice.hits("addresses in another order", 0.3):
        pair = dice.choice(PAIRS6 if is_ipv6 else PAIRS4)
        if dice.random() < 0.5:
            pair = (pair[1], pair[0])
    ports = (40000 + number, dice.choice((80, 80, 8080, 443, 12345)))
    if dice.hits("ports of tunnels and DNS", 0.04):
        ports = (dice.choice((53, 4789, 2152)), 80 + number)
    if dice.hits("both ends the same", 0.01):
        pair, ports = (pair[0], pair[0]), (80 + number, 80 + number)
    near = 2**32 - dice.choice((1, 2, 20, 100, 300))
    first = [dice.choice((0, 1000, 1 << 31, dice.getrandbits(32))) for _ in range(2)]
    if dice.hits("sequence numbers that wrap", 0.15):
        first = [near, near]
    tunnels: list[Around] = []
    if dice.hits("tunnels", 0.2):
        tunnels.append(dice.named(TUNNELS))
        if dice.hits("tunnels in tunnels", 0.2):
            tunnels.append(dice.named(TUNNELS))
    checksum: Checksum = "right"
    if dice.hits("checksums not right", 0.12):
        checksum = dice.choice(("wrong", "zero", "partial"))
    return Route(is_ipv6, pair, ports, (first[0], first[1]), tuple(tunnels), below, checksum)


class Carrier:
    """Makes packets of segments; identifications of datagrams go up by one each."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._ident = dice.choice((0, 1, 65530))

    def frames(self, route: Route, segment: Segment) -> list[bytes]:
        """Return the frames of a segment: several where it comes in fragments."""
        packets = self._in_fragments(self._segment(route, segment))
        for around in route.tunnels:
            packets = [around(packet) for packet in packets]
            if self._dice.hits("fragments of tunnels", 0.05):
                # builders of tunnels give every packet the same identification
                packets = [
                    part for packet in packets for part in self._fragments(self._renamed(packet))
                ]
        frames = [route.link.around(packet) for packet in packets]
        if self._dice.hits("packets seen twice, once in a tunnel", 0.02):
            around = self._dice.named(TUNNELS)
            frames += [route.link.around(around(packet)) for packet in packets]
        return frames

    def packet(self, route: Route, inner: Transport, side: int) -> bytes:
        """Return an IP packet that one side of a route sends."""
        dice = self._dice
        src, dst = route.addresses[side], route.addresses[1 - side]
        offloaded = 0 if dice.hits("length of 0 by offload", 0.04) else None
        if route.is_ipv6:
            extensions = dice.named(EXTENSIONS) if dice.hits("extension headers", 0.15) else ()
            return ipv6(
                inner, src=src, dst=dst, payload_length=offloaded, extension_headers=extensions
            )
        options = b"\x94\x04\0\0" if dice.hits("IPv4 options", 0.1) else b""
        ident = self._next_ident()
        if dice.hits("identification used again", 0.02):
            ident = max(0, ident - dice.choice((1, 1, 2)))
        return ipv4(inner, src=src, dst=dst, ident=ident, total_length=offloaded, options=options)

    def _segment(self, route: Route, segment: Segment) -> bytes:
        side, other = segment.side, 1 - segment.side
        checksum = route.checksum
        if self._dice.hits("one checksum not right", 0.04):
            checksum = self._dice.choice(("wrong", "zero", "partial"))
        inner = tcp(
            segment.data,
            sport=route.ports[side],
            dport=route.ports[other],
            seq=route.first[side] + 1 + segment.offset,
            ack=route.first[other] + 1 if "A" in segment.flags else 0,
            flags=segment.flags,
            options=segment.options,
            checksum=checksum,
        )
        return self.packet(route, inner, side)

    def _next_ident(self) -> int:
        self._ident = (self._ident + 1) & 0xFFFF
        return self._ident

    def _renamed(self, packet: bytes) -> bytes:
        if packet[0] >> 4 != 4:
            return packet
        ident = struct.pack(">H", self._next_ident())
        header = packet[:4] + ident + packet[6:10] + b"\0\0" + packet[12:20]
        return header[:10] + struct.pack(">H", inet_checksum(header)) + header[12:] + packet[20:]

    def _in_fragments(self, packet: bytes) -> list[bytes]:
        return self._fragments(packet) if self._dice.hits("fragments", 0.06) else [packet]

    def _fragments(self, packet: bytes) -> list[bytes]:
        dice = self._dice
        ident = self._next_ident()
        parts = _cut(dice, packet, ident)
        if dice.hits("fragments that overlap", 0.1):
            parts += _cut(dice, packet, ident)
            if dice.random() < 0.5:
                dice.shuffle(parts)
        if dice.hits("fragments that overlap with other bytes", 0.05):
            at = dice.randrange(len(parts))
            parts.insert(dice.randrange(len(parts) + 1), parts[at][:-1] + b"~")
        if dice.hits("fragments the other way round", 0.25):
            parts.reverse()
        if dice.hits("fragments twice", 0.15):
            parts.insert(dice.randrange(len(parts) + 1), dice.choice(parts))
        if dice.hits("fragments lost", 0.12):
            del parts[dice.randrange(len(parts))]
        if parts and dice.hits("a fragment far behind", 0.08):
            at = dice.randrange(len(parts))
            parts.insert(at, _moved(parts[at], dice.choice((0x40, 0x800, 0x1FF0))))
        return parts


def _cut(dice: Dice, packet: bytes, ident: int) -> list[bytes]:
    sizes = [8 * dice.choice((1, 2, 3, 4, 8, 20)) for _ in range(dice.randrange(1, 5))]
    if packet[0] >> 4 == 4:
        return fragments_of_ipv4(packet, sizes)
    return fragments_of_ipv6(packet, sizes, ident=ident)


def _moved(fragment: bytes, words: int) -> bytes:
    """Return a fragment that claims to stand ``words`` of 8 bytes behind the datagram's start."""
    if fragment[0] >> 4 == 4:
        return fragment[:6] + struct.pack(">H", 0x2000 | words) + fragment[8:]
    return fragment[:42] + struct.pack(">H", words << 3 | 1) + fragment[44:]
