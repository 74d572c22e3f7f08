"""IP fragments put together, in whatever order they come.

Source: RFC 791 section 3.2, RFC 8200 section 4.5.  Bounded in datagrams and in bytes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from trimming.engine.report import Tally
from trimming.engine.strategies.scanning.slow.views import Piece, View, cut

MAX_WHOLE = 256
# as many bytes as datagrams of the greatest length have
MAX_OPEN_BYTES = 1024 << 16
MAX_WHOLE_BYTES = MAX_WHOLE << 16


class Key(NamedTuple):
    """What fragments of one datagram have in common; ``protocol`` is that of its payload."""

    version: int
    source: bytes
    destination: bytes
    ident: int
    protocol: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """The bytes of a datagram from ``offset`` on; ``pieces`` count from the fragment's start."""

    offset: int
    data: bytes
    pieces: list[Piece]
    more: bool
    wire_len: int

    @property
    def end(self) -> int:
        return self.offset + len(self.data)

    def part(self, start: int, end: int) -> Fragment:
        """Return the datagram's bytes ``start`` to ``end``, which lie in this fragment."""
        a, b = start - self.offset, end - self.offset
        return Fragment(start, self.data[a:b], cut(self.pieces, a, b), True, end - start)

    def in_datagram(self) -> list[Piece]:
        """Return the pieces, counted from the datagram's start."""
        return [piece.moved(self.offset) for piece in self.pieces]

    def alone(self) -> View:
        """Return a view of this fragment only."""
        return View(self.data, len(self.data), tuple(self.pieces))

    def over(self, data: bytes) -> View:
        """Return a view of a datagram's bytes in which only this fragment has places.

        It tells what the bytes of a copy are.
        """
        shown = self if self.end <= len(data) else self.part(self.offset, len(data))
        merged = data[: shown.offset] + shown.data + data[shown.end :]
        return View(merged, len(merged), tuple(shown.in_datagram()))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A fragment and the datagram that it belongs to."""

    key: Key
    fragment: Fragment


@dataclass(frozen=True, slots=True)
class Payload:
    """What a datagram carried; ``headless``: its beginning is missing, so nobody knows what."""

    key: Key
    view: View
    headless: bool = False


@dataclass(slots=True)
class _Datagram:
    """``fragments`` bring something that no other one has all of; ``copies`` do not.

    ``starts`` and ``ends`` are those of the fragments that lie in no other, both rising.  All bytes
    before ``reached`` are there; ``length`` is told by the last fragment.
    """

    fragments: list[Fragment] = field(default_factory=list)
    copies: list[Fragment] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    reached: int = 0
    length: int | None = None
    held_bytes: int = 0

    @property
    def is_whole(self) -> bool:
        return self.length is not None and self.reached >= self.length

    def add(self, fragment: Fragment) -> None:
        self.held_bytes += len(fragment.data)
        before = bisect_right(self.starts, fragment.offset)
        if before and self.ends[before - 1] >= fragment.end:
            self.copies.append(fragment)
            return
        self.fragments.append(fragment)
        first = bisect_left(self.starts, fragment.offset)
        behind = bisect_right(self.ends, fragment.end, lo=first)
        self.starts[first:behind] = [fragment.offset]
        self.ends[first:behind] = [fragment.end]
        while (at := bisect_right(self.starts, self.reached)) and self.ends[at - 1] > self.reached:
            self.reached = self.ends[at - 1]
        if not fragment.more:
            self.length = min(fragment.end, fragment.end if self.length is None else self.length)

    def in_order(self) -> list[Fragment]:
        return sorted(self.fragments, key=lambda fragment: fragment.offset)


class Datagrams:
    """Datagrams that are not whole yet, and the latest that became whole."""

    def __init__(self, max_open: int, tally: Tally) -> None:
        self._max_open = max_open
        self._tally = tally
        self._open: OrderedDict[Key, _Datagram] = OrderedDict()
        self._open_bytes = 0
        self._whole: OrderedDict[Key, bytes] = OrderedDict()
        self._whole_bytes = 0

    def add(self, arrival: Arrival) -> list[Payload]:
        """Take a fragment; return the payloads that can now be read.

        A copy of what was read gives a payload in which only the copy has places.
        """
        key, fragment = arrival.key, arrival.fragment
        whole = self._whole.get(key)
        if whole is not None:
            if whole[fragment.offset : fragment.end] == fragment.data:
                return [Payload(key, fragment.over(whole))]
            self._forget(key)  # the identification is used again
        datagram = self._open.setdefault(key, _Datagram())
        datagram.add(fragment)
        self._open_bytes += len(fragment.data)
        found = self._finished(key, datagram) if datagram.is_whole else []
        while len(self._open) > self._max_open or self._open_bytes > MAX_OPEN_BYTES:
            self._tally.limits_met["max_open_datagrams"] += 1
            oldest, cut_short = self._open.popitem(last=False)
            self._open_bytes -= cut_short.held_bytes
            found += _incomplete(oldest, cut_short)
        return found

    def flush(self) -> list[Payload]:
        """Return what there is of datagrams that never became whole, and forget them."""
        found = [
            payload for key, open_ in self._open.items() for payload in _incomplete(key, open_)
        ]
        self._open.clear()
        self._open_bytes = 0
        return found

    def _finished(self, key: Key, datagram: _Datagram) -> list[Payload]:
        del self._open[key]
        self._open_bytes -= datagram.held_bytes
        length = datagram.length or 0
        data, pieces, left = _joined(datagram.in_order(), length)
        self._remember(key, data)
        # the capture may have cut the last fragment
        ends = [f.offset + f.wire_len for f in datagram.fragments if not f.more]
        found = [Payload(key, View(data, max(length, *ends), tuple(pieces)))]
        for fragment in (*left, *datagram.copies):
            if fragment.offset < length:
                found.append(Payload(key, fragment.over(data)))
            if fragment.end > length:  # behind the end that the last fragment stated
                beyond = fragment.part(max(length, fragment.offset), fragment.end)
                found.append(Payload(key, beyond.alone(), headless=True))
        return found

    def _remember(self, key: Key, data: bytes) -> None:
        self._whole[key] = data
        self._whole_bytes += len(data)
        while len(self._whole) > MAX_WHOLE or self._whole_bytes > MAX_WHOLE_BYTES:
            self._forget(next(iter(self._whole)))

    def _forget(self, key: Key) -> None:
        self._whole_bytes -= len(self._whole.pop(key))


def _joined(in_order: Iterable[Fragment], length: int) -> tuple[bytes, list[Piece], list[Fragment]]:
    """Join fragments that leave no hole; return bytes, pieces, and what is left over of fragments.

    Where fragments overlap, the one that starts first has the bytes.
    """
    joined: list[Fragment] = []
    left: list[Fragment] = []
    reached = 0
    for fragment in in_order:
        start = min(max(reached, fragment.offset), fragment.end)
        end = max(start, min(fragment.end, length))
        reached = max(reached, end)
        for kept, a, b in (
            (left, fragment.offset, start),
            (joined, start, end),
            (left, end, fragment.end),
        ):
            if a < b:
                kept.append(fragment.part(a, b))
    pieces = [piece for part in joined for piece in part.in_datagram()]
    return b"".join(part.data for part in joined), pieces, left


def _incomplete(key: Key, datagram: _Datagram) -> list[Payload]:
    """Read a datagram up to its first hole.

    What stands behind the hole is given like a late copy, in a view with zeros in the hole: its
    place is known, and what it belongs to has been read.
    """
    in_order, reached = datagram.in_order(), datagram.reached
    if not reached:
        every = (*in_order, *datagram.copies)
        return [Payload(key, fragment.alone(), headless=True) for fragment in every]
    before = [fragment for fragment in in_order if fragment.offset < reached]
    behind = [fragment for fragment in in_order if fragment.offset >= reached]
    data, pieces, left = _joined(before, reached)
    wire_len = max(f.offset + max(f.wire_len, len(f.data)) for f in in_order)
    padded = data + bytes(max(fragment.end for fragment in in_order) - reached)
    views = [View(data, wire_len, tuple(pieces))]
    views += [part.over(data) for part in left]
    for fragment in (*behind, *datagram.copies):
        views.append(fragment.over(data if fragment.end <= reached else padded))
    return [Payload(key, view) for view in views]
