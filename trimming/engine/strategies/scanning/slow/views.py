"""Contiguous bytes and where they stand: in one packet, or in the fragments of a datagram.

Belongs here: places, checksums over them, and what a mask means for both.  Must not be known here:
headers, fragments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.checksums import MODULUS, ones_sum
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldKind


@dataclass(frozen=True, slots=True)
class Checksum:
    """A 16-bit checksum field at ``offset`` of the captured bytes of ``packet``.

    It covers words counted from ``base`` on and stands itself at ``at``; both count in the bytes
    that hold it (a view, or the packet for the checksums around a piece).
    """

    packet: int
    offset: int
    kind: FieldKind
    base: int
    at: int

    def moved(self, by: int) -> Checksum:
        return replace(self, base=self.base + by, at=self.at + by)


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes ``start`` to ``end`` of a view are those of ``packet`` from ``offset`` on.

    ``around`` are the checksums of headers around a fragment, outermost first, in its packet.
    """

    start: int
    end: int
    packet: int
    offset: int
    around: tuple[Checksum, ...] = ()

    @property
    def shift(self) -> int:
        """What takes a place in the view to one in the packet."""
        return self.offset - self.start

    def moved(self, by: int) -> Piece:
        """Return the same bytes, as a piece of a view that starts ``by`` bytes earlier."""
        return replace(self, start=self.start + by, end=self.end + by)

    def holds(self, checksum: Checksum) -> bool:
        """Whether a checksum field stands in these bytes."""
        first, behind = self.offset, self.end + self.shift
        return checksum.packet == self.packet and first <= checksum.offset < behind


def cut(pieces: Iterable[Piece], start: int, end: int) -> list[Piece]:
    """Return the pieces of the view of the bytes ``start`` to ``end`` alone."""
    return [
        Piece(a - start, b - start, piece.packet, a + piece.shift, piece.around)
        for piece, a, b in _under(pieces, start, end)
    ]


def _under(pieces: Iterable[Piece], start: int, end: int) -> Iterator[tuple[Piece, int, int]]:
    for piece in pieces:
        a, b = max(start, piece.start), min(end, piece.end)
        if a < b:
            yield piece, a, b


@dataclass(slots=True)
class View:
    """Contiguous captured bytes; ``wire_len`` is how many there were on the wire.

    ``checksums`` cover bytes of the view, outermost first.  Bytes without a piece are there to be
    read (another fragment's copy of them is the one that counts); a plan never names them.
    """

    data: bytes
    wire_len: int
    pieces: tuple[Piece, ...]
    checksums: list[Checksum] = field(default_factory=list)

    def cover(self, at: int, kind: FieldKind, base: int) -> None:
        """Note a checksum field at ``at`` over all from ``base`` on, if one piece holds it."""
        for piece, a, b in _under(self.pieces, at, at + 2):
            if b - a == 2:
                place = at + piece.shift
                self.checksums.append(Checksum(piece.packet, place, kind, base, at))
                return

    def cut_out(self, start: int, end: int) -> list[Piece]:
        """Return the pieces of a fragment that carries ``start`` to ``end``, for a view of it."""
        found: list[Piece] = []
        for piece, a, b in _under(self.pieces, start, end):
            own = (checksum.moved(piece.shift) for checksum in self.checksums)
            around = (*piece.around, *own)
            found.append(Piece(a - start, b - start, piece.packet, a + piece.shift, around))
        return found


# by how much the words at a place grow, if the place counts as even (modulo 0xFFFF)
Growth = tuple[int, int]


class Entries(NamedTuple):
    """What a plan is told of a range: spans and changes of checksums.

    ``spans`` are (packet, start, end), ``changes`` (packet, offset, kind, delta); all places are in
    the captured bytes of the packet.
    """

    spans: list[tuple[int, int, int]]
    changes: list[tuple[int, int, FieldKind, int]]


def entries(
    view: View,
    start: int,
    end: int,
    byte_class: ByteClass,
    options: TrimOptions,
    *,
    tentative: bool = False,
) -> Entries:
    """Return what a plan is told of the bytes ``start`` to ``end`` of a view.

    There are changes only where such bytes are overwritten, or may be in the end (``tentative``).
    """
    spans = [
        (piece.packet, a + piece.shift, b + piece.shift)
        for piece, a, b in _under(view.pieces, start, end)
    ]
    fill = fill_for(byte_class, options)
    if fill is None and tentative:
        fill = fill_for(ByteClass.UNCERTAIN, options)
    if fill is None:
        return Entries(spans, [])
    changed = _inside_out(view.checksums, [(start, _growth(view.data[start:end], fill))])
    for piece in view.pieces:
        if not piece.around:
            continue
        # what covers a fragment sees the bytes in it, and the checksums in it that change
        growths = [(field.offset, -delta) for field, delta in changed if piece.holds(field)]
        for _, a, b in _under((piece,), start, end):
            growths.append((a + piece.shift, _growth(view.data[a:b], fill)))
        if growths:
            changed += _inside_out(piece.around, growths)
    return Entries(spans, [(c.packet, c.offset, c.kind, delta) for c, delta in changed])


def _inside_out(checksums: Sequence[Checksum], growths: list[Growth]) -> list[tuple[Checksum, int]]:
    """Return by how much the words under each checksum grow, innermost first.

    A field that changes is covered by those around it, and makes up for what changed it.
    """
    changed: list[tuple[Checksum, int]] = []
    for checksum in reversed(checksums):
        seen = (*growths, *((inner.at, -delta) for inner, delta in changed))
        # at an odd distance the bytes of a word are swapped: times 256, modulo 0xFFFF
        delta = sum(growth << 8 * ((at - checksum.base) % 2) for at, growth in seen)
        changed.append((checksum, delta % MODULUS))
    return changed


def _growth(old: bytes, fill: int) -> int:
    return ones_sum(bytes([fill]) * len(old)) - ones_sum(old)
