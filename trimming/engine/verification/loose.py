"""What the loose eye does with a piece: recognise HTTP, read on behind what is wrong, and tell.

Belongs here: where a start line opens a segment, and what was kept before anybody knew of HTTP.
Must not be known here: framing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trimming.engine.verification import patterns
from trimming.engine.verification.findings import Rule
from trimming.engine.verification.grammar import Grammar, Place
from trimming.engine.verification.pieces import Piece
from trimming.engine.words import gettext_noop

if TYPE_CHECKING:
    from trimming.engine.verification.eye import Exchange

MAX_CANDIDATE_BYTES = 1 << 13


def opens_message(text: bytes) -> bool:
    """Whether ``text`` begins with a whole start line."""
    return patterns.START_LINE.match(text) is not None


class Loose:
    """The loose half of an eye.  ``recognised``: a start line was seen in this direction."""

    exchange: Exchange

    def __init__(self) -> None:
        self.recognised = False
        self.grammar = Grammar()
        # where the last byte stood that was read, and the first that was kept without being HTTP
        self.last = (0, 0)
        self.earlier: tuple[int, int] | None = None
        self.candidate = b""
        self.skipping = False

    def _read_loosely(self, piece: Piece) -> None:
        size = len(piece.original)
        if size == 0:
            return
        start = self._recognise(piece)
        if start >= 0 and (
            self.skipping or (self.grammar.place == Place.LOST and piece.output[start])
        ):
            # what came before the start line was judged or forgiven
            self.skipping = False
            self.grammar.restart()
        elif self.skipping and not self.exchange.http:
            return
        else:
            start = 0
        self.skipping = False
        while start < size:
            self.last = piece.where(size - 1)
            wrong = self.grammar.read(piece, start, size)
            if wrong < 0:
                return
            if self._opens_anew(piece, wrong):
                self.grammar.restart()
                start = wrong
                continue
            self._kept_wrongly(*piece.where(wrong))
            start = self._resume(piece, wrong)

    def _opens_anew(self, piece: Piece, at: int) -> bool:
        """Whether a start line opens a segment at ``at``: a strategy may have taken it up."""
        if at not in piece.opens or self.grammar.fresh:
            return False
        if patterns.LOOSE_START_LINE.match(piece.original, at):
            return True
        text = piece.original[at : at + MAX_CANDIDATE_BYTES]
        return patterns.LOOSE_START_PREFIX.match(text) is not None

    def _resume(self, piece: Piece, wrong: int) -> int:
        """Where to read on behind kept bytes that are no HTTP."""
        self.grammar.restart()
        for at in piece.opens:
            if at > wrong and patterns.START_LINE.match(piece.original, at):
                return at
        zero = piece.output.find(b"\0", wrong)
        if not self.exchange.http or zero < 0:
            self.skipping = True
            return len(piece.original)
        return zero

    def _recognise(self, piece: Piece) -> int:
        """Return where a start line opens a segment, -1 without one."""
        original = piece.original
        if self.candidate:
            end = original.find(b"\n") + 1 or len(original)
            self.candidate += original[:end]
            if self.candidate[-1] != 10 and len(self.candidate) < MAX_CANDIDATE_BYTES:
                return -1
            if patterns.START_LINE.match(self.candidate):
                self._found()
            self.candidate = b""
        for at in piece.opens:
            if patterns.START_LINE.match(original, at):
                self._found()
                return at
        if piece.opens and original.find(b"\n", piece.opens[-1]) < 0:
            text = original[piece.opens[-1] : piece.opens[-1] + MAX_CANDIDATE_BYTES]
            if patterns.START_PREFIX.match(text):
                self.candidate = text
        return -1

    def _found(self) -> None:
        self.recognised = True
        self.exchange.became_http()

    def kept_again(self, packet: int, offset: int) -> None:
        """A repeated byte is kept that is masked in the first copy."""
        self._kept_wrongly(packet, offset)

    def _kept_wrongly(self, packet: int, offset: int) -> None:
        if self.exchange.http:
            self._tell(packet, offset)
        elif self.earlier is None:
            self.earlier = (packet, offset)

    def tell_earlier(self) -> None:
        """The connection turned out to be HTTP."""
        if self.earlier is not None:
            self._tell(*self.earlier)
            self.earlier = None

    def _tell(self, packet: int, offset: int) -> None:
        if not self.exchange.judges_loosely:
            return
        self.exchange.findings.add(
            Rule.KEPT_BYTES,
            gettext_noop(
                "byte %(offset)d is kept in a connection that is HTTP, and reads as no part of a"
                " header"
            )
            % {"offset": offset},
            packet,
            offset,
        )
