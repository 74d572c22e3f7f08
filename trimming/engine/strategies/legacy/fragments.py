"""IP fragments put together, in whatever order they come.

Source: RFC 791 section 3.2, RFC 8200 section 4.5.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.views import Piece, View

# what identifies a datagram: version, addresses, identification, and last its payload's protocol
Key = tuple[int, bytes | str, bytes | str, int, int]
MAX_REMEMBERED = 256


@dataclass(slots=True)
class Fragment:
    """The bytes of a datagram from ``offset`` on, and where they stand."""

    offset: int
    data: bytes
    pieces: list[Piece]
    more: bool
    wire_len: int

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Ready:
    """Payload to be read; ``headless``: the beginning is missing, so nobody knows of what."""

    key: Key
    view: View
    headless: bool = False


@dataclass(slots=True)
class _Datagram:
    fragments: list[Fragment] = field(default_factory=list)
    copies: list[Fragment] = field(default_factory=list)

    def complete_len(self) -> int | None:
        """Return the length of the datagram when every byte of it is there, else None."""
        last = [f for f in self.fragments if not f.more]
        if not last:
            return None
        total, reached = min(f.end for f in last), 0
        for fragment in sorted(self.fragments, key=lambda f: f.offset):
            if fragment.offset > reached:
                break
            reached = max(reached, fragment.end)
        return total if reached >= total else None


class Defragmenter:
    """Datagrams that are not whole yet, and the latest that became whole.  Bounded in number."""

    def __init__(self, max_open: int, tally: Tally) -> None:
        self._max_open = max_open
        self._tally = tally
        self._open: OrderedDict[Key, _Datagram] = OrderedDict()
        self._whole: OrderedDict[Key, bytes] = OrderedDict()

    def add(self, key: Key, fragment: Fragment) -> list[Ready]:
        """Take a fragment; return the payloads that this makes ready to be read.

        A copy of a fragment gives a view in which only the copy has a place.
        """
        known = self._whole.get(key)
        if known is not None:
            if known[fragment.offset : fragment.end] == fragment.data:
                return [Ready(key, _ghost(known, fragment))]
            del self._whole[key]
        datagram = self._open.setdefault(key, _Datagram())
        if any(f.offset <= fragment.offset and fragment.end <= f.end for f in datagram.fragments):
            datagram.copies.append(fragment)
        else:
            datagram.fragments.append(fragment)
        length = datagram.complete_len()
        if length is not None:
            del self._open[key]
            return self._whole_views(key, datagram, length)
        if len(self._open) > self._max_open:
            self._tally.limits_met["max_open_datagrams"] += 1
            oldest, cut = self._open.popitem(last=False)
            return _incomplete(oldest, cut)
        return []

    def flush(self) -> list[Ready]:
        """Return what there is of datagrams that never became whole."""
        found = [ready for key, cut in self._open.items() for ready in _incomplete(key, cut)]
        self._open.clear()
        return found

    def _whole_views(self, key: Key, datagram: _Datagram, length: int) -> list[Ready]:
        data, pieces, extra = _assembled(datagram.fragments, length)
        self._whole[key] = data
        if len(self._whole) > MAX_REMEMBERED:
            self._whole.popitem(last=False)
        # the capture may have cut the last fragment
        wire_len = max(f.offset + f.wire_len for f in datagram.fragments if not f.more)
        found = [Ready(key, View(data, max(length, wire_len), tuple(pieces)))]
        for fragment in (*extra, *datagram.copies):
            if fragment.offset < length:
                found.append(Ready(key, _ghost(data, fragment)))
            if fragment.end > length:  # behind the end that the last fragment stated
                beyond = _part(fragment, max(length, fragment.offset), fragment.end)
                found.append(Ready(key, _alone(beyond), headless=True))
        return found


def _assembled(fragments: list[Fragment], length: int) -> tuple[bytes, list[Piece], list[Fragment]]:
    """Return the bytes, their pieces, and what is left over of fragments that overlap."""
    data = bytearray(length)
    pieces: list[Piece] = []
    extra: list[Fragment] = []
    reached = 0
    for fragment in sorted(fragments, key=lambda f: f.offset):
        start, end = max(reached, fragment.offset), min(fragment.end, length)
        if start < end:
            data[start:end] = fragment.data[start - fragment.offset : end - fragment.offset]
            pieces += _moved(fragment, start, end)
            reached = end
            left = [(fragment.offset, start), (end, fragment.end)]
        else:
            left = [(fragment.offset, fragment.end)]
        extra += [_part(fragment, a, b) for a, b in left if a < b]
    return bytes(data), pieces, extra


def _part(fragment: Fragment, start: int, end: int) -> Fragment:
    """Return the datagram's bytes ``start`` to ``end``, which lie in the fragment, as one."""
    data = fragment.data[start - fragment.offset : end - fragment.offset]
    return Fragment(start, data, _rebased(fragment, start, end), True, len(data))


def _rebased(fragment: Fragment, start: int, end: int) -> list[Piece]:
    return [
        Piece(p.start - start, p.length, p.packet, p.offset, p.fields)
        for p in _moved(fragment, start, end)
    ]


def _moved(fragment: Fragment, start: int, end: int) -> list[Piece]:
    """The pieces under the datagram's bytes ``start`` to ``end``, placed in the datagram."""
    moved: list[Piece] = []
    for piece in fragment.pieces:
        at = fragment.offset + piece.start
        a, b = max(start, at), min(end, at + piece.length)
        if a < b:
            moved.append(Piece(a, b - a, piece.packet, piece.offset + a - at, piece.fields))
    return moved


def _ghost(data: bytes, copy: Fragment) -> View:
    merged = bytearray(data)
    end = min(copy.end, len(data))
    merged[copy.offset : end] = copy.data[: max(0, end - copy.offset)]
    return View(bytes(merged), len(data), tuple(_moved(copy, copy.offset, end)))


def _incomplete(key: Key, datagram: _Datagram) -> list[Ready]:
    """What can be read of an incomplete datagram.

    The bytes from its start to the first hole are read.  What stands behind the hole is treated
    like copies that come late: its place in the stream is known, and its beginning was read.
    """
    fragments = sorted(datagram.fragments, key=lambda f: f.offset)
    reached = 0
    for fragment in fragments:
        if fragment.offset > reached:
            break
        reached = max(reached, fragment.end)
    if not reached:
        everything = (*fragments, *datagram.copies)
        return [Ready(key, _alone(fragment), headless=True) for fragment in everything]
    wire_len = max(f.offset + max(f.wire_len, len(f.data)) for f in fragments)
    data, pieces, extra = _assembled([f for f in fragments if f.offset < reached], reached)
    view = View(data, wire_len, tuple(pieces))
    ghosts = [_ghost(data, f) for f in extra]
    padded = data + bytes(max(f.end for f in fragments) - reached)
    for fragment in (*(f for f in fragments if f.offset >= reached), *datagram.copies):
        ghosts.append(_ghost(data if fragment.end <= reached else padded, fragment))
    return [Ready(key, found) for found in (view, *ghosts)]


def _alone(fragment: Fragment) -> View:
    pieces = _rebased(fragment, fragment.offset, fragment.end)
    return View(fragment.data, len(fragment.data), tuple(pieces))
