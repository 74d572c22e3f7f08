"""The mask plan: what a strategy decided about every byte of payload, in packet order.

Decisions come late and out of order (a gap closes, a connection turns out to be HTTP).  So entries
are sorted in runs that spill to a temporary file, and *tentative* ones are settled when the plan is
read: a byte of a connection that became HTTP is UNCERTAIN, whatever it looked like at first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import IO

import numpy as np
from numpy.typing import NDArray

from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.options import TrimOptions

RUN_ENTRIES = 1 << 18
READ_ENTRIES = 1 << 14
LIST_ENTRIES = 1 << 12
WINDOW_PACKETS = 1 << 12
END = 1 << 62


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


Column = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """Settled entries of consecutive packets as columns, sorted by packet, then by place.

    Only those changes of checksums are left that count under the plan's options.
    """

    span_packet: Column
    span_start: Column
    span_end: Column
    span_class: Column
    change_packet: Column
    change_offset: Column
    change_kind: Column
    change_delta: Column
    check_packet: Column
    check_start: Column
    check_end: Column

    def of(self, numbers: Column) -> PlanWindow:
        """Return the entries of some packets only."""
        chosen = {
            prefix: np.isin(getattr(self, f"{prefix}_packet"), numbers)
            for prefix in ("span", "change", "check")
        }
        return PlanWindow(
            **{
                column.name: getattr(self, column.name)[chosen[column.name.partition("_")[0]]]
                for column in fields(self)
            }
        )


class EntryKind(IntEnum):
    """What an entry tells.  The values are stored, and order the entries of one place."""

    SPAN = 0
    CHANGE = 1
    UDP_CHANGE = 2
    FRAME_CHECK = 3


# packet number, two operands, kind of entry, class, whether tentative, connection
ENTRY = np.dtype(
    [
        ("packet", "<i8"),
        ("a", "<i4"),
        ("b", "<i4"),
        ("kind", "u1"),
        ("byte_class", "u1"),
        ("tentative", "u1"),
        ("padding", "u1"),
        ("connection", "<u4"),
    ]
)
Entries = NDArray[np.void]
# an entry as three words: the packet; the two operands; the rest, its connection in the upper half
Words = NDArray[np.int64]
WORDS = ENTRY.itemsize // 8
_LOW = (1 << 32) - 1
_TENTATIVE = 1 << 16


class MaskPlan:
    """Entries added in any order, read in packet order, any number of times.

    Memory is bounded by RUN_ENTRIES entries and one byte per connection.  Use as a context manager.
    """

    def __init__(self, options: TrimOptions, directory: str | None = None) -> None:
        self.options = options
        self._directory = directory
        self._singles: list[tuple[int, int, int, int, int, int, int, int]] = []
        self._parts: list[Words] = []
        self._count = 0
        self._file: IO[bytes] | None = None
        self._runs: list[_Run] = []
        self._http = np.zeros(1024, np.bool_)
        fills = [c for c in ByteClass if fill_for(c, options) is not None]
        self._counts = np.zeros(256, np.bool_)
        self._counts[fills] = True

    def __enter__(self) -> MaskPlan:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()

    def mark_http(self, connection: int) -> None:
        """The connection is HTTP: its tentative bytes, past and coming, are UNCERTAIN."""
        if connection >= len(self._http):
            more = np.zeros(max(connection + 1, len(self._http)), np.bool_)
            self._http = np.concatenate((self._http, more))
        self._http[connection] = True

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
        self._add(packet, start, end, EntryKind.SPAN, byte_class, tentative, connection)

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
        entry = EntryKind.UDP_CHANGE if kind is FieldKind.UDP else EntryKind.CHANGE
        self._add(packet, offset, delta, entry, byte_class, tentative, connection)

    def add_frame_check(self, packet: int, start: int, end: int) -> None:
        """The 4 bytes at ``end`` of a packet check its bytes from ``start`` on."""
        self._add(packet, start, end, EntryKind.FRAME_CHECK, 0, False, 0)

    def add_entries(self, entries: Entries) -> None:
        """Add many entries at once, an array of ENTRY; it is copied."""
        self._gather()
        self._parts.append(_words(entries).copy())
        self._count += len(entries)
        if self._count >= RUN_ENTRIES:
            self._spill()

    def _add(
        self, packet: int, a: int, b: int, entry: int, byte_class: int, tentative: bool, conn: int
    ) -> None:
        self._singles.append((packet, a, b, entry, byte_class, tentative, 0, conn))
        if len(self._singles) >= LIST_ENTRIES:
            self._gather()
            if self._count >= RUN_ENTRIES:
                self._spill()

    def _gather(self) -> None:
        if self._singles:
            self._parts.append(_words(np.array(self._singles, ENTRY)))
            self._count += len(self._singles)
            self._singles.clear()

    def _in_memory(self) -> Words:
        """Return what is not spilled, as one sorted array."""
        self._gather()
        words = _sorted(_joined(self._parts))
        self._parts = [words]
        return words

    def _spill(self) -> None:
        if self._file is None:
            # closed in __exit__
            self._file = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115 - see __exit__
        words = self._in_memory()
        offset = self._file.seek(0, 2)
        self._runs.append(_Run(offset, len(words), int(words[0, 0]), int(words[-1, 0])))
        self._file.write(words.data)
        self._file.flush()
        self._parts, self._count = [], 0

    def reader(self) -> PlanReader:
        """Return a reader that stands before the first packet; several may read at a time."""
        return PlanReader(self)

    def packets(self) -> Iterator[PacketPlan]:
        """Yield the plan of each packet that has one, in the order of the capture."""
        reader = self.reader()
        while (number := reader.next_packet()) is not None:
            yield from packet_plans(reader.upto(number + WINDOW_PACKETS - 1))

    def _settled(self, words: Words) -> PlanWindow:
        packet, operands, rest = words.T
        a, b = operands & _LOW, operands >> 32
        kind, byte_class = rest & 0xFF, rest >> 8 & 0xFF
        tentative = np.flatnonzero(rest & _TENTATIVE)
        if len(tentative):
            connection = rest[tentative] >> 32 & _LOW
            known = connection < len(self._http)
            became = known & self._http[np.where(known, connection, 0)]
            byte_class[tentative[became]] = ByteClass.UNCERTAIN
        spans = np.flatnonzero(kind == EntryKind.SPAN)
        is_change = (kind == EntryKind.CHANGE) | (kind == EntryKind.UDP_CHANGE)
        changes = np.flatnonzero(is_change & self._counts[byte_class])
        checks = np.flatnonzero(kind == EntryKind.FRAME_CHECK)
        udp = kind[changes] == EntryKind.UDP_CHANGE
        return PlanWindow(
            span_packet=packet[spans],
            span_start=a[spans],
            span_end=b[spans],
            span_class=byte_class[spans],
            change_packet=packet[changes],
            change_offset=a[changes],
            change_kind=np.where(udp, FieldKind.UDP, FieldKind.INTERNET),
            change_delta=b[changes],
            check_packet=packet[checks],
            check_start=a[checks],
            check_end=b[checks],
        )


def _words(entries: Entries) -> Words:
    return entries.view(np.int64).reshape(len(entries), WORDS)


def _joined(parts: list[Words]) -> Words:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty((0, WORDS), np.int64)


def _sorted(words: Words) -> Words:
    """Return the entries in the order of their packets, then of their first operand."""
    if len(words) < 2:
        return words
    # one word to compare: operands are below 2^31, packets of one run less than 2^32 apart
    places = words[:, 0] - words[:, 0].min() << 31 | words[:, 1] & _LOW
    if (places[1:] >= places[:-1]).all():
        return words
    in_order: Words = words.take(places.argsort(kind="stable"), axis=0)
    return in_order


def packet_plans(window: PlanWindow, numbers: Column | None = None) -> Iterator[PacketPlan]:
    """Yield the plan of each packet of a window, or of those of ``numbers`` that have one."""
    if numbers is not None:
        window = window.of(numbers)
    found: dict[int, PacketPlan] = {}

    def plan(number: int) -> PacketPlan:
        if number not in found:
            found[number] = PacketPlan(number)
        return found[number]

    spans = (window.span_packet, window.span_start, window.span_end, window.span_class)
    for number, start, end, byte_class in zip(*(c.tolist() for c in spans), strict=True):
        plan(number).spans.append(Span(start, end, ByteClass(byte_class)))
    changes = (window.change_packet, window.change_offset, window.change_kind, window.change_delta)
    for number, offset, kind, delta in zip(*(c.tolist() for c in changes), strict=True):
        plan(number).changes.append(FieldChange(offset, FieldKind(kind), delta))
    checks = (window.check_packet, window.check_start, window.check_end)
    for number, start, end in zip(*(c.tolist() for c in checks), strict=True):
        plan(number).frame_checks.append(FrameCheck(start, end))
    for number in sorted(found):
        yield found[number]


@dataclass(frozen=True, slots=True)
class _Run:
    """``count`` sorted entries at ``offset`` of the file, of the packets ``first`` to ``last``."""

    offset: int
    count: int
    first: int
    last: int


class PlanReader:
    """Walks a plan forward.  Entries that are added meanwhile are not seen."""

    def __init__(self, plan: MaskPlan) -> None:
        self._plan = plan
        cursors = [_Cursor(run, plan._file) for run in plan._runs]
        memory = plan._in_memory()
        if len(memory):
            first, last = int(memory[0, 0]), int(memory[-1, 0])
            cursors.append(_Cursor(_Run(0, 0, first, last), None, memory))
        self._waiting = sorted(cursors, key=lambda cursor: -cursor.first)
        self._open: list[_Cursor] = []

    def next_packet(self) -> int | None:
        """Return the number of the next packet that has entries; None behind the last one."""
        numbers = [cursor.first for cursor in (*self._open, *self._waiting[-1:])]
        return min(numbers, default=None)

    def upto(self, number: int) -> PlanWindow:
        """Return the settled entries of all packets up to ``number`` that were not given yet."""
        while self._waiting and self._waiting[-1].first <= number:
            self._open.append(self._waiting.pop())
        parts = [part for cursor in self._open for part in cursor.take(number)]
        self._open = [cursor for cursor in self._open if not cursor.is_empty]
        words = _joined(parts)
        return self._plan._settled(words if len(parts) == 1 else _sorted(words))


class _Cursor:
    """Where a reader stands in one run."""

    def __init__(self, run: _Run, file: IO[bytes] | None, ready: Words | None = None) -> None:
        self.first = run.first
        self._file = file
        self._offset = run.offset
        self._left = run.count
        self._ready = _joined([]) if ready is None else ready

    @property
    def is_empty(self) -> bool:
        return not self._left and not len(self._ready)

    def take(self, number: int) -> Iterator[Words]:
        """Yield the entries up to packet ``number``."""
        while True:
            if not len(self._ready):
                if not self._left:
                    return
                self._ready = self._read()
            count = int(np.searchsorted(self._ready[:, 0], number, side="right"))
            if count:
                yield self._ready[:count]
                self._ready = self._ready[count:]
            if len(self._ready):
                self.first = int(self._ready[0, 0])
                return

    def _read(self) -> Words:
        assert self._file is not None
        count = min(self._left, READ_ENTRIES)
        self._file.seek(self._offset)
        data = self._file.read(count * ENTRY.itemsize)
        self._offset += len(data)
        self._left -= count
        return np.frombuffer(data, np.int64).reshape(count, WORDS)
