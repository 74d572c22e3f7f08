"""Where bytes come from: a view of contiguous bytes over pieces of one or several packets.

A packet is a view of one piece.  A datagram put together from IP fragments is a view of many; what
lies around each fragment stays with its piece.  Below this, nobody needs to know of fragments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from trimming.engine.byte_classes import ByteClass, fill_for
from trimming.engine.checksums import MODULUS, ones_sum
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldKind, MaskPlan


@dataclass(frozen=True, slots=True)
class ChecksumField:
    """A checksum field at ``offset`` of ``packet``; it covers words counted from ``base`` on.

    ``at`` is the field's own place.  Both ``base`` and ``at`` count in the view, or in the packet,
    that holds the field.
    """

    packet: int
    offset: int
    kind: FieldKind
    base: int
    at: int


@dataclass(frozen=True, slots=True)
class Piece:
    """``length`` bytes of the view from ``start`` on are those of ``packet`` from ``offset`` on.

    ``fields`` are checksums of the layers around a fragment, outermost first, in that packet.
    """

    start: int
    length: int
    packet: int
    offset: int
    fields: tuple[ChecksumField, ...] = ()


@dataclass(slots=True)
class View:
    """Contiguous captured bytes; ``wire_len`` is how many there were on the wire.

    ``fields`` are the checksums over bytes of this view, outermost first.  Bytes without a piece
    (the rest of a datagram, of which one fragment came twice) are read but never planned.
    """

    data: bytes
    wire_len: int
    pieces: tuple[Piece, ...]
    fields: list[ChecksumField] = field(default_factory=list)

    def place(self, at: int, length: int = 1) -> tuple[int, int] | None:
        """Return (packet, offset) of the bytes at ``at``; None where no single piece holds them."""
        for piece in self.pieces:
            if piece.start <= at and at + length <= piece.start + piece.length:
                return piece.packet, piece.offset + at - piece.start
        return None

    def add_field(self, at: int, kind: FieldKind, base: int) -> None:
        """Note a 16-bit checksum at ``at`` over what follows ``base``, if it is in a packet."""
        place = self.place(at, 2)
        if place is not None:
            self.fields.append(ChecksumField(*place, kind, base, at))

    def cut_out(self, start: int, end: int) -> list[Piece]:
        """Return the pieces under the bytes ``start`` to ``end``, with the checksums around."""
        found: list[Piece] = []
        for piece in self.pieces:
            a, b = max(start, piece.start), min(end, piece.start + piece.length)
            if a >= b:
                continue
            shift = piece.offset - piece.start
            own = (replace(f, base=f.base + shift, at=f.at + shift) for f in self.fields)
            fields = (*piece.fields, *own)
            found.append(Piece(a - start, b - a, piece.packet, a + shift, fields))
        return found


# a place, and by how much the words from there on grow if the place counts as even
Growth = tuple[int, int]


def changes(
    fields: Sequence[ChecksumField], growths: list[Growth]
) -> Iterator[tuple[ChecksumField, int]]:
    """Yield each field with the growth of the words that it covers, innermost first.

    A field that changes is itself covered by those around it: where a checksum inside makes up for
    what was masked, the one outside stays as it is.
    """
    growths = list(growths)
    for checksum in reversed(fields):
        delta = 0
        for at, growth in growths:
            # 256 is its own inverse modulo 0xFFFF: an odd distance swaps the bytes of a sum
            delta += growth if (at - checksum.base) % 2 == 0 else growth << 8
        delta %= MODULUS
        yield checksum, delta
        growths.append((checksum.at, -delta % MODULUS))


class Planner:
    """Writes classed bytes of views into a mask plan, with what they do to checksums."""

    def __init__(self, plan: MaskPlan) -> None:
        self._plan = plan
        self._options: TrimOptions = plan.options

    def add(
        self,
        view: View,
        start: int,
        end: int,
        byte_class: ByteClass,
        connection: int = 0,
        *,
        tentative: bool = False,
    ) -> None:
        """Class the bytes ``start`` to ``end`` of a view."""
        parts = [(p, max(start, p.start), min(end, p.start + p.length)) for p in view.pieces]
        for piece, a, b in parts:
            if a < b:
                self._plan.add_span(
                    piece.packet,
                    a + piece.offset - piece.start,
                    b + piece.offset - piece.start,
                    byte_class,
                    connection=connection,
                    tentative=tentative,
                )
        fill = self._fill(byte_class, tentative=tentative)
        if fill is None:
            return
        changed = list(changes(view.fields, [(start, _growth(view.data[start:end], fill))]))
        for piece, a, b in parts:
            if not piece.fields:
                continue
            growths = [
                (f.offset, -delta % MODULUS)
                for f, delta in changed
                if f.packet == piece.packet
                and piece.offset <= f.offset < piece.offset + piece.length
            ]
            if a < b:
                growths.append((a + piece.offset - piece.start, _growth(view.data[a:b], fill)))
            if growths:
                changed += changes(piece.fields, growths)
        for checksum, delta in changed:
            self._plan.add_change(
                checksum.packet,
                checksum.offset,
                checksum.kind,
                delta,
                byte_class,
                connection=connection,
                tentative=tentative,
            )

    def _fill(self, byte_class: ByteClass, *, tentative: bool) -> int | None:
        """Return what overwrites such bytes in the end, if anything does."""
        fill = fill_for(byte_class, self._options)
        if fill is None and tentative:
            return fill_for(ByteClass.UNCERTAIN, self._options)
        return fill

    def frame_check(self, packet: int, start: int, end: int) -> None:
        """The 4 bytes at ``end`` of a packet check the frame that starts at ``start``."""
        self._plan.add_frame_check(packet, start, end)


def _growth(old: bytes, fill: int) -> int:
    new = ones_sum(bytes((fill,)) * len(old)) if fill else 0
    return (new - ones_sum(old)) % MODULUS
