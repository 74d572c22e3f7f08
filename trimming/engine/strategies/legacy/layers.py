"""From a packet to the segments in it: one header at a time, through whatever lies around TCP.

Belongs here: the walk, and IP, TCP, UDP and ICMP, which end it.  Must not be known here: streams,
HTTP.  What other headers lead to stands in ``steps`` and ``tables``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from trimming.engine.formats.records import Packet
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldKind
from trimming.engine.report import HEADLESS, ICMP_QUOTE, IP_PROTOCOL, Tally
from trimming.engine.strategies.legacy import headers as h
from trimming.engine.strategies.legacy.fragments import Defragmenter, Fragment, Key, Ready
from trimming.engine.strategies.legacy.steps import STEPS, Cursor
from trimming.engine.strategies.legacy.tables import (
    ETHER_TYPES,
    IP_PROTOCOLS,
    IPV6_NEXT,
    RAW_LINK_TYPES,
    TZSP_NEXT,
    UDP_PORTS,
    VXLAN_GPE,
    HeaderClass,
    by_version,
    link_header,
)
from trimming.engine.strategies.legacy.views import Piece, View

HEADER_WINDOW_BYTES = 1 << 12


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment: its payload is ``view.data[start:end]``, ``wire_len`` bytes on the wire."""

    source: tuple[bytes | str, int]
    destination: tuple[bytes | str, int]
    sequence: int
    flags: int
    view: View
    start: int
    end: int
    wire_len: int
    packet: int


@dataclass(frozen=True, slots=True)
class Other:
    """Payload that is not TCP: ``what`` names it, the bytes are ``view.data[start:end]``."""

    what: str
    view: View
    start: int
    end: int


Found = Segment | Other


class LayerWalk:
    """Finds the payloads in packets; keeps IP fragments until their datagram is whole."""

    def __init__(self, options: TrimOptions, tally: Tally) -> None:
        self._limits = options.limits
        self._tally = tally
        self._fragments = Defragmenter(options.limits.max_open_datagrams, tally)
        self._packet = 0

    def packet(self, packet: Packet) -> Iterator[Found]:
        """Yield what is in a packet, and in datagrams that it makes whole."""
        data = packet.data
        self._packet = packet.number
        piece = Piece(0, len(data), packet.number, 0)
        view = View(data, max(packet.original_len, len(data)), (piece,))
        first: HeaderClass | None
        if packet.link_type in RAW_LINK_TYPES:
            first = by_version(data[:1])
        else:
            first = link_header(packet.link_type, data)
        if first is not None:
            yield from self._walk(first, Cursor(view, 0, len(data), view.wire_len))

    def flush(self) -> Iterator[Found]:
        """Yield what can be read of datagrams that never became whole."""
        while opened := self._fragments.flush():  # there may be fragments in what is read
            for ready in opened:
                yield from self._datagram(ready, 0)

    def _datagram(self, ready: Ready, depth: int) -> Iterator[Found]:
        key, view = ready.key, ready.view
        protocols = IP_PROTOCOLS if key[0] == 4 else IPV6_NEXT
        cursor = Cursor(view, 0, len(view.data), view.wire_len, depth, (key[1], key[2]))
        following = protocols.get(key[4])
        if following is None:
            yield Other(IP_PROTOCOL % {"number": key[4]}, view, 0, len(view.data))
        elif ready.headless:
            yield Other(HEADLESS, view, 0, len(view.data))
        else:
            yield from self._walk(following, cursor)

    def _walk(self, first: HeaderClass, cursor: Cursor) -> Iterator[Found]:
        following: HeaderClass | None = first
        while following is not None and cursor.at < cursor.end:
            cursor.depth += 1
            if cursor.depth > self._limits.max_tunnel_depth * 4:
                self._tally.limits_met["max_tunnel_depth"] += 1
                return
            header, length = _decode(following, cursor)
            if header is None:
                return
            handler = _ENDS.get(type(header))
            if handler is not None:
                yield from handler(self, header, length, cursor)
                return
            step = STEPS.get(type(header))
            if step is None:
                return
            start = cursor.at
            cursor.at += length
            following = step(header, start, cursor)

    # --- ends of a walk ------------------------------------------------------------------------

    def _ipv4(self, ip: h.ScapyPacket, length: int, cursor: Cursor) -> Iterator[Found]:
        fields = ip.fields
        total = fields["len"]
        header_len = fields["ihl"] * 4
        if fields["version"] != 4 or header_len < 20 or header_len > length:
            return
        if total:
            if total < header_len:
                return
            cursor.end = min(cursor.end, cursor.at + total)
            cursor.wire_end = min(cursor.wire_end, cursor.at + total)
        cursor.at += header_len
        cursor.addresses = (fields["src"], fields["dst"])
        more, offset = bool(int(fields["flags"]) & 1), fields["frag"] * 8
        protocol = fields["proto"]
        if more or offset:
            key = (4, fields["src"], fields["dst"], fields["id"], protocol)
            yield from self._fragment(key, offset, more, cursor)
            return
        following = IP_PROTOCOLS.get(protocol)
        if following is None:
            yield Other(IP_PROTOCOL % {"number": protocol}, cursor.view, cursor.at, cursor.end)
        else:
            yield from self._walk(following, cursor)

    def _ipv6(self, ip: h.ScapyPacket, length: int, cursor: Cursor) -> Iterator[Found]:
        fields = ip.fields
        if fields["version"] != 6:
            return
        cursor.at += length
        if fields["plen"]:
            cursor.end = min(cursor.end, cursor.at + fields["plen"])
            cursor.wire_end = min(cursor.wire_end, cursor.at + fields["plen"])
        cursor.addresses = (fields["src"], fields["dst"])
        yield from self._next_header(fields["nh"], cursor)

    def _next_header(self, number: int, cursor: Cursor) -> Iterator[Found]:
        following = IPV6_NEXT.get(number)
        if following is None:
            yield Other(IP_PROTOCOL % {"number": number}, cursor.view, cursor.at, cursor.end)
        else:
            yield from self._walk(following, cursor)

    def _extension(self, header: h.ScapyPacket, length: int, cursor: Cursor) -> Iterator[Found]:
        cursor.at += length
        yield from self._next_header(header.fields["nh"], cursor)

    def _ipv6_fragment(self, header: h.ScapyPacket, length: int, cursor: Cursor) -> Iterator[Found]:
        cursor.at += length
        fields = header.fields
        offset, more, protocol = fields["offset"] * 8, bool(fields["m"]), fields["nh"]
        if not more and not offset:
            yield from self._next_header(protocol, cursor)
            return
        key = (6, *cursor.addresses, fields["id"], protocol)
        yield from self._fragment(key, offset, more, cursor)

    def _fragment(self, key: Key, offset: int, more: bool, cursor: Cursor) -> Iterator[Found]:
        view = cursor.view
        data = view.data[cursor.at : cursor.end]
        wire_len = cursor.wire_end - cursor.at
        if not data:
            return
        pieces = view.cut_out(cursor.at, cursor.end)
        fragment = Fragment(offset, data, pieces, more, wire_len)
        for ready in self._fragments.add(key, fragment):
            yield from self._datagram(ready, cursor.depth)

    def _tcp(self, tcp: h.ScapyPacket, length: int, cursor: Cursor) -> Iterator[Found]:
        fields = tcp.fields
        header_len = fields["dataofs"] * 4
        start = cursor.at + header_len
        if header_len < 20 or start > cursor.end:
            return
        view = cursor.view
        view.add_field(cursor.at + 16, FieldKind.INTERNET, cursor.at)
        source, destination = cursor.addresses
        yield Segment(
            (source, fields["sport"]),
            (destination, fields["dport"]),
            fields["seq"],
            int(fields["flags"]),
            view,
            start,
            cursor.end,
            max(cursor.wire_end - start, cursor.end - start),
            self._packet,
        )

    def _udp(self, udp: h.ScapyPacket, length: int, cursor: Cursor) -> Iterator[Found]:
        fields = udp.fields
        view, start = cursor.view, cursor.at
        if fields["chksum"]:
            view.add_field(start + 6, FieldKind.UDP, start)
        if fields["len"] >= 8:
            cursor.end = min(cursor.end, start + fields["len"])
            cursor.wire_end = min(cursor.wire_end, start + fields["len"])
        cursor.at += length
        ports = (fields["dport"], fields["sport"])
        following = next((UDP_PORTS[port] for port in ports if port in UDP_PORTS), None)
        following = _carried_by_udp(following, cursor)
        if following is None:
            what = "DNS" if 53 in ports else "UDP"
            if cursor.at < cursor.end:
                yield Other(what, view, cursor.at, cursor.end)
            return
        yield from self._walk(following, cursor)

    def _icmp(self, header: h.ScapyPacket, length: int, cursor: Cursor) -> Iterator[Found]:
        errors = (3, 4, 5, 11, 12) if type(header) is h.ICMP else (1, 2, 3, 4)
        if header.fields["type"] not in errors:
            return
        cursor.view.add_field(cursor.at + 2, FieldKind.INTERNET, cursor.at)
        quote = _behind_quoted_transport(cursor.view.data[cursor.at + 8 : cursor.end])
        if quote is not None and cursor.at + 8 + quote < cursor.end:
            yield Other(ICMP_QUOTE, cursor.view, cursor.at + 8 + quote, cursor.end)


def _decode(cls: HeaderClass, cursor: Cursor) -> tuple[h.ScapyPacket | None, int]:
    """Read one header; (None, 0) where it cannot be read."""
    data = cursor.view.data[cursor.at : min(cursor.end, cursor.at + HEADER_WINDOW_BYTES)]
    if not data:
        return None, 0
    try:
        if cls is h.GRE:  # Scapy looks at the protocol, RFC 2637 at the version
            cls = h.GRE_PPTP if data[1] & 7 == 1 else h.GRE
        elif "dispatch_hook" in cls.__dict__:
            cls = cls.dispatch_hook(data)
        header = cls()
        rest = header.post_dissect(header.do_dissect(header.pre_dissect(data)))
    except MemoryError:
        raise
    except Exception:  # Scapy raises whatever the bytes lead it to; such a packet is not understood
        return None, 0
    return header, len(data) - len(rest)


def _carried_by_udp(guess: HeaderClass | None, cursor: Cursor) -> HeaderClass | None:
    """Check that what the port says is what the bytes say."""
    head = cursor.view.data[cursor.at : min(cursor.end, cursor.at + 8)]
    if guess is None or len(head) < 4:
        return None
    if guess is h.TeredoOrigin:
        if head[0] >> 4 == 6:
            return h.IPv6
        return {b"\0\0": h.TeredoOrigin, b"\0\1": h.TeredoAuthentication}.get(head[:2])
    if guess is h.GTP_U_Header and (head[0] >> 4 != 3 or head[1] != 0xFF):
        return None  # version 1, protocol type GTP; only a T-PDU carries a packet
    if guess is h.L2TP and (head[0] & 0x80 or head[1] & 0x0F != 2):
        return None  # a control message, or another version
    if guess is h.GENEVE and (head[0] >> 6 or int.from_bytes(head[2:4], "big") not in ETHER_TYPES):
        return None
    if guess in (h.VXLAN, h.VxlanGpe) and not head[0] & 0x08:
        return None
    if guess is h.VxlanGpe and head[0] & 0x04 and head[3] not in VXLAN_GPE:
        return None
    if guess is h.Tzsp and (head[0] != 1 or int.from_bytes(head[2:4], "big") not in TZSP_NEXT):
        return None
    if guess is h.Lisp:
        first = cursor.view.data[cursor.at + 8 : min(cursor.end, cursor.at + 9)]
        return None if by_version(first) is None else guess
    return guess


def _behind_quoted_transport(quote: bytes) -> int | None:
    """Return the length of the quoted IP and transport headers, None where they are not whole."""
    if len(quote) >= 20 and quote[0] >> 4 == 4:
        at, protocol = (quote[0] & 0xF) * 4, quote[9]
    elif len(quote) >= 40 and quote[0] >> 4 == 6:
        at, protocol = 40, quote[6]
    else:
        return None
    if protocol == 6:
        return at + (quote[at + 12] >> 4) * 4 if len(quote) > at + 12 else at + 8
    return at + 8


_ENDS: dict[
    HeaderClass,
    Callable[[LayerWalk, h.ScapyPacket, int, Cursor], Iterator[Found]],
] = {
    h.IP: LayerWalk._ipv4,
    h.IPv6: LayerWalk._ipv6,
    h.ExtensionHeader: LayerWalk._extension,
    h.AuthenticationHeader: LayerWalk._extension,
    h.FragmentHeader: LayerWalk._ipv6_fragment,
    h.TCP: LayerWalk._tcp,
    h.UDP: LayerWalk._udp,
    h.ICMP: LayerWalk._icmp,
    h.Icmp6: LayerWalk._icmp,
}
