"""IP packets: TCP and UDP in IPv4 and IPv6, whole or in fragments."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Checksum = Literal["right", "wrong", "zero", "partial"]

TCP, UDP, GRE, ICMP, ICMPV6 = 6, 17, 47, 1, 58
FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}


def inet_checksum(data: bytes) -> int:
    """Return the Internet checksum of ``data`` (RFC 1071)."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def stated_checksum(right: int, checksum: Checksum) -> int:
    # the difference is neither 0 nor all ones, so that the wrong one is wrong in every arithmetic
    if checksum == "wrong":
        return right ^ 0x1234
    return 0 if checksum == "zero" else right


@dataclass(frozen=True)
class Transport:
    """A TCP segment or UDP datagram whose checksum waits for the addresses."""

    protocol: int
    header: bytes  # with a checksum field of 0
    payload: bytes
    checksum_at: int
    checksum: Checksum = "right"

    def over(self, source: bytes, destination: bytes) -> bytes:
        """Return the bytes between two addresses (4 or 16 bytes each)."""
        length = len(self.header) + len(self.payload)
        if len(source) == 4:
            rest = struct.pack(">BBH", 0, self.protocol, length & 0xFFFF)
        else:
            rest = struct.pack(">II", length, self.protocol)
        pseudo = source + destination + rest
        if self.checksum == "partial":  # left to the network card: the sum of the pseudo header
            value = ~inet_checksum(pseudo) & 0xFFFF
        else:
            value = inet_checksum(pseudo + self.header + self.payload)
            if self.protocol == UDP:
                value = value or 0xFFFF
            value = stated_checksum(value, self.checksum)
        at = self.checksum_at
        header = self.header[:at] + struct.pack(">H", value) + self.header[at + 2 :]
        return header + self.payload


def tcp(
    payload: bytes = b"",
    *,
    sport: int = 40000,
    dport: int = 80,
    seq: int = 1000,
    ack: int = 0,
    flags: str = "PA",
    options: bytes = b"",
    window: int = 65535,
    checksum: Checksum = "right",
) -> Transport:
    """Return a TCP segment; ``flags`` are letters of FSRPAUEC, options are padded to 4 bytes."""
    options += bytes(-len(options) % 4)
    bits = sum(FLAG_BITS[letter] for letter in flags)
    header = struct.pack(
        ">HHIIBBHHH",
        sport,
        dport,
        seq % 2**32,
        ack % 2**32,
        (5 + len(options) // 4) << 4,
        bits,
        window,
        0,
        0,
    )
    return Transport(TCP, header + options, payload, 16, checksum)


def udp(
    payload: bytes = b"", *, sport: int = 40000, dport: int = 53, checksum: Checksum = "right"
) -> Transport:
    """Return a UDP datagram."""
    header = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0)
    return Transport(UDP, header, payload, 6, checksum)


def _protocol_of(inner: Transport | bytes) -> int:
    if isinstance(inner, Transport):
        return inner.protocol
    return {4: 4, 6: 41}.get(inner[0] >> 4 if inner else 0, GRE)


def ipv4(
    inner: Transport | bytes,
    *,
    src: str = "10.0.0.1",
    dst: str = "10.0.0.2",
    proto: int | None = None,
    ttl: int = 64,
    ident: int = 1,
    flags_mf: bool = False,
    frag_offset: int = 0,
    total_length: int | None = None,
    options: bytes = b"",
    checksum: Checksum = "right",
) -> bytes:
    """Return an IPv4 packet.

    ``frag_offset`` is in bytes.  ``total_length`` of 0 is what segmentation offload writes.
    Without ``proto``, bytes are taken for IP by their first nibble, else for GRE.
    """
    source, destination = ipaddress.IPv4Address(src).packed, ipaddress.IPv4Address(dst).packed
    body = inner.over(source, destination) if isinstance(inner, Transport) else inner
    options += bytes(-len(options) % 4)
    size = 20 + len(options)
    header = struct.pack(
        ">BBHHHBBH4s4s",
        0x40 | size // 4,
        0,
        size + len(body) if total_length is None else total_length,
        ident,
        frag_offset // 8 | (0x2000 if flags_mf else 0),
        ttl,
        _protocol_of(inner) if proto is None else proto,
        0,
        source,
        destination,
    )
    header += options
    field = struct.pack(">H", stated_checksum(inet_checksum(header), checksum))
    return header[:10] + field + header[12:] + body


def ipv6(
    inner: Transport | bytes,
    *,
    src: str = "fd00::1",
    dst: str = "fd00::2",
    next_header: int | None = None,
    payload_length: int | None = None,
    extension_headers: Sequence[tuple[int, bytes]] = (),
    hop_limit: int = 64,
) -> bytes:
    """Return an IPv6 packet.

    ``extension_headers`` are (number, whole header) in order; the first byte of each is replaced by
    what follows it.  ``payload_length`` of 0 is what segmentation offload writes.
    """
    source, destination = ipaddress.IPv6Address(src).packed, ipaddress.IPv6Address(dst).packed
    body = inner.over(source, destination) if isinstance(inner, Transport) else inner
    following = _protocol_of(inner) if next_header is None else next_header
    for number, extension in reversed(extension_headers):
        body = bytes([following]) + extension[1:] + body
        following = number
    length = len(body) if payload_length is None else payload_length
    return struct.pack(">IHBB", 6 << 28, length, following, hop_limit) + source + destination + body


def pieces_of(data: bytes, sizes: Sequence[int]) -> list[tuple[int, bytes]]:
    """Cut ``data`` into (offset, piece); what ``sizes`` leave is one last piece."""
    pieces, at = [], 0
    for size in sizes:
        if at < len(data):
            pieces.append((at, data[at : at + size]))
        at += size
    if at < len(data):
        pieces.append((at, data[at:]))
    return pieces


def fragments_of_ipv4(packet: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut an IPv4 packet into fragments of ``sizes`` payload bytes, multiples of 8 but the last."""
    size = (packet[0] & 15) * 4
    header, body = packet[:size], packet[size:]
    fragments = []
    for offset, piece in pieces_of(body, sizes):
        more = 0x2000 if offset + len(piece) < len(body) else 0
        words = struct.pack(
            ">HHH", size + len(piece), *struct.unpack(">H", header[4:6]), offset // 8 | more
        )
        head = header[:2] + words + header[8:10] + b"\0\0" + header[12:]
        fragments.append(head[:10] + struct.pack(">H", inet_checksum(head)) + head[12:] + piece)
    return fragments


def fragments_of_ipv6(packet: bytes, sizes: Sequence[int], *, ident: int = 1) -> list[bytes]:
    """As fragments_of_ipv4, with a Fragment header straight behind the IPv6 header."""
    header, body = packet[:40], packet[40:]
    fragments = []
    for offset, piece in pieces_of(body, sizes):
        more = int(offset + len(piece) < len(body))
        extension = struct.pack(">BBHI", header[6], 0, offset | more, ident)
        length = struct.pack(">H", len(piece) + 8)
        fragments.append(header[:4] + length + b"\x2c" + header[7:] + extension + piece)
    return fragments
