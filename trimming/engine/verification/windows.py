"""Both files and the plan, walked side by side, a window at a time: the fast way.

Belongs here: which records stand beside each other, and who judges them.  Says the same as
``Lockstep``: what is usual is judged by kernels, everything else by the same readers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields

import numpy as np

from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.errors import InputError
from trimming.engine.formats.batches import Batch
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Record
from trimming.engine.options import TrimOptions
from trimming.engine.plan import (
    Column,
    MaskPlan,
    PacketPlan,
    PlanReader,
    PlanWindow,
    packet_plans,
)
from trimming.engine.report import Verification
from trimming.engine.verification.arrays import grown
from trimming.engine.verification.compiled import CompiledRoster
from trimming.engine.verification.connections import SYN
from trimming.engine.verification.findings import Findings
from trimming.engine.verification.judge import Judge
from trimming.engine.verification.kernels import state as c
from trimming.engine.verification.kernels.packets import KEPT, Entries
from trimming.engine.verification.kernels.scan import scan
from trimming.engine.verification.layers import Segment
from trimming.engine.verification.lockstep import Lockstep
from trimming.engine.verification.passing import ordered_segments
from trimming.engine.verification.records import (
    check_block,
    expected_block,
    tell_ends,
    tell_left_plan,
    tell_unpaired,
)

WINDOW_PACKETS = 1 << 12


class _DamagedError(Exception):
    """The output cannot be read to its end."""


class Windows:
    """One verification."""

    def __init__(self, original: CaptureFile, output: CaptureFile, plan: MaskPlan) -> None:
        self._original = original
        self._output = output
        self._plan = plan

    def run(self, progress: Callable[[int], None] | None) -> Verification:
        """Walk to the end and return what was found; ``progress`` is called once a window."""
        try:
            return _Walk(self._original, self._output, self._plan).run(progress)
        except _DamagedError:
            # what is before the damage counts too, of which a window would say nothing
            return Lockstep(self._original, self._output, self._plan).run(progress)


class _Walk:
    def __init__(self, original: CaptureFile, output: CaptureFile, plan: MaskPlan) -> None:
        self._original = original
        self._output = output
        self._options = plan.options
        self._findings = Findings()
        self._roster = CompiledRoster(self._options, self._findings)
        self._judge = Judge(self._options, self._findings, self._roster)
        self._entries = _PlanEntries(plan)
        self._outputs = _Outputs(output)
        self._packets = 0
        self._paired = True

    def run(self, progress: Callable[[int], None] | None) -> Verification:
        for batch in self._original.batches(progress):
            self._batch(batch)
        if self._paired:
            left = self._outputs.count_rest()
            tell_ends(left, self._packets, self._output.tail, self._findings)
            number = self._entries.next_packet()
            if number is not None:
                tell_left_plan(number, self._packets, self._findings)
        self._judge.end()
        self._judge.masked_bytes += int(self._roster.state.m[c.M_MASKED_BYTES])
        return self._judge.verification(self._packets)

    def _batch(self, batch: Batch) -> None:
        if self._paired:
            self._entries.read(batch)
            m = self._roster.state.m
            m[c.M_SPAN] = m[c.M_CHANGE] = m[c.M_CHECK] = 0
        at = 0
        for row, record in batch.others:
            self._rows(batch, at, row)
            at = row
            self._metadata(record)
        self._rows(batch, at, len(batch))

    def _metadata(self, record: Record) -> None:
        expected = expected_block(record, self._options) if self._paired else b""
        if not expected:
            return
        found = self._outputs.take_metadata()
        if found is None:
            self._unpaired()
        else:
            check_block(expected, found, self._packets, self._findings)

    def _unpaired(self) -> None:
        tell_unpaired(self._outputs.is_at_end, self._packets, self._findings)
        self._paired = False

    def _rows(self, batch: Batch, at: int, end: int) -> None:
        """Judge the packets of some rows, between which there is no other record."""
        while at < end and self._paired:
            count = min(self._outputs.rows_left(), end - at)
            if not count:
                self._unpaired()
                break
            self._scan(batch, at, at + count)
            self._packets += count
            at += count
        self._packets += end - at

    def _scan(self, batch: Batch, at: int, end: int) -> None:
        outputs = self._outputs
        other = outputs.batch
        self._roster.state.m[c.M_ROW], self._roster.state.m[c.M_OTHER_ROW] = at, outputs.row
        while True:
            state = self._roster.state
            reason = scan(
                state,
                batch.data,
                batch.rows,
                other.data,
                other.rows,
                end,
                batch.first_number,
                batch.holds_metadata,
                self._entries.columns,
            )
            if reason == c.DONE:
                break
            if reason >= c.GROW_ROWS:
                self._roster.state = grown(state, reason)
                continue
            self._odd(reason, batch)
            self._roster.settle()
            self._roster.state.m[c.M_ROW] += 1
            self._roster.state.m[c.M_OTHER_ROW] += 1
        outputs.row += end - at

    def _odd(self, reason: int, batch: Batch) -> None:
        """Judge the packet at which the kernel stopped."""
        m = self._roster.state.m
        row, other_row = int(m[c.M_ROW]), int(m[c.M_OTHER_ROW])
        other = self._outputs.batch
        if reason == c.PACKET:
            packet = batch.packet(row)
            plan = self._entries.of(packet.number)
            self._judge.packet(packet, batch.record(row), other.record(other_row), plan)
            return
        if reason == c.SEGMENT:
            self._segment(batch, row, other, other_row)
        else:
            self._go_on(reason)

    def _go_on(self, reason: int) -> None:
        """Read on in a connection that has taken the segment already."""
        m = self._roster.state.m
        d, flags, seq = int(m[c.M_SIDE]), int(m[c.M_FLAGS]), int(m[c.M_SEQ])
        end = seq + bool(flags & SYN) + int(m[c.M_LENGTH])
        rest = ordered_segments(self._roster.state) if reason == c.READ else []
        connection_row = int(m[c.M_CONNECTION])
        key = self._roster.key(connection_row)
        connection = self._roster.objects(connection_row)
        if reason == c.READ:
            for stream in connection.streams:
                stream.waiting.clear()
            connection.read_on(rest)
        else:
            self._roster.waiting_bytes -= connection.waiting_bytes
            connection.release()
        self._judge.connections.note_end(key, connection, d, end, flags)

    def _segment(self, batch: Batch, row: int, other: Batch, other_row: int) -> None:
        m = self._roster.state.m
        packet, found = batch.packet(row), other.packet(other_row)
        key = self._roster.registered_key()
        half = len(key) // 2
        ends = key[:half], key[half:]
        d, start, end = int(m[c.M_SIDE]), int(m[c.M_START]), int(m[c.M_END])
        segment = Segment(
            ends[d],
            ends[1 - d],
            int(m[c.M_SEQ]),
            int(m[c.M_FLAGS]),
            start,
            end,
            int(m[c.M_LENGTH]),
            False,
        )
        marks = ((0, packet.number, start),)
        self._judge.connections.add(
            segment, packet.data[start:end], found.data[start:end], marks, packet.timestamp_ns
        )


class _Outputs:
    """The output's records; ``row`` is that of the next packet in ``batch``."""

    def __init__(self, output: CaptureFile) -> None:
        self._batches = self._read(output)
        self._batch: Batch | None = None
        self._others = 0
        self.row = 0
        self.is_at_end = False

    @property
    def batch(self) -> Batch:
        """The window of the next packet."""
        assert self._batch is not None
        return self._batch

    @staticmethod
    def _read(output: CaptureFile) -> Iterator[Batch]:
        try:
            yield from output.batches()
        except InputError as error:
            raise _DamagedError from error

    def _fill(self) -> bool:
        """Make sure that the batch has a next record; False at the end."""
        if self.is_at_end:
            return False
        while self._batch is None or self._is_read(self._batch):
            self._batch = next(self._batches, None)
            self.row = self._others = 0
            self.is_at_end = self._batch is None
            if self.is_at_end:
                return False
        return True

    def _is_read(self, batch: Batch) -> bool:
        return self.row == len(batch) and self._others == len(batch.others)

    def rows_left(self) -> int:
        """Return how many packets come before any other record."""
        if not self._fill():
            return 0
        others = self.batch.others
        end = others[self._others][0] if self._others < len(others) else len(self.batch)
        return end - self.row

    def take_metadata(self) -> Record | None:
        """Return the next record if it has no packet."""
        if not self._fill() or self.rows_left():
            return None
        record = self.batch.others[self._others][1]
        self._others += 1
        return record

    def count_rest(self) -> int:
        """Return how many records were not taken, of packets or not."""
        count = 0
        while self._fill():
            count += len(self.batch) - self.row + len(self.batch.others) - self._others
            self.row, self._others = len(self.batch), len(self.batch.others)
        return count


class _PlanEntries:
    """The plan's entries of the present window, for kernels and packet by packet."""

    def __init__(self, plan: MaskPlan) -> None:
        self._reader: PlanReader = plan.reader()
        self._window: PlanWindow = self._reader.upto(0)
        self._fills = _fills(plan.options)
        # the plan of a packet that does not come bars the way to those behind it
        self._barred = _first(self._window)
        self.columns: Entries
        self._set()

    def read(self, batch: Batch) -> None:
        """Take the entries of a window's packets."""
        window = self._reader.upto(batch.first_number + len(batch) - 1)
        self._window = window if self._barred is None else window.of(np.empty(0, np.int64))
        self._set()

    def _set(self) -> None:
        m = self._window
        self.columns = Entries(
            m.span_packet,
            m.span_start,
            m.span_end,
            m.span_class,
            m.change_packet,
            m.change_offset,
            m.check_packet,
            self._fills,
        )

    def of(self, number: int) -> PacketPlan | None:
        """Return the plan of a packet of the window."""
        ranges = {
            prefix: slice(
                *np.searchsorted(getattr(self._window, f"{prefix}_packet"), (number, number + 1))
            )
            for prefix in ("span", "change", "check")
        }
        columns: dict[str, Column] = {}
        for column in fields(PlanWindow):
            prefix = column.name.partition("_")[0]
            columns[column.name] = getattr(self._window, column.name)[ranges[prefix]]
        return next(packet_plans(PlanWindow(**columns)), None)

    def next_packet(self) -> int | None:
        """Return the packet that the plan names next; None where all were taken."""
        if self._barred is not None:
            return self._barred
        while (number := self._reader.next_packet()) is not None:
            found = _first(self._reader.upto(number + WINDOW_PACKETS - 1))
            if found is not None:
                return found
        return None


def _first(window: PlanWindow) -> int | None:
    packets = (window.span_packet, window.change_packet, window.check_packet)
    return min((int(column[0]) for column in packets if len(column)), default=None)


def _fills(options: TrimOptions) -> Column:
    fills = np.full(256, KEPT, np.int64)
    for byte_class in ByteClass:
        fill = fill_for(byte_class, options)
        if fill is not None:
            fills[byte_class] = fill
    return fills
