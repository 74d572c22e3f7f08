"""The scanning strategy as a whole: one pass over windows of raw bytes, mask plan out.

Belongs here: feeding kernels, growing their arrays, and what goes packet by packet.  What a byte is
is decided in ``kernels``; rare layers are read in ``slow``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trimming.engine.byte_classes import ByteClass
from trimming.engine.formats.batches import Batch
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet
from trimming.engine.plan import FieldKind, MaskPlan
from trimming.engine.report import HEADLESS, ICMP_QUOTE, LINK_TYPE, Tally
from trimming.engine.strategies.scanning.arrays import NO_BYTES, NO_ROWS, Arrays
from trimming.engine.strategies.scanning.kernels import scan as kernels
from trimming.engine.strategies.scanning.kernels.state import (
    DONE,
    FLUSH,
    NONE,
    R_AT,
    R_CHECKSUM,
    R_END,
    R_EVICT,
    R_FLAGS,
    R_KEY,
    R_NOW,
    R_NUMBER,
    R_PACKET,
    R_SEQUENCE,
    R_SIDE,
    R_WIRE,
    SLOW,
    Bytes,
    Numbers,
)
from trimming.engine.strategies.scanning.slow.views import View, entries
from trimming.engine.strategies.scanning.slow.walk import (
    Found,
    SlowPath,
    TcpSegment,
    is_known,
)

# what is masked with other payload; DNS is not
_MASKABLE = frozenset(("UDP", ICMP_QUOTE, HEADLESS))


class ScanningStrategy:
    """One pass at memory speed.  Memory is bounded by the options' limits."""

    name = "scanning"
    version = "1.0"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """As Strategy.plan."""
        run = _Run(plan, tally)
        for batch in capture.batches(progress):
            run.batch(batch)
        run.finish()


class _Run:
    def __init__(self, plan: MaskPlan, tally: Tally) -> None:
        self._plan = plan
        self._tally = tally
        self._options = plan.options
        self._arrays = Arrays(plan.options)
        self._slow = SlowPath(plan.options, tally)
        # views of the slow path of which kernels hold bytes, by number
        self._views: dict[int, View] = {}
        self._present_view = 0

    def batch(self, batch: Batch) -> None:
        """Take the packets of a window."""
        at = 0
        while at < len(batch):
            reason, at = self._scan(kernels.PACKETS, batch.data, batch.rows, at, batch.first_number)
            if reason == SLOW:
                self._packet(batch.packet(at))
                at += 1
        self._call(kernels.SETTLE)
        self._flush()

    def finish(self) -> None:
        """Nothing will come any more."""
        m = self._arrays.m
        m[R_NOW] = 0
        for found in self._slow.flush():
            self._take(found)
        self._call(kernels.CLOSE_ALL)
        self._flush()
        self._arrays.count(self._tally)

    def _scan(
        self, task: int, data: Bytes, rows: Numbers, at: int, first_number: int
    ) -> tuple[int, int]:
        """Run the kernel until it is done, or until a packet is rare."""
        while True:
            reason, at = kernels.scan(self._arrays.m, task, data, rows, at, first_number)
            if reason in (DONE, SLOW):
                return reason, at
            if reason == FLUSH:
                self._flush()
            else:
                self._arrays.grow(reason)

    def _call(self, task: int, data: Bytes = NO_BYTES) -> None:
        self._scan(task, data, NO_ROWS, 0, 0)

    # --- packet by packet ------------------------------------------------------------------------

    def _packet(self, packet: Packet) -> None:
        if not is_known(packet.link_type):
            self._tally.unknown_link_types[str(packet.link_type)] += 1
            self._tally.left_bytes[LINK_TYPE % {"number": packet.link_type}] += packet.captured_len
            return
        m = self._arrays.m
        m[R_NOW] = packet.timestamp_ns or 0
        m[R_NUMBER] = packet.number
        for found in self._slow.packet(packet):
            self._take(found)
        check = self._slow.frame_check(packet)
        if check is not None:
            self._plan.add_frame_check(packet.number, *check)
        m[R_EVICT] = 1
        self._call(kernels.SETTLE)

    def _take(self, found: Found) -> None:
        if isinstance(found, TcpSegment):
            self._segment(found)
        elif self._options.other_payload == "mask" and found.what in _MASKABLE:
            self._plan_view(found.view, found.start, found.end, ByteClass.OTHER, 0, False)
        elif found.what != ICMP_QUOTE:
            self._tally.left_bytes[found.what] += found.end - found.start

    def _segment(self, segment: TcpSegment) -> None:
        number = self._arrays.free_view(self._views)
        self._views[number] = segment.view
        self._present_view = number
        m = self._arrays.m
        source = (segment.source, segment.source_port)
        destination = (segment.destination, segment.destination_port)
        side = int(source > destination)
        first, second = (destination, source) if side else (source, destination)
        family = 4 if len(segment.source) == 4 else 6
        words = (*_words(first[0]), *_words(second[0]), family << 32 | first[1] << 16 | second[1])
        m[R_KEY : R_KEY + len(words)] = words
        m[R_SIDE] = side
        m[R_SEQUENCE] = segment.sequence
        m[R_FLAGS] = segment.flags
        m[R_AT], m[R_END] = segment.start, segment.end
        m[R_WIRE] = segment.wire_len
        m[R_PACKET], m[R_CHECKSUM] = -number, NONE
        self._call(kernels.ONE_SEGMENT, np.frombuffer(bytearray(segment.view.data), np.uint8))
        self._present_view = 0
        self._call(kernels.SETTLE)

    # --- output ----------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Hand over what the kernels planned."""
        marks, planned = self._arrays.taken()
        for connection in marks:
            self._plan.mark_http(connection)
        if self._views:
            in_views = planned["packet"] < 0
            for entry in planned[in_views].tolist():
                number, start, end, _, byte_class, tentative, _, connection = entry
                view = self._views[-number]
                self._plan_view(
                    view, start, end, ByteClass(byte_class), connection, bool(tentative)
                )
            planned = planned[~in_views]
            counts = self._arrays.view_counts()
            # that of the present segment is kept: the kernel may not have come to it
            kept = {n: view for n, view in self._views.items() if counts[n]}
            self._views = kept | {n: self._views[n] for n in (self._present_view,) if n}
        if len(planned):
            self._plan.add_entries(planned)

    def _plan_view(
        self,
        view: View,
        start: int,
        end: int,
        byte_class: ByteClass,
        connection: int,
        tentative: bool,
    ) -> None:
        found = entries(view, start, end, byte_class, self._options, tentative=tentative)
        for packet, a, b in found.spans:
            self._plan.add_span(
                packet, a, b, byte_class, connection=connection, tentative=tentative
            )
        for packet, offset, kind, delta in found.changes:
            self._plan.add_change(
                packet,
                offset,
                FieldKind(kind),
                delta,
                byte_class,
                connection=connection,
                tentative=tentative,
            )


def _words(address: bytes) -> tuple[int, int]:
    """Return an address as the kernels have it: two signed words."""
    if len(address) == 4:
        return int.from_bytes(address, "big"), 0
    return (
        int.from_bytes(address[:8], "big", signed=True),
        int.from_bytes(address[8:], "big", signed=True),
    )
