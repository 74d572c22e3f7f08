"""From a packet to the segments in it: one header at a time, through whatever lies around TCP.

Belongs here: what follows what, how long it is, where checksums stand.  Must not be known here:
streams, HTTP.  The tables hold everything that can be told without looking further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from trimming.engine.formats.records import Packet
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldKind
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy import headers as h
from trimming.engine.strategies.legacy.fragments import Defragmenter, Fragment, Key, Ready
from trimming.engine.strategies.legacy.views import Piece, View

HeaderClass = type[h.ScapyPacket]
# an IPv6 extension header has up to 2048 bytes
HEADER_WINDOW_BYTES = 1 << 12
HEADLESS = "fragments without their beginning"

ETHER_TYPES: dict[int, HeaderClass] = {
    0x0800: h.IP,
    0x86DD: h.IPv6,
    0x8100: h.Dot1Q,
    0x88A8: h.Dot1AD,
    0x9100: h.Dot1Q,
    0x9200: h.Dot1Q,
    0x8847: h.MPLS,
    0x8848: h.MPLS,
    0x8864: h.PPPoE,
    0x6558: h.Ether,
    0x880B: h.PppProtocol,
    0x88BE: h.ErspanII,
    0x22EB: h.ErspanIII,
    0x88E7: h.BackboneTag,
    0x8926: h.VnTag,
    0x894F: h.NSH,
    0x22F3: h.Trill,
    0x8909: h.CiscoMetadata,
    0x88E5: h.MacSec,
    0x892F: h.HsrTag,
    0x0004: h.LLC,  # Linux cooked: IEEE 802.2
    0x0001: h.Dot3,  # Linux cooked: IEEE 802.3
}
IP_PROTOCOLS: dict[int, HeaderClass] = {
    4: h.IP,
    6: h.TCP,
    17: h.UDP,
    41: h.IPv6,
    47: h.GRE,
    51: h.AuthenticationHeader,
    97: h.EtherIP,
    137: h.MPLS,
    1: h.ICMP,
}
IPV6_NEXT: dict[int, HeaderClass] = {
    **IP_PROTOCOLS,
    0: h.ExtensionHeader,
    43: h.ExtensionHeader,
    44: h.FragmentHeader,
    60: h.ExtensionHeader,
    135: h.ExtensionHeader,
    58: h.Icmp6,
}
UDP_PORTS: dict[int, HeaderClass] = {
    1701: h.L2TP,
    2152: h.GTP_U_Header,
    3544: h.TeredoOrigin,
    4789: h.VXLAN,
    4790: h.VxlanGpe,
    6081: h.GENEVE,
    6635: h.MPLS,
    4341: h.Lisp,
    8472: h.VXLAN,
    37008: h.Tzsp,
}
PPP_PROTOCOLS: dict[int, HeaderClass] = {0x21: h.IP, 0x57: h.IPv6, 0x281: h.MPLS, 0x283: h.MPLS}
VXLAN_GPE: dict[int, HeaderClass] = {1: h.IP, 2: h.IPv6, 3: h.Ether, 4: h.NSH, 5: h.MPLS}
NSH_NEXT: dict[int, HeaderClass] = {1: h.IP, 2: h.IPv6, 3: h.Ether, 5: h.MPLS}
TZSP_NEXT: dict[int, HeaderClass] = {1: h.Ether, 18: h.Dot11}
# 2 everywhere; IPv6 has a number of its own on each system
ADDRESS_FAMILIES: dict[int, HeaderClass] = {
    2: h.IP,
    10: h.IPv6,
    24: h.IPv6,
    28: h.IPv6,
    30: h.IPv6,
}
LINK_TYPES: dict[int, HeaderClass] = {
    1: h.Ether,
    6: h.TokenRing,
    10: h.Fddi,
    50: h.PppProtocol,
    9: h.PppProtocol,
    51: h.PPPoE,
    100: h.LLC,
    104: h.CiscoHdlc,
    105: h.Dot11,
    107: h.FrameRelay,
    108: h.LoopbackBig,
    109: h.Enc,
    0: h.LoopbackLittle,
    113: h.CookedLinux,
    117: h.PfLog,
    119: h.PrismHeader,
    122: h.IpOverFibreChannel,
    127: h.RadioTap,
    138: h.Firewire,
    149: h.Pktap,
    163: h.AVSWLANHeader,
    192: h.PpiHeader,
    228: h.IP,
    229: h.IPv6,
    239: h.NflogHeader,
    258: h.Pktap,
    276: h.CookedLinuxV2,
}
RAW_LINK_TYPES = frozenset((12, 14, 101))
FRAME_CHECKED = frozenset((1, 105))


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


@dataclass(slots=True)
class _Cursor:
    """Where the walk stands: the next header starts at ``at``, what it may use ends at ``end``."""

    view: View
    at: int
    end: int
    wire_end: int
    depth: int = 0
    addresses: tuple[bytes | str, bytes | str] = (b"", b"")
    frame: tuple[int, int, int] | None = None


def is_known(link_type: int) -> bool:
    """Whether packets of this link type are understood."""
    return link_type in LINK_TYPES or link_type in RAW_LINK_TYPES


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
            first = _by_version(data[:1])
        else:
            first = _link_header(packet.link_type, data)
        if first is not None:
            yield from self._walk(first, _Cursor(view, 0, len(data), view.wire_len))

    def flush(self) -> Iterator[Found]:
        """Yield what can be read of datagrams that never became whole."""
        for ready in self._fragments.flush():
            yield from self._datagram(ready, 0)

    def _datagram(self, ready: Ready, depth: int) -> Iterator[Found]:
        key, view = ready.key, ready.view
        protocols = IP_PROTOCOLS if key[0] == 4 else IPV6_NEXT
        cursor = _Cursor(view, 0, len(view.data), view.wire_len, depth, (key[1], key[2]))
        following = protocols.get(key[4])
        if following is None:
            yield Other(f"IP protocol {key[4]}", view, 0, len(view.data))
        elif ready.headless:
            yield Other(HEADLESS, view, 0, len(view.data))
        else:
            yield from self._walk(following, cursor)

    def _walk(self, first: HeaderClass, cursor: _Cursor) -> Iterator[Found]:
        following: HeaderClass | None = first
        while following is not None:
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
            step = _STEPS.get(type(header))
            if step is None:
                return
            start = cursor.at
            cursor.at += length
            following = step(header, start, cursor)

    # --- ends of a walk ------------------------------------------------------------------------

    def _ipv4(self, ip: h.ScapyPacket, length: int, cursor: _Cursor) -> Iterator[Found]:
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
            yield Other(f"IP protocol {protocol}", cursor.view, cursor.at, cursor.end)
        else:
            yield from self._walk(following, cursor)

    def _ipv6(self, ip: h.ScapyPacket, length: int, cursor: _Cursor) -> Iterator[Found]:
        fields = ip.fields
        if fields["version"] != 6:
            return
        cursor.at += length
        if fields["plen"]:
            cursor.end = min(cursor.end, cursor.at + fields["plen"])
            cursor.wire_end = min(cursor.wire_end, cursor.at + fields["plen"])
        cursor.addresses = (fields["src"], fields["dst"])
        yield from self._next_header(fields["nh"], cursor)

    def _next_header(self, number: int, cursor: _Cursor) -> Iterator[Found]:
        following = IPV6_NEXT.get(number)
        if following is None:
            yield Other(f"IP protocol {number}", cursor.view, cursor.at, cursor.end)
        else:
            yield from self._walk(following, cursor)

    def _extension(self, header: h.ScapyPacket, length: int, cursor: _Cursor) -> Iterator[Found]:
        cursor.at += length
        yield from self._next_header(header.fields["nh"], cursor)

    def _ipv6_fragment(
        self, header: h.ScapyPacket, length: int, cursor: _Cursor
    ) -> Iterator[Found]:
        cursor.at += length
        fields = header.fields
        offset, more, protocol = fields["offset"] * 8, bool(fields["m"]), fields["nh"]
        if not more and not offset:
            yield from self._next_header(protocol, cursor)
            return
        key = (6, *cursor.addresses, fields["id"], protocol)
        yield from self._fragment(key, offset, more, cursor)

    def _fragment(self, key: Key, offset: int, more: bool, cursor: _Cursor) -> Iterator[Found]:
        view = cursor.view
        data = view.data[cursor.at : cursor.end]
        wire_len = cursor.wire_end - cursor.at
        if not data:
            return
        pieces = view.cut_out(cursor.at, cursor.end)
        fragment = Fragment(offset, data, pieces, more, wire_len)
        for ready in self._fragments.add(key, fragment):
            yield from self._datagram(ready, cursor.depth)

    def _tcp(self, tcp: h.ScapyPacket, length: int, cursor: _Cursor) -> Iterator[Found]:
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

    def _udp(self, udp: h.ScapyPacket, length: int, cursor: _Cursor) -> Iterator[Found]:
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

    def _icmp(self, header: h.ScapyPacket, length: int, cursor: _Cursor) -> Iterator[Found]:
        errors = (3, 4, 5, 11, 12) if type(header) is h.ICMP else (1, 2, 3, 4)
        if header.fields["type"] not in errors:
            return
        cursor.view.add_field(cursor.at + 2, FieldKind.INTERNET, cursor.at)
        quote = _behind_quoted_transport(cursor.view.data[cursor.at + 8 : cursor.end])
        if quote is not None and cursor.at + 8 + quote < cursor.end:
            yield Other("ICMP quote", cursor.view, cursor.at + 8 + quote, cursor.end)


def _decode(cls: HeaderClass, cursor: _Cursor) -> tuple[h.ScapyPacket | None, int]:
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
    except Exception:  # Scapy raises whatever the bytes lead it to; such a packet is not understood
        return None, 0
    return header, len(data) - len(rest)


def _by_version(first: bytes) -> HeaderClass | None:
    return {4: h.IP, 6: h.IPv6}.get(first[0] >> 4) if first else None


def _link_header(link_type: int, data: bytes) -> HeaderClass | None:
    if link_type == 0 and len(data) >= 4 and int.from_bytes(data[:4], "little") > 0xFFFF:
        return h.LoopbackBig
    if link_type == 50 and data[:1] in (b"\x0f", b"\x8f"):
        return h.CiscoHdlc  # as the registry of link types says
    return LINK_TYPES.get(link_type)


def _carried_by_udp(guess: HeaderClass | None, cursor: _Cursor) -> HeaderClass | None:
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
    if guess is h.Lisp and _by_version(cursor.view.data[cursor.at + 8 : cursor.at + 9]) is None:
        return None
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


# --- headers that only lead on: what follows ------------------------------------------------------

Step = Callable[[h.ScapyPacket, int, _Cursor], HeaderClass | None]


def _typed(name: str, table: dict[int, HeaderClass]) -> Step:
    """What follows stands in the field ``name``."""
    return lambda header, start, cursor: table.get(header.fields[name])


def _always(cls: HeaderClass) -> Step:
    return lambda header, start, cursor: cls


def _tag(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    value = header.fields["type"]
    if value > 1500:
        return ETHER_TYPES.get(value)
    cursor.end = min(cursor.end, cursor.at + value)
    cursor.wire_end = min(cursor.wire_end, cursor.at + value)
    return h.LLC


def _dot3(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    cursor.end = min(cursor.end, cursor.at + header.fields["len"])
    cursor.wire_end = min(cursor.wire_end, cursor.at + header.fields["len"])
    return h.LLC


def _llc(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    return {0xAA: h.SNAP, 0x06: h.IP}.get(header.fields["dsap"])


def _mpls(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    if not header.fields["s"]:
        return h.MPLS
    first = cursor.view.data[cursor.at : cursor.at + 1]
    if not first:
        return None
    return {4: h.IP, 6: h.IPv6, 0: h.PseudowireWord}.get(first[0] >> 4, h.Ether)


def _pppoe(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    if header.fields["code"]:
        return None
    length = header.fields["len"]
    if length:
        cursor.end = min(cursor.end, cursor.at + length)
        cursor.wire_end = min(cursor.wire_end, cursor.at + length)
    return h.PppProtocol


def _ppp(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    value = header.fields["proto"]
    if type(header) is h.PppProtocol:
        if value == 0xFF03:  # address and control of HDLC framing (RFC 1662)
            return h.PppProtocol
        if value >> 8 & 1:  # an odd first byte is a compressed protocol (RFC 1661 section 6.5)
            cursor.at -= 2
            return h.PppShortProtocol
    return PPP_PROTOCOLS.get(value)


def _gre(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    fields = header.fields
    if fields.get("chksum_present"):
        cursor.view.add_field(start + 4, FieldKind.INTERNET, start)
    protocol = fields["proto"]
    if cursor.view.data[start] & 0x40:
        _skip_source_routes(cursor)
    if protocol == 0x88BE and not fields.get("seqnum_present"):
        return h.Ether  # ERSPAN type I has no header of its own
    if protocol == 0x883E:  # WCCP: a redirect header of 4 bytes, unless IP follows at once
        first = cursor.view.data[cursor.at : cursor.at + 1]
        if first and first[0] >> 4 != 4:
            cursor.at += 4
        return h.IP
    return ETHER_TYPES.get(protocol)


def _skip_source_routes(cursor: _Cursor) -> None:
    """Step over source route entries; one of length 0 ends them (RFC 1701)."""
    data = cursor.view.data
    while cursor.at + 4 <= cursor.end:
        length = data[cursor.at + 3]
        cursor.at += 4 + length
        if not length:
            return


def _vxlan(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    # RFC 7348 section 5: the I flag is set, the others are ignored
    return h.Ether if header.fields["flags"] & 0x08 else None


def _vxlan_gpe(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    fields = header.fields
    return VXLAN_GPE.get(fields["next"]) if fields["flags"] & 0x04 else h.Ether


def _gtp(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    flags = cursor.view.data[start]
    # the optional 4 bytes are there when any of the flags is (3GPP TS 29.281 section 5.1)
    cursor.at = start + (12 if flags & 7 else 8)
    if flags & 4 and cursor.view.data[cursor.at - 1 : cursor.at] != b"\0":
        return h.GtpExtension
    return _by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _gtp_extension(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    if not header.fields["len"]:
        return None
    if header.fields["next_ex"]:
        return h.GtpExtension
    return _by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _l2tp(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    flags = cursor.view.data[start]
    # length, tunnel and session, sequence numbers, offset (RFC 2661 section 3.1)
    cursor.at = start + 6 + (2 if flags & 0x40 else 0) + (4 if flags & 0x08 else 0)
    if flags & 0x02:
        offset = cursor.view.data[cursor.at : cursor.at + 2]
        cursor.at += 2 + int.from_bytes(offset, "big")
    return h.PppProtocol


def _dot11(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    fields = header.fields
    flags = int(fields["FCfield"])
    if fields["type"] != 2 or fields["subtype"] & 4 or flags & 0x40:
        return None  # not data, no data in it, or encrypted
    to_and_from = flags & 3 == 3
    cursor.at = start + (30 if to_and_from else 24)
    if fields["subtype"] & 8:
        qos = cursor.view.data[cursor.at : cursor.at + 1]
        if qos and qos[0] & 0x80:
            return None  # an aggregate of several frames
        cursor.at += 6 if flags & 0x80 else 2
    return h.LLC


def _radiotap(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    cursor.at = start + header.fields["len"]
    return _frame(cursor)


def _frame(cursor: _Cursor) -> HeaderClass | None:
    return h.Dot11


def _nflog(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    head = cursor.view.data[cursor.at : cursor.at + 4]
    if len(head) < 4:
        return None
    length, kind = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:], "little")
    if kind & 0x7FFF != 9:
        return h.NflogTlv if length >= 4 else None
    cursor.end = min(cursor.end, cursor.at + length)
    cursor.wire_end = min(cursor.wire_end, cursor.at + length)
    cursor.at += 4
    return _by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _by_link_type(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    link_type = header.fields["dlt"]
    rest = cursor.view.data[cursor.at : cursor.at + 4]
    return _by_version(rest) if link_type in RAW_LINK_TYPES else _link_header(link_type, rest)


def _address_family(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    return ADDRESS_FAMILIES.get(header.fields["family"])


def _token_ring(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    routing = header.fields["routing"]
    if routing:
        cursor.at = start + 14 + (routing[0] & 0x1F)
    return h.LLC


def _frame_relay(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    protocol = header.fields["protocol"]
    if protocol == 0x0300:  # padding, then the network layer protocol identifier
        cursor.at += 1
        protocol = 0x0300 | int.from_bytes(cursor.view.data[cursor.at - 1 : cursor.at], "big")
    if protocol == 0x0380:
        return h.SNAP
    return {0x03CC: h.IP, 0x038E: h.IPv6}.get(protocol) or ETHER_TYPES.get(protocol)


def _enc(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    family = header.fields["family"]
    order: Literal["little", "big"] = "big" if family[:2] == b"\0\0" else "little"
    return ADDRESS_FAMILIES.get(int.from_bytes(family, order))


def _macsec(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    if header.fields["flags"] & 0x0C:
        return None  # encrypted, or changed
    cursor.at += 2
    return ETHER_TYPES.get(int.from_bytes(cursor.view.data[cursor.at - 2 : cursor.at], "big"))


def _lisp(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    return _by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _tzsp(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    data = cursor.view.data
    while cursor.at < cursor.end and data[cursor.at] != 1:  # the tag that ends the list
        is_padding = data[cursor.at] == 0
        cursor.at += 1 if is_padding else 2 + int.from_bytes(data[cursor.at + 1 : cursor.at + 2])
    cursor.at += 1
    return TZSP_NEXT.get(header.fields["protocol"])


def _teredo(header: h.ScapyPacket, start: int, cursor: _Cursor) -> HeaderClass | None:
    head = cursor.view.data[cursor.at : cursor.at + 2]
    return h.TeredoOrigin if head == b"\0\0" else _by_version(head[:1])


_STEPS: dict[HeaderClass, Step] = {
    h.Ether: _typed("type", ETHER_TYPES),
    h.Dot3: _dot3,
    h.Dot1Q: _tag,
    h.Dot1AD: _tag,
    h.LLC: _llc,
    h.SNAP: _typed("code", ETHER_TYPES),
    h.VnTag: _typed("type", ETHER_TYPES),
    h.BackboneTag: _always(h.Ether),
    h.MPLS: _mpls,
    h.PseudowireWord: _always(h.Ether),
    h.PPPoE: _pppoe,
    h.PppProtocol: _ppp,
    h.PppShortProtocol: _ppp,
    h.CiscoHdlc: _typed("type", ETHER_TYPES),
    h.CookedLinux: _typed("proto", ETHER_TYPES),
    h.CookedLinuxV2: _typed("proto", ETHER_TYPES),
    h.LoopbackBig: _address_family,
    h.LoopbackLittle: _address_family,
    h.PfLog: _address_family,
    h.NflogHeader: _nflog,
    h.NflogTlv: _nflog,
    h.Pktap: _by_link_type,
    h.PpiHeader: _by_link_type,
    h.RadioTap: _radiotap,
    h.PrismHeader: _always(h.Dot11),
    h.AVSWLANHeader: _always(h.Dot11),
    h.Dot11: _dot11,
    h.GRE: _gre,
    h.GRE_PPTP: _always(h.PppProtocol),
    h.ErspanII: _always(h.Ether),
    h.ErspanIII: _always(h.Ether),
    h.EtherIP: _always(h.Ether),
    h.NSH: _typed("nextproto", NSH_NEXT),
    h.VXLAN: _vxlan,
    h.VxlanGpe: _vxlan_gpe,
    h.GENEVE: _typed("proto", ETHER_TYPES),
    h.GTP_U_Header: _gtp,
    h.GtpExtension: _gtp_extension,
    h.L2TP: _l2tp,
    h.TokenRing: _token_ring,
    h.Fddi: _always(h.LLC),
    h.FrameRelay: _frame_relay,
    h.IpOverFibreChannel: _always(h.LLC),
    h.Firewire: _typed("type", ETHER_TYPES),
    h.Enc: _enc,
    h.HsrTag: _typed("type", ETHER_TYPES),
    h.CiscoMetadata: _typed("type", ETHER_TYPES),
    h.Trill: _always(h.Ether),
    h.MacSec: _macsec,
    h.Lisp: _lisp,
    h.Tzsp: _tzsp,
    h.TeredoAuthentication: _teredo,
    h.TeredoOrigin: _teredo,
}
_ENDS: dict[
    HeaderClass,
    Callable[[LayerWalk, h.ScapyPacket, int, _Cursor], Iterator[Found]],
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
