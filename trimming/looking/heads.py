"""Heads of HTTP messages, put together from the pieces that the engine classed as header.

Belongs here: which piece continues which head, and the lines of a head.  That the bytes are header
was decided by a strategy; here they are only arranged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

WRAP: Final = 1 << 32
MOST_FIELDS: Final = 100
MOST_CHARACTERS: Final = 2_000
# of heads in one packet, which a page does not part
MOST_IN_A_PACKET: Final = 100
# a head begins with a token and a space or slash (RFC 9112 section 2.1); a trailer field does not
_START: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ /]|\Z)")
_END: Final = re.compile(rb"\n\r?\n")
_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n)*")


class Way(NamedTuple):
    """From where to where a piece goes, as text."""

    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of headers in one packet; ``way`` and ``sequence`` are None where nobody can tell."""

    packet: int
    timestamp_ns: int | None
    data: bytes
    way: Way | None = None
    sequence: int | None = None


@dataclass(slots=True)
class Head:
    """One head: where it begins, and its bytes."""

    packet: int
    timestamp_ns: int | None
    way: Way | None
    data: bytearray = field(default_factory=bytearray)
    is_whole: bool = False

    def take(self, data: bytes) -> bytes:
        """Add bytes up to the end of the head; return what is behind it."""
        seen = len(self.data)
        self.data += data
        end = _END.search(self.data, max(0, seen - 2))
        if end is None:
            return b""
        self.is_whole = True
        rest = bytes(self.data[end.end() :])
        del self.data[end.end() :]
        return rest


class Heads:
    """Takes pieces in the order of the capture, and finds ``most`` heads or a few more.

    Copies of a head (segments sent twice) are found once.  A head whose packets are out of order
    stays without its end.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[Way, tuple[Head, int]] = {}
        self._known: set[tuple[Way, int]] = set()
        self.found: list[Head] = []
        self.left_out = 0

    def is_full_before(self, packet: int) -> bool:
        """Whether no head that begins in ``packet`` is taken any more."""
        return len(self.found) >= self._most and self.found[-1].packet != packet

    @property
    def is_waiting(self) -> bool:
        """Whether a head that was found lacks its end."""
        return bool(self._open)

    def take(self, piece: Piece) -> None:
        """Take one piece: ends of heads, whole heads, the beginning of one."""
        data, sequence = piece.data, piece.sequence
        while data:
            opened = self._open.get(piece.way) if piece.way is not None else None
            if opened is not None and opened[1] == sequence:
                head = opened[0]
            else:
                empty = _EMPTY_LINES.match(data)
                assert empty is not None  # it matches nothing as well
                data, sequence = data[empty.end() :], _plus(sequence, empty.end())
                begun = self._begin(piece, data, sequence)
                if begun is None:
                    return
                head = begun
            rest = head.take(data)
            sequence = _plus(sequence, len(data) - len(rest))
            data = rest
            if piece.way is not None and sequence is not None:
                if head.is_whole:
                    self._open.pop(piece.way, None)
                else:
                    self._open[piece.way] = head, sequence

    def _begin(self, piece: Piece, data: bytes, sequence: int | None) -> Head | None:
        if not data or _START.match(data) is None or self.is_full_before(piece.packet):
            return None
        if piece.way is not None and sequence is not None:
            if (piece.way, sequence) in self._known:
                return None
            self._known.add((piece.way, sequence))
        in_packet = sum(head.packet == piece.packet for head in self.found[-MOST_IN_A_PACKET:])
        if in_packet >= MOST_IN_A_PACKET:
            self.left_out += 1
            return None
        head = Head(piece.packet, piece.timestamp_ns, piece.way)
        self.found.append(head)
        return head


def _plus(sequence: int | None, count: int) -> int | None:
    return None if sequence is None else (sequence + count) % WRAP


class Lines(NamedTuple):
    """A head as text: its start line, its fields, and how many more of them there are."""

    start: str
    fields: list[tuple[str, str]]
    left_out: int


def lines_of(head: bytes) -> Lines:
    """Return the lines of a head; bytes that are not printable ASCII are written as ``\\xNN``."""
    first, *others = head.replace(b"\r\n", b"\n").split(b"\n")
    fields: list[tuple[bytes, bytes]] = []
    for line in others:
        if line[:1] in (b" ", b"\t") and fields:  # obsolete folding, RFC 9112 section 5.2
            fields[-1] = fields[-1][0], fields[-1][1] + b" " + line.strip()
        elif line:
            name, _, value = line.partition(b":")
            fields.append((name, value.strip()))
    shown = [(as_text(name), as_text(value)) for name, value in fields[:MOST_FIELDS]]
    return Lines(as_text(first), shown, len(fields) - len(shown))


def as_text(data: bytes) -> str:
    """Return bytes as text that no page and no terminal takes for anything else."""
    shown = "".join(
        chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in data[:MOST_CHARACTERS]
    )
    return shown + ("…" if len(data) > MOST_CHARACTERS else "")
