"""Segments put in order: each direction of a connection as one stream of bytes (RFC 9293).

Belongs here: sequence numbers, what came before, what comes late, and that every copy of a byte is
treated as the first was.  Must not be known here: link layers, HTTP grammar, files.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.options import TrimOptions
from trimming.engine.report import HTTP2, RESET_TEXT, Tally
from trimming.engine.strategies.legacy.history import History, Known, Part
from trimming.engine.strategies.legacy.http import Exchange, HttpReader, Run
from trimming.engine.strategies.legacy.layers import Segment
from trimming.engine.strategies.legacy.redaction import Redactor
from trimming.engine.strategies.legacy.tls import TlsReader
from trimming.engine.strategies.legacy.views import Planner

SEQUENCE_SPACE = 1 << 32
HALF = 1 << 31


class Direction:
    """One direction: puts segments in order, feeds them to the reader, plans what it says."""

    def __init__(self, connection: Connection, side: int, reader: HttpReader) -> None:
        self._connection = connection
        self._shared = connection.shared
        self._limits = connection.shared.options.limits
        self.reader = reader
        self._tls = TlsReader() if connection.shared.options.other_payload == "mask" else None
        self._reference: int | None = None
        self.syn_sequence: int | None = None
        self.first: int | None = None
        self._next = 0
        self._classed = 0
        self._pending: deque[Part] = deque()
        self._waiting: list[Part] = []
        self._waiting_bytes = 0
        self._copies: list[Part] = []
        self._holes: list[tuple[int, int]] = []
        self._history = History(self._limits, connection.shared)

    # --- segments ------------------------------------------------------------------------------

    def syn(self, sequence: int) -> None:
        """A SYN was seen: the stream begins behind it."""
        self.syn_sequence = sequence
        if self.first is None:
            self._reference = self._next = self._classed = (sequence + 1) % SEQUENCE_SPACE

    def is_new_syn(self, sequence: int) -> bool:
        """Whether a SYN with this sequence number belongs to another connection."""
        if self.syn_sequence is not None:
            return self.syn_sequence != sequence
        if self.first is None:
            return False
        return not 0 <= self.first - self._unwrapped(sequence + 1) < self._limits.reorder_bytes

    def _unwrapped(self, sequence: int) -> int:
        assert self._reference is not None
        return self._reference + (sequence - self._reference + HALF) % SEQUENCE_SPACE - HALF

    def take(self, segment: Segment, sequence: int) -> None:
        """Take the payload of a segment that starts at ``sequence``."""
        length = segment.end - segment.start
        if self._reference is None:
            self._reference = self._next = self._classed = sequence
        start = self._unwrapped(sequence)
        if self.first is None:
            self.first = start
            self._shared.tally.streams += 1
        part = Part(start, length, segment.view, segment.start, segment.wire_len)
        if part.start > self._next and not self.reader.can_skip(part.start - self._next):
            self._wait(part)
            return
        self._arrive(part)
        self._drain()

    def _arrive(self, part: Part) -> None:
        """Take a part that starts at or before the next byte, or behind content that is missing."""
        old = min(part.end, self._next) - part.start
        if old > 0:
            self._take_copy(part.first(old))
            part = part.without_first(old)
        if part.start > self._next:
            self._skip(part.start - self._next)
        if part.length:
            self._pending.append(part)
            self._next = part.end
            self._reference = self._next
            self._settle(self.reader.feed(part.data))
        missing = part.wire_len - part.length
        if missing > 0 and part.start <= self._next == part.end:
            # the capture cut the packet: these bytes will not come
            self._skip(missing)

    def _skip(self, length: int) -> None:
        """Go on behind ``length`` bytes that are not there."""
        is_content = self.reader.can_skip(length)
        self._settle(self.reader.gap(length))
        if is_content:
            # a copy that comes late is content, too; elsewhere nobody knows what it is
            self._history.add(self._next, self._next + length, ByteClass.BODY, False, b"")
        elif self._tls is not None:
            self._tls.skip(length)
        self._holes.append((self._next, self._next + length))
        self._bound_holes()
        self._next += length
        self._classed = self._next
        self._shared.tally.gaps += 1

    def _wait(self, part: Part) -> None:
        insort(self._waiting, part)
        self._waiting_bytes += part.length
        self._shared.waits(self, part.length)
        limits = self._limits
        while self._waiting:
            if len(self._waiting) > limits.reorder_segments:
                self._shared.tally.limits_met["reorder_segments"] += 1
            elif self._waiting_bytes > limits.reorder_bytes:
                self._shared.tally.limits_met["reorder_bytes"] += 1
            else:
                break
            self.give_up_gap()

    @property
    def is_waiting(self) -> bool:
        """Whether segments are held back until a gap closes."""
        return bool(self._waiting)

    def give_up_gap(self) -> None:
        """Stop waiting for the next missing bytes."""
        if self._waiting:
            self._skip(self._waiting[0].start - self._next)
            self._drain()

    def _drain(self) -> None:
        while self._waiting and (
            self._waiting[0].start <= self._next
            or self.reader.can_skip(self._waiting[0].start - self._next)
        ):
            part = self._waiting.pop(0)
            self._waiting_bytes -= part.length
            self._shared.waits(self, -part.length)
            self._shared.tally.out_of_order_segments += 1
            self._arrive(part)

    def close(self) -> None:
        """Nothing will come any more: settle all that is open."""
        while self._waiting:
            self.give_up_gap()
        self._settle(self.reader.end())
        for part in self._copies:
            self._plan_part(part, ByteClass.OTHER, tentative=True)
        self._copies.clear()

    def forget(self) -> None:
        """Nothing is asked of a closed direction any more."""
        self._history.clear()

    # --- copies --------------------------------------------------------------------------------

    def _take_copy(self, part: Part) -> None:
        """Treat bytes of places that were passed already as they were treated then."""
        if part.end <= self._classed:
            if not self._fills_hole(part):
                self._shared.tally.retransmitted_segments += 1
            self._copy(part)
        elif part.start < self._classed:
            known = self._classed - part.start
            self._take_copy(part.first(known))
            self._hold_copy(part.without_first(known))
        else:
            self._shared.tally.retransmitted_segments += 1
            self._hold_copy(part)

    def _hold_copy(self, part: Part) -> None:
        """Keep a copy of bytes that are held back themselves, until those are classed."""
        self._copies.append(part)
        if len(self._copies) > self._limits.reorder_segments:
            self._shared.tally.limits_met["reorder_segments"] += 1
            self._plan_part(self._copies.pop(0), ByteClass.OTHER, tentative=True)

    def _fills_hole(self, part: Part) -> bool:
        filled = False
        holes: list[tuple[int, int]] = []
        for start, end in self._holes:
            if part.start < end and start < part.end:
                filled = True
                left = [(start, part.start), (part.end, end)]
                left = [(a, b) for a, b in left if a < b]
                holes += left
                self._shared.tally.gaps += len(left) - 1
            else:
                holes.append((start, end))
        if filled:
            self._holes = holes
            self._bound_holes()
            self._shared.tally.out_of_order_segments += 1
        return filled

    def _bound_holes(self) -> None:
        most = self._limits.history_runs
        if len(self._holes) > most:
            self._shared.tally.limits_met["history_runs"] += 1
            del self._holes[: max(1, most // 2)]

    def _copy(self, part: Part) -> None:
        while part.length:
            known, following = self._history.known(part.start)
            if known is None:
                length = (
                    min(part.end, following if following is not None else part.end) - part.start
                )
                forgotten = self._history.forgotten_until
                if forgotten is not None and part.start < forgotten:
                    # it may have been content that looks like a head
                    length = min(length, forgotten - part.start)
                    self._plan_part(part.first(length), ByteClass.OTHER, tentative=True)
                else:
                    self._stranger(part.first(length))
            else:
                length = min(part.end, known.end) - part.start
                self._plan_copy(part.first(length), known)
            part = part.without_first(length)

    def _plan_copy(self, part: Part, known: Known) -> None:
        if known.data is not None:
            offset = part.start - known.start
            if known.data[offset : offset + part.length] != part.data:
                # the same place with other bytes: which of them the receiver took is not known
                self._plan_part(part, ByteClass.UNCERTAIN)
                return
        self._plan_part(part, known.byte_class, tentative=known.tentative)

    def _stranger(self, part: Part) -> None:
        """Bytes of a place of which nothing is known: a head that opens here is read by itself."""
        reader = self._connection.stranger()
        pending: deque[Part] = deque((part,))
        for length, byte_class in (*reader.feed(part.data), *reader.end()):
            self._plan_run(pending, length, byte_class)

    # --- decisions -----------------------------------------------------------------------------

    def _settle(self, runs: list[Run]) -> None:
        for length, byte_class in runs:
            for part, settled, tentative in self._plan_run(self._pending, length, byte_class):
                self._history.add(part.start, part.end, settled, tentative, part.data)
                self._classed = part.end
        if self._copies and runs:
            copies, self._copies = self._copies, []
            for part in copies:
                if part.start < self._classed:
                    known = min(part.end, self._classed) - part.start
                    self._copy(part.first(known))
                    part = part.without_first(known)
                if part.length:
                    self._copies.append(part)

    def _plan_run(
        self, pending: deque[Part], length: int, byte_class: ByteClass | None
    ) -> list[tuple[Part, ByteClass, bool]]:
        """Plan the next ``length`` pending bytes; return the parts with what they are."""
        planned: list[tuple[Part, ByteClass, bool]] = []
        while length:
            part = pending[0]
            taken = part.first(min(length, part.length))
            if taken.length == part.length:
                pending.popleft()
            else:
                pending[0] = part.without_first(taken.length)
            length -= taken.length
            if byte_class is None:
                planned += self._plan_unknown(taken, own=pending is self._pending)
            else:
                self._plan_part(taken, byte_class)
                planned.append((taken, byte_class, False))
        return planned

    def _plan_unknown(self, part: Part, *, own: bool) -> list[tuple[Part, ByteClass, bool]]:
        runs = [(part.length, ByteClass.OTHER)]
        if self._tls is not None and own:
            runs = self._tls.feed(part.data)
        is_kept = fill_for(ByteClass.OTHER, self._shared.options) is None
        if self._connection.exchange.speaks_http2 and is_kept:
            self._shared.tally.left_bytes[HTTP2] += part.length
        planned = []
        for length, byte_class in runs:
            piece = part.first(length)
            self._plan_part(piece, byte_class, tentative=True)
            planned.append((piece, byte_class, True))
            part = part.without_first(length)
        return planned

    def _plan_part(self, part: Part, byte_class: ByteClass, *, tentative: bool = False) -> None:
        if part.length:
            self._shared.planner.add(
                part.view,
                part.at,
                part.at + part.length,
                byte_class,
                self._connection.number,
                tentative=tentative,
            )


@dataclass(slots=True)
class Shared:
    """What all connections of a run use."""

    options: TrimOptions
    planner: Planner
    redactor: Redactor
    tally: Tally
    mark_http: Callable[[int], None]
    waiting_bytes: int = 0
    history_bytes: int = 0
    waiting: dict[Direction, None] = field(default_factory=dict)

    def waits(self, direction: Direction, length: int) -> None:
        """A direction holds ``length`` more bytes that came too early, or fewer."""
        self.waiting_bytes += length
        if direction.is_waiting:
            self.waiting[direction] = None
        else:
            self.waiting.pop(direction, None)

    def relieve(self) -> None:
        """Give up gaps, that of who began to wait first, while all hold too much."""
        while self.waiting and self.waiting_bytes > self.options.limits.reorder_total_bytes:
            self.tally.limits_met["reorder_total_bytes"] += 1
            next(iter(self.waiting)).give_up_gap()

    def forget(self, connection: Connection) -> None:
        """A connection is gone and holds nothing any more."""
        for direction in connection.directions:
            direction.forget()


class Connection:
    """Both directions of a TCP 4-tuple, from its SYN on or from where the capture starts."""

    def __init__(self, number: int, shared: Shared, *, opened_by: int, was_http: bool) -> None:
        self.number = number
        self._opened_by = opened_by
        self.shared = shared
        self.last_seen_ns = 0
        self.last_seen_packet = 0
        self._finished = [False, False]
        self.exchange = Exchange(lambda: shared.mark_http(number))
        self.directions = tuple(Direction(self, side, self._reader(side)) for side in (0, 1))
        if was_http:
            self.exchange.http_seen()
        shared.tally.connections += 1

    def _reader(self, side: int) -> HttpReader:
        shared = self.shared
        return HttpReader(self.exchange, side, shared.options, shared.redactor, shared.tally)

    def stranger(self) -> HttpReader:
        """Return a reader for bytes that stand alone: it finds heads, and pairs nothing."""
        apart = Exchange(self.exchange.http_seen)
        shared = self.shared
        return HttpReader(apart, 0, shared.options, shared.redactor, shared.tally)

    def take(self, side: int, segment: Segment) -> None:
        """Take a segment of one direction."""
        direction = self.directions[side]
        sequence = segment.sequence
        if segment.flags & SYN:
            direction.syn(sequence)
            sequence += 1
        if segment.flags & RST:
            self._reset_data(segment)
        elif segment.start < segment.end or segment.wire_len:
            direction.take(segment, sequence % SEQUENCE_SPACE)
        if segment.flags & FIN:
            self._finished[side] = True
        if segment.flags & RST:
            self._finished = [True, True]

    def _reset_data(self, segment: Segment) -> None:
        """What a RST carries is a diagnosis, no part of the stream (RFC 9293 section 3.5.2)."""
        length = segment.end - segment.start
        if length > 0:
            if fill_for(ByteClass.OTHER, self.shared.options) is None:
                self.shared.tally.left_bytes[RESET_TEXT] += length
            self.shared.planner.add(segment.view, segment.start, segment.end, ByteClass.OTHER)

    def is_another(self, side: int, segment: Segment) -> bool:
        """Whether a segment opens a new connection on the same addresses and ports."""
        if not segment.flags & SYN:
            return False
        return self.directions[side].is_new_syn(segment.sequence)

    @property
    def is_finished(self) -> bool:
        """Whether both directions are closed; late copies may still come."""
        return all(self._finished)

    def close(self) -> None:
        """Settle both directions, first that of who was heard first."""
        for side in (self._opened_by, 1 - self._opened_by):
            self.directions[side].close()


FIN, SYN, RST = 0x01, 0x02, 0x04
