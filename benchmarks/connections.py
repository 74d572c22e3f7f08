"""One TCP connection from SYN to FIN, as bursts of packets."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

import numpy as np

from benchmarks.bodies import BodyPool
from benchmarks.disorder import copy_some, cut_into_bursts, swap_some
from benchmarks.frames import (
    FLAG_ACK,
    FLAG_FIN,
    FLAG_PUSH,
    FLAG_SYN,
    HEADER_BYTES,
    MAX_SEGMENT_BYTES,
    Fields,
    Packet,
    build_headers,
    segment_count,
    word_sums,
)
from benchmarks.messages import Message, Part, draw_request, draw_response

MEAN_MORE_EXCHANGES = 4
WRAPPING_SHARE = 0.02

# What one connection holds framed at a time: it bounds memory, and how far packets can move.
_WINDOW_BYTES = 48 * MAX_SEGMENT_BYTES
_MAX_SEGMENT_SIZE_OPTION = bytes([2, 4]) + MAX_SEGMENT_BYTES.to_bytes(2, "big")
_SEQUENCE_MODULUS = 2**32


class FourTuple(NamedTuple):
    """Both ends of a connection, addresses as numbers."""

    client: int
    client_port: int
    server: int
    server_port: int


def four_tuple(index: int) -> FourTuple:
    """Return the ends of connection ``index``; they are distinct for all indexes below 2**32.

    Clients are in 10.0.0.0/8 and servers in 198.18.0.0/15, the network for benchmarks (RFC 2544).
    """
    scattered = index * 2_654_435_761 % 2**32  # odd factor: a bijection of 32 bits
    return FourTuple(
        client=0x0A000000 + (scattered >> 15),
        client_port=0x8000 + (scattered & 0x7FFF),
        server=0xC6120000 + 1 + index % 61,
        server_port=(80, 80, 80, 8080)[index % 4],
    )


@dataclass(slots=True)
class _Side:
    """One end of a connection as a sender."""

    address: int
    port: int
    sequence: int
    identification: int


@dataclass(slots=True)
class _Window:
    """Stream bytes to be framed together, and the segments that end inside a line of framing."""

    content: bytearray
    expected: bytearray
    open_line_segments: set[int]


class Connection:
    """Draws the exchanges of one connection and frames them, a window at a time."""

    def __init__(self, index: int, rng: Random, pool: BodyPool, tally: Counter[str]) -> None:
        ends = four_tuple(index)
        self._rng = rng
        self._pool = pool
        self._tally = tally
        self._client = self._draw_side(ends.client, ends.client_port)
        self._server = self._draw_side(ends.server, ends.server_port)
        self._held_copies: list[Packet] = []

    def bursts(self) -> Iterator[list[Packet]]:
        """Yield all packets of the connection in bursts, those of each burst in order."""
        self._tally["connections"] += 1
        yield self._open()
        for _ in range(1 + int(self._rng.expovariate(1 / MEAN_MORE_EXCHANGES))):
            self._tally["requests"] += 1
            yield from self._send(self._client, self._server, draw_request(self._rng, self._pool))
            self._tally["responses"] += 1
            yield from self._send(self._server, self._client, draw_response(self._rng, self._pool))
        yield self._held_copies + self._close()

    def _draw_side(self, address: int, port: int) -> _Side:
        sequence = self._rng.getrandbits(32)
        if self._rng.random() < WRAPPING_SHARE:
            sequence = _SEQUENCE_MODULUS - self._rng.randint(1, 50_000)
        return _Side(address, port, sequence, self._rng.getrandbits(16))

    def _open(self) -> list[Packet]:
        return [
            self._control(self._client, self._server, FLAG_SYN),
            self._control(self._server, self._client, FLAG_SYN | FLAG_ACK),
            self._control(self._client, self._server, FLAG_ACK),
        ]

    def _close(self) -> list[Packet]:
        return [
            self._control(self._client, self._server, FLAG_FIN | FLAG_ACK),
            self._control(self._server, self._client, FLAG_FIN | FLAG_ACK),
            self._control(self._client, self._server, FLAG_ACK),
        ]

    def _control(self, sender: _Side, receiver: _Side, flags: int) -> Packet:
        options = _MAX_SEGMENT_SIZE_OPTION if flags & FLAG_SYN else b""
        fields = replace(
            _fields(sender, receiver, 1),
            flags=flags,
            acknowledgement=receiver.sequence if flags & FLAG_ACK else 0,
            options_bytes=len(options),
        )
        sums = word_sums(options) if options else np.zeros(1, np.uint64)
        header, _ = build_headers(fields, np.array([len(options)], np.uint64), sums, sums)
        sender.identification = (sender.identification + 1) % 2**16
        if flags & (FLAG_SYN | FLAG_FIN):
            sender.sequence = (sender.sequence + 1) % _SEQUENCE_MODULUS
        return Packet(header + options, header + options, False)

    def _send(self, sender: _Side, receiver: _Side, message: Message) -> Iterator[list[Packet]]:
        for flight in message.flights():
            for window in _windows(flight):
                packets = _frame(sender, receiver, window)
                swap_some(self._rng, packets)
                held = copy_some(self._rng, packets)
                packets[:0] = self._held_copies
                self._held_copies = held
                yield from cut_into_bursts(self._rng, packets)


def _windows(parts: Iterable[Part]) -> Iterator[_Window]:
    window = _Window(bytearray(), bytearray(), set())
    for part in parts:
        taken = 0
        while taken < len(part.content):
            start = len(window.content)
            piece = part.content[taken : taken + _WINDOW_BYTES - start]
            taken += len(piece)
            window.content += piece
            window.expected += bytes(len(piece)) if part.is_body else piece
            if not part.is_body:
                first = start // MAX_SEGMENT_BYTES
                last = len(window.content) // MAX_SEGMENT_BYTES
                ends_inside = taken < len(part.content) or len(window.content) % MAX_SEGMENT_BYTES
                window.open_line_segments.update(range(first, last if ends_inside else last - 1))
            if len(window.content) == _WINDOW_BYTES:
                yield window
                window = _Window(bytearray(), bytearray(), set())
    if window.content:
        yield window


def _frame(sender: _Side, receiver: _Side, window: _Window) -> list[Packet]:
    content, expected = bytes(window.content), bytes(window.expected)
    count = segment_count(len(content))
    segment_bytes = np.full(count, MAX_SEGMENT_BYTES, np.uint64)
    segment_bytes[-1] = len(content) - (count - 1) * MAX_SEGMENT_BYTES
    fields = _fields(sender, receiver, count)
    headers, expected_headers = build_headers(
        fields, segment_bytes, word_sums(content), word_sums(expected)
    )
    sender.sequence = (sender.sequence + len(content)) % _SEQUENCE_MODULUS
    sender.identification = (sender.identification + count) % 2**16
    packets = []
    for index in range(count):
        header = slice(index * HEADER_BYTES, (index + 1) * HEADER_BYTES)
        payload = slice(index * MAX_SEGMENT_BYTES, (index + 1) * MAX_SEGMENT_BYTES)
        packets.append(
            Packet(
                headers[header] + content[payload],
                expected_headers[header] + expected[payload],
                index in window.open_line_segments,
            )
        )
    return packets


def _fields(sender: _Side, receiver: _Side, count: int) -> Fields:
    """Return the header fields of the sender's next ``count`` full segments."""
    index = np.arange(count, dtype=np.uint64)
    return Fields(
        source=sender.address,
        destination=receiver.address,
        source_port=sender.port,
        destination_port=receiver.port,
        sequence=(index * MAX_SEGMENT_BYTES + np.uint64(sender.sequence)) % _SEQUENCE_MODULUS,
        acknowledgement=receiver.sequence,
        identification=(index + np.uint64(sender.identification)) % 2**16,
        flags=FLAG_PUSH | FLAG_ACK,
    )
