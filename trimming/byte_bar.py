"""Where every byte of a capture went: the rows of a table, and the parts of a bar that fill it.

Pure: a run's stored report and its profile in, plain values out.  A row says of each class what it
is, what happened to it and how many bytes it has; the rows add up to the whole capture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trimming.engine.byte_classes import REDACTION, ByteClass, fill_for
from trimming.engine.options import TrimOptions
from trimming.engine.report import HTTP2, NOT_CLASSED, NOT_HTTP, RESET_TEXT

# the bar is divided into so many parts; every row that has bytes gets at least LEAST_WIDTH of them
WHOLE_WIDTH: Final = 10_000
LEAST_WIDTH: Final = 35

Text = str | Promise

# left bytes of these names lie within the classes OTHER and UNCERTAIN (pipeline.py); all others are
# bytes that no strategy gave a class
INSIDE_CLASSES: Final = frozenset({HTTP2, RESET_TEXT, NOT_HTTP, NOT_CLASSED})
# shown even when a capture has none of them
ALWAYS: Final = frozenset(
    {ByteClass.HEADER, ByteClass.FRAMING, ByteClass.BODY, ByteClass.UNCERTAIN, ByteClass.OTHER}
)
# the order of the rows: name, what they are, look in the bar when kept
CLASSES: Final[Mapping[ByteClass, tuple[Text, Text, str]]] = {
    ByteClass.HEADER: (
        pgettext_lazy("byte class", "HEADER"),
        _("start lines, fields, blank lines"),
        "b-header",
    ),
    ByteClass.REDACTED: (
        pgettext_lazy("byte class", "REDACTED"),
        _("header values that the profile hides"),
        "b-header",
    ),
    ByteClass.FRAMING: (
        pgettext_lazy("byte class", "FRAMING"),
        _("chunk-size lines and their ends"),
        "b-framing",
    ),
    ByteClass.BODY: (
        pgettext_lazy("byte class", "BODY"),
        _("content of messages"),
        "b-other",
    ),
    ByteClass.SAMPLE: (
        pgettext_lazy("byte class", "SAMPLE"),
        _("first bytes of bodies that the profile keeps"),
        "b-framing",
    ),
    ByteClass.UNCERTAIN: (
        pgettext_lazy("byte class", "UNCERTAIN"),
        _("in HTTP connections, but not to be classed"),
        "b-other",
    ),
    ByteClass.OTHER: (
        pgettext_lazy("byte class", "OTHER"),
        _("payload that is not HTTP"),
        "b-other",
    ),
    ByteClass.TLS_RECORD: ("TLS", _("record headers and handshakes"), "b-framing"),
}
# names by those that reports have
NAMES: Final[Mapping[str, Text]] = {each.name.lower(): CLASSES[each][0] for each in CLASSES}


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened to the bytes of a row: a word with its tone and shape."""

    tone: str
    shape: str
    label: Text


KEPT: Final = Happened("ok", "ok", _("Kept"))
UNTOUCHED: Final = Happened("unknown", "wait", _("Untouched"))
ZEROED: Final = Happened("unknown", "stop", _("Zeroed"))
REDACTED: Final = Happened("unknown", "stop", _("Replaced by x"))
NOT_KNOWN: Final = Happened("unknown", "unknown", _("Not known"))


@dataclass(frozen=True, slots=True)
class ByteRow:
    """One row of the table."""

    name: Text
    happened: Happened
    bytes: int
    what: Text
    look: str


@dataclass(frozen=True, slots=True)
class BarPart:
    """One part of the bar: where it starts, ends and how wide it is, as attributes of SVG."""

    look: str
    x: str
    end: str
    width: str


@dataclass(frozen=True, slots=True)
class ByteBar:
    """The rows, the parts of those that have bytes, and the bytes of which the shares are."""

    rows: tuple[ByteRow, ...]
    parts: tuple[BarPart, ...]
    whole_bytes: int
    # the file was packed: the shares are of its packets, not of the file
    is_of_packets: bool


def byte_bar(
    report: Mapping[str, Any], options: TrimOptions | None, *, is_packed: bool = False
) -> ByteBar:
    """Return the bar of a stored report (report_views.report_as_dict).

    ``options`` are those of the run's profile; without them nothing is said of what happened.
    """
    counts = {each: int(report["bytes_by_class"].get(each.name.lower(), 0)) for each in CLASSES}
    classed = sum(counts.values())
    packets_bytes, file_bytes = int(report["bytes"]), int(report["input_bytes"])
    is_of_packets = is_packed or packets_bytes > file_bytes
    whole = max(packets_bytes if is_of_packets else file_bytes, classed)
    unclassed = min(_unclassed(report["left_bytes"]), whole - classed)
    rows = [_row(each, counts[each], options) for each in CLASSES if counts[each] or each in ALWAYS]
    if unclassed:
        what = _("UDP, DNS and other payload outside TCP")
        rows.append(ByteRow(_("Not TCP"), UNTOUCHED, unclassed, what, "b-other"))
    rows.append(_frame_row(whole - classed - unclassed, is_of_packets))
    return ByteBar(tuple(rows), _parts(rows), whole, is_of_packets)


def _unclassed(left_bytes: Mapping[str, int]) -> int:
    return sum(int(count) for name, count in left_bytes.items() if name not in INSIDE_CLASSES)


def _row(each: ByteClass, count: int, options: TrimOptions | None) -> ByteRow:
    name, what, kept_look = CLASSES[each]
    happened = NOT_KNOWN if options is None else _happened(each, options)
    look = kept_look
    if happened in (ZEROED, REDACTED):
        look = "b-uncertain" if each is ByteClass.UNCERTAIN else "b-body"
    return ByteRow(name, happened, count, what, look)


def _happened(each: ByteClass, options: TrimOptions) -> Happened:
    fill = fill_for(each, options)
    if fill is not None:
        return REDACTED if fill == REDACTION else ZEROED
    return UNTOUCHED if each in (ByteClass.OTHER, ByteClass.UNCERTAIN) else KEPT


def _frame_row(count: int, is_of_packets: bool) -> ByteRow:
    name = _("Packet headers") if is_of_packets else _("Packet and file headers")
    what = _("checksums updated where a byte changed")
    return ByteRow(name, KEPT, count, what, "b-pkt")


def _parts(rows: list[ByteRow]) -> tuple[BarPart, ...]:
    """Share the width out by bytes, whole units by the largest remainder; they fill the bar."""
    filled = [row for row in rows if row.bytes]
    if not filled:
        return ()
    whole = sum(row.bytes for row in filled)
    free = WHOLE_WIDTH - LEAST_WIDTH * len(filled)
    widths = [LEAST_WIDTH + free * row.bytes // whole for row in filled]
    remainders = sorted(
        range(len(filled)), key=lambda i: (free * filled[i].bytes) % whole, reverse=True
    )
    for i in remainders[: WHOLE_WIDTH - sum(widths)]:
        widths[i] += 1
    parts, start = [], 0
    for row, width in zip(filled, widths, strict=True):
        parts.append(BarPart(row.look, _percent(start), _percent(start + width), _percent(width)))
        start += width
    return tuple(parts)


def _percent(units: int) -> str:
    return f"{units // 100}.{units % 100:02d}%"
