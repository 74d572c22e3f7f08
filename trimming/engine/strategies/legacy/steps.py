"""Headers that only lead on: what follows each, and where it starts and ends.

Belongs here: one small function for a header whose successor needs a look.  Must not be known here:
IP, TCP and UDP, which end a walk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from trimming.engine.plan import FieldKind
from trimming.engine.strategies.legacy import headers as h
from trimming.engine.strategies.legacy.tables import (
    ADDRESS_FAMILIES,
    ETHER_TYPES,
    NSH_NEXT,
    PPP_PROTOCOLS,
    RAW_LINK_TYPES,
    TZSP_NEXT,
    VXLAN_GPE,
    HeaderClass,
    by_version,
    link_header,
)
from trimming.engine.strategies.legacy.views import View


@dataclass(slots=True)
class Cursor:
    """Where the walk stands: the next header starts at ``at``, what it may use ends at ``end``."""

    view: View
    at: int
    end: int
    wire_end: int
    depth: int = 0
    addresses: tuple[bytes | str, bytes | str] = (b"", b"")
    frame: tuple[int, int, int] | None = None


Step = Callable[[h.ScapyPacket, int, Cursor], HeaderClass | None]


def _typed(name: str, table: dict[int, HeaderClass]) -> Step:
    """What follows stands in the field ``name``."""
    return lambda header, start, cursor: table.get(header.fields[name])


def _always(cls: HeaderClass) -> Step:
    return lambda header, start, cursor: cls


def _tag(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    value = header.fields["type"]
    if value > 1500:
        return ETHER_TYPES.get(value)
    cursor.end = min(cursor.end, cursor.at + value)
    cursor.wire_end = min(cursor.wire_end, cursor.at + value)
    return h.LLC


def _dot3(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    cursor.end = min(cursor.end, cursor.at + header.fields["len"])
    cursor.wire_end = min(cursor.wire_end, cursor.at + header.fields["len"])
    return h.LLC


def _llc(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    return {0xAA: h.SNAP, 0x06: h.IP}.get(header.fields["dsap"])


def _mpls(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    if not header.fields["s"]:
        return h.MPLS
    first = cursor.view.data[cursor.at : cursor.at + 1]
    if not first:
        return None
    return {4: h.IP, 6: h.IPv6, 0: h.PseudowireWord}.get(first[0] >> 4, h.Ether)


def _pppoe(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    if header.fields["code"]:
        return None
    length = header.fields["len"]
    if length:
        cursor.end = min(cursor.end, cursor.at + length)
        cursor.wire_end = min(cursor.wire_end, cursor.at + length)
    return h.PppProtocol


def _ppp(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    value = header.fields["proto"]
    if type(header) is h.PppProtocol:
        if value == 0xFF03:  # address and control of HDLC framing (RFC 1662)
            return h.PppProtocol
        if value >> 8 & 1:  # an odd first byte is a compressed protocol (RFC 1661 section 6.5)
            cursor.at -= 2
            return h.PppShortProtocol
    return PPP_PROTOCOLS.get(value)


def _gre(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
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


def _skip_source_routes(cursor: Cursor) -> None:
    """Step over source route entries; one of length 0 ends them (RFC 1701)."""
    data = cursor.view.data
    while cursor.at + 4 <= cursor.end:
        length = data[cursor.at + 3]
        cursor.at += 4 + length
        if not length:
            return


def _vxlan(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    # RFC 7348 section 5: the I flag is set, the others are ignored
    return h.Ether if header.fields["flags"] & 0x08 else None


def _vxlan_gpe(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    fields = header.fields
    return VXLAN_GPE.get(fields["next"]) if fields["flags"] & 0x04 else h.Ether


def _gtp(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    flags = cursor.view.data[start]
    # the optional 4 bytes are there when any of the flags is (3GPP TS 29.281 section 5.1)
    cursor.at = start + (12 if flags & 7 else 8)
    if flags & 4 and cursor.view.data[cursor.at - 1 : cursor.at] != b"\0":
        return h.GtpExtension
    return by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _gtp_extension(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    if not header.fields["len"]:
        return None
    if header.fields["next_ex"]:
        return h.GtpExtension
    return by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _l2tp(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    flags = cursor.view.data[start]
    # length, tunnel and session, sequence numbers, offset (RFC 2661 section 3.1)
    cursor.at = start + 6 + (2 if flags & 0x40 else 0) + (4 if flags & 0x08 else 0)
    if flags & 0x02:
        offset = cursor.view.data[cursor.at : cursor.at + 2]
        cursor.at += 2 + int.from_bytes(offset, "big")
    return h.PppProtocol


def _dot11(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
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


def _radiotap(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    cursor.at = start + header.fields["len"]
    return h.Dot11


def _nflog(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    if type(header) is h.NflogTlv:
        cursor.at = start + -(-max(header.fields["len"], 4) // 4) * 4
    head = cursor.view.data[cursor.at : cursor.at + 4]
    if len(head) < 4:
        return None
    length, kind = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:], "little")
    if kind & 0x7FFF != 9:
        return h.NflogTlv if length >= 4 else None
    cursor.end = min(cursor.end, cursor.at + length)
    cursor.wire_end = min(cursor.wire_end, cursor.at + length)
    cursor.at += 4
    return by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _by_link_type(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    cursor.at = max(cursor.at, start + header.fields["len"])
    link_type = header.fields["dlt"]
    rest = cursor.view.data[cursor.at : cursor.at + 4]
    return by_version(rest) if link_type in RAW_LINK_TYPES else link_header(link_type, rest)


def _address_family(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    return ADDRESS_FAMILIES.get(header.fields["family"])


def _token_ring(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    routing = header.fields["routing"]
    if routing:
        cursor.at = start + 14 + (routing[0] & 0x1F)
    return h.LLC


def _frame_relay(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    protocol = header.fields["protocol"]
    if protocol == 0x0300:  # padding, then the network layer protocol identifier
        cursor.at += 1
        protocol = 0x0300 | int.from_bytes(cursor.view.data[cursor.at - 1 : cursor.at], "big")
    if protocol == 0x0380:
        return h.SNAP
    return {0x03CC: h.IP, 0x038E: h.IPv6}.get(protocol) or ETHER_TYPES.get(protocol)


def _enc(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    family = header.fields["family"]
    order: Literal["little", "big"] = "big" if family[:2] == b"\0\0" else "little"
    return ADDRESS_FAMILIES.get(int.from_bytes(family, order))


def _macsec(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    if header.fields["flags"] & 0x0C:
        return None  # encrypted, or changed
    cursor.at += 2
    return ETHER_TYPES.get(int.from_bytes(cursor.view.data[cursor.at - 2 : cursor.at], "big"))


def _lisp(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    return by_version(cursor.view.data[cursor.at : cursor.at + 1])


def _tzsp(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    data = cursor.view.data
    while cursor.at < cursor.end and data[cursor.at] != 1:  # the tag that ends the list
        is_padding = data[cursor.at] == 0
        cursor.at += 1 if is_padding else 2 + int.from_bytes(data[cursor.at + 1 : cursor.at + 2])
    cursor.at += 1
    return TZSP_NEXT.get(header.fields["protocol"])


def _teredo(header: h.ScapyPacket, start: int, cursor: Cursor) -> HeaderClass | None:
    head = cursor.view.data[cursor.at : cursor.at + 2]
    return h.TeredoOrigin if head == b"\0\0" else by_version(head[:1])


STEPS: dict[HeaderClass, Step] = {
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
