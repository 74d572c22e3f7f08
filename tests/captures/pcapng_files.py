"""Files in the format of blocks."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.captures.pcap_files import (
    START_SECONDS,
    Frame,
    as_frame,
    timestamp_of,
)
from tests.captures.wrappings import LINK_ETHERNET


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
            as_frame(packet).data,
            timestamp=timestamp_of(as_frame(packet), index) // 1000,
            original_len=as_frame(packet).original_len,
        )
        for index, packet in enumerate(packets)
    ]
    return pcapng([interface(link_type), *blocks], byte_order=byte_order)
