"""What lies around an IP packet: link layers and tunnels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from tests.captures.packets import Checksum, inet_checksum, stated_checksum

ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_ETHERNET = 0x0800, 0x86DD, 0x6558
ETHERTYPE_MPLS, ETHERTYPE_PPPOE = 0x8847, 0x8864
ETHERTYPE_VLAN, ETHERTYPE_QINQ = 0x8100, 0x88A8

LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_RAW, LINK_LOOP = 0, 1, 9, 101, 108
LINK_SLL, LINK_IPV4, LINK_IPV6, LINK_SLL2 = 113, 228, 229, 276


def _ethertype_of(inner: bytes) -> int:
    return ETHERTYPE_IPV6 if inner[:1] and inner[0] >> 4 == 6 else ETHERTYPE_IPV4


def ethernet(
    inner: bytes,
    *,
    ethertype: int | None = None,
    vlans: Sequence[tuple[int, int]] = (),
    padding_to: int = 0,
    padding_byte: int = 0,
    fcs: bool = False,
    fcs_right: bool = True,
    dst: bytes = b"\x02\0\0\0\0\2",
    src: bytes = b"\x02\0\0\0\0\1",
) -> bytes:
    """Return an Ethernet frame.

    ``ethertype`` follows from the IP version unless given.  ``vlans`` are (tag protocol, id) from
    the outside.  ``padding_to`` is the least length of the frame without its check sequence.
    """
    tags = b"".join(struct.pack(">HH", tpid, vid) for tpid, vid in vlans)
    kind = struct.pack(">H", _ethertype_of(inner) if ethertype is None else ethertype)
    frame = (dst + src + tags + kind + inner).ljust(padding_to, bytes([padding_byte]))
    check = zlib.crc32(frame) ^ (0 if fcs_right else 0x1234)
    return frame + (struct.pack("<I", check) if fcs else b"")


def mpls(inner: bytes, labels: Sequence[int] = (16,)) -> bytes:
    """Return ``inner`` under a stack of labels (for ethertype ETHERTYPE_MPLS)."""
    last = len(labels) - 1
    words = (label << 12 | (0x100 if n == last else 0) | 64 for n, label in enumerate(labels))
    return b"".join(struct.pack(">I", word) for word in words) + inner


def ppp(inner: bytes, *, hdlc: bool = True) -> bytes:
    """Return a PPP frame with an IP packet; ``hdlc`` puts address and control before it."""
    protocol = b"\x00\x57" if _ethertype_of(inner) == ETHERTYPE_IPV6 else b"\x00\x21"
    return (b"\xff\x03" if hdlc else b"") + protocol + inner


def pppoe(inner: bytes, *, session: int = 1) -> bytes:
    """Return a PPPoE session packet (for ethertype ETHERTYPE_PPPOE)."""
    payload = ppp(inner, hdlc=False)
    return struct.pack(">BBHH", 0x11, 0, session, len(payload)) + payload


def gre(
    inner: bytes,
    *,
    key: int | None = None,
    seq: int | None = None,
    checksum: bool | Checksum = False,
    proto: int | None = None,
) -> bytes:
    """Return a GRE packet (RFC 2784, RFC 2890), an IP payload of protocol 47."""
    stated: Checksum | None = (
        checksum if isinstance(checksum, str) else ("right" if checksum else None)
    )
    flags = (0x8000 if stated else 0) | (0x2000 if key is not None else 0)
    flags |= 0x1000 if seq is not None else 0
    head = struct.pack(">HH", flags, _ethertype_of(inner) if proto is None else proto)
    rest = b"".join(struct.pack(">I", value) for value in (key, seq) if value is not None)
    if stated is None:
        return head + rest + inner
    value = stated_checksum(inet_checksum(head + bytes(4) + rest + inner), stated)
    return head + struct.pack(">HH", value, 0) + rest + inner


def vxlan(inner_frame: bytes, vni: int = 1) -> bytes:
    """Return a UDP payload for port 4789 with an Ethernet frame in it (RFC 7348)."""
    return struct.pack(">II", 0x08000000, vni << 8) + inner_frame


def geneve(
    inner: bytes, *, proto: int = ETHERTYPE_ETHERNET, options: bytes = b"", vni: int = 1
) -> bytes:
    """Return a UDP payload for port 6081 (RFC 8926); ``options`` are a multiple of 4 bytes."""
    return struct.pack(">BBHI", len(options) // 4, 0, proto, vni << 8) + options + inner


def gtpu(inner_ip: bytes, teid: int = 1, *, sequence: int | None = None) -> bytes:
    """Return a UDP payload for port 2152 with an IP packet in it (3GPP TS 29.281)."""
    extra = b"" if sequence is None else struct.pack(">HBB", sequence, 0, 0)
    flags = 0x30 if sequence is None else 0x32
    return struct.pack(">BBHI", flags, 0xFF, len(extra) + len(inner_ip), teid) + extra + inner_ip


def sll(inner: bytes, *, ethertype: int | None = None) -> bytes:
    """Return a Linux cooked frame, version 1 (LINK_SLL)."""
    kind = _ethertype_of(inner) if ethertype is None else ethertype
    return struct.pack(">HHH8sH", 0, 1, 6, b"\x02\0\0\0\0\1", kind) + inner


def sll2(inner: bytes, *, ethertype: int | None = None) -> bytes:
    """Return a Linux cooked frame, version 2 (LINK_SLL2)."""
    kind = _ethertype_of(inner) if ethertype is None else ethertype
    return struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, b"\x02\0\0\0\0\1") + inner


def null_loopback(inner: bytes, byte_order: str = "<", *, family: int | None = None) -> bytes:
    """Return a loopback frame (LINK_NULL, or LINK_LOOP with byte order ">")."""
    derived = 30 if _ethertype_of(inner) == ETHERTYPE_IPV6 else 2
    return struct.pack(byte_order + "I", derived if family is None else family) + inner


def raw(inner: bytes) -> bytes:
    """Return an IP packet as it is (LINK_RAW, LINK_IPV4, LINK_IPV6)."""
    return inner
