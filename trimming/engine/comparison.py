"""Two strategies over one capture, and every place at which their plans differ.

Plans are compared, not outputs: where both say the same, the one writer writes the same.  Each
plan may be larger than memory, so both are walked side by side in windows of packets.  A frame
check matters only in packets that one of the plans changes.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from trimming.engine.byte_classes import ByteClass, Pair, fill_for, masked_by_one
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.kernel import interpret
from trimming.engine.options import TrimOptions
from trimming.engine.output import output_error
from trimming.engine.plan import WINDOW_PACKETS, FieldKind, MaskPlan, PlanReader, PlanWindow
from trimming.engine.report import Tally
from trimming.engine.strategies.registry import Strategy

MAX_SHOWN = 1000
START_BYTES = 1 << 20
CompareStage = Literal["first", "second", "compare"]
# called with the stage, the bytes of the file done, and all bytes of the file; may raise to stop
CompareProgress = Callable[[CompareStage, int, int], None]

Column = NDArray[np.int64]
_NONE = 0
_PLACE_BITS = 40
_KIND_BITS = 2


@dataclass(frozen=True, slots=True)
class RangeDifference:
    """``length`` bytes at ``offset`` of a packet, and what each strategy takes them for."""

    packet: int
    offset: int
    length: int
    classes: Pair


@dataclass(frozen=True, slots=True)
class ChecksumDifference:
    """The checksum at ``offset`` of a packet, and by how much it grows in each plan.

    Growth is modulo 0xFFFF, 0 where a plan leaves the checksum alone.
    """

    packet: int
    offset: int
    kind: FieldKind
    growths: tuple[int, int]


@dataclass(frozen=True, slots=True)
class FrameCheckDifference:
    """A frame check over the bytes ``start`` to ``end`` of a packet that one plan does not know."""

    packet: int
    start: int
    end: int
    known: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the strategies: what it counted, and how long it took to plan (milliseconds)."""

    strategy: str
    version: str
    duration_ms: float
    tally: Tally


@dataclass(frozen=True, slots=True)
class Extent:
    """How much differs in one way."""

    ranges: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of a comparison.  Of each kind of difference at most the first ones are kept.

    ``matched_bytes`` were given the same class by both; ``mismatched`` holds everything else, by
    what each strategy takes it for.
    """

    profile: str
    sides: tuple[Side, Side]
    matched_bytes: int
    mismatched: Mapping[Pair, Extent]
    ranges: tuple[RangeDifference, ...]
    checksums: tuple[ChecksumDifference, ...]
    checksum_count: int
    frame_checks: tuple[FrameCheckDifference, ...]
    frame_check_count: int
    left_out_bytes: int

    @property
    def matched(self) -> bool:
        """Whether both plans say the same of every byte."""
        return not (self.mismatched or self.checksum_count or self.frame_check_count)

    @property
    def range_count(self) -> int:
        """How many ranges differ, also those that are not in ``ranges``."""
        return sum(extent.ranges for extent in self.mismatched.values())

    @property
    def mismatched_bytes(self) -> int:
        """How many bytes differ."""
        return sum(extent.bytes for extent in self.mismatched.values())

    def masked_by_one(self, options: TrimOptions) -> tuple[int, int]:
        """Return how many bytes only the first strategy overwrites, and how many only the other."""
        counts = {pair: extent.bytes for pair, extent in self.mismatched.items()}
        return masked_by_one(counts, options)


def compare(
    source: Path,
    load_strategies: tuple[Callable[[], Strategy], Callable[[], Strategy]],
    options: TrimOptions,
    *,
    clock: Callable[[], float],
    folder: Path | None = None,
    progress: CompareProgress | None = None,
    most: int = MAX_SHOWN,
    interpret_below_bytes: int = 0,
    second_runs_first: bool = False,
) -> Comparison:
    """Plan the capture ``source`` with two strategies and compare the plans.

    Strategies are loaded once the input is known to be a capture.  ``clock`` returns seconds.
    ``second_runs_first`` changes who runs when, and nothing in the result.
    Large plans are spilled to ``folder``, by default the system's for such files.  ``most`` bounds
    each kind of difference that is kept; all are counted.

    Raises InputError, OptionsError, OutputError, and whatever ``progress`` raises.
    """
    spilled = str(folder or tempfile.gettempdir())
    with (
        CaptureFile(source, options.limits) as capture,
        MaskPlan(options, spilled) as first,
        MaskPlan(options, spilled) as second,
    ):
        if capture.unpacked_size() < interpret_below_bytes:
            interpret()
        capture.look_at_start(START_BYTES)  # a capture cut before its first packet is refused
        one, other = (load() for load in load_strategies)
        try:
            runs: list[tuple[Strategy, MaskPlan, CompareStage]] = [
                (one, first, "first"),
                (other, second, "second"),
            ]
            if second_runs_first:
                runs.reverse()
            sides = [
                _side(capture, strategy, plan, clock, _told(progress, stage, capture))
                for strategy, plan, stage in runs
            ]
            if second_runs_first:
                sides.reverse()
            told = _told(progress, "compare", capture)
            found = _Found(options, most)
            for base, windows in _side_by_side(first.reader(), second.reader()):
                if told is not None:
                    told(0)
                found.look(base, windows)
        except OSError as error:
            raise output_error(Path(spilled), error) from None
        left_out = capture.tail.length if capture.tail else 0
    return found.result(options.name, (sides[0], sides[1]), left_out)


def _told(
    progress: CompareProgress | None, stage: CompareStage, capture: CaptureFile
) -> Callable[[int], None] | None:
    if progress is None:
        return None
    return lambda done: progress(stage, done, capture.size_bytes)


def _side(
    capture: CaptureFile,
    strategy: Strategy,
    plan: MaskPlan,
    clock: Callable[[], float],
    progress: Callable[[int], None] | None,
) -> Side:
    tally, started = Tally(), clock()
    strategy.plan(capture, plan, tally, progress)
    duration_ms = (clock() - started) * 1000
    return Side(strategy.name, strategy.version, duration_ms, tally)


def _side_by_side(
    first: PlanReader, second: PlanReader
) -> Iterator[tuple[int, tuple[PlanWindow, PlanWindow]]]:
    """Yield what both plans say of the same packets, and the number of the first of them."""
    while True:
        upcoming = [n for n in (first.next_packet(), second.next_packet()) if n is not None]
        if not upcoming:
            return
        base = min(upcoming)
        last = base + WINDOW_PACKETS - 1
        yield base, (first.upto(last), second.upto(last))


T = TypeVar("T")


@dataclass(slots=True)
class _Kept(Generic[T]):
    """The first of many, and the count of all."""

    most: int
    items: list[T] = field(default_factory=list)
    count: int = 0

    def room(self, count: int) -> int:
        """Count so many more, and return how many of them are to be kept."""
        self.count += count
        return max(0, min(count, self.most - len(self.items)))


class _Found:
    """Everything that was found so far."""

    def __init__(self, options: TrimOptions, most: int) -> None:
        self._filled = [c for c in ByteClass if fill_for(c, options) is not None]
        self._ranges: _Kept[RangeDifference] = _Kept(most)
        self._checksums: _Kept[ChecksumDifference] = _Kept(most)
        self._frame_checks: _Kept[FrameCheckDifference] = _Kept(most)
        self._matched_bytes = 0
        self._range_counts: Counter[Pair] = Counter()
        self._byte_counts: Counter[Pair] = Counter()

    def look(self, base: int, windows: tuple[PlanWindow, PlanWindow]) -> None:
        """Compare what two plans say of the same packets, the first of which is ``base``."""
        self._look_at_spans(base, windows)
        self._look_at_checksums(base, windows)
        self._look_at_frame_checks(windows)

    def _look_at_spans(self, base: int, windows: tuple[PlanWindow, PlanWindow]) -> None:
        first, second = (_spans(window, base) for window in windows)
        bounds = np.unique(np.concatenate((*first[:2], *second[:2])))
        starts, ends = bounds[:-1], bounds[1:]
        a, b = _class_at(first, starts), _class_at(second, starts)
        alike = (a == b) & (a != _NONE)
        self._matched_bytes += int((ends[alike] - starts[alike]).sum())
        starts, ends, a, b = _joined(starts, ends, a, b, a != b)
        lengths = ends - starts
        for pair in set(zip(a.tolist(), b.tolist(), strict=True)):
            is_pair = (a == pair[0]) & (b == pair[1])
            classes = _named(*pair)
            self._range_counts[classes] += int(is_pair.sum())
            self._byte_counts[classes] += int(lengths[is_pair].sum())
        for at in range(self._ranges.room(len(starts))):
            packet, offset = _where(int(starts[at]), base)
            classes = _named(int(a[at]), int(b[at]))
            self._ranges.items.append(RangeDifference(packet, offset, int(lengths[at]), classes))

    def _look_at_checksums(self, base: int, windows: tuple[PlanWindow, PlanWindow]) -> None:
        first, second = (_growths(window, base) for window in windows)
        fields = np.union1d(first[0], second[0])
        a, b = _growth_at(first, fields), _growth_at(second, fields)
        differing = np.flatnonzero(a != b)
        for at in differing[: self._checksums.room(len(differing))].tolist():
            packet, rest = _where(int(fields[at]), base)
            kind = FieldKind(rest & (1 << _KIND_BITS) - 1)
            growths = (int(a[at]), int(b[at]))
            found = ChecksumDifference(packet, rest >> _KIND_BITS, kind, growths)
            self._checksums.items.append(found)

    def _look_at_frame_checks(self, windows: tuple[PlanWindow, PlanWindow]) -> None:
        columns = [(w.check_packet, w.check_start, w.check_end) for w in windows]
        if all(np.array_equal(a, b) for a, b in zip(*columns, strict=True)):
            return
        touched = self._touched(windows)
        first, second = (
            {
                (packet, start, end)
                for packet, start, end in zip(*(c.tolist() for c in side), strict=True)
                if packet in touched
            }
            for side in columns
        )
        differing = sorted(first ^ second)
        for packet, start, end in differing[: self._frame_checks.room(len(differing))]:
            known = ((packet, start, end) in first, (packet, start, end) in second)
            self._frame_checks.items.append(FrameCheckDifference(packet, start, end, known))

    def _touched(self, windows: tuple[PlanWindow, PlanWindow]) -> set[int]:
        """Return the packets in which one of the plans changes something."""
        spans = [w.span_packet[np.isin(w.span_class, self._filled)] for w in windows]
        return set(np.concatenate((*spans, *(w.change_packet for w in windows))).tolist())

    def result(self, profile: str, sides: tuple[Side, Side], left_out_bytes: int) -> Comparison:
        """Return all of it."""
        return Comparison(
            profile=profile,
            sides=sides,
            matched_bytes=self._matched_bytes,
            mismatched={
                pair: Extent(count, self._byte_counts[pair])
                for pair, count in self._range_counts.most_common()
            },
            ranges=tuple(self._ranges.items),
            checksums=tuple(self._checksums.items),
            checksum_count=self._checksums.count,
            frame_checks=tuple(self._frame_checks.items),
            frame_check_count=self._frame_checks.count,
            left_out_bytes=left_out_bytes,
        )


Spans = tuple[Column, Column, Column]
Growths = tuple[Column, Column]


def _where(place: int, base: int) -> tuple[int, int]:
    """Return the packet of a place in a window, and the rest."""
    return base + (place >> _PLACE_BITS), place & (1 << _PLACE_BITS) - 1


def _named(first: int, second: int) -> Pair:
    return (
        None if first == _NONE else ByteClass(first),
        None if second == _NONE else ByteClass(second),
    )


def _spans(window: PlanWindow, base: int) -> Spans:
    """Return start, end and class of each span; starts and ends are places in the window."""
    packet = (window.span_packet - base) << _PLACE_BITS
    holds = window.span_end > window.span_start
    start, end = packet + window.span_start, packet + window.span_end
    return start[holds], end[holds], window.span_class[holds]


def _class_at(spans: Spans, places: Column) -> Column:
    """Return the class of the byte at each place, _NONE outside of all spans."""
    start, end, byte_class = spans
    if not len(start):
        return np.full(len(places), _NONE, np.int64)
    at = np.searchsorted(start, places, side="right") - 1
    inside = (at >= 0) & (places < end[at])
    return np.where(inside, byte_class[at], _NONE)


def _joined(
    starts: Column, ends: Column, a: Column, b: Column, chosen: NDArray[np.bool_]
) -> tuple[Column, Column, Column, Column]:
    """Return the chosen ranges; those that touch and have the same classes become one."""
    starts, ends, a, b = starts[chosen], ends[chosen], a[chosen], b[chosen]
    breaks = (starts[1:] != ends[:-1]) | (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    edge = np.ones(min(1, len(starts)), np.bool_)
    opens, closes = np.concatenate((edge, breaks)), np.concatenate((breaks, edge))
    return starts[opens], ends[closes], a[opens], b[opens]


def _growths(window: PlanWindow, base: int) -> Growths:
    """Return each checksum field once, as a place with its kind, and by how much it grows."""
    place = ((window.change_packet - base) << _PLACE_BITS) | (window.change_offset << _KIND_BITS)
    fields, which = np.unique(place | window.change_kind, return_inverse=True)
    growth = np.zeros(len(fields), np.int64)
    np.add.at(growth, which, window.change_delta)
    return fields, growth % 0xFFFF


def _growth_at(growths: Growths, fields: Column) -> Column:
    """Return by how much each of ``fields`` grows, which hold all of those in ``growths``."""
    found = np.zeros(len(fields), np.int64)
    found[np.searchsorted(fields, growths[0])] = growths[1]
    return found
