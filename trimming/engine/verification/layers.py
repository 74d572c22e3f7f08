"""From a frame to its TCP segment: a decoder that reads headers and nothing behind them.

Belongs here: which header follows which, where it ends, which bytes its checksum covers.  Must not
be known here: HTTP, streams, masks.  What cannot be followed ends the walk quietly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trimming.engine.verification.arithmetic import field_at

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
TAGS = frozenset((0x8100, 0x88A8, 0x9100, 0x9200))
MAX_LAYERS = 16


@dataclass(slots=True)
class Check:
    """A 16-bit checksum field at ``field``, which covers ``start`` to ``end`` (captured bytes)."""

    field: int
    start: int
    end: int
    name: str
    zero_is_none: bool = False
    partial: bool = False  # it covers other fragments as well


@dataclass(slots=True)
class Segment:
    """A TCP segment: ``start`` to ``end`` are its captured payload, ``length`` its real one."""

    source: bytes
    destination: bytes
    seq: int
    flags: int
    start: int
    end: int
    length: int
    odd: bool


@dataclass(slots=True)
class Fragment:
    """A piece of an IP datagram: ``start`` to ``end`` captured, ``length`` real, at ``offset``."""

    key: tuple[bytes, bytes, int, int]
    offset: int
    more: bool
    start: int
    end: int
    length: int


@dataclass(slots=True)
class Walk:
    """A walk through the headers of ``data``; read its fields when it is over.

    ``payload_start`` to ``payload_end`` is the payload that was reached (-1: none); ``opaque`` says
    that it is not TCP's, so that another reader may have seen more layers in it.
    """

    data: bytes
    trailer_bytes: int = 0
    checks: list[Check] = field(default_factory=list)
    segment: Segment | None = None
    fragment: Fragment | None = None
    payload_start: int = -1
    payload_end: int = -1
    opaque: bool = True
    frame_start: int = 0
    source: bytes = b""
    destination: bytes = b""
    layers: int = 0
    is_truncated: bool = False

    def deeper(self) -> bool:
        """Count a layer; False past the bound."""
        self.layers += 1
        return self.layers <= MAX_LAYERS

    def reach(self, start: int, end: int, opaque: bool = True) -> None:
        """Note the payload that the walk has come to."""
        self.payload_start, self.payload_end, self.opaque = start, end, opaque


# Every layer takes (walk, at, end, real): its first byte, the end of its captured bytes and the end
# that the outer headers give it, which lies further when the packet was truncated.
Layer = Callable[[Walk, int, int, int], None]


def ethernet(walk: Walk, at: int, end: int, real: int) -> None:
    """Ethernet II and IEEE 802.3."""
    if at + 14 <= end and walk.deeper():
        ethertype(walk, field_at(walk.data, at + 12), at + 14, end, real)


def ethertype(walk: Walk, kind: int, at: int, end: int, real: int) -> None:
    """What an EtherType announces at ``at``; tags are skipped, up to 1500 it is a length."""
    data = walk.data
    while kind in TAGS or kind == 0x8926:  # IEEE 802.1Q, 802.1ad; VN-Tag
        size = 6 if kind == 0x8926 else 4
        if at + size > end:
            return
        kind = field_at(data, at + size - 2)
        at += size
    if kind == 0x0800:
        ipv4(walk, at, end, real)
    elif kind == 0x86DD:
        ipv6(walk, at, end, real)
    elif kind <= 1500:
        llc(walk, at, min(end, at + kind), min(real, at + kind))
    elif kind in (0x8847, 0x8848):
        mpls(walk, at, end, real)
    elif kind == 0x8864:
        pppoe(walk, at, end, real)
    elif kind == 0x88E7:  # IEEE 802.1ah: 4 bytes of I-TAG, then the customer's frame
        ethernet(walk, at + 4, end, real)


def llc(walk: Walk, at: int, end: int, real: int) -> None:
    """LLC with SNAP (IEEE 802.2, RFC 1042)."""
    data = walk.data
    if at + 8 <= end and data[at : at + 6] in (b"\xaa\xaa\x03\0\0\0", b"\xaa\xaa\x03\0\0\xf8"):
        kind = field_at(data, at + 6)
        if kind >= 0x0600:
            ethertype(walk, kind, at + 8, end, real)


def mpls(walk: Walk, at: int, end: int, real: int) -> None:
    """A label stack (RFC 3032), then IP by its first nibble, or Ethernet (RFC 4448)."""
    data = walk.data
    if not walk.deeper():
        return
    while at + 4 <= end:
        bottom = data[at + 2] & 1
        at += 4
        if bottom:
            break
    else:
        return
    nibble = data[at] >> 4 if at < end else 15
    if nibble in (4, 6):
        internet(walk, at, end, real)
    else:
        ethernet(walk, at + 4 if nibble == 0 else at, end, real)


def pppoe(walk: Walk, at: int, end: int, real: int) -> None:
    """A PPPoE session packet (RFC 2516 section 4)."""
    data = walk.data
    if at + 6 <= end and data[at] == 0x11 and data[at + 1] == 0:
        limit = at + 6 + field_at(data, at + 4)
        ppp(walk, at + 6, min(end, limit), min(real, limit))


def ppp(walk: Walk, at: int, end: int, real: int) -> None:
    """PPP with or without address and control, 1- or 2-byte protocol (RFC 1661, RFC 1662)."""
    data = walk.data
    if data[at : at + 2] == b"\xff\x03":
        at += 2
    if at + 2 > end or not walk.deeper():
        return
    short = data[at] & 1
    protocol = data[at] if short else field_at(data, at)
    at += 1 if short else 2
    if protocol == 0x0021:
        ipv4(walk, at, end, real)
    elif protocol == 0x0057:
        ipv6(walk, at, end, real)
    elif protocol in (0x0281, 0x0283):
        mpls(walk, at, end, real)


def internet(walk: Walk, at: int, end: int, real: int) -> None:
    """IPv4 or IPv6, as the first nibble says."""
    if at < end:
        version = walk.data[at] >> 4
        if version == 4:
            ipv4(walk, at, end, real)
        elif version == 6:
            ipv6(walk, at, end, real)


def ipv4(walk: Walk, at: int, end: int, real: int) -> None:
    """IPv4 (RFC 791); a total length of 0 is left by segmentation offload."""
    data = walk.data
    if at + 20 > end or data[at] >> 4 != 4 or not walk.deeper():
        return
    size, total = (data[at] & 15) * 4, field_at(data, at + 2)
    word = field_at(data, at + 6)
    if total == 0:  # left by offload: up to the end, and over a check sequence there may be
        if word & 0x3FFF:
            return
    else:
        if total < size:
            return
        real = at + total
        end = min(end, real)
    if size < 20 or at + size > end:
        return
    walk.source, walk.destination = data[at + 12 : at + 16], data[at + 16 : at + 20]
    if word & 0x3FFF:
        ident = field_at(data, at + 4)
        _fragment(walk, data[at + 9], ident, word << 3, bool(word & 0x2000), at + size, end, real)
    else:
        transport(walk, data[at + 9], at + size, end, real)


def ipv6(walk: Walk, at: int, end: int, real: int) -> None:
    """IPv6 with its extension headers (RFC 8200); a payload length of 0 is left by offload."""
    data = walk.data
    if at + 40 > end or data[at] >> 4 != 6 or not walk.deeper():
        return
    length, following = field_at(data, at + 4), data[at + 6]
    if length:
        real = at + 40 + length
        end = min(end, real)
    walk.source, walk.destination = data[at + 8 : at + 24], data[at + 24 : at + 40]
    at += 40
    while following in (0, 43, 60, 135, 51, 44):
        if at + 8 > end:
            return
        kind, following = following, data[at]
        if kind == 44:
            word = field_at(data, at + 2)
            if word & 0xFFF9:  # an atomic fragment is a whole datagram (RFC 6946)
                ident = int.from_bytes(data[at + 4 : at + 8], "big")
                if length:
                    _fragment(walk, following, ident, word, bool(word & 1), at + 8, end, real)
                return
            at += 8
        else:  # an authentication header counts in 4-byte units (RFC 4302 section 2.2)
            at += (data[at + 1] + 2) * 4 if kind == 51 else (data[at + 1] + 1) * 8
    if at <= end:
        transport(walk, following, at, end, real)


def _fragment(
    walk: Walk, protocol: int, ident: int, word: int, more: bool, at: int, end: int, real: int
) -> None:
    key = (walk.source, walk.destination, protocol, ident)
    walk.fragment = Fragment(key, word & 0xFFF8, more, at, end, real - at)
    walk.reach(at, end)
    if word & 0xFFF8:
        return
    if protocol == TCP and at + 18 <= end:
        walk.checks.append(Check(at + 16, at, end, "TCP", partial=True))
    elif protocol == UDP and at + 8 <= end:
        walk.checks.append(Check(at + 6, at, end, "UDP", True, True))


def transport(walk: Walk, protocol: int, at: int, end: int, real: int) -> None:
    """What an IP protocol number announces."""
    if protocol == TCP:
        tcp(walk, at, end, real)
        return
    layer = _tunnels().get(protocol)
    if layer is not None:
        layer(walk, at, end, real)
    elif protocol in (ICMP, ICMPV6):
        if at + 4 <= end:
            walk.checks.append(Check(at + 2, at, end, "ICMP"))
            walk.reach(at + 4, end)
    else:
        walk.reach(at, end)


def _tunnels() -> dict[int, Layer]:
    # imported late: tunnels hold the layers of this module
    from trimming.engine.verification.tunnels import IP_PROTOCOLS

    return IP_PROTOCOLS


def tcp(walk: Walk, at: int, end: int, real: int) -> None:
    """TCP (RFC 9293 section 3.1); the end of the walk."""
    data = walk.data
    if at + 20 > end:
        if at + 18 <= end:
            walk.checks.append(Check(at + 16, at, end, "TCP"))
            walk.reach(at, end)
        return
    walk.checks.append(Check(at + 16, at, end, "TCP"))
    size = (data[at + 12] >> 4) * 4
    start = at + size
    if size < 20 or start > real:
        walk.reach(at + 20, end)
        return
    start = min(start, end)
    walk.reach(start, end, opaque=False)
    ports = data[at : at + 4]
    walk.segment = Segment(
        walk.source + ports[:2],
        walk.destination + ports[2:],
        int.from_bytes(data[at + 4 : at + 8], "big"),
        data[at + 13],
        start,
        end,
        max(real - at - size, 0),
        False,
    )
