"""The two data sets: long web connections, and a great many connections of one packet."""

from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.bodies import BodyPool
from benchmarks.connections import Connection, four_tuple
from benchmarks.frames import (
    FLAG_ACK,
    FLAG_PUSH,
    HEADER_BYTES,
    MAX_SEGMENT_BYTES,
    Column,
    Fields,
    Packet,
    build_headers,
    word_sums,
)
from benchmarks.heads import MAX_HEAD_BYTES
from benchmarks.messages import POST_SHARE, Message, get_request, post_request
from benchmarks.pcap import CapturePairWriter

ACTIVE_CONNECTIONS = 256

_MAX_PAUSE_MICROSECONDS = 40
_TEMPLATES = 4096
_BATCH_PACKETS = 4096


def write_web(capture_path: Path, expected_path: Path, size_bytes: int, seed: int) -> Counter[str]:
    """Write web traffic: ``ACTIVE_CONNECTIONS`` take turns by chance until the size is reached.

    The capture ends with connections open, as one does that is stopped. It is a few packets longer
    than ``size_bytes``, so that it ends behind no gap and inside no line of chunked framing.

    Returns:
        Counts of packets, connections, requests, responses and captured_bytes.
    """
    rng = Random(seed)
    turns = _Turns(rng)
    with CapturePairWriter(capture_path, expected_path) as writer:
        while writer.captured_bytes < size_bytes:
            _write_burst(writer, rng, turns.take(rng.randrange(ACTIVE_CONNECTIONS)))
        while turns.unsettled_slots:
            _write_burst(writer, rng, turns.take(min(turns.unsettled_slots)))
    turns.tally["packets"] = writer.packets
    turns.tally["captured_bytes"] = writer.captured_bytes
    return turns.tally


class _Turns:
    """The active connections, each in a slot; a new one takes the place of one that has ended.

    Attributes:
        tally: what the connections have begun to send.
        unsettled_slots: those whose last packet was unsettled.
    """

    def __init__(self, rng: Random) -> None:
        self.tally: Counter[str] = Counter()
        self.unsettled_slots: set[int] = set()
        self._rng = rng
        self._pool = BodyPool(rng)
        self._indexes = count()
        self._slots = [self._next_connection() for _ in range(ACTIVE_CONNECTIONS)]

    def take(self, slot: int) -> list[Packet]:
        """Return the next burst of the connection in ``slot``."""
        burst = next(self._slots[slot], None)
        if burst is None:
            self._slots[slot] = self._next_connection()
            burst = next(self._slots[slot])
        if burst[-1].unsettled:
            self.unsettled_slots.add(slot)
        else:
            self.unsettled_slots.discard(slot)
        return burst

    def _next_connection(self) -> Iterator[list[Packet]]:
        return Connection(next(self._indexes), self._rng, self._pool, self.tally).bursts()


def _write_burst(writer: CapturePairWriter, rng: Random, burst: list[Packet]) -> None:
    writer.pause(rng.randint(1, _MAX_PAUSE_MICROSECONDS))
    for packet in burst:
        writer.write(packet.frame, packet.expected_frame)


def write_single_packet(
    capture_path: Path, expected_path: Path, connections: int, seed: int
) -> Counter[str]:
    """Write connections of one packet each, which holds one whole request.

    The requests are drawn from a few thousand different ones, so that this is fast too.

    Returns:
        Counts of packets, connections, requests and captured_bytes.
    """
    rng = Random(seed)
    templates = _Templates(rng)
    with CapturePairWriter(capture_path, expected_path) as writer:
        for first in range(0, connections, _BATCH_PACKETS):
            batch = range(first, min(first + _BATCH_PACKETS, connections))
            writer.pause(rng.randint(1, _MAX_PAUSE_MICROSECONDS))
            for packet in templates.frame(rng, batch):
                writer.write(packet.frame, packet.expected_frame)
    return Counter(
        packets=writer.packets,
        connections=connections,
        requests=connections,
        captured_bytes=writer.captured_bytes,
    )


class _Templates:
    """Requests that fit one segment, with the word sums of their bytes."""

    def __init__(self, rng: Random) -> None:
        pool = BodyPool(rng)
        requests = [_small_request(rng, pool) for _ in range(_TEMPLATES)]
        self._contents = [b"".join(part.content for part in message.parts) for message in requests]
        self._expected = [
            b"".join(
                bytes(len(part.content)) if part.is_body else part.content for part in message.parts
            )
            for message in requests
        ]
        self._lengths = np.array([len(content) for content in self._contents], np.uint64)
        self._sums = np.concatenate([word_sums(content) for content in self._contents])
        self._expected_sums = np.concatenate([word_sums(content) for content in self._expected])

    def frame(self, rng: Random, indexes: range) -> Iterator[Packet]:
        """Yield one packet for each connection index in ``indexes``."""
        choices = rng.choices(range(_TEMPLATES), k=len(indexes))
        headers, expected_headers = build_headers(
            _single_packet_fields(rng, indexes),
            self._lengths[choices],
            self._sums[choices],
            self._expected_sums[choices],
        )
        for position, choice in enumerate(choices):
            header = slice(position * HEADER_BYTES, (position + 1) * HEADER_BYTES)
            yield Packet(
                headers[header] + self._contents[choice],
                expected_headers[header] + self._expected[choice],
                False,
            )


def _small_request(rng: Random, pool: BodyPool) -> Message:
    if rng.random() < POST_SHARE:
        return post_request(rng, pool, rng.randint(1, MAX_SEGMENT_BYTES - MAX_HEAD_BYTES))
    return get_request(rng)


def _single_packet_fields(rng: Random, indexes: range) -> Fields:
    ends = np.array([four_tuple(index) for index in indexes], np.uint64)
    return Fields(
        source=ends[:, 0],
        source_port=ends[:, 1],
        destination=ends[:, 2],
        destination_port=ends[:, 3],
        sequence=_random_column(rng, len(indexes), "<u4"),
        acknowledgement=_random_column(rng, len(indexes), "<u4"),
        identification=_random_column(rng, len(indexes), "<u2"),
        flags=FLAG_PUSH | FLAG_ACK,
    )


def _random_column(rng: Random, count: int, kind: str) -> Column:
    return np.frombuffer(rng.randbytes(count * np.dtype(kind).itemsize), kind).astype(np.uint64)
