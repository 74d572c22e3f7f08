"""Captures built in code, from the HTTP message outwards to the file.

Belongs here: bytes that a test puts together, right in every checksum unless it asks otherwise.
Must not be known here: the engine (a builder that shares code with what it tests proves nothing).

Every builder takes what is inside and returns the bytes around it, so they nest:
``pcap([ethernet(ipv4(tcp(request())))])``.  All lengths and offsets are in bytes.
"""

from __future__ import annotations

import ipaddress
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Checksum = Literal["right", "wrong", "zero", "partial"]
Direction = Literal["client", "server"]
Cut = int | Sequence[int] | None

START_SECONDS = 1_700_000_000
PACKET_INTERVAL_NS = 1_000_000
MSS_BYTES = 1460

TCP, UDP, GRE, ICMP, ICMPV6 = 6, 17, 47, 1, 58
ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_ETHERNET = 0x0800, 0x86DD, 0x6558
ETHERTYPE_MPLS, ETHERTYPE_PPPOE = 0x8847, 0x8864
ETHERTYPE_VLAN, ETHERTYPE_QINQ = 0x8100, 0x88A8

LINK_NULL, LINK_ETHERNET, LINK_PPP, LINK_RAW, LINK_LOOP = 0, 1, 9, 101, 108
LINK_SLL, LINK_IPV4, LINK_IPV6, LINK_SLL2 = 113, 228, 229, 276

FLAG_BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}


# --- transport -------------------------------------------------------------------------------


def inet_checksum(data: bytes) -> int:
    """Return the Internet checksum of ``data`` (RFC 1071)."""
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _stated(right: int, checksum: Checksum) -> int:
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
            value = _stated(value, self.checksum)
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


# --- network ---------------------------------------------------------------------------------


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
    field = struct.pack(">H", _stated(inet_checksum(header), checksum))
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


def _pieces(data: bytes, sizes: Sequence[int]) -> list[tuple[int, bytes]]:
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
    for offset, piece in _pieces(body, sizes):
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
    for offset, piece in _pieces(body, sizes):
        more = int(offset + len(piece) < len(body))
        extension = struct.pack(">BBHI", header[6], 0, offset | more, ident)
        length = struct.pack(">H", len(piece) + 8)
        fragments.append(header[:4] + length + b"\x2c" + header[7:] + extension + piece)
    return fragments


# --- link and tunnels ------------------------------------------------------------------------


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
    value = _stated(inet_checksum(head + bytes(4) + rest + inner), stated)
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


# --- pcap ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """A frame with what a record says about it; None leaves the default."""

    data: bytes
    timestamp_ns: int | None = None
    original_len: int | None = None


def _frame(packet: bytes | Frame) -> Frame:
    return packet if isinstance(packet, Frame) else Frame(packet)


def _timestamp_ns(frame: Frame, index: int) -> int:
    if frame.timestamp_ns is not None:
        return frame.timestamp_ns
    return START_SECONDS * 1_000_000_000 + index * PACKET_INTERVAL_NS


def pcap_header(
    *,
    byte_order: str = "<",
    nanoseconds: bool = False,
    modified: bool = False,
    link_type: int = LINK_ETHERNET,
    snaplen: int = 262144,
    fcs_len: int | None = None,
    version: tuple[int, int] = (2, 4),
) -> bytes:
    """Return the 24 bytes that open a pcap file; ``fcs_len`` is in bytes."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2CD34 if modified else 0xA1B2C3D4
    network = link_type if fcs_len is None else link_type | 0x04000000 | (fcs_len // 2) << 28
    return struct.pack(byte_order + "IHHiIII", magic, *version, 0, 0, snaplen, network)


def pcap(
    packets: Iterable[bytes | Frame],
    *,
    byte_order: str = "<",
    nanoseconds: bool = False,
    modified: bool = False,
    link_type: int = LINK_ETHERNET,
    snaplen: int = 262144,
    fcs_len: int | None = None,
) -> bytes:
    """Return a pcap file, 1 ms between packets without a time; ``modified`` has longer headers."""
    pieces = [
        pcap_header(
            byte_order=byte_order,
            nanoseconds=nanoseconds,
            modified=modified,
            link_type=link_type,
            snaplen=snaplen,
            fcs_len=fcs_len,
        )
    ]
    for index, packet in enumerate(packets):
        frame = _frame(packet)
        seconds, fraction_ns = divmod(_timestamp_ns(frame, index), 1_000_000_000)
        fraction = fraction_ns if nanoseconds else fraction_ns // 1000
        original = len(frame.data) if frame.original_len is None else frame.original_len
        pieces.append(
            struct.pack(byte_order + "IIII", seconds, fraction, len(frame.data), original)
        )
        if modified:
            pieces.append(struct.pack(byte_order + "IHBB", 1, 8, 0, 0))
        pieces.append(frame.data)
    return b"".join(pieces)


# --- pcapng ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A block that waits for its byte order; call it with "<" or ">" for the bytes."""

    kind: int
    body: Callable[[str], bytes]
    byte_order: str | None = None  # a section header that says so changes it for all that follow

    def __call__(self, byte_order: str = "<") -> bytes:
        order = self.byte_order or byte_order
        body = self.body(order)
        body += bytes(-len(body) % 4)
        size = struct.pack(order + "I", len(body) + 12)
        return struct.pack(order + "I", self.kind) + size + body + size


Options = Sequence[tuple[int, bytes]]


def pcapng_options(options: Options, byte_order: str = "<") -> bytes:
    """Return (code, value) pairs with padding and the end of options; nothing for none."""
    if not options:
        return b""
    return b"".join(
        struct.pack(byte_order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        for code, value in (*options, (0, b""))
    )


def section_header(
    length: int = -1,
    *,
    options: Options = (),
    byte_order: str | None = None,
    version: tuple[int, int] = (1, 0),
) -> Block:
    """Return a section header; ``length`` is that of the section in bytes, -1 for not given."""

    def body(order: str) -> bytes:
        fixed = struct.pack(order + "IHHq", 0x1A2B3C4D, *version, length)
        return fixed + pcapng_options(options, order)

    return Block(0x0A0D0D0A, body, byte_order)


def interface(
    link_type: int = LINK_ETHERNET,
    snaplen: int = 262144,
    *,
    tsresol: int | None = None,
    tsoffset: int | None = None,
    fcs_len: int | None = None,
    comment: str | None = None,
    options: Options = (),
) -> Block:
    """Return an interface description; ``tsresol`` as stored, ``tsoffset`` in seconds."""

    def body(order: str) -> bytes:
        found: list[tuple[int, bytes]] = []
        if comment is not None:
            found.append((1, comment.encode()))
        if tsresol is not None:
            found.append((9, bytes([tsresol])))
        if fcs_len is not None:
            found.append((13, bytes([fcs_len])))
        if tsoffset is not None:
            found.append((14, struct.pack(order + "q", tsoffset)))
        fixed = struct.pack(order + "HHI", link_type, 0, snaplen)
        return fixed + pcapng_options([*found, *options], order)

    return Block(1, body)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def enhanced(
    data: bytes,
    interface: int = 0,
    timestamp: int = START_SECONDS * 1_000_000,
    *,
    original_len: int | None = None,
    options: Options = (),
) -> Block:
    """Return an enhanced packet block; ``timestamp`` is in ticks of the interface."""
    original = len(data) if original_len is None else original_len

    def body(order: str) -> bytes:
        high, low = timestamp >> 32, timestamp & 0xFFFFFFFF
        fixed = struct.pack(order + "IIIII", interface, high, low, len(data), original)
        return fixed + _padded(data) + pcapng_options(options, order)

    return Block(6, body)


def obsolete(
    data: bytes,
    interface: int = 0,
    timestamp: int = START_SECONDS * 1_000_000,
    *,
    original_len: int | None = None,
    drops: int = 0,
    options: Options = (),
) -> Block:
    """Return an (obsolete) packet block; ``timestamp`` is in ticks of the interface."""
    original = len(data) if original_len is None else original_len

    def body(order: str) -> bytes:
        high, low = timestamp >> 32, timestamp & 0xFFFFFFFF
        fixed = struct.pack(order + "HHIIII", interface, drops, high, low, len(data), original)
        return fixed + _padded(data) + pcapng_options(options, order)

    return Block(2, body)


def simple(data: bytes, *, original_len: int | None = None) -> Block:
    """Return a simple packet block: no interface, no time."""
    original = len(data) if original_len is None else original_len
    return Block(3, lambda order: struct.pack(order + "I", original) + _padded(data))


def names(entries: Sequence[tuple[str, str]] = (("10.0.0.2", "example.org"),)) -> Block:
    """Return a name resolution block of IPv4 (address, name) pairs."""

    def body(order: str) -> bytes:
        records = [
            (1, ipaddress.IPv4Address(address).packed + name.encode() + b"\0")
            for address, name in entries
        ]
        return pcapng_options(records, order)

    return Block(4, body)


def secrets(data: bytes = b"CLIENT_RANDOM 00 00\n") -> Block:
    """Return a decryption secrets block with a TLS key log."""
    return Block(10, lambda order: struct.pack(order + "II", 0x544C534B, len(data)) + data)


def custom(data: bytes = b"custom", *, copy: bool = True, number: int = 32473) -> Block:
    """Return a custom block of the enterprise ``number``."""
    kind = 0x00000BAD if copy else 0x40000BAD
    return Block(kind, lambda order: struct.pack(order + "I", number) + data)


def statistics(interface: int = 0, *, options: Options = ()) -> Block:
    """Return an interface statistics block."""

    def body(order: str) -> bytes:
        return struct.pack(order + "III", interface, 0, 0) + pcapng_options(options, order)

    return Block(5, body)


def unknown_block(data: bytes = b"????", *, kind: int = 0x0000ABCD) -> Block:
    """Return a block of a kind that nobody knows."""
    return Block(kind, lambda _: data)


def pcapng(blocks: Iterable[Block | bytes], *, byte_order: str = "<") -> bytes:
    """Return the blocks one after the other; a section header is put first unless one is given."""
    given = list(blocks)
    if not (given and isinstance(given[0], Block) and given[0].kind == 0x0A0D0D0A):
        given.insert(0, section_header())
    pieces = []
    for block in given:
        if isinstance(block, bytes):
            pieces.append(block)
            continue
        byte_order = block.byte_order or byte_order
        pieces.append(block(byte_order))
    return b"".join(pieces)


def pcapng_of(
    packets: Iterable[bytes | Frame], *, link_type: int = LINK_ETHERNET, byte_order: str = "<"
) -> bytes:
    """Return a pcapng file of one section and one interface in microseconds."""
    blocks = [
        enhanced(
            _frame(packet).data,
            timestamp=_timestamp_ns(_frame(packet), index) // 1000,
            original_len=_frame(packet).original_len,
        )
        for index, packet in enumerate(packets)
    ]
    return pcapng([interface(link_type), *blocks], byte_order=byte_order)


# --- connections -----------------------------------------------------------------------------


class Conversation:
    """The frames of one TCP connection, in ``packets`` in the order in which they were asked for.

    Stream offsets count from the first byte behind the SYN of their direction.
    """

    def __init__(
        self,
        client: str | None = None,
        server: str | None = None,
        sport: int = 40000,
        dport: int = 80,
        client_isn: int = 1000,
        server_isn: int = 5000,
        wrap: Callable[[bytes], bytes] = ethernet,
        *,
        ipv6: bool = False,
        checksum: Checksum = "right",
    ) -> None:
        first, second = ("fd00::1", "fd00::2") if ipv6 else ("10.0.0.1", "10.0.0.2")
        self.addresses: dict[Direction, str] = {
            "client": client or first,
            "server": server or second,
        }
        self.ports: dict[Direction, int] = {"client": sport, "server": dport}
        self.isn: dict[Direction, int] = {"client": client_isn, "server": server_isn}
        self.sent: dict[Direction, int] = {"client": 0, "server": 0}
        self.packets: list[bytes] = []
        self.wrap = wrap
        self.ipv6 = ipv6
        self.checksum: Checksum = checksum

    def handshake(self) -> None:
        """SYN, SYN and ACK, ACK."""
        self.segment("client", -1, b"", "S")
        self.segment("server", -1, b"", "SA")
        self.segment("client", 0, b"", "A")

    def client(self, data: bytes, cut: Cut = None) -> None:
        """Send ``data``; ``cut`` is a segment size or a list of sizes, 1460 without."""
        self._send("client", data, cut)

    def server(self, data: bytes, cut: Cut = None) -> None:
        """As ``client``, the other way."""
        self._send("server", data, cut)

    def lose_client(self, count: int) -> None:
        """Skip ``count`` stream bytes: a gap."""
        self.sent["client"] += count

    def lose_server(self, count: int) -> None:
        """As ``lose_client``, the other way."""
        self.sent["server"] += count

    def fin(self) -> None:
        """Close both directions, the client first."""
        self.segment("client", self.sent["client"], b"", "FA")
        self.sent["client"] += 1
        self.segment("server", self.sent["server"], b"", "FA")
        self.sent["server"] += 1
        self.segment("client", self.sent["client"], b"", "A")

    def rst(self, direction: Direction = "client") -> None:
        """Reset the connection."""
        self.segment(direction, self.sent[direction], b"", "RA")

    def segment(
        self,
        direction: Direction,
        offset: int,
        data: bytes,
        flags: str = "PA",
        *,
        checksum: Checksum | None = None,
        options: bytes = b"",
    ) -> None:
        """Add a segment at a stream offset without advancing: repeats, overlaps, probes."""
        self.packets.append(
            self.frame(direction, offset, data, flags, checksum=checksum, options=options)
        )

    def frame(
        self,
        direction: Direction,
        offset: int,
        data: bytes,
        flags: str = "PA",
        *,
        checksum: Checksum | None = None,
        options: bytes = b"",
    ) -> bytes:
        """As ``segment``, but return the frame instead of adding it."""
        return self.wrap(self.packet(direction, offset, data, flags, checksum, options))

    def packet(
        self,
        direction: Direction,
        offset: int,
        data: bytes,
        flags: str = "PA",
        checksum: Checksum | None = None,
        options: bytes = b"",
    ) -> bytes:
        """As ``frame``, but return the IP packet (to be cut into fragments)."""
        other: Direction = "server" if direction == "client" else "client"
        inner = tcp(
            data,
            sport=self.ports[direction],
            dport=self.ports[other],
            seq=self.isn[direction] + 1 + offset,
            ack=self.isn[other] + 1 + self.sent[other] if "A" in flags else 0,
            flags=flags,
            options=options,
            checksum=checksum or self.checksum,
        )
        src, dst = self.addresses[direction], self.addresses[other]
        if self.ipv6:
            return ipv6(inner, src=src, dst=dst)
        return ipv4(inner, src=src, dst=dst, ident=(len(self.packets) + 1) & 0xFFFF)

    def _send(self, direction: Direction, data: bytes, cut: Cut) -> None:
        size = MSS_BYTES if cut is None else cut
        sizes = [size] * -(-len(data) // size) if isinstance(size, int) else size
        for offset, piece in _pieces(data, sizes):
            self.segment(direction, self.sent[direction] + offset, piece)
        self.sent[direction] += len(data)

    def pcap(
        self,
        *,
        byte_order: str = "<",
        nanoseconds: bool = False,
        modified: bool = False,
        link_type: int = LINK_ETHERNET,
        snaplen: int = 262144,
        fcs_len: int | None = None,
    ) -> bytes:
        """Return the connection as a pcap file."""
        return pcap(
            self.packets,
            byte_order=byte_order,
            nanoseconds=nanoseconds,
            modified=modified,
            link_type=link_type,
            snaplen=snaplen,
            fcs_len=fcs_len,
        )


# --- HTTP ------------------------------------------------------------------------------------

Fields = Sequence[tuple[str, str]]


def _message(start: str, fields: Fields, body: bytes, eol: bytes) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in fields)]
    return b"".join(line.encode("latin-1") + eol for line in lines) + eol + body


def request(
    method: str = "GET",
    target: str = "/",
    fields: Fields = (("Host", "example.org"),),
    body: bytes = b"",
    version: str = "HTTP/1.1",
    eol: bytes = b"\r\n",
    *,
    content_length: bool | None = None,
) -> bytes:
    """Return a request; Content-Length is added by default when there is a body."""
    if content_length or (content_length is None and body):
        fields = (*fields, ("Content-Length", str(len(body))))
    return _message(f"{method} {target} {version}", fields, body, eol)


def response(
    status: int = 200,
    reason: str = "OK",
    fields: Fields = (),
    body: bytes = b"",
    content_length: bool = True,
    version: str = "HTTP/1.1",
    eol: bytes = b"\r\n",
) -> bytes:
    """Return a response, with a Content-Length unless told otherwise."""
    if content_length:
        fields = (*fields, ("Content-Length", str(len(body))))
    return _message(f"{version} {status} {reason}", fields, body, eol)


def chunked(
    chunks: Sequence[bytes],
    trailers: Fields = (),
    extension: bytes = b"",
    eol: bytes = b"\r\n",
) -> bytes:
    """Return a chunked body (RFC 9112, section 7.1); ``extension`` as in b";a=b"."""
    coded = b"".join(f"{len(chunk):x}".encode() + extension + eol + chunk + eol for chunk in chunks)
    ends = b"".join(f"{name}: {value}".encode("latin-1") + eol for name, value in trailers)
    return coded + b"0" + extension + eol + ends + eol
