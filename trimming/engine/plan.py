"""The mask plan: what a strategy decided about every byte of payload, in packet order.

Decisions come late and out of order (a gap closes, a connection turns out to be HTTP).  So entries
are sorted in runs that spill to a temporary file, and *tentative* ones are settled when the plan is
read: a byte of a connection that became HTTP is UNCERTAIN, whatever it looked like at first.
"""

from __future__ import annotations

import heapq
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import IO

from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.options import TrimOptions

RUN_ENTRIES = 1 << 16
READ_ENTRIES = 1 << 11


class FieldKind(IntEnum):
    """The checksum fields that a mask may touch.  The values are stored."""

    INTERNET = 1  # TCP, GRE, ICMP: 16 bits, one's complement
    UDP = 2  # the same, with 0 for "none"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start`` to ``end`` (half-open) of a packet's captured bytes are of one class."""

    start: int
    end: int
    byte_class: ByteClass


@dataclass(frozen=True, slots=True)
class FieldChange:
    """The 16-bit checksum field at ``offset``: its covered words grow by ``delta`` mod 0xFFFF."""

    offset: int
    kind: FieldKind
    delta: int


@dataclass(frozen=True, slots=True)
class FrameCheck:
    """The 4 bytes at ``end`` are a CRC-32 over the bytes ``start`` to ``end``."""

    start: int
    end: int


@dataclass(slots=True)
class PacketPlan:
    """All that is known of one packet.  Spans do not overlap and are in order."""

    number: int
    spans: list[Span] = field(default_factory=list)
    changes: list[FieldChange] = field(default_factory=list)
    frame_checks: list[FrameCheck] = field(default_factory=list)

    def fills(self, options: TrimOptions) -> Iterator[tuple[int, int, int]]:
        """Yield (start, end, byte) of what is overwritten under ``options``."""
        for span in self.spans:
            fill = fill_for(span.byte_class, options)
            if fill is not None:
                yield span.start, span.end, fill


# packet number, two operands, kind of entry, class, tentative, connection; big-endian, so that
# entries sort as bytes
_ENTRY = struct.Struct(">QIIBBBxI")
_SPAN, _CHANGE, _UDP_CHANGE, _FRAME_CHECK = range(4)


class MaskPlan:
    """Entries added in any order, read in packet order, any number of times.

    Memory is bounded by RUN_ENTRIES entries and one byte per connection.  Use as a context manager.
    """

    def __init__(self, options: TrimOptions, directory: str | None = None) -> None:
        self.options = options
        self._directory = directory
        self._entries: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []
        self._http = bytearray()

    def __enter__(self) -> MaskPlan:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()

    def mark_http(self, connection: int) -> None:
        """The connection is HTTP: its tentative bytes, past and coming, are UNCERTAIN."""
        if connection >= len(self._http):
            self._http.extend(bytes(connection + 1024 - len(self._http)))
        self._http[connection] = 1

    def is_http(self, connection: int) -> bool:
        """Whether the connection is known to be HTTP by now."""
        return connection < len(self._http) and bool(self._http[connection])

    def add_span(
        self,
        packet: int,
        start: int,
        end: int,
        byte_class: ByteClass,
        *,
        connection: int = 0,
        tentative: bool = False,
    ) -> None:
        """Class the bytes ``start`` to ``end`` of a packet; each byte at most once."""
        self._add(packet, start, end, _SPAN, byte_class, tentative, connection)

    def add_change(
        self,
        packet: int,
        offset: int,
        kind: FieldKind,
        delta: int,
        byte_class: ByteClass,
        *,
        connection: int = 0,
        tentative: bool = False,
    ) -> None:
        """Tell what masking some bytes of ``byte_class`` does to a checksum field of a packet.

        ``delta`` is the sum of the new words less that of the old ones, modulo 0xFFFF.  It counts
        only if those bytes are masked.  The field may stand in another packet than the bytes.
        """
        entry = _UDP_CHANGE if kind is FieldKind.UDP else _CHANGE
        self._add(packet, offset, delta, entry, byte_class, tentative, connection)

    def add_frame_check(self, packet: int, start: int, end: int) -> None:
        """The 4 bytes at ``end`` of a packet check its bytes from ``start`` on."""
        self._add(packet, start, end, _FRAME_CHECK, 0, False, 0)

    def _add(
        self, packet: int, a: int, b: int, entry: int, byte_class: int, tentative: bool, conn: int
    ) -> None:
        self._entries.append(_ENTRY.pack(packet, a, b, entry, byte_class, tentative, conn))
        if len(self._entries) >= RUN_ENTRIES:
            self._spill()

    def _spill(self) -> None:
        if self._file is None:
            # closed in __exit__
            self._file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115 - see __exit__
        self._entries.sort()
        self._file.seek(0, 2)
        self._runs.append((self._file.tell(), len(self._entries)))
        self._file.write(b"".join(self._entries))
        self._entries.clear()

    def packets(self) -> Iterator[PacketPlan]:
        """Yield the plan of each packet that has one, in the order of the capture."""
        self._entries.sort()
        current: PacketPlan | None = None
        for entry in heapq.merge(*map(self._run, self._runs), self._entries):
            number, a, b, kind, byte_class, tentative, connection = _ENTRY.unpack(entry)
            if current is None or current.number != number:
                if current is not None:
                    yield current
                current = PacketPlan(number)
            if kind == _FRAME_CHECK:
                current.frame_checks.append(FrameCheck(a, b))
                continue
            if tentative and self.is_http(connection):
                byte_class = ByteClass.UNCERTAIN
            settled = ByteClass(byte_class)
            if kind == _SPAN:
                current.spans.append(Span(a, b, settled))
            elif fill_for(settled, self.options) is not None:
                field_kind = FieldKind.UDP if kind == _UDP_CHANGE else FieldKind.INTERNET
                current.changes.append(FieldChange(a, field_kind, b))
        if current is not None:
            yield current

    def _run(self, run: tuple[int, int]) -> Iterator[bytes]:
        assert self._file is not None
        offset, count = run
        size = _ENTRY.size
        while count:
            step = min(count, READ_ENTRIES)
            self._file.seek(offset)
            window = self._file.read(step * size)
            for at in range(0, len(window), size):
                yield window[at : at + size]
            offset += step * size
            count -= step
