"""The loose eye: does what was kept read as HTTP/1, line by line, whatever was masked in between?

Used where framing cannot be relied on.  It asks nothing of zeros.  A kept line must be a start
line, a field straight behind a start line or field, a blank line, a chunk-size line where one may
stand, or a trailer behind the last chunk; it may be cut short by zeros, a gap or the end.
"""

from __future__ import annotations

import re
from enum import IntEnum

from trimming.engine.verification import patterns
from trimming.engine.verification.pieces import NOT_ZERO, Piece

MAX_LINE_BYTES = 1 << 18


class Place(IntEnum):
    """Where in a message the next kept line stands."""

    OUTSIDE = 0  # a start line, a blank line, or (in a chunked body) a chunk-size line
    FIELDS = 1  # fields of a head
    TRAILERS = 2  # fields behind the last chunk
    LOST = 3  # state that this reader forgot and a strategy may still have: anything


class Grammar:
    """Reads one direction.  ``read`` returns the position of the first kept byte that is no HTTP.

    ``chunked``: the body may have chunk-size lines.  ``size_next``: one may stand here.
    ``chunk_left``: chunk data to come, in bytes.
    """

    def __init__(self) -> None:
        self.place = Place.OUTSIDE
        self.chunked = False
        self.size_next = False
        self.chunk_left = 0
        self.heads = 0
        self.coded = False
        self.line = b""

    @property
    def fresh(self) -> bool:
        """Whether a start line would be read as one."""
        return self.place == Place.OUTSIDE and self.chunk_left == 0 and not self.line

    def lost(self) -> None:
        """Accept anything up to the next start line that opens a segment."""
        self.place, self.line = Place.LOST, b""
        self._leave_body()

    def gap(self, length: int) -> bool:
        """Skip ``length`` bytes that are missing; False if the line cut by it was no HTTP."""
        sound = self._cut()
        if self.place != Place.LOST:
            self.place = Place.OUTSIDE
        if length <= self.chunk_left:
            self.chunk_left -= length
        else:
            self._leave_body()
        return sound

    def restart(self) -> None:
        """Expect a start line: one was recognised that opens a segment."""
        self.place, self.line = Place.OUTSIDE, b""
        self._leave_body()

    def read(self, piece: Piece, start: int, end: int) -> int:
        """Read ``start`` to ``end`` of ``piece``; -1 when all of it is in order."""
        output = piece.output
        at = start
        while at < end:
            if self.place == Place.LOST:
                return -1
            if output[at] == 0 and not (self.line and self._text_zero(piece, at)):
                if not self._cut():
                    return max(at - 1, start)
                found = NOT_ZERO.search(output, at, end)
                following = found.start() if found is not None else end
                self._zeros(following - at)
                at = following
                continue
            if self.chunk_left:
                return at
            line_end = self._line_end(piece, at, end)
            self.line += output[at:line_end]
            if self.line[-1] == 10:
                line, self.line = self.line, b""
                if not self._take(line) and not self._take_parts(line):
                    return at
            elif not self._may_grow():
                self.line = b""
                return at
            at = line_end
        return -1

    def _text_zero(self, piece: Piece, at: int) -> bool:
        # a zero in a line that was one in the original as well: not masked
        return piece.original[at] == 0

    def _line_end(self, piece: Piece, start: int, end: int) -> int:
        """Where the kept run or the line ends that ``start`` is in."""
        output = piece.output
        newline = output.find(b"\n", start, end)
        limit = newline + 1 if newline >= 0 else end
        zero = output.find(b"\0", start, limit)
        while zero >= 0 and (zero > start or self.line) and self._text_zero(piece, zero):
            zero = output.find(b"\0", zero + 1, limit)
        return zero if zero > start else limit

    def _zeros(self, count: int) -> None:
        if self.place == Place.FIELDS or self.place == Place.TRAILERS:
            self.place = Place.OUTSIDE
            self._leave_body()
        elif count < self.chunk_left:
            self.chunk_left -= count
        else:
            self.chunk_left, self.size_next = 0, False

    def _leave_body(self) -> None:
        self.chunked, self.size_next, self.chunk_left = False, False, 0

    def _may_grow(self) -> bool:
        plausible = self._plausible(self.line, patterns.LOOSE_START_PREFIX)
        return plausible and len(self.line) <= MAX_LINE_BYTES

    def _cut(self) -> bool:
        line, self.line = self.line.rstrip(b"\0"), b""
        if not line:
            return True
        if self._plausible(line, patterns.CUT_START_LINE):
            return True
        *whole, last = patterns.BARE_CR.split(line)
        if not whole or not all(self._take(part + b"\n") for part in whole):
            return False
        return not last or self._plausible(last, patterns.CUT_START_LINE)

    def _plausible(self, line: bytes, start: re.Pattern[bytes]) -> bool:
        """Whether ``line``, without its end, may be the beginning of what may stand here.

        ``start`` is what the beginning of a start line must look like.
        """
        if patterns.EMPTY_PREFIX.match(line):
            return True
        if self.place == Place.OUTSIDE:
            if self.chunked and self.size_next and patterns.LOOSE_SIZE_PREFIX.match(line):
                return True
            return start.match(line) is not None
        return line[0] in b" \tx" or patterns.LOOSE_FIELD_PREFIX.match(line) is not None

    def _take(self, line: bytes) -> bool:
        """Move past a whole line; False if it may not stand here."""
        if self.place == Place.OUTSIDE:
            return self._outside(line)
        if patterns.EMPTY_LINE.match(line):
            trailers = self.place == Place.TRAILERS
            self.place = Place.OUTSIDE
            self._leave_body()
            if not trailers:
                self.heads += 1
                self.chunked = self.size_next = self.coded
            return True
        if patterns.TRANSFER_ENCODING.search(line):
            self.coded = True
        if line[0] in b" \t" or patterns.REDACTED_LINE.match(line):
            return True
        if patterns.LOOSE_FIELD.match(line):
            return True
        return self._start(line)

    def _take_parts(self, line: bytes) -> bool:
        """Move past a whole line as those that end lines with a CR alone read it."""
        parts = patterns.BARE_CR.split(line)
        return len(parts) > 1 and all(self._take(part.rstrip(b"\n") + b"\n") for part in parts)

    def _outside(self, line: bytes) -> bool:
        if patterns.EMPTY_LINE.match(line):
            self.size_next = self.chunked
            return True
        if self.chunked and self.size_next:
            size = patterns.LOOSE_SIZE_LINE.match(line)
            if size is not None:
                self.chunk_left = int(size[1], 16)
                self.size_next = False
                if self.chunk_left == 0:
                    self.place = Place.TRAILERS
                return True
        return self._start(line)

    def _start(self, line: bytes) -> bool:
        if not patterns.LOOSE_START_LINE.match(line):
            return False
        self.place = Place.FIELDS
        self.coded = patterns.TRANSFER_ENCODING.search(line) is not None
        self._leave_body()
        return True
