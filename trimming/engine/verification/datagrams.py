"""IP fragments put together again, original and output side by side.

Bounded: past the limits the oldest open datagram is given up, and what is given up is told.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from trimming.engine.verification.findings import Findings, Rule
from trimming.engine.verification.layers import Fragment, Walk
from trimming.engine.words import gettext_noop

Key = tuple[bytes, bytes, int, int]
MAX_OPEN_BYTES = 1 << 24
MAX_DONE = 64


@dataclass(slots=True)
class Part:
    """The bytes of one fragment; ``length`` is the real one."""

    original: bytes
    output: bytes
    length: int
    packet: int
    at: int


@dataclass(slots=True)
class Datagram:
    """The parts of one datagram by offset."""

    key: Key
    parts: dict[int, Part] = field(default_factory=dict)
    total: int = -1
    covered: int = 0
    contradictory: bool = False
    # (packet, offset, checksum's name) of a changed checksum field that the plan does not name
    unnamed: tuple[int, int, str] | None = None


@dataclass(slots=True)
class Whole:
    """A complete datagram: bytes up to the first that a truncated packet left out."""

    key: Key
    original: bytes
    output: bytes
    length: int
    parts: list[tuple[int, int, int]]  # (offset in the datagram, packet, offset in the packet)
    cut: int  # offset of the first byte that was not captured


class Datagrams:
    """The open datagrams and the last complete ones."""

    def __init__(self, max_open: int, findings: Findings) -> None:
        self._max_open = max_open
        self._findings = findings
        self._open: OrderedDict[Key, Datagram] = OrderedDict()
        self._done: OrderedDict[Key, Whole] = OrderedDict()
        self._bytes = 0
        self.given_up: list[Datagram] = []

    def add(
        self, fragment: Fragment, walk: Walk, output: bytes, packet: int, named: bool
    ) -> Whole | None:
        """Take a fragment; return its datagram when that is complete and without contradiction.

        ``named``: the plan names the checksum field that stands in this fragment.
        """
        part = Part(
            walk.data[fragment.start : fragment.end],
            output[fragment.start : fragment.end],
            fragment.length,
            packet,
            fragment.start,
        )
        if self._repeats_done(fragment, part):
            return None
        datagram = self._open.get(fragment.key)
        if datagram is None:
            datagram = self._open[fragment.key] = Datagram(fragment.key)
        self._note_field(datagram, walk, output, packet, named)
        self._insert(datagram, fragment, part)
        whole = self._complete(datagram)
        while len(self._open) > self._max_open or self._bytes > MAX_OPEN_BYTES:
            self._give_up(next(iter(self._open.values())))
        return whole

    def end(self) -> None:
        """Give up what is still open."""
        for datagram in list(self._open.values()):
            self._give_up(datagram)

    def _note_field(
        self, datagram: Datagram, walk: Walk, output: bytes, packet: int, named: bool
    ) -> None:
        for check in walk.checks:
            at = check.field
            if check.partial and not named and walk.data[at : at + 2] != output[at : at + 2]:
                datagram.unnamed = (packet, at, check.name)

    def _insert(self, datagram: Datagram, fragment: Fragment, part: Part) -> None:
        if not fragment.more:
            end = fragment.offset + fragment.length
            if datagram.total not in (-1, end):
                datagram.contradictory = True
            datagram.total = end
        known = datagram.parts.get(fragment.offset)
        if known is None:
            datagram.parts[fragment.offset] = part
            datagram.covered += fragment.length
            self._bytes += 2 * len(part.original)
        elif known.length != part.length or not _same_text(known, part, _field(fragment)):
            datagram.contradictory = True
        else:
            self._check_copy(known.output, part, _field(fragment))

    def _repeats_done(self, fragment: Fragment, part: Part) -> bool:
        done = self._done.get(fragment.key)
        if done is None:
            return False
        start = fragment.offset
        before = Part(
            done.original[start : start + len(part.original)],
            done.output[start : start + len(part.original)],
            part.length,
            0,
            0,
        )
        if fragment.key in self._open or not _same_text(before, part, _field(fragment)):
            return False
        self._check_copy(before.output, part, _field(fragment))
        return True

    def _check_copy(self, first: bytes, copy: Part, skip: int) -> None:
        """Every kept byte of a repeated fragment must be kept in the first copy as well."""
        if first == copy.output:
            return
        for at, value in enumerate(copy.output):
            if value and not first[at] and not skip <= at < skip + 2:
                self._findings.add(
                    Rule.KEPT_BYTES,
                    gettext_noop(
                        "byte %(offset)d of a repeated fragment is kept, which is masked in the"
                        " first copy"
                    )
                    % {"offset": copy.at + at},
                    copy.packet,
                    copy.at + at,
                )
                return

    def _complete(self, datagram: Datagram) -> Whole | None:
        if datagram.total < 0 or datagram.covered < datagram.total:
            return None
        offsets = sorted(datagram.parts)
        expected = 0
        for offset in offsets:
            if offset > expected and not datagram.contradictory:
                return None
            if offset != expected:
                datagram.contradictory = True
            expected = offset + datagram.parts[offset].length
        if datagram.contradictory or expected != datagram.total:
            self._give_up(datagram)
            return None
        self._close(datagram)
        whole = self._joined(datagram, offsets)
        self._done[whole.key] = whole
        if len(self._done) > MAX_DONE:
            self._done.popitem(last=False)
        return whole

    def _joined(self, datagram: Datagram, offsets: list[int]) -> Whole:
        original, output, places, cut = b"", b"", [], datagram.total
        for offset in offsets:
            part = datagram.parts[offset]
            if len(part.original) < part.length:
                cut = min(cut, offset + len(part.original))
            # what a truncated packet left out stands as zeros on both sides: it adds nothing to
            # sums
            missing = bytes(part.length - len(part.original))
            places.append((offset, part.packet, part.at))
            original += part.original + missing
            output += part.output + missing
        return Whole(datagram.key, original, output, datagram.total, places, cut)

    def _close(self, datagram: Datagram) -> None:
        del self._open[datagram.key]
        self._bytes -= 2 * sum(len(part.original) for part in datagram.parts.values())

    def _give_up(self, datagram: Datagram) -> None:
        self._close(datagram)
        self.given_up.append(datagram)
        if datagram.unnamed is not None:
            packet, offset, name = datagram.unnamed
            self._findings.add(
                Rule.OUTSIDE_PLAN,
                gettext_noop(
                    "the %(name)s checksum of an incomplete datagram changed, which the plan does"
                    " not name"
                )
                % {"name": name},
                packet,
                offset,
            )


def _field(fragment: Fragment) -> int:
    """Where the transport checksum stands in a first fragment; far out in others."""
    if fragment.offset:
        return 1 << 30
    return {6: 16, 17: 6}.get(fragment.key[2], 1 << 30)


def _same_text(first: Part, second: Part, skip: int) -> bool:
    a, b = first.original, second.original
    if a == b:
        return True
    return len(a) == len(b) and a[:skip] == b[:skip] and a[skip + 2 :] == b[skip + 2 :]
