"""Synthetic captures: whole HTTP conversations over TCP, each different, from a seed.  Pure.

Addresses are of the documentation blocks (RFC 5737).  Checksums are left zero, as network cards
that compute them themselves leave them in captures.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

START_SECONDS: Final = 1_700_000_000
SEGMENT_BYTES: Final = 1400
GLOBAL_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
PATHS: Final = ("/", "/account", "/orders/17", "/search", "/static/app.js", "/api/v1/items")


class Size(Enum):
    """Kinds of captures."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    BROKEN = "broken"


# connections, exchanges on each, bytes of a body
SHAPES: Final[Mapping[Size, tuple[int, int, int]]] = {
    Size.SMALL: (2, 5, 2_000),  # about 45 kB
    Size.MEDIUM: (20, 10, 5_000),  # about 2.2 MB
    Size.LARGE: (60, 25, 15_000),  # about 47 MB
}


def make_capture(size: Size, seed: int) -> bytes:
    """Return a pcap file; of ``BROKEN`` one that is none."""
    draw = random.Random(seed)
    if size is Size.BROKEN:
        return b"not a capture " + draw.randbytes(64)
    connections, exchanges, body_bytes = SHAPES[size]
    parts = [GLOBAL_HEADER]
    for number in range(connections):
        parts.extend(_connection(draw, number, exchanges, body_bytes))
    return b"".join(parts)


def _connection(
    draw: random.Random, number: int, exchanges: int, body_bytes: int
) -> Iterator[bytes]:
    client = (bytes((192, 0, 2, 1 + number % 250)), 40_000 + number)
    server = (bytes((198, 51, 100, 1 + draw.randrange(50))), 80)
    sent = {client: draw.randrange(2**31), server: draw.randrange(2**31)}
    clock = number * 1000

    def packet(source: tuple[bytes, int], target: tuple[bytes, int], data: bytes) -> bytes:
        nonlocal clock
        clock += draw.randrange(50, 900)
        frame = _frame(source, target, sent[source], sent[target], data)
        sent[source] = (sent[source] + len(data)) % 2**32
        seconds, micros = divmod(clock, 1_000_000)
        header = struct.pack("<IIII", START_SECONDS + seconds, micros, len(frame), len(frame))
        return header + frame

    for _ in range(exchanges):
        yield packet(client, server, _request(draw))
        answer = _response(draw, body_bytes)
        for begin in range(0, len(answer), SEGMENT_BYTES):
            yield packet(server, client, answer[begin : begin + SEGMENT_BYTES])


def _frame(
    source: tuple[bytes, int], target: tuple[bytes, int], seq: int, ack: int, data: bytes
) -> bytes:
    ethernet = b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"
    ip = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0, source[0], target[0]
    )
    tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq, ack, 0x50, 0x18, 64_000, 0, 0)
    return ethernet + ip + tcp + data


def _request(draw: random.Random) -> bytes:
    path = draw.choice(PATHS)
    if draw.random() < 0.3:
        body = b"user=%d&note=%s" % (draw.randrange(10**6), draw.randbytes(40).hex().encode())
        head = f"POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body
    return f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode()


def _response(draw: random.Random, body_bytes: int) -> bytes:
    body = draw.randbytes(draw.randrange(body_bytes // 2, body_bytes * 3 // 2)).hex().encode()
    head = "HTTP/1.1 200 OK\r\nServer: example\r\nContent-Type: text/html\r\n"
    if draw.random() < 0.3:
        half = len(body) // 2
        chunks = (body[:half], body[half:], b"")
        coded = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + coded
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
