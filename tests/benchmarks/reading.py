"""Reads generated captures back with code of its own, up to HTTP messages.

It understands only what the generator writes: pcap, Ethernet, IPv4 without options, TCP.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

FIN, SYN = 0x01, 0x02
IP_START, TCP_START = 14, 34
TCP_CHECKSUM = slice(50, 52)

End = tuple[int, int]
Direction = tuple[End, End]


class Record(NamedTuple):
    timestamp_microseconds: int
    frame: bytes


@dataclass(frozen=True)
class Segment:
    """One packet; ``sequence`` and ``acknowledgement`` as in its header."""

    direction: Direction
    sequence: int
    acknowledgement: int
    flags: int
    payload: bytes


class Arrival(NamedTuple):
    """A segment at its offset in the stream, and how far the stream was whole before it."""

    offset: int
    whole_bytes: int
    seen_before: bool


class Message(NamedTuple):
    """One HTTP message by its offsets in the stream; framing: content-length, chunked or empty."""

    start: int
    head_end: int
    end: int
    start_line: str
    framing: str
    bodies: tuple[range, ...]


def read_records(path: Path) -> list[Record]:
    data = path.read_bytes()
    assert data[:24] == struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    records = []
    position = 24
    while position < len(data):
        seconds, microseconds, captured_len, original_len = struct.unpack_from(
            "<IIII", data, position
        )
        assert captured_len == original_len
        position += 16 + captured_len
        assert position <= len(data)
        records.append(
            Record(seconds * 10**6 + microseconds, data[position - captured_len : position])
        )
    return records


def parse(frame: bytes) -> Segment:
    total_bytes: int = struct.unpack_from(">H", frame, IP_START + 2)[0]
    assert len(frame) == IP_START + total_bytes
    source, destination = struct.unpack_from(">II", frame, IP_START + 12)
    ports = struct.unpack_from(">HH", frame, TCP_START)
    sequence, acknowledgement, data_offset, flags = struct.unpack_from(
        ">IIBB", frame, TCP_START + 4
    )
    direction = ((source, ports[0]), (destination, ports[1]))
    payload = frame[TCP_START + (data_offset >> 4) * 4 :]
    return Segment(direction, sequence, acknowledgement, flags, payload)


def checksums_are_right(frame: bytes) -> bool:
    tcp = frame[TCP_START:]
    pseudo_header = frame[IP_START + 12 : TCP_START] + struct.pack(">HH", 6, len(tcp))
    return _word_sum(frame[IP_START:TCP_START]) == 0xFFFF == _word_sum(pseudo_header + tcp)


def _word_sum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclass
class Stream:
    """One direction of a connection, put together from its segments."""

    first_sequence: int
    content: bytearray
    arrivals: list[Arrival]
    whole_bytes: int = 0
    _segments: dict[int, int] = field(default_factory=dict)

    def add(self, segment: Segment) -> None:
        offset = (segment.sequence - self.first_sequence) % 2**32
        end = offset + len(segment.payload)
        self.arrivals.append(Arrival(offset, self.whole_bytes, offset in self._segments))
        self.content.extend(bytes(max(end - len(self.content), 0)))
        self.content[offset:end] = segment.payload
        self._segments[offset] = end
        while self.whole_bytes in self._segments:
            self.whole_bytes = self._segments[self.whole_bytes]


def follow(segments: Sequence[Segment]) -> Iterator[tuple[Segment, dict[Direction, Stream]]]:
    """Yield each segment and the streams behind it; every connection begins with SYN."""
    streams: dict[Direction, Stream] = {}
    for segment in segments:
        if segment.flags & SYN:
            assert segment.direction not in streams
            streams[segment.direction] = Stream((segment.sequence + 1) % 2**32, bytearray(), [])
        elif segment.payload:
            streams[segment.direction].add(segment)
        yield segment, streams


def reassemble(segments: Sequence[Segment]) -> dict[Direction, Stream]:
    streams: dict[Direction, Stream] = {}
    for _, streams in follow(segments):  # noqa: B007 - the last one is what is asked for
        pass
    return streams


def walk(stream: bytes) -> Iterator[Message]:
    """Yield the messages of a stream; the last one may be cut off."""
    start = 0
    while start < len(stream):
        head_end = stream.index(b"\r\n\r\n", start) + 4
        start_line, *lines = stream[start : head_end - 4].decode("ascii").split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        bodies: list[range] = []
        if start_line.split()[1] in ("204", "304"):
            framing, end = "empty", head_end
        elif fields.get("transfer-encoding") == "chunked":
            framing, (end, bodies) = "chunked", _walk_chunks(stream, head_end)
        else:
            end = head_end + int(fields.get("content-length", 0))
            framing, bodies = "content-length", [range(head_end, min(end, len(stream)))]
        yield Message(start, head_end, end, start_line, framing, tuple(bodies))
        start = end


def _walk_chunks(stream: bytes, position: int) -> tuple[int, list[range]]:
    bodies: list[range] = []
    while position < len(stream):
        line_end = stream.index(b"\r\n", position) + 2
        chunk_bytes = int(stream[position:line_end].split(b";")[0], 16)
        if chunk_bytes == 0:
            return stream.index(b"\r\n\r\n", line_end - 2) + 4, bodies
        bodies.append(range(line_end, min(line_end + chunk_bytes, len(stream))))
        position = line_end + chunk_bytes + 2
    return position, bodies


def masked(stream: bytes) -> bytes:
    """Return the stream as it is expected: every body zero, the rest kept."""
    result = bytearray(stream)
    for message in walk(stream):
        for body in message.bodies:
            result[body.start : body.stop] = bytes(len(body))
    return bytes(result)
