"""Applies a mask plan to windows of a capture, in place: the fast way to write.

Belongs here: what can be written as it stands in a window, and what is left to ``writer`` record by
record: metadata, packets whose record changes its length, and those with a frame check sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.formats.batches import NO_TIME, Batch
from trimming.engine.formats.records import Record
from trimming.engine.kernels.masking import KEPT, clear_padding, fill_spans, update_checksums
from trimming.engine.options import TrimOptions
from trimming.engine.plan import MaskPlan, PlanWindow, packet_plans
from trimming.engine.report import Tally
from trimming.engine.writer import masked_packet, masked_record, metadata

TRAILER_BYTES = 4  # the length again, at the end of a block of pcapng
Flags = NDArray[np.bool_]
Piece = memoryview | bytes


def masked_windows(batches: Iterable[Batch], plan: MaskPlan, tally: Tally) -> Iterator[list[Piece]]:
    """Yield the bytes of the output in order, the pieces of a window; they are valid as it is.

    Gives what ``writer.masked_records`` gives; counts go to ``tally``.
    """
    writer = _Writer(plan, tally)
    for batch in batches:
        yield writer.batch(batch)
    writer.count()


class _Writer:
    def __init__(self, plan: MaskPlan, tally: Tally) -> None:
        self._options: TrimOptions = plan.options
        self._reader = plan.reader()
        self._tally = tally
        # a record that changes its length makes stated section lengths wrong
        self._resizes = (
            self._options.slice
            or self._options.drop_metadata
            or self._reader.next_packet() is not None
        )
        self._fills = np.full(256, KEPT, np.int64)
        for byte_class in ByteClass:
            fill = fill_for(byte_class, self._options)
            if fill is not None:
                self._fills[byte_class] = fill
        self._counts = np.zeros(256, np.int64)

    def count(self) -> None:
        """Add what was counted."""
        for byte_class in ByteClass:
            if self._counts[byte_class]:
                self._tally.bytes_by_class[byte_class] += int(self._counts[byte_class])

    def batch(self, batch: Batch) -> list[Piece]:
        window = self._reader.upto(batch.first_number + len(batch) - 1)
        tally = self._tally
        tally.packets += len(batch)
        tally.captured_bytes += int(batch.captured_len.sum())
        apart = self._apart(batch, window)
        tally.masked_bytes += self._mask(batch, window, apart)
        replaced = self._replaced(batch, window, apart)
        self._note_times(batch, window)
        return list(_pieces(batch, replaced, self._metadata))

    def _note_times(self, batch: Batch, window: PlanWindow) -> None:
        is_masked = self._fills[window.span_class] != KEPT
        lengths = (window.span_end - window.span_start) * is_masked
        at = window.span_packet - batch.first_number
        masked = np.bincount(at, lengths, len(batch)).astype(np.int64)
        times = batch.timestamp_ns
        timed = times != NO_TIME
        self._tally.timeline.untimed_packets += int(len(batch) - timed.sum())
        self._tally.timeline.add(times[timed], batch.captured_len[timed], masked[timed])

    def _apart(self, batch: Batch, window: PlanWindow) -> Flags:
        """Return which packets are written record by record."""
        planned = np.zeros(len(batch), np.bool_)
        planned[window.span_packet - batch.first_number] = True
        planned[window.change_packet - batch.first_number] = True
        extra = batch.record_end - batch.start - batch.captured_len
        plain = (extra == 0) | (extra == TRAILER_BYTES + (-batch.captured_len) % 4)
        resized = ~plain
        resized[batch.unusual] = True
        checked = np.zeros(len(batch), np.bool_)
        checked[window.check_packet - batch.first_number] = True
        if self._options.slice:
            checked[:] = True
        apart: Flags = (resized | checked) & planned
        if self._options.drop_metadata:
            apart |= resized
        return apart

    def _mask(self, batch: Batch, window: PlanWindow, apart: Flags) -> int:
        changed = np.zeros(len(batch), np.bool_)
        place = (batch.data, batch.rows, batch.first_number, apart, changed)
        masked = fill_spans(
            *place,
            window.span_packet,
            window.span_start,
            window.span_end,
            window.span_class,
            self._fills,
            self._counts,
        )
        update_checksums(
            *place,
            window.change_packet,
            window.change_offset,
            window.change_kind,
            window.change_delta,
        )
        clear_padding(batch.data, batch.rows, changed)
        return masked

    def _replaced(self, batch: Batch, window: PlanWindow, apart: Flags) -> dict[int, bytes]:
        """Return the records that are written by themselves, by row."""
        if not apart.any():
            return {}
        rows = np.flatnonzero(apart)
        plans = {p.number: p for p in packet_plans(window, rows + batch.first_number)}
        replaced: dict[int, bytes] = {}
        for row in rows.tolist():
            record, packet = batch.record(row), batch.packet(row)
            plan = plans.get(packet.number)
            data = None if plan is None else masked_packet(packet, plan, self._options, self._tally)
            replaced[row] = masked_record(record, data, self._options)
        return replaced

    def _metadata(self, record: Record) -> bytes:
        return metadata(record, self._options, self._tally, resizes=self._resizes)


def _pieces(
    batch: Batch, replaced: dict[int, bytes], metadata: Callable[[Record], bytes]
) -> Iterator[Piece]:
    """Yield the window's bytes with some records replaced, and its metadata where they stand."""
    data, at = batch.data.data, 0
    events: list[tuple[int, int, Record | bytes]] = [
        *((row, 0, record) for row, record in batch.others),
        *((row, 1, record) for row, record in replaced.items()),
    ]
    # of the same row metadata comes first; several of them keep their order
    for row, _, record in sorted(events, key=lambda event: event[:2]):
        if isinstance(record, bytes):
            start, end = int(batch.record_start[row]), int(batch.record_end[row])
        else:
            start = max(at, int(batch.record_end[row - 1]) if row else 0)
            end = start + (len(record.raw) if batch.holds_metadata else 0)
        if start > at:
            yield data[at:start]
        yield record if isinstance(record, bytes) else metadata(record)
        at = end
    if at < len(data):
        yield data[at:]
