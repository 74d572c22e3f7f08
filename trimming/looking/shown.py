"""What a page shows of a look: lines of a hex dump, ranges with words, times.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trimming.byte_bar import CLASSES, KEPT, REDACTED, UNTOUCHED, ZEROED, Happened, Text
from trimming.engine.byte_classes import ZERO, ByteClass, fill_for
from trimming.engine.options import TrimOptions
from trimming.looking.words import LookedAt

PER_LINE: Final = 16
MOST_RANGES: Final = 200
# what a byte looks like that has no class, that was overwritten, or that is part of a checksum
PACKET: Final = "packet"
OVERWRITTEN: Final = "overwritten"
CARRIED: Final = "carried"
OF_PACKETS: Final[tuple[Text, Text]] = (
    pgettext_lazy("byte class", "PACKET"),
    _("packet headers, and what is not TCP"),
)
CARRIED_ALONG: Final = Happened("ok", "ok", _("Checksum carried along"))
KNOWN: Final[Mapping[str, ByteClass]] = {each.name.lower(): each for each in ByteClass}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours of one look: as hexadecimal digits, and as text."""

    look: str
    digits: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a hex dump; ``padding`` fills up a short one."""

    offset: str
    runs: tuple[Run, ...]
    padding: str


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes ``start`` to ``last`` are of one class, and what happened to them."""

    look: str
    name: Text
    what: Text
    happened: Happened
    start: int
    last: int

    @property
    def count(self) -> int:
        """How many bytes they are."""
        return self.last - self.start + 1


@dataclass(frozen=True, slots=True)
class Bytes:
    """Some bytes of a packet, before and after."""

    before: tuple[Line, ...]
    # None where there is no result
    after: tuple[Line, ...] | None
    ranges: tuple[Range, ...]
    ranges_left_out: int
    # that are not in the result: a slice
    cut_off: int
    # of the result, that are not what their classes say
    odd: int


@dataclass(frozen=True, slots=True)
class _Byte:
    """A byte: of which class it is, and what became of it."""

    name: str
    fill: int | None
    is_carried: bool

    @property
    def look_after(self) -> str:
        if self.is_carried:
            return CARRIED
        return self.name if self.fill is None else OVERWRITTEN


def bytes_of(answer: LookedAt, start: int, options: TrimOptions) -> Bytes:
    """Make lines and ranges of an answer about the bytes from ``start`` on."""
    before = bytes.fromhex(answer.before)
    after = None if answer.after is None else bytes.fromhex(answer.after)
    names = _names(answer, start, len(before))
    # where nothing can be compared, nothing has changed
    result = before if after is None else after + before[len(after) :]
    found = [
        _Byte(name, _fill(name, options), name == PACKET and old != new)
        for name, old, new in zip(names, before, result, strict=True)
    ]
    ranges = list(_ranges(found, start))
    return Bytes(
        before=tuple(_lines(before, start, names)),
        after=None
        if after is None
        else tuple(_lines(after, start, [byte.look_after for byte in found])),
        ranges=tuple(ranges[:MOST_RANGES]),
        ranges_left_out=max(0, len(ranges) - MOST_RANGES),
        cut_off=0 if after is None else len(before) - len(after),
        odd=0 if after is None else sum(map(_is_odd, found, before, after)),
    )


def _names(answer: LookedAt, start: int, count: int) -> list[str]:
    names = [PACKET] * count
    for first, end, name in answer.spans:
        low, high = max(0, first - start), min(count, end - start)
        if name in KNOWN and low < high:
            names[low:high] = [name] * (high - low)
    return names


def _fill(name: str, options: TrimOptions) -> int | None:
    return fill_for(KNOWN[name], options) if name in KNOWN else None


def _is_odd(byte: _Byte, old: int, new: int) -> bool:
    if byte.fill is not None:
        return new != byte.fill
    return byte.name != PACKET and old != new


def _lines(data: bytes, start: int, looks: Sequence[str]) -> Iterator[Line]:
    for at in range(0, len(data), PER_LINE):
        part = data[at : at + PER_LINE]
        runs: list[Run] = []
        place = 0
        for look, group in groupby(looks[at : at + len(part)]):
            count = len(list(group))
            runs.append(_run(look, part[place : place + count], place))
            place += count
        # a short line lacks bytes, and the gap in the middle when it does not come so far
        missing = 3 * (PER_LINE - len(part)) + (len(part) < PER_LINE // 2)
        yield Line(f"{start + at:04x}", tuple(runs), " " * missing)


def _run(look: str, data: bytes, place: int) -> Run:
    digits = "".join(
        f"{byte:02x}  " if place + at == PER_LINE // 2 - 1 else f"{byte:02x} "
        for at, byte in enumerate(data)
    )
    return Run(look, digits, "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data))


def _ranges(found: Sequence[_Byte], start: int) -> Iterator[Range]:
    for byte, group in groupby(found):
        count = len(list(group))
        name, what = OF_PACKETS
        if byte.name in KNOWN:
            name, what, _look = CLASSES[KNOWN[byte.name]]
        yield Range(byte.name, name, what, _happened(byte), start, start + count - 1)
        start += count


def _happened(byte: _Byte) -> Happened:
    if byte.is_carried:
        return CARRIED_ALONG
    if byte.fill is None:
        return UNTOUCHED if byte.name == "other" else KEPT
    return ZEROED if byte.fill == ZERO else REDACTED


def moment(timestamp_ns: int | None) -> str:
    """Return a time as UTC with microseconds; nothing where no calendar has it."""
    if timestamp_ns is None:
        return ""
    try:
        at = EPOCH + timedelta(microseconds=timestamp_ns // 1000)
    except OverflowError:
        return ""
    return f"{at:%Y-%m-%d %H:%M:%S.%f} UTC"


def seconds_since(origin_ns: int | None, timestamp_ns: int | None) -> str:
    """Return the time since the first packet in seconds, to the microsecond."""
    if origin_ns is None or timestamp_ns is None:
        return ""
    return f"{(timestamp_ns - origin_ns) / 1e9:.6f}"
