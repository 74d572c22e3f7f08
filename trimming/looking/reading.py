"""What is found in a capture, for somebody who looks at a part of it.

Belongs here: which bytes of which packet; it runs in a process of its own.  Byte classes are made
anew by the scanning strategy, which is fast; what became of a byte is read from the result itself.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from trimming.engine.byte_classes import ByteClass
from trimming.engine.errors import EngineError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet
from trimming.engine.options import TrimOptions
from trimming.engine.plan import WINDOW_PACKETS, MaskPlan, PlanReader, Span, packet_plans
from trimming.engine.report import Tally
from trimming.engine.strategies.registry import load_strategy
from trimming.engine.strategies.scanning.slow.walk import SlowPath, TcpSegment, is_known
from trimming.looking.heads import WRAP, Head, Heads, Piece, Way, lines_of

STRATEGY: Final = "scanning"
# packets behind a page in which the ends of its heads are looked for
BEHIND_PACKETS: Final = 2_000


class NoSuchPacketError(EngineError):
    """The capture has fewer packets."""


def messages(result: Path, options: TrimOptions, first_packet: int, most: int) -> dict[str, Any]:
    """Return the heads that begin in packet ``first_packet`` or later, about ``most`` of them.

    They are read from the result: nothing is shown that a download would not give away.
    """
    # header is header here, also where a value in it was overwritten
    plain = TrimOptions(limits=options.limits)
    heads = Heads(most)
    following: int | None = None
    with CaptureFile(result, plain.limits) as capture, _planned(capture, plain, result) as reader:
        origin_ns = _origin(capture)
        _skip(reader, first_packet - 1)
        for packet, spans in _with_headers(capture, reader, first_packet):
            if heads.is_full_before(packet.number):
                following = following or packet.number
                is_far = packet.number - following > BEHIND_PACKETS
                if is_far or not heads.is_waiting:
                    break
            for piece in _pieces(packet, spans):
                heads.take(piece)
    return {
        "messages": [_told(head) for head in heads.found],
        "left_out": heads.left_out,
        "origin_ns": origin_ns,
        "next_packet": following,
    }


def packet(
    original: Path, result: Path | None, options: TrimOptions, number: int, start: int, most: int
) -> dict[str, Any]:
    """Return the bytes ``start`` to ``start + most`` of a packet, before and after, with classes.

    Raises NoSuchPacketError.
    """
    with CaptureFile(original, options.limits) as capture:
        before = _packet(capture, number)
        origin_ns = _origin(capture)
        with _planned(capture, options, original) as reader:
            _skip(reader, number - 1)
            found = next(packet_plans(reader.upto(number)), None)
    after: Packet | None = None
    if result is not None:
        with CaptureFile(result, options.limits) as trimmed:
            after = _packet(trimmed, number)
    end = start + most
    spans = [] if found is None else _joined(found.spans)
    return {
        "origin_ns": origin_ns,
        "timestamp_ns": before.timestamp_ns,
        "captured_len": before.captured_len,
        "original_len": before.original_len,
        "link_type": before.link_type,
        "before": before.data[start:end].hex(),
        "after": None if after is None else after.data[start:end].hex(),
        "spans": [
            (max(span.start, start), min(span.end, end), span.byte_class.name.lower())
            for span in spans
            if span.start < end and span.end > start
        ],
    }


@contextmanager
def _planned(capture: CaptureFile, options: TrimOptions, beside: Path) -> Iterator[PlanReader]:
    with MaskPlan(options, str(beside.parent)) as plan:
        load_strategy(STRATEGY).plan(capture, plan, Tally(), None)
        yield plan.reader()


def _skip(reader: PlanReader, last: int) -> None:
    """Leave out what is planned for the packets up to ``last``, in pieces that fit in memory."""
    while (number := reader.next_packet()) is not None and number <= last:
        reader.upto(min(number + WINDOW_PACKETS, last))


def _packet(capture: CaptureFile, number: int) -> Packet:
    for batch in capture.batches(ahead=False):
        if number < batch.first_number + len(batch):
            return batch.packet(number - batch.first_number)
    raise NoSuchPacketError(f"no packet {number}")


def _origin(capture: CaptureFile) -> int | None:
    """Return the time of the first packet, None where it has none."""
    first = next(capture.packets(), None)
    return None if first is None else first.timestamp_ns


def _with_headers(
    capture: CaptureFile, reader: PlanReader, first: int
) -> Iterator[tuple[Packet, list[Span]]]:
    """Yield the packets from ``first`` on that hold bytes of headers, with where these stand."""
    for batch in capture.batches(ahead=False):
        behind = batch.first_number + len(batch)
        if behind <= first:
            continue
        for planned in packet_plans(reader.upto(behind - 1)):
            spans = _joined(planned.spans)
            spans = [span for span in spans if span.byte_class == ByteClass.HEADER]
            if spans:
                yield batch.packet(planned.number - batch.first_number), spans


def _joined(spans: list[Span]) -> list[Span]:
    """Return the spans with those of one class that touch as one."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and (last.end, last.byte_class) == (span.start, span.byte_class):
            joined[-1] = Span(last.start, span.end, span.byte_class)
        else:
            joined.append(span)
    return joined


def _pieces(packet: Packet, spans: list[Span]) -> Iterator[Piece]:
    segments: list[TcpSegment] = []
    if is_known(packet.link_type):
        # of a datagram in fragments no segment is found in one packet: its heads have no addresses
        found = SlowPath(TrimOptions(), Tally()).packet(packet)
        segments = [each for each in found if isinstance(each, TcpSegment)]
    for span in spans:
        data = packet.data[span.start : span.end]
        within = (each for each in segments if each.start <= span.start and span.end <= each.end)
        segment = next(within, None)
        if segment is None:
            yield Piece(packet.number, packet.timestamp_ns, data)
            continue
        source = _place(segment.source, segment.source_port)
        way = Way(source, _place(segment.destination, segment.destination_port))
        sequence = (segment.sequence + span.start - segment.start) % WRAP
        yield Piece(packet.number, packet.timestamp_ns, data, way, sequence)


def _place(address: bytes, port: int) -> str:
    shown = ipaddress.ip_address(address)
    return f"{shown}:{port}" if shown.version == 4 else f"[{shown}]:{port}"


def _told(head: Head) -> dict[str, Any]:
    lines = lines_of(bytes(head.data))
    return {
        "packet": head.packet,
        "timestamp_ns": head.timestamp_ns,
        "source": head.way.source if head.way else "",
        "destination": head.way.destination if head.way else "",
        "start": lines.start,
        "fields": lines.fields,
        "left_out": lines.left_out,
        "bytes": len(head.data),
        "is_whole": head.is_whole,
    }
