"""The classic libpcap format, in all byte orders and time resolutions.

Source: draft-ietf-opsawg-pcap; the 24-byte record header of the "modified" format is libpcap's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from trimming.engine.errors import InputError
from trimming.engine.formats.records import CAPTURED_AT_MOST, Packet
from trimming.engine.formats.stream import ByteStream
from trimming.engine.words import gettext_noop

FILE_HEADER_BYTES = 24
FCS_LENGTH_PRESENT = 0x04000000


@dataclass(frozen=True, slots=True)
class Variant:
    """Byte order, length of a time tick and size of a record header."""

    byte_order: str
    tick_ns: int
    record_header_bytes: int


VARIANTS = {
    b"\xd4\xc3\xb2\xa1": Variant("<", 1000, 16),
    b"\xa1\xb2\xc3\xd4": Variant(">", 1000, 16),
    b"\x4d\x3c\xb2\xa1": Variant("<", 1, 16),
    b"\xa1\xb2\x3c\x4d": Variant(">", 1, 16),
    b"\x34\xcd\xb2\xa1": Variant("<", 1000, 24),
    b"\xa1\xb2\xcd\x34": Variant(">", 1000, 24),
}


@dataclass(slots=True)
class PcapRecord:
    """The file header (no packet) or one packet with its record header."""

    raw: bytes
    packet: Packet | None = None
    byte_order: str = "<"

    @property
    def metadata_kind(self) -> None:
        return None

    def rewritten(self, data: bytes) -> bytes:
        assert self.packet is not None
        header = bytearray(self.raw[: len(self.raw) - self.packet.captured_len])
        struct.pack_into(self.byte_order + "I", header, 8, len(data))
        return bytes(header) + data

    def resized(self) -> bytes:
        return self.raw

    def without_metadata(self, data: bytes | None) -> bytes:
        return self.raw if data is None else self.rewritten(data)


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What the header of a file says about all of its records."""

    raw: bytes
    variant: Variant
    link_type: int
    fcs_len: int | None


def read_header(stream: ByteStream, name: str) -> FileHeader:
    """Read the file header; raises InputError for one that cannot be."""
    header = stream.read(FILE_HEADER_BYTES)
    if len(header) < FILE_HEADER_BYTES:
        expected = gettext_noop("a pcap file header of %(size)d bytes") % {
            "size": FILE_HEADER_BYTES
        }
        raise InputError(name, 0, expected, gettext_noop("%(n)d bytes") % {"n": len(header)})
    variant = VARIANTS[header[:4]]
    order = variant.byte_order
    major, minor = struct.unpack(order + "HH", header[4:8])
    if major != 2:
        found = gettext_noop("version %(major)d.%(minor)d") % {"major": major, "minor": minor}
        raise InputError(name, 4, gettext_noop("pcap version 2"), found)
    (network,) = struct.unpack(order + "I", header[20:24])
    # the top 4 bits count 16-bit words of frame check sequence, if the flag says that they do
    fcs_len = (network >> 28) * 2 if network & FCS_LENGTH_PRESENT else None
    return FileHeader(header, variant, network & 0xFFFF, fcs_len)


def too_long(name: str, offset: int, captured_len: int, max_record_bytes: int) -> InputError:
    """Return the refusal of the record at ``offset``."""
    expected = CAPTURED_AT_MOST % {"most": max_record_bytes}
    return InputError(name, offset + 8, expected, str(captured_len))


def cut_reason(left_bytes: int, variant: Variant) -> str:
    """Say what is incomplete where ``left_bytes`` are left of the file."""
    if left_bytes < variant.record_header_bytes:
        return gettext_noop("a record header is incomplete")
    return gettext_noop("a packet is incomplete")


def read_pcap(stream: ByteStream, name: str, max_record_bytes: int) -> Iterator[PcapRecord]:
    """Yield the file header and then each packet; a cut end is left to ``stream.tail``.

    Raises InputError for a header or a record that cannot be.
    """
    header = read_header(stream, name)
    variant, link_type, fcs_len = header.variant, header.link_type, header.fcs_len
    size, order = variant.record_header_bytes, variant.byte_order
    fields = struct.Struct(order + "IIII")
    yield PcapRecord(header.raw)
    number, offset = 0, FILE_HEADER_BYTES
    while True:
        head = stream.read(size)
        if len(head) < size:
            if head:
                stream.cut(offset, len(head), cut_reason(len(head), variant))
            return
        seconds, fraction, captured_len, original_len = fields.unpack_from(head)
        if captured_len > max_record_bytes:
            raise too_long(name, offset, captured_len, max_record_bytes)
        data = stream.read(captured_len)
        if len(data) < captured_len:
            stream.cut(offset, size + len(data), cut_reason(size + len(data), variant))
            return
        number += 1
        timestamp_ns = seconds * 1_000_000_000 + fraction * variant.tick_ns
        packet = Packet(number, offset + size, data, original_len, link_type, timestamp_ns, fcs_len)
        yield PcapRecord(head + data, packet, order)
        offset += size + captured_len
