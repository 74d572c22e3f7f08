"""Where a walk through the headers of a packet stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trimming.engine.strategies.scanning.slow.datagrams import Arrival
from trimming.engine.strategies.scanning.slow.found import Found
from trimming.engine.strategies.scanning.slow.numbers import Header
from trimming.engine.strategies.scanning.slow.views import View


class CutHeaderError(Exception):
    """The captured bytes end inside of a header."""


@dataclass(slots=True)
class Cursor:
    """The next header starts at ``at`` of ``view``; what the headers before it bound ends at
    ``end``, on the wire at ``wire_end``.

    ``headers`` counts those read.  ``outcome`` is what the walk has come to.
    """

    view: View
    at: int
    end: int
    wire_end: int
    headers: int = 0
    source: bytes = b""
    destination: bytes = b""
    outcome: Found | Arrival | None = None

    @classmethod
    def over(cls, view: View, headers: int = 0) -> Cursor:
        """Return a cursor at the start of a view."""
        return cls(view, 0, len(view.data), view.wire_len, headers)

    def peek(self, length: int) -> bytes:
        """Return the next ``length`` bytes, or as many as there are, and stay."""
        return self.view.data[self.at : min(self.at + length, self.end)]

    def look(self, length: int) -> bytes:
        """Return the next ``length`` bytes and stay; raises CutHeaderError if one is missing."""
        found = self.peek(length)
        if len(found) < length:
            raise CutHeaderError
        return found

    def read(self, length: int) -> bytes:
        """Return the next ``length`` bytes and step over them; raises CutHeaderError."""
        found = self.look(length)
        self.at += length
        return found

    def skip(self, length: int) -> None:
        """Step over ``length`` bytes, or as many as there are."""
        self.at = min(self.at + length, self.end)

    def bound(self, length: int) -> None:
        """From here on there are no more than ``length`` bytes."""
        self.end = min(self.end, self.at + length)
        self.wire_end = min(self.wire_end, self.at + length)


# Reads the header at the cursor and leaves the cursor behind it; returns what follows.  None ends
# the walk: with an outcome, or because nobody knows what follows.
Reader = Callable[[Cursor], Header | None]


def number(data: bytes, at: int = 0) -> int:
    """Return the 16-bit number at ``at``, in network byte order."""
    return data[at] << 8 | data[at + 1]
