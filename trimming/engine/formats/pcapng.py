"""The pcapng format: every block carried through, packets found, options edited in place.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from trimming.engine.errors import InputError
from trimming.engine.formats.records import CAPTURED_AT_MOST, LAST_NS, SECRETS, Packet
from trimming.engine.formats.stream import ByteStream
from trimming.engine.words import gettext_noop

SECTION_HEADER = 0x0A0D0D0A
SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"  # the same in both byte orders
HEAD_BYTES = 12
INTERFACE_DESCRIPTION = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
ENHANCED_PACKET = 6
JOURNAL_EXPORT = 9
DECRYPTION_SECRETS = 10
CUSTOM = 0x00000BAD
CUSTOM_NO_COPY = 0x40000BAD

# blocks that hold nothing but metadata about people, names and keys
CUSTOM_DATA = gettext_noop("custom data")
METADATA_KINDS = {
    NAME_RESOLUTION: gettext_noop("name resolution"),
    JOURNAL_EXPORT: gettext_noop("system journal"),
    DECRYPTION_SECRETS: SECRETS,
    CUSTOM: CUSTOM_DATA,
    CUSTOM_NO_COPY: CUSTOM_DATA,
}
# where the options of a block start, counted from the block's first byte; packets apart
OPTIONS_START = {SECTION_HEADER: 24, INTERFACE_DESCRIPTION: 16, 5: 20}

SECTION_LENGTH_AT = 16
# what a block may hold beside the largest packet: fixed fields and options
OVERHEAD_BYTES = 1 << 10

OPT_END = 0
OPT_COMMENT = 1
OPT_IF_TSRESOL = 9
OPT_IF_FCSLEN = 13
OPT_IF_TSOFFSET = 14
OPT_EPB_FLAGS = 2
OPT_EPB_HASH = 3
OPT_CUSTOM = (2988, 2989, 19372, 19373)
METADATA_OPTIONS = frozenset((OPT_COMMENT, *OPT_CUSTOM))


@dataclass(frozen=True, slots=True)
class Interface:
    """What an interface description says about the packets that name it."""

    link_type: int
    snaplen: int
    fcs_len: int | None
    ticks_per_second: int
    offset_seconds: int


@dataclass(slots=True)
class Block:
    """One block, as it stands in the file."""

    raw: bytes
    kind: int
    byte_order: str
    packet: Packet | None = None
    data_start: int = 0
    options_start: int = field(default=0)

    @property
    def metadata_kind(self) -> str | None:
        return METADATA_KINDS.get(self.kind)

    def rewritten(self, data: bytes) -> bytes:
        """As Record.rewritten; a stored hash no longer fits the packet and goes."""
        return self._rebuilt(data, frozenset((OPT_EPB_HASH,)))

    def resized(self) -> bytes:
        if self.kind != SECTION_HEADER:
            return self.raw
        # the length of a section whose blocks may change theirs is written as "not given"
        unknown = struct.pack(self.byte_order + "q", -1)
        return self.raw[:SECTION_LENGTH_AT] + unknown + self.raw[SECTION_LENGTH_AT + 8 :]

    def without_metadata(self, data: bytes | None) -> bytes:
        if self.kind in METADATA_KINDS:
            return b""
        if self.packet is None:
            if not self.options_start or len(self.raw) < self.options_start + 4:
                return self.raw
            fixed = self.resized()[8 : self.options_start]
            return self._assembled(fixed, self._kept_options(METADATA_OPTIONS))
        if data is None:
            return self._rebuilt(self.packet.data, METADATA_OPTIONS)
        return self._rebuilt(data, METADATA_OPTIONS | {OPT_EPB_HASH})

    def _rebuilt(self, data: bytes, dropped: frozenset[int]) -> bytes:
        fixed = bytearray(self.raw[8 : self.data_start])
        if self.kind != SIMPLE_PACKET:  # a simple packet has no captured length of its own
            struct.pack_into(self.byte_order + "I", fixed, 12, len(data))
        else:
            assert self.packet is not None
            data = data.ljust(self.packet.captured_len, b"\0")
        body = bytes(fixed) + data + bytes(-len(data) % 4)
        return self._assembled(body, self._kept_options(dropped))

    def _assembled(self, body: bytes, options: bytes) -> bytes:
        total = 12 + len(body) + len(options)
        head = struct.pack(self.byte_order + "II", self.kind, total)
        return head + body + options + head[4:]

    def _kept_options(self, dropped: frozenset[int]) -> bytes:
        if not self.options_start:
            return b""
        options = self.raw[self.options_start : -4]
        kept = bytearray()
        for code, start, end in _options(options, self.byte_order):
            if code not in dropped:
                kept += options[start:end]
        return bytes(kept)


def _options(options: bytes, order: str) -> Iterator[tuple[int, int, int]]:
    """Yield (code, start, end) of each option with its header and padding; what is odd is kept."""
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        end = min(at + 4 + length + (-length % 4), len(options))
        yield code, at, end
        at = end
        if code == OPT_END:
            return


def read_pcapng(stream: ByteStream, name: str, max_record_bytes: int) -> Iterator[Block]:
    """Yield every block in order; a cut end is left to ``stream.tail``.

    Raises InputError for a block that cannot be, naming its offset.
    """
    sections = Sections(name, max_record_bytes)
    while True:
        head = stream.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            if head:
                stream.cut(sections.offset, len(head), cut_reason(len(head)))
            return
        rest = stream.read(sections.block_len(head) - HEAD_BYTES)
        raw = head + rest
        if len(raw) < sections.block_len(head):
            stream.cut(sections.offset, len(raw), cut_reason(len(raw)))
            return
        yield sections.block(raw)


def cut_reason(left_bytes: int) -> str:
    """Say what is incomplete where ``left_bytes`` are left of the file."""
    if left_bytes < HEAD_BYTES:
        return gettext_noop("a block header is incomplete")
    return gettext_noop("a block is incomplete")


class Sections:
    """Reads blocks one behind the other; ``offset`` is where the next one starts in the file.

    Raises InputError for a block that cannot be.
    """

    def __init__(self, name: str, max_record_bytes: int) -> None:
        self.name = name
        self.largest = max_record_bytes + OVERHEAD_BYTES
        self.order = "<"
        self.interfaces: list[Interface] = []
        self.packets = 0
        self.offset = 0

    def block_len(self, head: bytes) -> int:
        """Return the length in bytes of the block that starts with the 12 bytes ``head``."""
        order = self._order_of(head)
        (total,) = struct.unpack_from(order + "I", head, 4)
        if total < 12 or total % 4:
            divisible = gettext_noop("a block length of at least 12 that 4 divides")
            raise self._bad(4, divisible, str(total))
        if total > self.largest:
            smaller = gettext_noop("a block of at most %(most)d bytes") % {"most": self.largest}
            raise self._bad(4, smaller, str(total))
        return int(total)

    def block(self, raw: bytes) -> Block:
        """Take the next block as a whole, as ``block_len`` says."""
        if raw[:4] == SECTION_MAGIC:
            self.order = self._order_of(raw)
            self.interfaces = []
        kind, total = struct.unpack_from(self.order + "II", raw)
        (again,) = struct.unpack_from(self.order + "I", raw, total - 4)
        if again != total:
            same = gettext_noop("the block length %(length)d again") % {"length": total}
            raise self._bad(total - 4, same, str(again))
        found = self._block(kind, raw)
        self.offset += total
        return found

    def _order_of(self, head: bytes) -> str:
        if head[:4] != SECTION_MAGIC:
            return self.order
        orders = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
        if head[8:12] not in orders:
            raise self._bad(8, gettext_noop("a byte-order magic"), head[8:12].hex())
        return orders[head[8:12]]

    def _bad(self, at: int, expected: str, found: str) -> InputError:
        return InputError(self.name, self.offset + at, expected, found)

    def _block(self, kind: int, raw: bytes) -> Block:
        if kind == SECTION_HEADER:
            if len(raw) < 28:
                larger = gettext_noop("a section header of at least 28 bytes")
                raise self._bad(0, larger, str(len(raw)))
            (major,) = struct.unpack_from(self.order + "H", raw, 12)
            if major != 1:
                found = gettext_noop("version %(number)d") % {"number": major}
                raise self._bad(12, gettext_noop("pcapng version 1"), found)
        if kind == INTERFACE_DESCRIPTION:
            if len(raw) < 20:
                larger = gettext_noop("an interface block of at least 20 bytes")
                raise self._bad(0, larger, str(len(raw)))
            self.interfaces.append(self._interface(raw))
        if kind in (ENHANCED_PACKET, OBSOLETE_PACKET):
            return self._packet_block(kind, raw)
        if kind == SIMPLE_PACKET:
            return self._simple_block(raw)
        return Block(raw, kind, self.order, options_start=OPTIONS_START.get(kind, 0))

    def _interface(self, raw: bytes) -> Interface:
        link_type, _, snaplen = struct.unpack_from(self.order + "HHI", raw, 8)
        ticks, offset_seconds, fcs_len = 1_000_000, 0, None
        options = raw[16:-4]
        for code, start, end in _options(options, self.order):
            value = options[start + 4 : end]
            if code == OPT_IF_TSRESOL and value:
                exponent = value[0] & 0x7F
                ticks = 2**exponent if value[0] & 0x80 else 10**exponent
            elif code == OPT_IF_TSOFFSET and len(value) >= 8:
                (offset_seconds,) = struct.unpack_from(self.order + "q", value)
            elif code == OPT_IF_FCSLEN and value:
                # drafts disagree on the unit: a length that is one in bits is taken for bits
                fcs_len = value[0] // 8 if value[0] in (16, 32) else value[0]
        return Interface(link_type, snaplen, fcs_len, ticks, offset_seconds)

    def _interface_of(self, number: int) -> Interface:
        if number >= len(self.interfaces):
            known = gettext_noop("one of the %(n)d interfaces described before")
            raise self._bad(8, known % {"n": len(self.interfaces)}, str(number))
        return self.interfaces[number]

    def _packet_block(self, kind: int, raw: bytes) -> Block:
        if len(raw) < 32:
            larger = gettext_noop("a packet block of at least 32 bytes")
            raise self._bad(0, larger, str(len(raw)))
        if kind == ENHANCED_PACKET:
            number, high, low, captured_len, original_len = struct.unpack_from(
                self.order + "IIIII", raw, 8
            )
        else:
            number, _, high, low, captured_len, original_len = struct.unpack_from(
                self.order + "HHIIII", raw, 8
            )
        if captured_len > len(raw) - 32:
            smaller = CAPTURED_AT_MOST % {"most": len(raw) - 32}
            raise self._bad(20, smaller, str(captured_len))
        interface = self._interface_of(number)
        ticks = high << 32 | low
        timestamp_ns = (
            ticks * 1_000_000_000 // interface.ticks_per_second
            + interface.offset_seconds * 1_000_000_000
        )
        timestamp_ns = max(-LAST_NS, min(timestamp_ns, LAST_NS))
        packet = self._packet(raw[28 : 28 + captured_len], original_len, interface, timestamp_ns)
        options_start = 28 + captured_len + (-captured_len % 4)
        if options_start < len(raw) - 4:
            packet.fcs_len = self._stated_fcs_len(raw[options_start:-4], packet.fcs_len)
        return Block(raw, kind, self.order, packet, 28, options_start)

    def _stated_fcs_len(self, options: bytes, fcs_len: int | None) -> int | None:
        """Return the length in bytes that the flags of a packet give, where they do."""
        for code, start, end in _options(options, self.order):
            if code == OPT_EPB_FLAGS and end - start >= 8:
                (flags,) = struct.unpack_from(self.order + "I", options, start + 4)
                return flags >> 5 & 0xF or fcs_len
        return fcs_len

    def _simple_block(self, raw: bytes) -> Block:
        if len(raw) < 16:
            larger = gettext_noop("a simple packet block of at least 16 bytes")
            raise self._bad(0, larger, str(len(raw)))
        interface = self._interface_of(0)
        (original_len,) = struct.unpack_from(self.order + "I", raw, 8)
        captured_len = min(original_len, interface.snaplen or original_len, len(raw) - 16)
        packet = self._packet(raw[12 : 12 + captured_len], original_len, interface, None)
        packet.offset = self.offset + 12
        return Block(raw, SIMPLE_PACKET, self.order, packet, 12, 0)

    def _packet(
        self, data: bytes, original_len: int, interface: Interface, timestamp_ns: int | None
    ) -> Packet:
        self.packets += 1
        return Packet(
            self.packets,
            self.offset + 28,
            data,
            original_len,
            interface.link_type,
            timestamp_ns,
            interface.fcs_len,
        )
