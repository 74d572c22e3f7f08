"""What follows what, by the numbers in headers: everything that can be told without looking."""

from __future__ import annotations

from trimming.engine.strategies.legacy import headers as h

HeaderClass = type[h.ScapyPacket]
# an IPv6 extension header has up to 2048 bytes

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


def is_known(link_type: int) -> bool:
    """Whether packets of this link type are understood."""
    return link_type in LINK_TYPES or link_type in RAW_LINK_TYPES


def by_version(first: bytes) -> HeaderClass | None:
    return {4: h.IP, 6: h.IPv6}.get(first[0] >> 4) if first else None


def link_header(link_type: int, data: bytes) -> HeaderClass | None:
    if link_type == 0 and len(data) >= 4 and int.from_bytes(data[:4], "little") > 0xFFFF:
        return h.LoopbackBig
    if link_type == 50 and data[:1] in (b"\x0f", b"\x8f"):
        return h.CiscoHdlc  # as the registry of link types says
    return LINK_TYPES.get(link_type)
