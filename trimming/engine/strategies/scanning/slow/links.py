"""Headers of frames: link types, Ethernet and what may stand between it and IP.

Belongs here: one small function for a header, or a row where size and place of the next number tell
all.  Must not be known here: tunnels, IP.
"""

from __future__ import annotations

import struct

from trimming.engine.strategies.scanning.slow.cursor import Cursor, Reader, number
from trimming.engine.strategies.scanning.slow.numbers import (
    ADDRESS_FAMILIES,
    ETHER_TYPES,
    LONGEST_802_3,
    PPP_PROTOCOLS,
    Header,
    by_version,
    first_header,
)

PAYLOAD_ATTRIBUTE = 9  # NFULA_PAYLOAD of Linux


def typed(size: int, at: int) -> Reader:
    """A header of ``size`` bytes with an Ethernet type at ``at``."""
    return lambda cursor: ETHER_TYPES.get(number(cursor.read(size), at))


def always(size: int, following: Header) -> Reader:
    """A header of ``size`` bytes, behind which only one thing can come."""

    def reader(cursor: Cursor) -> Header:
        cursor.read(size)
        return following

    return reader


# --- Ethernet ------------------------------------------------------------------------------------


def _ethernet(cursor: Cursor) -> Header | None:
    return _type_or_length(cursor, number(cursor.read(14), 12))


def _tag(cursor: Cursor) -> Header | None:
    return _type_or_length(cursor, number(cursor.read(4), 2))


def _type_or_length(cursor: Cursor, value: int) -> Header | None:
    if value > LONGEST_802_3:
        return ETHER_TYPES.get(value)
    cursor.bound(value)
    return Header.LLC


def _llc(cursor: Cursor) -> Header | None:
    return {0xAA: Header.SNAP, 0x06: Header.IPV4}.get(cursor.read(3)[0])


def _cisco_metadata(cursor: Cursor) -> Header | None:
    words = cursor.look(2)[1]
    return ETHER_TYPES.get(number(cursor.read(4 * words + 4), 4 * words + 2))


def _trill(cursor: Cursor) -> Header:
    words = number(cursor.read(6)) >> 6 & 0x1F  # options
    cursor.skip(4 * words)
    return Header.ETHERNET


def _macsec(cursor: Cursor) -> Header | None:
    flags = cursor.read(6)[0]
    if flags & 0x0C:
        return None  # encrypted, or changed
    cursor.skip(8 if flags & 0x20 else 0)
    return ETHER_TYPES.get(number(cursor.read(2)))


def _mpls(cursor: Cursor) -> Header | None:
    if not cursor.read(4)[2] & 1:  # more labels
        return Header.MPLS
    first = cursor.look(1)
    if first[0] >> 4 == 0:
        return Header.PSEUDOWIRE_WORD
    return by_version(first) or Header.ETHERNET


def _pppoe(cursor: Cursor) -> Header | None:
    head = cursor.read(6)
    if head[1]:
        return None  # discovery
    length = number(head, 4)
    if length:
        cursor.bound(length)
    return Header.PPP


def _ppp(cursor: Cursor) -> Header | None:
    protocol = number(cursor.look(2))
    if protocol != 0xFF03 and protocol & 0x100:
        return Header.PPP_COMPRESSED  # an odd first byte (RFC 1661 section 6.5)
    cursor.skip(2)
    # address and control of HDLC framing (RFC 1662)
    return Header.PPP if protocol == 0xFF03 else PPP_PROTOCOLS.get(protocol)


def _ppp_compressed(cursor: Cursor) -> Header | None:
    return PPP_PROTOCOLS.get(cursor.read(1)[0])


# --- other beginnings of a packet ----------------------------------------------------------------


def _loopback_big(cursor: Cursor) -> Header | None:
    return ADDRESS_FAMILIES.get(int.from_bytes(cursor.read(4), "big"))


def _loopback_little(cursor: Cursor) -> Header | None:
    return ADDRESS_FAMILIES.get(int.from_bytes(cursor.read(4), "little"))


def _enc(cursor: Cursor) -> Header | None:
    family = cursor.read(12)[:4]
    # in the byte order of the machine; families are small
    is_big = family[:2] == b"\0\0"
    return ADDRESS_FAMILIES.get(int.from_bytes(family, "big" if is_big else "little"))


def _pflog(cursor: Cursor) -> Header | None:
    length, family = cursor.look(2)
    cursor.skip(_padded(max(length, 2)))
    return ADDRESS_FAMILIES.get(family)


def _nflog(cursor: Cursor) -> Header | None:
    cursor.skip(4)
    return _next_attribute(cursor)


def _nflog_attribute(cursor: Cursor) -> Header | None:
    (length,) = struct.unpack_from("<H", cursor.look(4))
    cursor.skip(_padded(max(length, 4)))
    return _next_attribute(cursor)


def _next_attribute(cursor: Cursor) -> Header | None:
    length, kind = struct.unpack("<HH", cursor.look(4))
    if kind & 0x7FFF != PAYLOAD_ATTRIBUTE:
        return Header.NFLOG_ATTRIBUTE if length >= 4 else None
    cursor.bound(length)
    cursor.skip(4)
    return by_version(cursor.peek(1))


def _padded(length: int) -> int:
    return length + -length % 4


def _pktap(cursor: Cursor) -> Header | None:
    length, _, link_type = struct.unpack("<III", cursor.look(12))
    cursor.skip(max(length, 12))
    return first_header(link_type, cursor.peek(4))


def _ppi(cursor: Cursor) -> Header | None:
    _, length, link_type = struct.unpack("<HHI", cursor.look(8))
    cursor.skip(max(length, 8))
    return first_header(link_type, cursor.peek(4))


def _radiotap(cursor: Cursor) -> Header:
    _, length = struct.unpack("<HH", cursor.look(4))
    cursor.skip(length)
    return Header.WLAN


def _wlan(cursor: Cursor) -> Header | None:
    """IEEE 802.11: data frames in clear text with one LLC packet."""
    control, flags = cursor.look(2)
    subtype = control >> 4
    if control & 0x0C != 0x08 or subtype & 4 or flags & 0x40:
        return None  # not data, no data in it, or encrypted
    cursor.read(30 if flags & 3 == 3 else 24)
    if subtype & 8:  # quality of service, and what flag "order" adds
        if cursor.look(1)[0] & 0x80:
            return None  # several packets in one frame
        cursor.skip(6 if flags & 0x80 else 2)
    return Header.LLC


def _token_ring(cursor: Cursor) -> Header:
    if cursor.read(14)[8] & 0x80:  # a route follows the source address
        cursor.skip(cursor.look(1)[0] & 0x1F)
    return Header.LLC


def _frame_relay(cursor: Cursor) -> Header | None:
    """Two bytes of address, then as RFC 2427 and Cisco have it."""
    protocol = number(cursor.read(4), 2)
    if protocol == 0x0300:  # padding, then the network layer protocol identifier
        protocol |= cursor.read(1)[0]
    if protocol == 0x0380:
        return Header.SNAP
    return {0x03CC: Header.IPV4, 0x038E: Header.IPV6}.get(protocol) or ETHER_TYPES.get(protocol)


READERS: dict[Header, Reader] = {
    Header.ETHERNET: _ethernet,
    Header.TAG: _tag,
    Header.LLC: _llc,
    Header.SNAP: typed(5, 3),
    Header.VN_TAG: typed(6, 4),
    Header.BACKBONE_TAG: always(4, Header.ETHERNET),
    Header.HSR: typed(6, 4),
    Header.CISCO_METADATA: _cisco_metadata,
    Header.TRILL: _trill,
    Header.MACSEC: _macsec,
    Header.MPLS: _mpls,
    Header.PSEUDOWIRE_WORD: always(4, Header.ETHERNET),
    Header.PPPOE: _pppoe,
    Header.PPP: _ppp,
    Header.PPP_COMPRESSED: _ppp_compressed,
    Header.CISCO_HDLC: typed(4, 2),
    Header.COOKED: typed(16, 14),
    Header.COOKED_2: typed(20, 0),
    Header.LOOPBACK_BIG: _loopback_big,
    Header.LOOPBACK_LITTLE: _loopback_little,
    Header.PFLOG: _pflog,
    Header.NFLOG: _nflog,
    Header.NFLOG_ATTRIBUTE: _nflog_attribute,
    Header.PKTAP: _pktap,
    Header.PPI: _ppi,
    Header.RADIOTAP: _radiotap,
    Header.PRISM: always(144, Header.WLAN),
    Header.AVS: always(64, Header.WLAN),
    Header.WLAN: _wlan,
    Header.TOKEN_RING: _token_ring,
    Header.FDDI: always(13, Header.LLC),
    Header.FRAME_RELAY: _frame_relay,
    Header.FIBRE_CHANNEL: always(16, Header.LLC),
    Header.FIREWIRE: typed(18, 16),
    Header.ENC: _enc,
}
