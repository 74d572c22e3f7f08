"""The headers that may lie around a payload, and the numbers that announce them.

Sources: IANA's registries of protocol numbers, Ethernet types, PPP protocols and UDP ports; the
list of link-layer header types at tcpdump.org.
"""

from __future__ import annotations

from enum import Enum, auto


class Header(Enum):
    """A kind of header."""

    # the frame
    ETHERNET = auto()
    TAG = auto()  # IEEE 802.1Q, 802.1ad
    LLC = auto()
    SNAP = auto()
    VN_TAG = auto()
    BACKBONE_TAG = auto()
    HSR = auto()
    CISCO_METADATA = auto()
    TRILL = auto()
    MACSEC = auto()
    MPLS = auto()
    PSEUDOWIRE_WORD = auto()
    PPPOE = auto()
    PPP = auto()
    PPP_COMPRESSED = auto()
    CISCO_HDLC = auto()
    # other beginnings of a packet
    COOKED = auto()
    COOKED_2 = auto()
    LOOPBACK_BIG = auto()
    LOOPBACK_LITTLE = auto()
    PFLOG = auto()
    NFLOG = auto()
    NFLOG_ATTRIBUTE = auto()
    PKTAP = auto()
    PPI = auto()
    RADIOTAP = auto()
    PRISM = auto()
    AVS = auto()
    WLAN = auto()
    TOKEN_RING = auto()
    FDDI = auto()
    FRAME_RELAY = auto()
    FIBRE_CHANNEL = auto()
    FIREWIRE = auto()
    ENC = auto()
    # tunnels
    GRE = auto()
    ERSPAN_II = auto()
    ERSPAN_III = auto()
    ETHERIP = auto()
    NSH = auto()
    VXLAN = auto()
    VXLAN_GPE = auto()
    GENEVE = auto()
    GTP_U = auto()
    GTP_U_EXTENSION = auto()
    L2TP = auto()
    LISP = auto()
    TZSP = auto()
    TEREDO = auto()
    TEREDO_ORIGIN = auto()
    TEREDO_AUTHENTICATION = auto()
    # IP and what it carries
    IPV4 = auto()
    IPV6 = auto()
    EXTENSION = auto()
    AUTHENTICATION = auto()
    FRAGMENT = auto()
    TCP = auto()
    UDP = auto()
    ICMP = auto()
    ICMPV6 = auto()


ETHER_TYPES = {
    0x0001: Header.ETHERNET,  # of Linux's cooked frames: IEEE 802.3
    0x0004: Header.LLC,  # the same: IEEE 802.2
    0x0800: Header.IPV4,
    0x22EB: Header.ERSPAN_III,
    0x22F3: Header.TRILL,
    0x6558: Header.ETHERNET,
    0x8100: Header.TAG,
    0x86DD: Header.IPV6,
    0x880B: Header.PPP,
    0x8847: Header.MPLS,
    0x8848: Header.MPLS,
    0x8864: Header.PPPOE,
    0x88A8: Header.TAG,
    0x88BE: Header.ERSPAN_II,
    0x88E5: Header.MACSEC,
    0x88E7: Header.BACKBONE_TAG,
    0x8909: Header.CISCO_METADATA,
    0x8926: Header.VN_TAG,
    0x892F: Header.HSR,
    0x894F: Header.NSH,
    0x9100: Header.TAG,
    0x9200: Header.TAG,
}
LONGEST_802_3 = 1500  # up to here an Ethernet type is a length

IP_PROTOCOLS = {
    1: Header.ICMP,
    4: Header.IPV4,
    6: Header.TCP,
    17: Header.UDP,
    41: Header.IPV6,
    47: Header.GRE,
    51: Header.AUTHENTICATION,
    97: Header.ETHERIP,
    137: Header.MPLS,
}
IPV6_NEXT_HEADERS = IP_PROTOCOLS | {
    0: Header.EXTENSION,
    43: Header.EXTENSION,
    44: Header.FRAGMENT,
    58: Header.ICMPV6,
    60: Header.EXTENSION,
    135: Header.EXTENSION,
}
UDP_PORTS = {
    1701: Header.L2TP,
    2152: Header.GTP_U,
    3544: Header.TEREDO,
    4341: Header.LISP,
    4789: Header.VXLAN,
    4790: Header.VXLAN_GPE,
    6081: Header.GENEVE,
    6635: Header.MPLS,
    8472: Header.VXLAN,
    37008: Header.TZSP,
}
DNS_PORT = 53
PPP_PROTOCOLS = {
    0x0021: Header.IPV4,
    0x0057: Header.IPV6,
    0x0281: Header.MPLS,
    0x0283: Header.MPLS,
}
NSH_PROTOCOLS = {1: Header.IPV4, 2: Header.IPV6, 3: Header.ETHERNET, 5: Header.MPLS}
VXLAN_GPE_PROTOCOLS = NSH_PROTOCOLS | {4: Header.NSH}
TZSP_PROTOCOLS = {1: Header.ETHERNET, 18: Header.WLAN}
# IPv6's number is another one on Linux, NetBSD, FreeBSD and macOS
ADDRESS_FAMILIES = {2: Header.IPV4} | dict.fromkeys((10, 24, 28, 30), Header.IPV6)

ETHERNET, WLAN, RADIOTAP = 1, 105, 127
LINK_TYPES = {
    0: Header.LOOPBACK_LITTLE,
    ETHERNET: Header.ETHERNET,
    6: Header.TOKEN_RING,
    9: Header.PPP,
    10: Header.FDDI,
    50: Header.PPP,
    51: Header.PPPOE,
    100: Header.LLC,
    104: Header.CISCO_HDLC,
    WLAN: Header.WLAN,
    107: Header.FRAME_RELAY,
    108: Header.LOOPBACK_BIG,
    109: Header.ENC,
    113: Header.COOKED,
    117: Header.PFLOG,
    119: Header.PRISM,
    122: Header.FIBRE_CHANNEL,
    RADIOTAP: Header.RADIOTAP,
    138: Header.FIREWIRE,
    149: Header.PKTAP,
    163: Header.AVS,
    192: Header.PPI,
    228: Header.IPV4,
    229: Header.IPV6,
    239: Header.NFLOG,
    258: Header.PKTAP,
    276: Header.COOKED_2,
}
RAW_LINK_TYPES = frozenset((12, 14, 101))


def is_known(link_type: int) -> bool:
    """Whether packets of this link type are understood."""
    return link_type in LINK_TYPES or link_type in RAW_LINK_TYPES


def first_header(link_type: int, data: bytes) -> Header | None:
    """Return the first header of a packet of a link type; ``data`` are its first 4 bytes or more.

    None where the link type is not known, or where nothing follows.
    """
    if link_type in RAW_LINK_TYPES:
        return by_version(data[:1])
    if link_type == 0 and len(data) >= 4 and data[2:4] != b"\0\0":
        return Header.LOOPBACK_BIG  # an address family is small, so the writer's order is told
    if link_type == 50 and data[:1] in (b"\x0f", b"\x8f"):
        return Header.CISCO_HDLC  # as the list of link types says
    return LINK_TYPES.get(link_type)


def by_version(first: bytes) -> Header | None:
    """Return the IP header that starts with the byte ``first``; None where there is none."""
    if not first:
        return None
    return {4: Header.IPV4, 6: Header.IPV6}.get(first[0] >> 4)
