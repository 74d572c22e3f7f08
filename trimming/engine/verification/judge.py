"""One packet of the original, its plan and the output's: compared, decoded, followed.

Belongs here: what is asked of a packet, in which order.  Must not be known here: how both files and
the plan are read.
"""

from __future__ import annotations

from trimming.engine.formats.records import Packet, Record
from trimming.engine.options import TrimOptions
from trimming.engine.plan import PacketPlan
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
from trimming.engine.verification.records import check_packet_record
from trimming.engine.verification.roster import Roster

MAX_NESTED_DATAGRAMS = 8


class Judge:
    """What was found so far, and what is followed."""

    def __init__(self, options: TrimOptions, findings: Findings, roster: Roster) -> None:
        self.findings = findings
        self.roster = roster
        self.connections = Connections(options, findings, roster)
        self.masked_bytes = 0
        self._options = options
        self._datagrams = Datagrams(options.limits.max_open_datagrams, findings)

    def packet(
        self, before: Packet, record: Record, found: Record, plan: PacketPlan | None
    ) -> None:
        """Compare a packet with the output's, and follow its stream.  ``plan`` is its own."""
        after = found.packet
        assert after is not None
        fills = sound_fills(plan, before.captured_len, self._options, self.findings) if plan else []
        self.masked_bytes += sum(end - start for start, end, _ in fills)
        check_packet_record(record, found, bool(fills), self._options, self.findings)
        output = whole_output(before, after, fills, self._options, self.findings)
        if output is None:
            return
        walk = walk_frame(before.data, before.original_len, before.link_type, before.fcs_len)
        compared = Compared(before.number, before.data, output, fills)
        check_bytes(compared, plan, walk, self.findings)
        self._follow(walk, output, plan, before)

    def _follow(self, walk: Walk, output: bytes, plan: PacketPlan | None, packet: Packet) -> None:
        segment = walk.segment
        if segment is not None:
            start, end = segment.start, segment.end
            marks = ((0, packet.number, start),)
            self.connections.add(
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
                check_sum(check, whole.original, whole.output, packet.number, self.findings)
        if walk.segment is not None:
            start = walk.segment.start
            end = max(min(walk.segment.end, whole.cut), start)
            self.connections.add(
                walk.segment,
                whole.original[start:end],
                whole.output[start:end],
                _marks(whole, start),
                packet.timestamp_ns,
            )
        elif walk.fragment is not None:
            return self._datagrams.add(walk.fragment, walk, whole.output, packet.number, True)
        return None

    def end(self) -> None:
        """Nothing follows."""
        self._datagrams.end()
        self._lose_given_up()
        self.connections.end()

    def verification(self, packets: int) -> Verification:
        """Return what was found in so many packets."""
        roster = self.roster
        return Verification(
            packets,
            self.masked_bytes,
            roster.http_streams,
            roster.header_blocks,
            tuple(self.findings.kept),
            self.findings.left_out,
        )

    def _lose_given_up(self) -> None:
        while self._datagrams.given_up:
            source, destination = _ends_of(self._datagrams.given_up.pop())
            if source:
                self.connections.lose(source, destination)


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
