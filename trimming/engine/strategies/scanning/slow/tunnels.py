"""Headers of tunnels: GRE and what lies in it, and tunnels in UDP.

Belongs here: what a tunnel's header leads to, and whether bytes behind a UDP port are what the port
says.  Must not be known here: IP, link types.
"""

from __future__ import annotations

from trimming.engine.plan import FieldKind
from trimming.engine.strategies.scanning.slow.cursor import Cursor, Reader, number
from trimming.engine.strategies.scanning.slow.links import always
from trimming.engine.strategies.scanning.slow.numbers import (
    ETHER_TYPES,
    NSH_PROTOCOLS,
    TZSP_PROTOCOLS,
    UDP_PORTS,
    VXLAN_GPE_PROTOCOLS,
    Header,
    by_version,
)

ERSPAN, WCCP = 0x88BE, 0x883E


def _gre(cursor: Cursor) -> Header | None:
    """GRE (RFC 1701, RFC 2784, RFC 2890), and PPTP's (RFC 2637)."""
    start = cursor.at
    head = cursor.read(4)
    flags, version, protocol = head[0], head[1] & 7, number(head, 2)
    has_sequence = bool(flags & 0x10)
    if version == 1:  # payload length and call, sequence, acknowledgement
        cursor.read(4 + 4 * has_sequence + (4 if head[1] & 0x80 else 0))
        return Header.PPP
    # checksum and offset, key, sequence
    cursor.read((4 if flags & 0xC0 else 0) + (4 if flags & 0x20 else 0) + 4 * has_sequence)
    if flags & 0x80:
        cursor.view.cover(start + 4, FieldKind.INTERNET, start)
    if flags & 0x40:
        _skip_source_routes(cursor)
    if protocol == ERSPAN and not has_sequence:
        return Header.ETHERNET  # type I has no header of its own
    if protocol == WCCP:  # a redirect header of 4 bytes, unless IP follows at once
        cursor.skip(4 if cursor.look(1)[0] >> 4 != 4 else 0)
        return Header.IPV4
    return ETHER_TYPES.get(protocol)


def _skip_source_routes(cursor: Cursor) -> None:
    """Step over source route entries; one of length 0 ends them (RFC 1701)."""
    while len(head := cursor.peek(4)) == 4:
        cursor.skip(4 + head[3])
        if not head[3]:
            return


def _erspan_iii(cursor: Cursor) -> Header:
    flags = cursor.read(12)[11]
    cursor.skip(8 if flags & 1 else 0)  # a platform's subheader
    return Header.ETHERNET


def _nsh(cursor: Cursor) -> Header | None:
    """RFC 8300; the length counts units of 4 bytes."""
    head = cursor.look(8)
    cursor.skip(max(4 * (head[1] & 0x3F), 8))
    return NSH_PROTOCOLS.get(head[3])


def _vxlan_gpe(cursor: Cursor) -> Header | None:
    head = cursor.read(8)
    return VXLAN_GPE_PROTOCOLS.get(head[3]) if head[0] & 0x04 else Header.ETHERNET


def _geneve(cursor: Cursor) -> Header | None:
    head = cursor.read(8)
    cursor.skip(4 * (head[0] & 0x3F))
    return ETHER_TYPES.get(number(head, 2))


def _gtp_u(cursor: Cursor) -> Header | None:
    flags = cursor.read(8)[0]
    if flags & 7:  # any of the three flags brings the optional 4 bytes (3GPP TS 29.281 5.1)
        following = cursor.read(4)[3]
        if flags & 4 and following:
            return Header.GTP_U_EXTENSION
    return by_version(cursor.peek(1))


def _gtp_u_extension(cursor: Cursor) -> Header | None:
    words = cursor.look(1)[0]
    if not words:
        return None
    if cursor.read(4 * words)[-1]:
        return Header.GTP_U_EXTENSION
    return by_version(cursor.peek(1))


def _l2tp(cursor: Cursor) -> Header:
    """A data message: length, tunnel and session, sequence numbers, offset (RFC 2661 3.1)."""
    flags = cursor.look(1)[0]
    cursor.read(6 + (2 if flags & 0x40 else 0) + (4 if flags & 0x08 else 0))
    if flags & 0x02:
        cursor.skip(number(cursor.read(2)))
    return Header.PPP


def _lisp(cursor: Cursor) -> Header | None:
    cursor.skip(8)
    return by_version(cursor.peek(1))


def _tzsp(cursor: Cursor) -> Header | None:
    protocol = number(cursor.read(4), 2)
    while (tag := cursor.read(1)) != b"\1":  # which ends the list
        if tag != b"\0":  # padding has no length
            cursor.skip(cursor.read(1)[0])
    return TZSP_PROTOCOLS.get(protocol)


def _teredo_authentication(cursor: Cursor) -> Header | None:
    """RFC 4380 section 5.1.1: client, authentication value, nonce and confirmation."""
    _, _, client_len, value_len = cursor.look(4)
    cursor.skip(4 + client_len + value_len + 9)
    return _behind_indicator(cursor)


def _teredo_origin(cursor: Cursor) -> Header | None:
    cursor.skip(8)
    return _behind_indicator(cursor)


def _behind_indicator(cursor: Cursor) -> Header | None:
    head = cursor.peek(2)
    return Header.TEREDO_ORIGIN if head == b"\0\0" else by_version(head[:1])


def in_udp(destination_port: int, source_port: int, data: bytes) -> Header | None:
    """Return the tunnel that the first 9 bytes of a UDP payload are, as one of the ports says."""
    guess = UDP_PORTS.get(destination_port) or UDP_PORTS.get(source_port)
    if guess is None or len(data) < 4:
        return None
    if guess is Header.TEREDO:
        indicators = {0: Header.TEREDO_ORIGIN, 1: Header.TEREDO_AUTHENTICATION}
        return Header.IPV6 if data[0] >> 4 == 6 else indicators.get(number(data))
    return guess if _is_one(guess, data) else None


def _is_one(tunnel: Header, data: bytes) -> bool:
    flags, word = data[0], number(data, 2)
    match tunnel:
        case Header.GTP_U:  # version 1, protocol type GTP; only a T-PDU carries a packet
            return flags >> 4 == 3 and data[1] == 0xFF
        case Header.L2TP:  # version 2, no control message
            return not flags & 0x80 and data[1] & 0x0F == 2
        case Header.GENEVE:
            return flags >> 6 == 0 and word in ETHER_TYPES
        case Header.VXLAN:  # the I flag is set, the others are ignored (RFC 7348 section 5)
            return bool(flags & 0x08)
        case Header.VXLAN_GPE:
            known = not flags & 0x04 or data[3] in VXLAN_GPE_PROTOCOLS
            return bool(flags & 0x08) and known
        case Header.TZSP:
            return flags == 1 and word in TZSP_PROTOCOLS
        case Header.LISP:
            return by_version(data[8:9]) is not None
        case _:
            return True


READERS: dict[Header, Reader] = {
    Header.GRE: _gre,
    Header.ERSPAN_II: always(8, Header.ETHERNET),
    Header.ERSPAN_III: _erspan_iii,
    Header.ETHERIP: always(2, Header.ETHERNET),
    Header.NSH: _nsh,
    Header.VXLAN: always(8, Header.ETHERNET),
    Header.VXLAN_GPE: _vxlan_gpe,
    Header.GENEVE: _geneve,
    Header.GTP_U: _gtp_u,
    Header.GTP_U_EXTENSION: _gtp_u_extension,
    Header.L2TP: _l2tp,
    Header.LISP: _lisp,
    Header.TZSP: _tzsp,
    Header.TEREDO_AUTHENTICATION: _teredo_authentication,
    Header.TEREDO_ORIGIN: _teredo_origin,
}
