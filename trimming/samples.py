"""Small captures to try the service with, built here byte by byte: nobody's traffic is in them.

Plain HTTP over TCP with right checksums, lengths and sequence numbers.  The same bytes each time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from trimming.choices import CaptureOrigin
from trimming.jobs import create_job
from trimming.models import Capture
from trimming.profiles import latest

MSS_BYTES = 1460
START_NS = int(datetime(2024, 3, 4, 9, 0, tzinfo=UTC).timestamp()) * 10**9
SYN, ACK, PUSH_ACK, FIN_ACK, SYN_ACK = 0x02, 0x10, 0x18, 0x11, 0x12

Packet = tuple[int, bytes]  # time in ns, frame


@dataclass(frozen=True, slots=True)
class Sample:
    """One capture: its name, its format as the engine names it, its bytes."""

    name: str
    file_format: str
    data: bytes


def store_samples(owner: User) -> int:
    """Store the samples for ``owner`` and have them trimmed, unless there ever was a capture.

    Returns how many were stored.
    """
    profile = latest("standard")
    if profile is None or Capture.objects.exists():
        return 0
    found = samples()
    for sample in found:
        capture = Capture(
            owner=owner,
            name=sample.name,
            origin=CaptureOrigin.SAMPLE,
            size_bytes=len(sample.data),
            sha256=hashlib.sha256(sample.data).hexdigest(),
            file_format=sample.file_format,
            uploaded_at=timezone.now(),
        )
        # the file first: one that a row lacks is harmless, a row that lacks its file is not
        capture.original.save("original", ContentFile(sample.data), save=False)
        with transaction.atomic():
            capture.save()
            create_job(capture, profile, owner)
    return len(found)


def samples() -> tuple[Sample, ...]:
    """Build the samples."""
    return (
        Sample("sample-page-with-images.pcap", "pcap", pcap(_page(40001, 0))),
        Sample("sample-chunked-api.pcap", "pcap", pcap(_api(40002, 0))),
        Sample("sample-upload-out-of-order.pcap", "pcap", pcap(_upload(40003, 0))),
        Sample(
            "sample-several-clients.pcapng.gz",
            "pcapng, gzip",
            # without a time in its head, so that the bytes are the same each time
            gzip.compress(pcapng(_several_clients()), mtime=0),
        ),
    )


# --- what is said ---------------------------------------------------------------------------------
def _page(port: int, start_ns: int) -> list[Packet]:
    talk = Connection(port, start_ns)
    talk.open()
    page = b"<!doctype html><title>Garden</title>" + b"<p>Roses and thyme.</p>" * 150
    talk.ask(_head("GET / HTTP/1.1", Host="garden.example", Cookie="session=0123456789"))
    talk.answer(_response("text/html; charset=utf-8", page))
    for number, side in enumerate((64, 160)):
        picture = _png(side)
        talk.ask(_head(f"GET /pictures/{number}.png HTTP/1.1", Host="garden.example"))
        talk.answer(_response("image/png", picture))
    talk.close()
    return talk.packets


def _api(port: int, start_ns: int) -> list[Packet]:
    talk = Connection(port, start_ns)
    talk.open()
    for page in range(3):
        items = [{"id": page * 40 + n, "name": f"plant {n}", "height_cm": n} for n in range(40)]
        text = json.dumps({"page": page, "items": items}).encode()
        talk.ask(
            _head(
                f"GET /api/plants?page={page} HTTP/1.1",
                Host="api.garden.example",
                Accept="application/json",
                Authorization="Bearer not-a-real-token",
            )
        )
        head = _head(
            "HTTP/1.1 200 OK",
            **{"Content-Type": "application/json", "Transfer-Encoding": "chunked"},
        )
        talk.answer(head + _chunked(text, 700))
    talk.close()
    return talk.packets


def _upload(port: int, start_ns: int) -> list[Packet]:
    talk = Connection(port, start_ns)
    talk.open()
    picture = _png(200)
    head = _head(
        "POST /pictures HTTP/1.1",
        **{
            "Host": "garden.example",
            "Content-Type": "image/png",
            "Content-Length": str(len(picture)),
        },
    )
    segments = talk.segments_of_client(head + picture)
    # two change places, one comes twice, one is sent again much later
    segments[4], segments[5] = segments[5], segments[4]
    segments.insert(9, segments[8])
    segments.insert(20, segments[2])
    talk.put(segments)
    talk.answer(_response("application/json", b'{"stored": true}', "201 Created"))
    talk.close()
    return talk.packets


def _several_clients() -> list[Packet]:
    packets: list[Packet] = []
    for number in range(4):
        packets += _page(41000 + number, number * 3_000_000)
        packets += _api(42000 + number, number * 5_000_000)
    return sorted(packets)


def _head(first_line: str, **fields: str) -> bytes:
    lines = [first_line, *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join((*lines, "", "")).encode("ascii")


def _response(content_type: str, body: bytes, status: str = "200 OK") -> bytes:
    fields = {"Content-Type": content_type, "Content-Length": str(len(body))}
    return _head(f"HTTP/1.1 {status}", Server="garden", **fields) + body


def _chunked(text: bytes, size: int) -> bytes:
    """Return ``text`` in chunks (RFC 9112 section 7.1)."""
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def _png(side: int) -> bytes:
    """Return a square picture that does not pack well, in true colours (PNG, section 11)."""
    noise = hashlib.shake_128(b"garden %d" % side).digest(side * side * 3)
    rows = b"".join(b"\0" + noise[row * side * 3 : (row + 1) * side * 3] for row in range(side))

    def block(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + block(b"IHDR", head)
        + block(b"IDAT", zlib.compress(rows))
        + block(b"IEND", b"")
    )


# --- how it is carried ----------------------------------------------------------------------------
class Connection:
    """One TCP connection over IPv4 and Ethernet; ``packets`` grow in the order of time."""

    def __init__(self, port: int, start_ns: int) -> None:
        self.packets: list[Packet] = []
        self._ns = START_NS + start_ns
        # addresses for documentation (RFC 5737)
        self._ends = {
            "client": (bytes([192, 0, 2, 10]), port),
            "server": (bytes([198, 51, 100, 20]), 80),
        }
        self._next = {"client": port * 1000, "server": port * 2000}
        self._ident = 0

    def open(self) -> None:
        """SYN, SYN and ACK, ACK."""
        self._add("client", SYN)
        self._next["client"] += 1
        self._add("server", SYN_ACK)
        self._next["server"] += 1
        self._add("client", ACK)

    def ask(self, data: bytes) -> None:
        """Send ``data`` as the client, and acknowledge it."""
        self.put(self.segments_of_client(data))

    def answer(self, data: bytes) -> None:
        """Send ``data`` as the server, acknowledged every few segments."""
        for number, (sequence, piece) in enumerate(self._segments("server", data)):
            self._add("server", PUSH_ACK, piece, sequence)
            if number % 2:
                self._add("client", ACK)
        self._add("client", ACK)

    def segments_of_client(self, data: bytes) -> list[tuple[int, bytes]]:
        """Cut what the client sends into (sequence number, bytes), to be ``put`` in any order."""
        return self._segments("client", data)

    def put(self, segments: Iterable[tuple[int, bytes]]) -> None:
        """Send segments of the client in this order, then acknowledge them all."""
        for sequence, piece in segments:
            self._add("client", PUSH_ACK, piece, sequence)
        self._add("server", ACK)

    def close(self) -> None:
        """FIN from both, the client first."""
        self._add("client", FIN_ACK)
        self._next["client"] += 1
        self._add("server", FIN_ACK)
        self._next["server"] += 1
        self._add("client", ACK)

    def _segments(self, sender: str, data: bytes) -> list[tuple[int, bytes]]:
        first = self._next[sender]
        self._next[sender] += len(data)
        return [(first + at, data[at : at + MSS_BYTES]) for at in range(0, len(data), MSS_BYTES)]

    def _add(self, sender: str, flags: int, data: bytes = b"", sequence: int | None = None) -> None:
        receiver = "server" if sender == "client" else "client"
        (source, source_port), (target, target_port) = self._ends[sender], self._ends[receiver]
        acknowledged = self._next[receiver] if flags & ACK else 0
        number = self._next[sender] if sequence is None else sequence
        head = struct.pack(
            ">HHIIBBHHH",
            source_port,
            target_port,
            number & 0xFFFFFFFF,
            acknowledged & 0xFFFFFFFF,
            5 << 4,
            flags,
            65535,
            0,
            0,
        )
        self._ident += 1
        self._ns += 180_000
        self.packets.append((self._ns, _frame(source, target, self._ident, head + data)))


def _frame(source: bytes, target: bytes, ident: int, segment: bytes) -> bytes:
    """Return a TCP segment (checksum 0) in IPv4 in Ethernet, with both checksums right."""
    pseudo = source + target + struct.pack(">BBH", 0, 6, len(segment))
    segment = segment[:16] + _checksum(pseudo + segment) + segment[18:]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), ident, 0x4000, 64, 6, 0)
    head = head[:10] + _checksum(head + source + target) + source + target
    macs = bytes([2, 0, 0, 0, 0, target[3], 2, 0, 0, 0, 0, source[3]])
    return macs + b"\x08\x00" + head + segment


def _checksum(data: bytes) -> bytes:
    """Return the Internet checksum (RFC 1071) as two bytes."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


# --- how it is kept -------------------------------------------------------------------------------
def pcap(packets: Sequence[Packet]) -> bytes:
    """Return a file of the classic format, in microseconds."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for ns, frame in packets:
        seconds, rest = divmod(ns, 10**9)
        parts.append(struct.pack("<IIII", seconds, rest // 1000, len(frame), len(frame)) + frame)
    return b"".join(parts)


def pcapng(packets: Sequence[Packet]) -> bytes:
    """Return a file of blocks: a section, one interface in microseconds, the packets."""
    parts = [
        _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        _block(1, struct.pack("<HHI", 1, 0, 262144)),
    ]
    for ns, frame in packets:
        high, low = divmod(ns // 1000, 1 << 32)
        parts.append(_block(6, struct.pack("<IIIII", 0, high, low, len(frame), len(frame)) + frame))
    return b"".join(parts)


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size
