"""One direction of a connection: segments into order, and every copy of a byte judged.

Belongs here: sequence numbers, which wrap (all are differences modulo 2**32).  Must not be known
here: what the bytes mean.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from trimming.engine.options import Limits
from trimming.engine.verification.pieces import first_kept

SPACE = 1 << 32
HALF = 1 << 31
HISTORY_RUNS = 256
HISTORY_BYTES = 1 << 17
LAST_BYTES = 1 << 16
SPARE_SEGMENTS, SPARE_BYTES = 16, 1 << 16


def distance(seq: int, origin: int) -> int:
    """Return how far ``seq`` lies behind ``origin``, from -2**31 on (RFC 9293 section 3.4)."""
    return ((seq - origin + HALF) % SPACE) - HALF


@dataclass(slots=True)
class Data:
    """The payload of one segment; ``length`` is the real one, more than was captured if cut.

    ``arrived`` orders the segments of both directions.  ``whole`` tells that nothing was trimmed
    off its front, so that its first byte opens a segment.
    """

    seq: int
    original: bytes
    output: bytes
    length: int
    marks: tuple[tuple[int, int, int], ...]
    arrived: int
    whole: bool = True

    def without_front(self, count: int) -> Data:
        """Return what follows the first ``count`` bytes."""
        last = max((mark for mark in self.marks if mark[0] <= count), default=self.marks[0])
        later = ((at - count, n, start) for at, n, start in self.marks if at > count)
        marks = ((0, last[1], last[2] + count - last[0]), *later)
        return Data(
            (self.seq + count) % SPACE,
            self.original[count:],
            self.output[count:],
            self.length - count,
            marks,
            self.arrived,
            count == 0 and self.whole,
        )


class Stream:
    """The bytes of one direction in order.

    ``position`` counts stream bytes since the start.  ``waiting`` are segments that came early.
    """

    def __init__(self, limits: Limits) -> None:
        self.isn = -1
        self.next = -1
        self.position = 0
        self.waiting: list[Data] = []
        self.waiting_bytes = 0
        self.fin = -1
        self.has_gap = False
        self.reached = -1  # the next byte when what waits without a gap is counted in
        self._limits = limits
        # kept runs of what was read: (position, bytes), and from where on they are known
        self.kept: deque[tuple[int, bytes]] = deque()
        self.kept_bytes = 0
        self.known_from = 0
        self.gap = (0, 0)  # the last one
        self.last: tuple[int, bytes] = (0, b"")

    def start(self, seq: int) -> None:
        """The first byte of the stream has the sequence number ``seq``."""
        self.next = self.reached = seq % SPACE

    def repeated(self, data: Data) -> tuple[int, int]:
        """Judge the part of ``data`` that was read before.

        Returns (how many bytes that is, position in ``data`` of a byte that is kept there and was
        masked in the first copy, or -1).
        """
        count = min(-distance(data.seq, self.next), data.length)
        return count, self._kept_again(data, min(count, len(data.original)))

    def _kept_again(self, data: Data, count: int) -> int:
        start = self.position + distance(data.seq, self.next)
        skipped = max(self.known_from - start, 0)
        if first_kept(data.output, min(skipped, count), count) < 0:
            return -1
        first = bytearray(count)
        for position, run in self.kept:
            at = position - start
            if at < count and at + len(run) > 0:
                low, high = max(at, 0), min(at + len(run), count)
                first[low:high] = run[low - at : high - at]
        for at in range(skipped, count):
            if data.output[at] and not first[at]:
                return at
        return -1

    def is_unknown(self, data: Data, count: int) -> bool:
        """Whether ``data`` reach into a gap, or from forgotten bytes to new ones.

        ``count`` bytes of ``data`` lie before the next byte.
        """
        start = self.position + distance(data.seq, self.next)
        low, high = self.gap
        return (start < high and start + count > low) or (
            start < self.known_from and count < data.length
        )

    def contradicts(self, data: Data, count: int) -> bool:
        """Whether the first ``count`` bytes of ``data`` differ from what was read last there."""
        position, text = self.last
        start = self.position + distance(data.seq, self.next) - position
        if start < 0:
            return False
        held = text[start : start + count]
        return held != data.original[: len(held)]

    def advance(self, data: Data) -> None:
        """``data`` was read: it follows what was read before."""
        if len(data.original) <= LAST_BYTES:
            self.last = (self.position, data.original)
        start = first_kept(data.output, 0, len(data.output))
        if start >= 0:
            run = data.output[start:].rstrip(b"\0")
            self.kept.append((self.position + start, run))
            self.kept_bytes += len(run)
            while len(self.kept) > HISTORY_RUNS or self.kept_bytes > HISTORY_BYTES:
                position, run = self.kept.popleft()
                self.kept_bytes -= len(run)
                self.known_from = position + len(run)
        if len(data.original) < data.length:
            self.gap = (self.position + len(data.original), self.position + data.length)
        self.position += data.length
        self.next = (data.seq + data.length) % SPACE
        if distance(self.next, self.reached) > 0:
            self.reached = self.next
        if len(data.original) < data.length:
            self.known_from = self.position

    def skip(self, count: int) -> None:
        """``count`` bytes are missing and were given up."""
        self.gap = (self.position, self.position + count)
        self.position += count
        self.next = (self.next + count) % SPACE
        if distance(self.next, self.reached) > 0:
            self.reached = self.next
        self.known_from = self.position

    def is_early(self, data: Data) -> bool:
        """Whether bytes are missing between what is there and ``data``."""
        return distance(data.seq, self.reached) > 0

    def keep_waiting(self, data: Data) -> None:
        """Put a segment aside."""
        self.waiting.append(data)
        self.waiting_bytes += len(data.original)
        if self.is_early(data):
            self.has_gap = True
            return
        self._reach(data)
        if self.has_gap:
            self.has_gap = False
            for other in self._sorted():
                if self.is_early(other):
                    self.has_gap = True
                    return
                self._reach(other)

    def _reach(self, data: Data) -> None:
        if distance(data.seq + data.length, self.reached) > 0:
            self.reached = (data.seq + data.length) % SPACE

    @property
    def is_strained(self) -> bool:
        """Whether so much waits that a strategy may have given up the gap."""
        return (
            len(self.waiting) * 2 > self._limits.reorder_segments
            or self.waiting_bytes * 2 > self._limits.reorder_bytes
        )

    @property
    def is_full(self) -> bool:
        """Whether so much waits that any strategy has given up the gap."""
        return (
            len(self.waiting) > self._limits.reorder_segments * 2 + SPARE_SEGMENTS
            or self.waiting_bytes > self._limits.reorder_bytes * 2 + SPARE_BYTES
        )

    def take_complete(self) -> list[Data]:
        """Return the segments put aside up to the first gap, in the order of the stream."""
        if not self.waiting:
            return []
        ordered = self._sorted()
        self.waiting, self.waiting_bytes = [], 0
        complete = []
        for data in ordered:
            if self.has_gap and distance(data.seq, self.reached) > 0:
                self.waiting.append(data)
                self.waiting_bytes += len(data.original)
            else:
                complete.append(data)
        return complete

    def take_all(self) -> list[Data]:
        """Return all segments put aside, in the order of the stream."""
        ordered = self._sorted()
        self.waiting, self.waiting_bytes, self.has_gap = [], 0, False
        return ordered

    def _sorted(self) -> list[Data]:
        return sorted(self.waiting, key=lambda data: (distance(data.seq, self.next), data.arrived))
