"""Both files and the plan, walked side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trimming.engine.errors import InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet, Record
from trimming.engine.plan import MaskPlan, PacketPlan
from trimming.engine.report import Verification
from trimming.engine.verification.connections import Connections, Marks
from trimming.engine.verification.datagrams import Datagram, Datagrams, Whole
from trimming.engine.verification.findings import Findings
from trimming.engine.verification.invariants import (
    Compared,
    check_bytes,
    check_sum,
    sound_fills,
    whole_output,
)
from trimming.engine.verification.layers import Fragment, Walk
from trimming.engine.verification.links import walk_datagram, walk_frame
from trimming.engine.verification.records import (
    check_block,
    check_packet_record,
    expected_block,
)

MAX_NESTED_DATAGRAMS = 8


class Lockstep:
    """One verification."""

    def __init__(self, original: CaptureFile, output: CaptureFile, plan: MaskPlan) -> None:
        self._original = original
        self._output = output
        self._plan = plan
        self._options = plan.options
        self._findings = Findings()
        self._plans = plan.packets()
        self._next_plan: PacketPlan | None = next(self._plans, None)
        self._connections = Connections(self._options, self._findings)
        self._datagrams = Datagrams(self._options.limits.max_open_datagrams, self._findings)
        self._packets = 0
        self._masked_bytes = 0

    def run(self, progress: Callable[[int], None] | None) -> Verification:
        """Walk to the end and return what was found."""
        outputs = self._output_records()
        paired = True
        for record in self._original.records(progress):
            if paired:
                paired = self._pair(record, outputs)
            elif record.packet is not None:
                self._packets += 1
        self._ends(outputs, paired)
        self._datagrams.end()
        self._lose_given_up()
        self._connections.end()
        return Verification(
            self._packets,
            self._masked_bytes,
            self._connections.http_streams,
            self._connections.header_blocks,
            tuple(self._findings.kept),
            self._findings.left_out,
        )

    def _output_records(self) -> Iterator[Record]:
        try:
            yield from self._output.records()
        except InputError as error:
            self._findings.add("packet-count", f"the output is damaged at byte {error.offset}")

    def _pair(self, record: Record, outputs: Iterator[Record]) -> bool:
        """Compare a record with the next one of the output; False where they no longer pair."""
        packet = record.packet
        expected = expected_block(record, self._options) if packet is None else b""
        if packet is None and not expected:
            return True
        if packet is not None:
            self._packets += 1
        found = next(outputs, None)
        if found is None or (packet is None) != (found.packet is None):
            what = "ends" if found is None else "goes on with another kind of record"
            last = self._packets - (packet is not None)
            self._findings.add("packet-count", f"the output {what} after packet {last}")
            return False
        if packet is None:
            check_block(expected, found, self._packets, self._findings)
        else:
            self._packet(packet, record, found)
        return True

    def _ends(self, outputs: Iterator[Record], paired: bool) -> None:
        left = sum(1 for _ in outputs) if paired else 0
        if left:
            self._findings.add(
                "packet-count", f"the output has {left} records behind packet {self._packets}"
            )
        if paired and self._output.tail is not None:
            self._findings.add(
                "packet-count", f"the output has a cut end: {self._output.tail.reason}"
            )
        if self._next_plan is not None and paired:
            self._findings.add(
                "plan-applied",
                f"the plan names packet {self._next_plan.number} where packet {self._packets} is"
                " the last or has passed",
            )

    def _plan_of(self, number: int) -> PacketPlan | None:
        plan = self._next_plan
        if plan is None or plan.number != number:
            return None
        self._next_plan = next(self._plans, None)
        return plan

    def _packet(self, before: Packet, record: Record, found: Record) -> None:
        after = found.packet
        assert after is not None
        plan = self._plan_of(before.number)
        fills = (
            sound_fills(plan, before.captured_len, self._options, self._findings) if plan else []
        )
        self._masked_bytes += sum(end - start for start, end, _ in fills)
        check_packet_record(record, found, bool(fills), self._options, self._findings)
        output = whole_output(before, after, fills, self._options, self._findings)
        if output is None:
            return
        walk = walk_frame(before.data, before.original_len, before.link_type, before.fcs_len)
        compared = Compared(before.number, before.data, output, fills)
        check_bytes(compared, plan, walk, self._findings)
        self._follow(walk, output, plan, before)

    def _follow(self, walk: Walk, output: bytes, plan: PacketPlan | None, packet: Packet) -> None:
        segment = walk.segment
        if segment is not None:
            start, end = segment.start, segment.end
            marks = ((0, packet.number, start),)
            self._connections.add(
                segment, walk.data[start:end], output[start:end], marks, packet.timestamp_ns
            )
        elif walk.fragment is not None:
            self._fragment(walk, walk.fragment, output, plan, packet)

    def _fragment(
        self,
        walk: Walk,
        fragment: Fragment,
        output: bytes,
        plan: PacketPlan | None,
        packet: Packet,
    ) -> None:
        named = {change.offset for change in plan.changes} if plan is not None else set()
        known = all(check.field in named for check in walk.checks if check.partial)
        whole = self._datagrams.add(fragment, walk, output, packet.number, known)
        self._lose_given_up()
        for _ in range(MAX_NESTED_DATAGRAMS):
            if whole is None:
                return
            whole = self._datagram(whole, packet)

    def _datagram(self, whole: Whole, packet: Packet) -> Whole | None:
        """Judge a complete datagram; return one that it completes itself."""
        walk = walk_datagram(whole.original, whole.key, whole.length)
        all_captured = whole.cut >= whole.length  # nobody can check the sum of what is not there
        for check in walk.checks:
            if all_captured and not check.partial:
                check_sum(check, whole.original, whole.output, packet.number, self._findings)
        if walk.segment is not None:
            start = walk.segment.start
            end = max(min(walk.segment.end, whole.cut), start)
            self._connections.add(
                walk.segment,
                whole.original[start:end],
                whole.output[start:end],
                _marks(whole, start),
                packet.timestamp_ns,
            )
        elif walk.fragment is not None:
            return self._datagrams.add(walk.fragment, walk, whole.output, packet.number, True)
        return None

    def _lose_given_up(self) -> None:
        while self._datagrams.given_up:
            source, destination = _ends_of(self._datagrams.given_up.pop())
            if source:
                self._connections.lose(source, destination)


def _marks(whole: Whole, start: int) -> Marks:
    """Where the bytes of a datagram from ``start`` on came from."""
    marks = []
    for offset, packet, at in whole.parts:
        if offset <= start:
            marks = [(0, packet, at + start - offset)]
        else:
            marks.append((offset - start, packet, at))
    return tuple(marks)


def _ends_of(datagram: Datagram) -> tuple[bytes, bytes]:
    """Return the ends of the connection of an incomplete datagram, empty if unknown."""
    first = datagram.parts.get(0)
    source, destination, protocol, _ = datagram.key
    if first is None or protocol != 6 or len(first.original) < 4:
        return b"", b""
    return source + first.original[:2], destination + first.original[2:4]
