"""IPv4 and IPv6, and TCP, UDP and ICMP, in which a walk ends.

Belongs here: how far a payload reaches, which checksums cover it.  Must not be known here: links,
tunnels, how fragments are put together.
"""

from __future__ import annotations

from trimming.engine.plan import FieldKind
from trimming.engine.report import ICMP_QUOTE, IP_PROTOCOL
from trimming.engine.strategies.scanning.slow.cursor import Cursor, Reader, number
from trimming.engine.strategies.scanning.slow.datagrams import Arrival, Fragment, Key
from trimming.engine.strategies.scanning.slow.found import OtherPayload, TcpSegment
from trimming.engine.strategies.scanning.slow.numbers import (
    DNS_PORT,
    IP_PROTOCOLS,
    IPV6_NEXT_HEADERS,
    Header,
)
from trimming.engine.strategies.scanning.slow.tunnels import in_udp

TCP = 6
# messages that quote the packet that they are about
ICMP_ERRORS = frozenset((3, 4, 5, 11, 12))
ICMPV6_ERRORS = frozenset((1, 2, 3, 4))


def carried(version: int, protocol: int, cursor: Cursor) -> Header | None:
    """Return the header that IP of a version carries; a protocol without one ends the walk."""
    following = (IP_PROTOCOLS if version == 4 else IPV6_NEXT_HEADERS).get(protocol)
    if following is None:
        _end(cursor, IP_PROTOCOL % {"number": protocol})
    return following


def _end(cursor: Cursor, what: str) -> None:
    cursor.outcome = OtherPayload(what, cursor.view, cursor.at, cursor.end)


def _ipv4(cursor: Cursor) -> Header | None:
    head = cursor.look(20)
    version, size = head[0] >> 4, (head[0] & 15) * 4
    total, ident, word = number(head, 2), number(head, 4), number(head, 6)
    if version != 4 or size < 20 or 0 < total < size:
        return None
    cursor.look(size)
    if total:  # 0 is left by segmentation offload: up to the end
        cursor.bound(total)
    cursor.skip(size)
    cursor.source, cursor.destination = head[12:16], head[16:20]
    if word & 0x3FFF:  # more fragments, or an offset
        key = Key(4, cursor.source, cursor.destination, ident, head[9])
        _fragment(cursor, key, (word & 0x1FFF) * 8, bool(word & 0x2000))
        return None
    return carried(4, head[9], cursor)


def _ipv6(cursor: Cursor) -> Header | None:
    head = cursor.read(40)
    if head[0] >> 4 != 6:
        return None
    length = number(head, 4)
    if length:
        cursor.bound(length)
    cursor.source, cursor.destination = head[8:24], head[24:40]
    return carried(6, head[6], cursor)


def _extension(cursor: Cursor) -> Header | None:
    """Any extension header that counts units of 8 bytes (RFC 6564)."""
    following, units = cursor.look(2)
    cursor.skip(8 + 8 * units)
    return carried(6, following, cursor)


def _authentication(cursor: Cursor) -> Header | None:
    """It counts units of 4 bytes (RFC 4302 section 2.2)."""
    following, units = cursor.look(2)
    cursor.skip(8 + 4 * units)
    return carried(6, following, cursor)


def _ipv6_fragment(cursor: Cursor) -> Header | None:
    head = cursor.read(8)
    word = number(head, 2)
    if not word & 0xFFF9:  # an atomic fragment is a whole datagram (RFC 6946)
        return carried(6, head[0], cursor)
    ident = int.from_bytes(head[4:], "big")
    key = Key(6, cursor.source, cursor.destination, ident, head[0])
    _fragment(cursor, key, word & 0xFFF8, bool(word & 1))
    return None


def _fragment(cursor: Cursor, key: Key, offset: int, more: bool) -> None:
    data = cursor.view.data[cursor.at : cursor.end]
    if data:
        pieces = cursor.view.cut_out(cursor.at, cursor.end)
        wire_len = cursor.wire_end - cursor.at
        cursor.outcome = Arrival(key, Fragment(offset, data, pieces, more, wire_len))


def _tcp(cursor: Cursor) -> None:
    head, view = cursor.look(20), cursor.view
    size = (head[12] >> 4) * 4
    start, end = cursor.at + size, cursor.end
    if size < 20 or start > end:
        return
    view.cover(cursor.at + 16, FieldKind.INTERNET, cursor.at)
    cursor.outcome = TcpSegment(
        source=cursor.source,
        destination=cursor.destination,
        source_port=number(head),
        destination_port=number(head, 2),
        sequence=int.from_bytes(head[4:8], "big"),
        flags=number(head, 12) & 0x1FF,
        view=view,
        start=start,
        end=end,
        wire_len=max(cursor.wire_end, end) - start,
    )


def _udp(cursor: Cursor) -> Header | None:
    start, head = cursor.at, cursor.look(8)
    source_port, destination_port, length, checksum = (number(head, at) for at in (0, 2, 4, 6))
    if checksum:
        cursor.view.cover(start + 6, FieldKind.UDP, start)
    if length >= 8:
        cursor.bound(length)
    cursor.skip(8)
    tunnel = in_udp(destination_port, source_port, cursor.peek(9))
    if tunnel is None and cursor.at < cursor.end:
        _end(cursor, "DNS" if DNS_PORT in (source_port, destination_port) else "UDP")
    return tunnel


def _icmp(cursor: Cursor) -> None:
    _error(cursor, ICMP_ERRORS)


def _icmpv6(cursor: Cursor) -> None:
    _error(cursor, ICMPV6_ERRORS)


def _error(cursor: Cursor, errors: frozenset[int]) -> None:
    if cursor.look(8)[0] not in errors:
        return
    cursor.view.cover(cursor.at + 2, FieldKind.INTERNET, cursor.at)
    cursor.skip(8)
    headers = _quoted_headers(cursor.view.data[cursor.at : cursor.end])
    if headers is not None and cursor.at + headers < cursor.end:
        cursor.skip(headers)
        _end(cursor, ICMP_QUOTE)


def _quoted_headers(quote: bytes) -> int | None:
    """Return the length of the IP and transport headers of a quote, None where IP's is not whole.

    What the quote leaves out of a transport header counts as its least length.
    """
    if len(quote) >= 20 and quote[0] >> 4 == 4:
        at, protocol = (quote[0] & 15) * 4, quote[9]
    elif len(quote) >= 40 and quote[0] >> 4 == 6:
        at, protocol = 40, quote[6]
    else:
        return None
    if protocol == TCP and len(quote) > at + 12:
        return at + (quote[at + 12] >> 4) * 4
    return at + 8


READERS: dict[Header, Reader] = {
    Header.IPV4: _ipv4,
    Header.IPV6: _ipv6,
    Header.EXTENSION: _extension,
    Header.AUTHENTICATION: _authentication,
    Header.FRAGMENT: _ipv6_fragment,
    Header.TCP: _tcp,
    Header.UDP: _udp,
    Header.ICMP: _icmp,
    Header.ICMPV6: _icmpv6,
}
