"""Scapy's classes for the headers that may lie around TCP, and those that Scapy does not have.

A layer is decoded one header at a time: Scapy reads the header, the tables of ``layers`` say what
follows.  Scapy's own guessing (by port, by registration order) is not asked.
"""

from __future__ import annotations

from scapy.contrib.avs import AVSWLANHeader
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.fields import (
    BitField,
    ByteField,
    FieldLenField,
    IntField,
    LEIntField,
    LEShortField,
    ShortField,
    StrFixedLenField,
    StrLenField,
)
from scapy.layers import inet
from scapy.layers.dot11 import Dot11, Dot11QoS, PrismHeader
from scapy.layers.inet import ICMP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import (
    GRE,
    GRE_PPTP,
    LLC,
    SNAP,
    CookedLinux,
    CookedLinuxV2,
    Dot1AD,
    Dot1Q,
    Dot3,
    Ether,
)
from scapy.layers.l2tp import L2TP
from scapy.layers.ppp import PPPoE
from scapy.packet import Packet as ScapyPacket

__all__ = [
    "GENEVE",
    "GRE",
    "GRE_PPTP",
    "ICMP",
    "IP",
    "L2TP",
    "LLC",
    "MPLS",
    "NSH",
    "SNAP",
    "TCP",
    "UDP",
    "VXLAN",
    "AVSWLANHeader",
    "AuthenticationHeader",
    "BackboneTag",
    "CiscoHdlc",
    "CiscoMetadata",
    "CookedLinux",
    "CookedLinuxV2",
    "Dot1AD",
    "Dot1Q",
    "Dot3",
    "Dot11",
    "Dot11QoS",
    "Enc",
    "ErspanII",
    "ErspanIII",
    "Ether",
    "EtherIP",
    "ExtensionHeader",
    "Fddi",
    "Firewire",
    "FragmentHeader",
    "FrameRelay",
    "GTP_U_Header",
    "GtpExtension",
    "HsrTag",
    "IPv6",
    "Icmp6",
    "IpOverFibreChannel",
    "Lisp",
    "LoopbackBig",
    "LoopbackLittle",
    "MacSec",
    "NflogHeader",
    "NflogTlv",
    "PPPoE",
    "PfLog",
    "Pktap",
    "PpiHeader",
    "PppProtocol",
    "PppShortProtocol",
    "PrismHeader",
    "PseudowireWord",
    "RadioTap",
    "ScapyPacket",
    "TeredoAuthentication",
    "TeredoOrigin",
    "TokenRing",
    "Trill",
    "Tzsp",
    "VnTag",
    "VxlanGpe",
]


class IP(ScapyPacket):
    """Scapy's IPv4, whose options are stepped over: malformed ones must not hide a packet."""

    name = "IP"
    fields_desc = [
        *inet.IP.fields_desc[:-1],
        StrLenField("options", b"", length_from=lambda p: max(4 * p.ihl - 20, 0)),
    ]


class TCP(ScapyPacket):
    """Scapy's TCP, the same."""

    name = "TCP"
    fields_desc = [
        *inet.TCP.fields_desc[:-1],
        StrLenField("options", b"", length_from=lambda p: max(4 * p.dataofs - 20, 0)),
    ]


class RadioTap(ScapyPacket):
    """The head of radiotap, which states its length; what it tells of the radio is not read."""

    name = "RadioTap"
    fields_desc = [ByteField("version", 0), ByteField("pad", 0), LEShortField("len", 8)]


class CiscoHdlc(ScapyPacket):
    """Cisco HDLC: address, control, Ethernet type."""

    name = "CiscoHDLC"
    fields_desc = [ByteField("address", 0), ByteField("control", 0), ShortField("type", 0)]


class PppProtocol(ScapyPacket):
    """The two-byte protocol number of PPP (RFC 1661 section 2)."""

    name = "PPP"
    fields_desc = [ShortField("proto", 0)]


class PppShortProtocol(ScapyPacket):
    """The same, compressed to one byte."""

    name = "PPP-PFC"
    fields_desc = [ByteField("proto", 0)]


class ExtensionHeader(ScapyPacket):
    """Any IPv6 extension header counted in units of 8 bytes (RFC 6564)."""

    name = "IPv6Ext"
    fields_desc = [
        ByteField("nh", 0),
        ByteField("len", 0),
        StrLenField("data", b"", length_from=lambda p: 6 + 8 * p.len),
    ]


class AuthenticationHeader(ScapyPacket):
    """IP Authentication Header, counted in units of 4 bytes (RFC 4302)."""

    name = "AH"
    fields_desc = [
        ByteField("nh", 0),
        ByteField("len", 0),
        StrLenField("data", b"", length_from=lambda p: 4 * p.len + 6),
    ]


class FragmentHeader(ScapyPacket):
    """IPv6 fragment header (RFC 8200 section 4.5)."""

    name = "IPv6Frag"
    fields_desc = [
        ByteField("nh", 0),
        ByteField("reserved", 0),
        BitField("offset", 0, 13),
        BitField("reserved2", 0, 2),
        BitField("m", 0, 1),
        IntField("id", 0),
    ]


class Icmp6(ScapyPacket):
    """The part that all ICMPv6 messages have (RFC 4443)."""

    name = "ICMP6"
    fields_desc = [
        ByteField("type", 0),
        ByteField("code", 0),
        ShortField("cksum", 0),
        IntField("unused", 0),
    ]


class EtherIP(ScapyPacket):
    """Ethernet within IP (RFC 3378)."""

    name = "EtherIP"
    fields_desc = [ShortField("version", 0x3000)]


class VnTag(ScapyPacket):
    """VN-Tag (IEEE 802.1BR's forerunner)."""

    name = "VNTAG"
    fields_desc = [IntField("tag", 0), ShortField("type", 0)]


class BackboneTag(ScapyPacket):
    """The I-TAG of IEEE 802.1ah; the customer's frame follows."""

    name = "PBB"
    fields_desc = [IntField("tag", 0)]


class ErspanII(ScapyPacket):
    """ERSPAN type II."""

    name = "ERSPAN-II"
    fields_desc = [StrFixedLenField("head", b"", 8)]


class ErspanIII(ScapyPacket):
    """ERSPAN type III, with its optional platform subheader."""

    name = "ERSPAN-III"
    fields_desc = [
        StrFixedLenField("head", b"", 11),
        ByteField("flags", 0),
        StrLenField("platform", b"", length_from=lambda p: 8 if p.flags & 1 else 0),
    ]


class PseudowireWord(ScapyPacket):
    """The control word of a pseudowire (RFC 4385)."""

    name = "PWCW"
    fields_desc = [IntField("word", 0)]


class GtpExtension(ScapyPacket):
    """An extension header of GTP-U, counted in units of 4 bytes (3GPP TS 29.281 section 5.2)."""

    name = "GTPExt"
    fields_desc = [
        ByteField("len", 1),
        StrLenField("data", b"", length_from=lambda p: 4 * p.len - 2),
        ByteField("next_ex", 0),
    ]


class TeredoAuthentication(ScapyPacket):
    """Teredo authentication indicator (RFC 4380 section 5.1.1)."""

    name = "TeredoAuth"
    fields_desc = [
        ShortField("indicator", 1),
        ByteField("client_len", 0),
        ByteField("auth_len", 0),
        StrLenField("data", b"", length_from=lambda p: p.client_len + p.auth_len + 9),
    ]


class TeredoOrigin(ScapyPacket):
    """Teredo origin indicator (RFC 4380 section 5.1.1)."""

    name = "TeredoOrigin"
    fields_desc = [ShortField("indicator", 0), StrFixedLenField("data", b"", 6)]


class LoopbackBig(ScapyPacket):
    """An address family in network byte order."""

    name = "LOOP"
    fields_desc = [IntField("family", 2)]


class LoopbackLittle(ScapyPacket):
    """An address family in little-endian byte order."""

    name = "NULL"
    fields_desc = [LEIntField("family", 2)]


class NflogHeader(ScapyPacket):
    """The head of a Linux NFLOG record; attributes follow."""

    name = "NFLOG"
    fields_desc = [ByteField("family", 2), ByteField("version", 0), ShortField("resource", 0)]


class NflogTlv(ScapyPacket):
    """The head of an NFLOG attribute other than the payload; it is padded to 4 bytes."""

    name = "NFLOG-TLV"
    fields_desc = [
        LEShortField("len", 4),
        LEShortField("type", 0),
    ]


class PfLog(ScapyPacket):
    """The head of a BSD packet filter log record."""

    name = "PFLOG"
    fields_desc = [
        ByteField("len", 61),
        ByteField("family", 2),
        StrLenField("data", b"", length_from=lambda p: -(-max(p.len, 2) // 4) * 4 - 2),
    ]


class Pktap(ScapyPacket):
    """The head of Apple's PKTAP header; then a frame of the link type that it names."""

    name = "PKTAP"
    fields_desc = [
        LEIntField("len", 108),
        LEIntField("next", 1),
        LEIntField("dlt", 1),
    ]


class PpiHeader(ScapyPacket):
    """The head of per-packet information; then a frame of the link type that it names."""

    name = "PPI"
    fields_desc = [
        ByteField("version", 0),
        ByteField("flags", 0),
        FieldLenField("len", None, fmt="<H"),
        LEIntField("dlt", 1),
    ]


class TokenRing(ScapyPacket):
    """IEEE 802.5, with the routing field that the first bit of the source address announces."""

    name = "TokenRing"
    fields_desc = [
        StrFixedLenField("head", b"", 8),
        StrFixedLenField("source", b"", 6),
        StrLenField("routing", b"", length_from=lambda p: p.source[0] & 0x80 and 2),
    ]


class Fddi(ScapyPacket):
    """FDDI: frame control and two addresses."""

    name = "FDDI"
    fields_desc = [StrFixedLenField("head", b"", 13)]


class FrameRelay(ScapyPacket):
    """Frame relay with a two-byte address (RFC 2427); what follows is told by ``protocol``."""

    name = "FR"
    fields_desc = [ShortField("address", 0), ShortField("protocol", 0)]


class IpOverFibreChannel(ScapyPacket):
    """The network header of RFC 2625."""

    name = "IPFC"
    fields_desc = [StrFixedLenField("head", b"", 16)]


class Firewire(ScapyPacket):
    """Apple's IP over IEEE 1394."""

    name = "IEEE1394"
    fields_desc = [StrFixedLenField("head", b"", 16), ShortField("type", 0)]


class Enc(ScapyPacket):
    """OpenBSD's encapsulating interface."""

    name = "ENC"
    fields_desc = [StrFixedLenField("family", b"", 4), StrFixedLenField("rest", b"", 8)]


class HsrTag(ScapyPacket):
    """The tag of High-availability Seamless Redundancy (IEC 62439-3)."""

    name = "HSR"
    fields_desc = [ShortField("size", 0), ShortField("sequence", 0), ShortField("type", 0)]


class CiscoMetadata(ScapyPacket):
    """Cisco metadata, counted in units of 4 bytes; the Ethernet type follows."""

    name = "CMD"
    fields_desc = [
        ByteField("version", 1),
        ByteField("len", 1),
        StrLenField("data", b"", length_from=lambda p: 4 * p.len),
        ShortField("type", 0),
    ]


class Trill(ScapyPacket):
    """TRILL (RFC 6325); options are counted in units of 4 bytes."""

    name = "TRILL"
    fields_desc = [
        ShortField("flags", 0),
        ShortField("egress", 0),
        ShortField("ingress", 0),
        StrLenField("options", b"", length_from=lambda p: 4 * (p.flags >> 6 & 0x1F)),
    ]


class MacSec(ScapyPacket):
    """The tag of IEEE 802.1AE; the Ethernet type follows where nothing is encrypted."""

    name = "MACsec"
    fields_desc = [
        ByteField("flags", 0),
        ByteField("short_length", 0),
        IntField("packet_number", 0),
        StrLenField("sci", b"", length_from=lambda p: 8 if p.flags & 0x20 else 0),
    ]


class Lisp(ScapyPacket):
    """The data header of LISP (RFC 9300)."""

    name = "LISP"
    fields_desc = [StrFixedLenField("head", b"", 8)]


class NSH(ScapyPacket):
    """Network Service Header (RFC 8300); its length is counted in units of 4 bytes."""

    name = "NSH"
    fields_desc = [
        BitField("flags", 0, 10),
        BitField("len", 2, 6),
        ByteField("metadata_type", 2),
        ByteField("nextproto", 1),
        IntField("path", 0),
        StrLenField("context", b"", length_from=lambda p: max(4 * p.len - 8, 0)),
    ]


class VXLAN(ScapyPacket):
    """VXLAN (RFC 7348), whatever the flags besides I are used for by others."""

    name = "VXLAN"
    fields_desc = [ByteField("flags", 0x08), StrFixedLenField("rest", b"", 7)]


class VxlanGpe(ScapyPacket):
    """VXLAN with a next protocol (draft-ietf-nvo3-vxlan-gpe)."""

    name = "VXLAN-GPE"
    fields_desc = [
        ByteField("flags", 0x0C),
        ShortField("reserved", 0),
        ByteField("next", 3),
        IntField("vni", 0),
    ]


class Tzsp(ScapyPacket):
    """The head of TaZmen Sniffer Protocol; tags follow."""

    name = "TZSP"
    fields_desc = [ByteField("version", 1), ByteField("kind", 0), ShortField("protocol", 1)]
