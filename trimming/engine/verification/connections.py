"""All connections of a capture: who talks to whom, in which order it is read, what is forgotten.

A connection is known by its innermost addresses and ports alone; a SYN with another initial
sequence number starts a new one.  Memory is bounded, and bounds lie below those of the strategies:
what is forgotten here may still be known there, so it is forgiven (Eye.lose).
"""

from __future__ import annotations

from collections.abc import Iterator

from trimming.engine.options import Limits, TrimOptions
from trimming.engine.verification.eye import Exchange
from trimming.engine.verification.findings import Findings
from trimming.engine.verification.layers import Segment
from trimming.engine.verification.loose import opens_message
from trimming.engine.verification.pieces import Piece
from trimming.engine.verification.roster import Roster
from trimming.engine.verification.streams import Data, Stream, distance

FIN, SYN, RST, ACK = 1, 2, 4, 16
NS = 1_000_000_000
Marks = tuple[tuple[int, int, int], ...]


class Connection:
    """Both streams of a connection and the eye on them.

    While framing is certain and bytes are missing in one direction, the other one waits as well:
    what is missing may say how to read what follows.
    """

    def __init__(self, options: TrimOptions, findings: Findings) -> None:
        self.exchange = Exchange(options, findings)
        self.streams = (Stream(options.limits), Stream(options.limits))
        self.last_ns: int | None = None
        self.closed = False
        self.contradictory = [False, False]

    @property
    def waiting_bytes(self) -> int:
        """Bytes put aside."""
        return self.streams[0].waiting_bytes + self.streams[1].waiting_bytes

    def is_another(self, direction: int, seq: int) -> bool:
        """Whether a SYN with the sequence number ``seq`` opens another connection."""
        stream = self.streams[direction]
        if stream.isn >= 0:
            return stream.isn != seq
        if stream.next < 0:
            return False
        # a SYN that comes late begins just before what was read
        return (
            not 0 <= distance(stream.next, seq + 1) < 2 * self.exchange.options.limits.reorder_bytes
        )

    def synchronise(self, direction: int, seq: int, acknowledges: bool) -> None:
        """Take a SYN that ``is_another`` does not hold for another connection's."""
        stream = self.streams[direction]
        if stream.isn >= 0:
            return
        stream.isn = seq
        exchange = self.exchange
        if stream.next >= 0:
            self.read_before_syn()
        else:
            stream.start(seq + 1)
        client = 1 - direction if acknowledges else direction
        if exchange.client == 1 - client:  # both opened at once
            exchange.sure = False
        exchange.client = client

    def read_before_syn(self) -> None:
        """Data were read before their SYN: how a strategy takes those in between is not known."""
        self.exchange.sure = False
        for eye in self.exchange.eyes:
            eye.lose()

    def add(self, direction: int, data: Data) -> None:
        """Take a segment's payload."""
        stream, other = self.streams[direction], self.streams[1 - direction]
        if stream.next < 0:
            stream.start(data.seq)
            self.exchange.sure = False
        if stream.fin >= 0 and distance(data.seq + data.length, stream.fin) > 0:
            self.exchange.sure = False
        if other.has_gap and direction != self.exchange.client:
            self.exchange.sure = False  # a response to a request that is still missing
        if not stream.waiting and not other.waiting and not stream.is_early(data):
            self._read(direction, data)
            return
        stream.keep_waiting(data)
        if stream.is_strained:
            self.exchange.sure = False
        if not self.exchange.sure:
            self._release((0,))
            self._release((1,))
        elif not stream.has_gap and not other.has_gap:
            self._release((0, 1))
        if stream.is_full:
            self.give_up(direction)

    def _release(self, directions: tuple[int, ...]) -> None:
        """Read what waits up to the first gap, in the order in which it was sent."""
        ready: list[tuple[int, Data]] = []
        for direction in directions:
            complete = self.streams[direction].take_complete()
            self._compare_copies(direction, complete)
            ready += _sent_order(complete, direction)
        if len(directions) > 1:
            ready.sort(key=lambda item: item[1].arrived)
        for direction, data in ready:
            self._read(direction, data)

    def _read(self, direction: int, data: Data) -> None:
        stream, eye = self.streams[direction], self.exchange.eyes[direction]
        if distance(data.seq, stream.next) < 0:
            count, kept = stream.repeated(data)
            if stream.contradicts(data, min(count, len(data.original))):
                self._contradicted(direction)
            if kept >= 0 and not self.contradictory[direction]:
                self._repeat_kept(direction, data, kept)
            if stream.is_unknown(data, count):  # a strategy may have read what was missing here
                eye.lose()
            if count >= data.length:
                return
            data = data.without_front(count)
        if data.original:
            opens = (0,) if data.whole else ()
            eye.read(Piece(data.original, data.output, data.marks, opens))
        stream.advance(data)
        missing = data.length - len(data.original)
        if missing:
            eye.gap(missing)

    def _compare_copies(self, direction: int, ready: list[Data]) -> None:
        for group in _overlapping(ready):
            if not _reconcile(group):
                self._contradicted(direction)

    def _contradicted(self, direction: int) -> None:
        """Copies of the same bytes differ: nobody can tell which one a strategy went by."""
        self.contradictory[direction] = True
        self.exchange.eyes[direction].lose()

    def _repeat_kept(self, direction: int, data: Data, at: int) -> None:
        if data.whole and not self.exchange.sure and opens_message(data.original):
            return  # a strategy may have taken up the thread here
        mark = max((mark for mark in data.marks if mark[0] <= at), default=data.marks[0])
        self.exchange.eyes[direction].kept_again(mark[1], mark[2] + at - mark[0])

    def give_up(self, direction: int, *, forgiving: bool = False) -> None:
        """The gaps before what waits will not close.

        ``forgiving``: a strategy may still wait for them, and know more afterwards.
        """
        self.exchange.sure = False
        self._release((1 - direction,))
        stream, eye = self.streams[direction], self.exchange.eyes[direction]
        waiting = stream.take_all()
        self._compare_copies(direction, waiting)
        for data in waiting:
            missing = distance(data.seq, stream.next)
            if missing > 0:
                stream.skip(missing)
                eye.gap(missing)
                if forgiving:
                    eye.lose()
            self._read(direction, data)

    def release(self) -> None:
        """Read all that waits, in the order in which it was sent: there is no gap."""
        self._release((0, 1))

    def read_on(self, ready: list[tuple[int, Data]]) -> None:
        """Read what was released before: (direction, segment) in the order of reading."""
        for direction, data in ready:
            self._read(direction, data)

    def lose(self, direction: int) -> None:
        """Bytes of this direction could not be followed."""
        self.exchange.eyes[direction].lose()

    def end(self) -> None:
        """Nothing follows: read what waits."""
        for direction in (0, 1):
            if self.streams[direction].waiting:
                self.give_up(direction)
        for eye in self.exchange.eyes:
            eye.end()


def _overlapping(ready: list[Data]) -> Iterator[list[Data]]:
    """Yield the groups of segments, given in stream order, that have bytes in common."""
    group: list[Data] = []
    end = 0
    for data in ready:
        # in stream order, and yet before the group: that is half of all numbers away
        is_far = bool(group) and distance(data.seq, group[0].seq) < 0
        if group and (is_far or distance(end, data.seq) <= 0):
            if len(group) > 1:
                yield group
            group = []
        following = data.seq + len(data.original)
        if not group or distance(following, end) > 0:
            end = following
        group.append(data)
    if len(group) > 1:
        yield group


def _reconcile(group: list[Data]) -> bool:
    """Lay overlapping segments over one another; False if they differ in an overlap.

    Nobody can tell which of them a strategy read first and which it took for a copy, so a byte that
    is kept in one of them counts as kept in all.
    """
    original, output = bytearray(), bytearray()
    origin = group[0].seq
    for data in group:
        at, size = distance(data.seq, origin), len(data.original)
        known = original[at : at + size]
        if known != data.original[: len(known)]:
            return False
        kept = bytes(map(max, output[at : at + size], data.output[: len(known)]))
        original[at : at + size] = data.original
        output[at : at + size] = kept + data.output[len(known) :]
    for data in group:
        at = distance(data.seq, origin)
        data.output = bytes(output[at : at + len(data.original)])
    return True


def _sent_order(ready: list[Data], direction: int) -> list[tuple[int, Data]]:
    """Give each segment the earliest arrival of those from it on: it was sent before them."""
    earliest = 1 << 62
    for data in reversed(ready):
        earliest = data.arrived = min(earliest, data.arrived)
    return [(direction, data) for data in ready]


def _apart(first_ns: int | None, second_ns: int | None) -> int:
    return 0 if first_ns is None or second_ns is None else abs(second_ns - first_ns)


class Connections:
    """Takes segments to their connections.  ``roster`` holds these, the oldest ones first."""

    def __init__(self, options: TrimOptions, findings: Findings, roster: Roster) -> None:
        limits = options.limits
        self._options = options
        self._findings = findings
        self._roster = roster
        self._max_open = max_open(limits)
        self._max_closed = max_closed(limits)
        self._max_waiting = limits.reorder_total_bytes // 2
        self._idle_ns = limits.idle_seconds * NS // 2

    def add(
        self,
        segment: Segment,
        original: bytes,
        output: bytes,
        marks: Marks,
        timestamp_ns: int | None,
    ) -> None:
        """Take a TCP segment with its payload on both sides."""
        forward = segment.source < segment.destination
        key = (
            segment.source + segment.destination
            if forward
            else segment.destination + segment.source
        )
        direction = 0 if forward else 1
        flags = segment.flags
        connection = self._find(key, timestamp_ns)
        seq = segment.seq
        if flags & SYN:
            if connection is not None and connection.is_another(direction, seq):
                self._finish(key)
                connection = None
            if connection is None:
                connection = self._new(key)
            connection.synchronise(direction, seq, bool(flags & ACK))
            seq = (seq + 1) % (1 << 32)
        elif connection is None:
            if not segment.length:
                return
            connection = self._new(key)
            connection.exchange.sure = False
            if self._roster.is_forgotten(key):
                connection.lose(0)
                connection.lose(1)
        connection.last_ns = timestamp_ns
        if segment.length and not flags & RST:
            self._payload(connection, direction, seq, segment, original, output, marks)
        self.note_end(key, connection, direction, seq + segment.length, flags)

    def lose(self, source: bytes, destination: bytes) -> None:
        """Bytes from ``source`` to ``destination`` (address and port) could not be followed."""
        forward = source < destination
        key = source + destination if forward else destination + source
        connection = self._roster.get(key)
        if connection is not None:
            connection.lose(0 if forward else 1)

    def end(self) -> None:
        """Read what is left of every connection."""
        while (key := self._roster.first()) is not None:
            self._finish(key)

    def _payload(
        self,
        connection: Connection,
        direction: int,
        seq: int,
        segment: Segment,
        original: bytes,
        output: bytes,
        marks: Marks,
    ) -> None:
        if segment.odd:
            connection.exchange.sure = False
        before = connection.waiting_bytes
        arrived = self._roster.count_arrival()
        connection.add(direction, Data(seq, original, output, segment.length, marks, arrived))
        self._roster.waiting_bytes += connection.waiting_bytes - before
        if self._roster.waiting_bytes > self._max_waiting:
            self._relieve()

    def _relieve(self) -> None:
        """So much waits in all connections together that a strategy may have given up any gap."""
        for other in self._roster.waiting():
            self._roster.waiting_bytes -= other.waiting_bytes
            other.give_up(0, forgiving=True)
            other.give_up(1, forgiving=True)

    def _find(self, key: bytes, timestamp_ns: int | None) -> Connection | None:
        connection = self._roster.find(key)
        if connection is None:
            return None
        if _apart(connection.last_ns, timestamp_ns) > self._idle_ns:
            self._forget(key)
            return None
        return connection

    def _new(self, key: bytes) -> Connection:
        while self._roster.open_count >= self._max_open:
            self._forget(self._roster.oldest_open())
        connection = Connection(self._options, self._findings)
        self._roster.add(key, connection)
        return connection

    def note_end(
        self, key: bytes, connection: Connection, direction: int, seq: int, flags: int
    ) -> None:
        """Take the FIN or RST of a segment that ends before ``seq``, if it has one."""
        if not flags & (FIN | RST):
            return
        if flags & FIN:
            connection.streams[direction].fin = seq % (1 << 32)
        if connection.closed:
            return
        connection.closed = True
        self._roster.close(key)
        while self._roster.closed_count > self._max_closed:
            self._forget(self._roster.oldest_closed())

    def _forget(self, key: bytes) -> None:
        """Finish a connection that may go on."""
        self._finish(key)
        self._roster.forget(key)

    def _finish(self, key: bytes) -> None:
        connection = self._roster.remove(key)
        self._roster.waiting_bytes -= connection.waiting_bytes
        connection.end()
        for eye in connection.exchange.eyes:
            self._roster.http_streams += eye.recognised
            self._roster.header_blocks += eye.header_blocks


def max_open(limits: Limits) -> int:
    """Return how many open connections are followed."""
    return max(limits.max_connections // 4, 1)


def max_closed(limits: Limits) -> int:
    """Return how many closed connections are followed."""
    return max(limits.max_closed_connections // 2, 1)
