"""A capture in windows: whole records at a time, their packets as columns.

Belongs here: how windows are filled, and what ends one.  The walk over usual records is a kernel's
(``kernels.index``); everything else is read by the readers of pcap and pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trimming.engine.formats import pcap, pcapng
from trimming.engine.formats.kernels.index import (
    CAPTURED,
    COLUMNS,
    FCS,
    INTERFACE_COLUMNS,
    LARGEST_TIME,
    LINK,
    NO_TIME,
    NS_PER_SECOND,
    ORIGINAL,
    RECORD,
    RECORD_END,
    START,
    TIME,
    index_pcap,
    index_pcapng,
)
from trimming.engine.formats.records import Packet, Record
from trimming.engine.formats.stream import ByteStream

__all__ = ["NO_TIME", "Batch", "read_batches"]

WINDOW_BYTES = 1 << 22
MAX_PACKETS = 1 << 15
Column = NDArray[np.int64]


@dataclass(slots=True)
class Batch:
    """Whole records of a capture; valid until the next batch is asked for.

    ``data`` holds the bytes of these records and nothing else, and may be written to; it stands at
    ``offset`` in the unpacked capture.  The columns have one row for each packet: where its
    captured bytes start and where its record starts and ends (places in ``data``), its lengths,
    time (NO_TIME without one), link type and declared length of a frame check sequence (-1 without
    one).  ``others`` are the records without a packet, each with the number of packets before it.
    """

    data: NDArray[np.uint8]
    offset: int
    first_number: int
    rows: NDArray[np.int64]
    others: list[tuple[int, Record]]
    _restore: Callable[[bytes, Packet], Record]
    # records whose packets were not read by a kernel, by place
    _unusual: dict[int, Record]
    # whether the records without a packet stand in ``data``
    holds_metadata: bool

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def start(self) -> Column:
        return self.rows[:, START]

    @property
    def captured_len(self) -> Column:
        return self.rows[:, CAPTURED]

    @property
    def original_len(self) -> Column:
        return self.rows[:, ORIGINAL]

    @property
    def timestamp_ns(self) -> Column:
        return self.rows[:, TIME]

    @property
    def record_start(self) -> Column:
        return self.rows[:, RECORD]

    @property
    def record_end(self) -> Column:
        return self.rows[:, RECORD_END]

    @property
    def link_type(self) -> Column:
        return self.rows[:, LINK]

    @property
    def fcs_len(self) -> Column:
        return self.rows[:, FCS]

    @property
    def unusual(self) -> list[int]:
        """The rows of packets in other records than usual ones."""
        return list(self._unusual)

    def packet(self, index: int) -> Packet:
        """Return the packet in row ``index``, its bytes as they are in ``data`` now."""
        start, captured_len, original_len, time_ns, _, _, link_type, fcs_len = self.rows[
            index
        ].tolist()
        return Packet(
            self.first_number + index,
            self.offset + start,
            self.data[start : start + captured_len].tobytes(),
            original_len,
            link_type,
            None if time_ns == NO_TIME else time_ns,
            None if fcs_len < 0 else fcs_len,
        )

    def record(self, index: int) -> Record:
        """Return the record in row ``index``, to be written or rewritten."""
        if index in self._unusual:
            return self._unusual[index]
        start, end = self.rows[index, RECORD], self.rows[index, RECORD_END]
        return self._restore(self.data[start:end].tobytes(), self.packet(index))


class _Reader(Protocol):
    """Indexes what stands in a window."""

    @property
    def offset(self) -> int:
        """Where the next record starts in the unpacked capture."""

    def index(self, data: NDArray[np.uint8], end: int) -> tuple[Batch, int]:
        """Return the whole records at the start of ``data[:end]``, and where they end.

        Raises InputError for a record that cannot be.
        """

    def cut_reason(self, left_bytes: int) -> str:
        """Say why ``left_bytes`` at the end are no record."""


def read_batches(
    stream: ByteStream, name: str, max_record_bytes: int, window_bytes: int = WINDOW_BYTES
) -> Iterator[Batch]:
    """Yield the capture's records batch by batch; a cut end is left to ``stream.tail``.

    There are two windows: a batch stays as it is until the one after the next is asked for.
    Raises InputError for a header or a record that cannot be.
    """
    reader: _Reader
    if stream.peek(4)[:4] in pcap.VARIANTS:
        reader = _Pcap(pcap.read_header(stream, name), name, max_record_bytes)
    else:
        reader = _Pcapng(pcapng.Sections(name, max_record_bytes))
    # two windows: what is left at the end of one goes to the front of the other
    windows = [np.empty(window_bytes, np.uint8), np.empty(0, np.uint8)]
    window, filled, is_ended = windows[0], 0, False
    while True:
        if not is_ended and filled < len(window):
            count = stream.read_into(window[filled:].data)
            is_ended = count < len(window) - filled
            filled += count
        batch, end = reader.index(window, filled)
        if end or len(batch) or batch.others:
            yield batch
        elif is_ended:
            break
        elif filled == len(window):
            windows[1] = np.empty(2 * len(window), np.uint8)
        windows.reverse()
        if len(windows[0]) < len(window):
            windows[0] = np.empty(len(window), np.uint8)
        filled -= end
        windows[0][:filled] = window[end : end + filled]
        window = windows[0]
    if filled:
        stream.cut(reader.offset, filled, reader.cut_reason(filled))


class _Pcap:
    def __init__(self, header: pcap.FileHeader, name: str, max_record_bytes: int) -> None:
        self._header = header
        self._name = name
        self._max_record_bytes = max_record_bytes
        self.offset = 0
        self._number = 1
        self._rows = np.empty((MAX_PACKETS, COLUMNS), np.int64)

    def index(self, data: NDArray[np.uint8], end: int) -> tuple[Batch, int]:
        others: list[tuple[int, Record]] = []
        if not self.offset:
            # the file's header stands before the window
            others.append((0, pcap.PcapRecord(self._header.raw)))
            self.offset = len(self._header.raw)
        variant = self._header.variant
        fcs_len = -1 if self._header.fcs_len is None else self._header.fcs_len
        count, at = index_pcap(
            data,
            end,
            self._rows,
            variant.byte_order == ">",
            variant.tick_ns,
            variant.record_header_bytes,
            self._header.link_type,
            fcs_len,
            self._max_record_bytes,
        )
        if not count and end >= variant.record_header_bytes:
            (captured_len,) = struct.unpack_from(variant.byte_order + "I", data[:16].tobytes(), 8)
            if captured_len > self._max_record_bytes:
                raise pcap.too_long(self._name, self.offset, captured_len, self._max_record_bytes)
        rows = self._rows[:count].copy()
        batch = Batch(data[:at], self.offset, self._number, rows, others, self._restore, {}, False)
        self.offset += at
        self._number += count
        return batch, at

    def cut_reason(self, left_bytes: int) -> str:
        return pcap.cut_reason(left_bytes, self._header.variant)

    def _restore(self, raw: bytes, packet: Packet) -> Record:
        return pcap.PcapRecord(raw, packet, self._header.variant.byte_order)


@dataclass(slots=True)
class _Pcapng:
    _sections: pcapng.Sections
    _rows: NDArray[np.int64] = field(
        default_factory=lambda: np.empty((MAX_PACKETS, COLUMNS), np.int64)
    )

    @property
    def offset(self) -> int:
        return self._sections.offset

    def index(self, data: NDArray[np.uint8], end: int) -> tuple[Batch, int]:
        sections = self._sections
        offset, first_number = sections.offset, sections.packets + 1
        others: list[tuple[int, Record]] = []
        unusual: dict[int, Record] = {}
        count = at = 0
        interfaces = self._interface_rows()
        while count < MAX_PACKETS:
            is_big = sections.order == ">"
            found, after = index_pcapng(
                data, at, end, self._rows, count, is_big, interfaces, sections.largest
            )
            sections.packets += found - count
            sections.offset += after - at
            count, at = found, after
            if end - at < pcapng.HEAD_BYTES or count == MAX_PACKETS:
                break
            if at and data[at : at + 4].tobytes() == pcapng.SECTION_MAGIC:
                break  # the records of a batch are of one section
            total = sections.block_len(data[at : at + pcapng.HEAD_BYTES].tobytes())
            if end - at < total:
                break
            block = sections.block(data[at : at + total].tobytes())
            if block.packet is None:
                others.append((count, block))
                interfaces = self._interface_rows()
            else:
                self._rows[count] = _row(block, block.packet, at, offset)
                unusual[count] = block
                count += 1
            at += total
        rows = self._rows[:count].copy()
        restore = _Restore(sections.order)
        return Batch(data[:at], offset, first_number, rows, others, restore, unusual, True), at

    def cut_reason(self, left_bytes: int) -> str:
        return pcapng.cut_reason(left_bytes)

    def _interface_rows(self) -> NDArray[np.int64]:
        rows = np.zeros((len(self._sections.interfaces), INTERFACE_COLUMNS), np.int64)
        for row, interface in zip(rows, self._sections.interfaces, strict=True):
            clock_ns = interface.offset_seconds * NS_PER_SECOND
            tick_ns, rest = divmod(NS_PER_SECOND, interface.ticks_per_second)
            usual = not rest and abs(clock_ns) < LARGEST_TIME
            fcs_len = -1 if interface.fcs_len is None else interface.fcs_len
            row[:] = (interface.link_type, fcs_len, tick_ns * usual, clock_ns * usual)
        return rows


@dataclass(frozen=True, slots=True)
class _Restore:
    """Makes a block of an enhanced packet again; the byte order is that of its section."""

    order: str

    def __call__(self, raw: bytes, packet: Packet) -> Record:
        end = 28 + packet.captured_len
        options_start = end + (-end % 4)
        return pcapng.Block(raw, pcapng.ENHANCED_PACKET, self.order, packet, 28, options_start)


def _row(block: pcapng.Block, packet: Packet, at: int, offset: int) -> tuple[int, ...]:
    start = packet.offset - offset
    return (
        start,
        packet.captured_len,
        packet.original_len,
        NO_TIME if packet.timestamp_ns is None else packet.timestamp_ns,
        at,
        at + len(block.raw),
        packet.link_type,
        -1 if packet.fcs_len is None else packet.fcs_len,
    )
