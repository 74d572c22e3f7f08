"""Consecutive bytes of a stream, original and output side by side, that know where they came
from."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

ZEROS = bytes(1 << 16)
NOT_ZERO = re.compile(rb"[^\0]")


@dataclass(slots=True)
class Piece:
    """``original`` and ``output`` have the same length.

    ``marks`` are (position in the piece, packet number, offset in the packet's captured bytes), the
    first at position 0.  ``opens`` are the positions at which a segment begins.
    """

    original: bytes
    output: bytes
    marks: tuple[tuple[int, int, int], ...]
    opens: tuple[int, ...]

    def where(self, position: int) -> tuple[int, int]:
        """Return (packet number, offset) of the byte at ``position``."""
        at = bisect_right(self.marks, (position, 1 << 62, 0)) - 1
        start, packet, offset = self.marks[max(at, 0)]
        return packet, offset + position - start

    def rest(self, position: int) -> Piece:
        """Return the piece from ``position`` on."""
        if position == 0:
            return self
        packet, offset = self.where(position)
        later = ((at - position, n, start) for at, n, start in self.marks if at > position)
        marks = ((0, packet, offset), *later)
        opens = tuple(at - position for at in self.opens if at >= position)
        return Piece(self.original[position:], self.output[position:], marks, opens)

    def followed_by(self, other: Piece) -> Piece:
        """Return both as one piece."""
        size = len(self.original)
        return Piece(
            self.original + other.original,
            self.output + other.output,
            self.marks + tuple((at + size, number, start) for at, number, start in other.marks),
            self.opens + tuple(at + size for at in other.opens),
        )


def first_kept(output: bytes, start: int, end: int) -> int:
    """Return the position of the first byte that is not zero in ``output[start:end]``, or -1."""
    if 0 < end - start <= len(ZEROS) and output.startswith(ZEROS[: end - start], start):
        return -1
    found = NOT_ZERO.search(output, start, end)
    return found.start() if found is not None else -1
