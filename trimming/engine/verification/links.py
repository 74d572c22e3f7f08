"""Link types: what stands before the first header that the layers know.

Source: the list of link-layer header types at tcpdump.org.
"""

from __future__ import annotations

import struct
from contextlib import suppress

from trimming.engine.verification.arithmetic import field_at
from trimming.engine.verification.layers import (
    Layer,
    Walk,
    ethernet,
    ethertype,
    internet,
    ipv4,
    ipv6,
    llc,
    ppp,
    pppoe,
    transport,
)

LINK_80211 = 105


def walk_frame(data: bytes, original_len: int, link_type: int, fcs_len: int | None) -> Walk:
    """Walk the headers of a frame; ``original_len`` is its length on the wire, in bytes."""
    trailer = fcs_len if fcs_len and len(data) == original_len else 0
    walk = Walk(data, min(trailer, len(data)), is_truncated=len(data) < original_len)
    layer = LINK_TYPES.get(link_type)
    if layer is not None:
        # a header field may point outside of the frame
        with suppress(IndexError, struct.error):
            layer(walk, 0, len(data), max(original_len, len(data)))
    return walk


def walk_datagram(data: bytes, key: tuple[bytes, bytes, int, int], real: int) -> Walk:
    """Walk the reassembled payload of an IP datagram; ``real`` is its length when not truncated."""
    walk = Walk(data)
    walk.source, walk.destination = key[0], key[1]
    with suppress(IndexError, struct.error):
        transport(walk, key[2], 0, len(data), real)
    return walk


def loopback(walk: Walk, at: int, end: int, real: int) -> None:
    """BSD loopback: an address family in either byte order, which IP itself tells as well."""
    if at + 4 <= end:
        internet(walk, at + 4, end, real)


def ppp_hdlc(walk: Walk, at: int, end: int, real: int) -> None:
    """PPP in HDLC-like framing, or Cisco's HDLC where the address says so (RFC 1547)."""
    if walk.data[at : at + 2] in (b"\x0f\0", b"\x8f\0"):
        cisco_hdlc(walk, at, end, real)
    else:
        ppp(walk, at, end, real)


def cisco_hdlc(walk: Walk, at: int, end: int, real: int) -> None:
    """Cisco HDLC: address, control, EtherType."""
    if at + 4 <= end:
        kind = field_at(walk.data, at + 2)
        if kind >= 0x0600:
            ethertype(walk, kind, at + 4, end, real)


def cooked(walk: Walk, at: int, end: int, real: int) -> None:
    """Linux cooked capture, version 1."""
    if at + 16 <= end:
        kind = field_at(walk.data, at + 14)
        if kind >= 0x0600:
            ethertype(walk, kind, at + 16, end, real)


def cooked_2(walk: Walk, at: int, end: int, real: int) -> None:
    """Linux cooked capture, version 2."""
    if at + 20 <= end:
        kind = field_at(walk.data, at)
        if kind >= 0x0600:
            ethertype(walk, kind, at + 20, end, real)


def pflog(walk: Walk, at: int, end: int, real: int) -> None:
    """The packet filter's log; its stated header length leaves out the padding to 4 bytes."""
    size = walk.data[at]
    internet(walk, at + size + (-size % 4), end, real)


def wireless(walk: Walk, at: int, end: int, real: int) -> None:
    """An IEEE 802.11 data frame in clear text with one LLC packet."""
    data = walk.data
    walk.frame_start = at
    if at + 24 > end:
        return
    control, flags = data[at], data[at + 1]
    # version 0, type 2 (data), without the "no data" bit; not protected
    if control & 0x4F != 0x08 or flags & 0x40:
        return
    inside = at + 24 + (6 if flags & 3 == 3 else 0)
    if control & 0x80:
        if inside + 2 > end or data[inside] & 0x80:  # several packets in one frame
            return
        inside += 6 if flags & 0x80 else 2
    # a check sequence behind it is left out by the lengths of IP, as behind Ethernet
    llc(walk, inside, end, real)


def radiotap(walk: Walk, at: int, end: int, real: int) -> None:
    """Radiotap before IEEE 802.11; its flags tell of a check sequence."""
    data = walk.data
    size = struct.unpack_from("<H", data, at + 2)[0]
    flags = _radiotap_flags(data, at)
    if flags & 0x20:  # padding between header and payload
        walk.frame_start = at + size
        return
    if flags & 0x10 and len(data) == real:
        walk.trailer_bytes = min(4, len(data))
    wireless(walk, at + size, end, real)


def _radiotap_flags(data: bytes, at: int) -> int:
    inside = at + 4
    (present,) = struct.unpack_from("<I", data, inside)
    more = present
    while more & 0x80000000:
        inside += 4
        (more,) = struct.unpack_from("<I", data, inside)
    inside += 4
    if present & 1:
        inside += -(inside - at) % 8 + 8
    return data[inside] if present & 2 else 0


def prism(walk: Walk, at: int, end: int, real: int) -> None:
    """Prism or AVS header before IEEE 802.11."""
    (size,) = struct.unpack_from(">I", walk.data, at + 4)
    if size > 0xFFFF:  # Prism writes in the order of its host, AVS in network order
        (size,) = struct.unpack_from("<I", walk.data, at + 4)
    wireless(walk, at + size, end, real)


def ppi(walk: Walk, at: int, end: int, real: int) -> None:
    """Per-packet information, which names the link type behind it."""
    size, link_type = struct.unpack_from("<HI", walk.data, at + 2)
    _behind(walk, link_type, at + size, end, real)


def pktap(walk: Walk, at: int, end: int, real: int) -> None:
    """Apple's packet tap, which names the link type behind it."""
    size, _, link_type = struct.unpack_from("<III", walk.data, at)
    _behind(walk, link_type, at + size, end, real)


def _behind(walk: Walk, link_type: int, at: int, end: int, real: int) -> None:
    layer = LINK_TYPES.get(link_type)
    if layer is not None and at < end and walk.deeper():
        layer(walk, at, end, real)


def nflog(walk: Walk, at: int, end: int, real: int) -> None:
    """Linux netfilter log: attributes, one of which is the packet."""
    inside = at + 4
    while inside + 4 <= end:
        length, kind = struct.unpack_from("<HH", walk.data, inside)
        if length < 4:
            return
        if kind == 9:
            limit = inside + length
            internet(walk, inside + 4, min(end, limit), min(real, limit))
            return
        inside += length + (-length % 4)


LINK_TYPES: dict[int, Layer] = {
    0: loopback,
    1: ethernet,
    9: ppp,
    12: internet,
    14: internet,
    50: ppp_hdlc,
    51: pppoe,
    101: internet,
    104: cisco_hdlc,
    LINK_80211: wireless,
    108: loopback,
    113: cooked,
    117: pflog,
    119: prism,
    127: radiotap,
    149: pktap,
    163: prism,
    192: ppi,
    228: ipv4,
    229: ipv6,
    239: nflog,
    258: pktap,
    276: cooked_2,
}
