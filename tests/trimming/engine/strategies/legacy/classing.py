"""Runs the legacy strategy over frames, and spells the class of every byte as a letter.

H header, F framing, B body, U uncertain, O other, R redacted, S sample, T TLS record; "." is a byte
that nobody classed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tests import captures
from tests.captures import Conversation, Frame, inet_checksum
from trimming.engine.byte_classes import ByteClass
from trimming.engine.formats.records import Packet
from trimming.engine.options import Limits, TrimOptions
from trimming.engine.plan import MaskPlan, PacketPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy
from trimming.engine.writer import masked_packet

LETTERS = {
    ByteClass.HEADER: "H",
    ByteClass.FRAMING: "F",
    ByteClass.BODY: "B",
    ByteClass.UNCERTAIN: "U",
    ByteClass.OTHER: "O",
    ByteClass.REDACTED: "R",
    ByteClass.SAMPLE: "S",
    ByteClass.TLS_RECORD: "T",
}
STANDARD = TrimOptions()
Given = bytes | Frame | Packet


def limited(**limits: int) -> TrimOptions:
    """Return the standard options with other limits."""
    return TrimOptions(limits=Limits(**limits))


def spelled(*parts: tuple[str, bytes]) -> str:
    """Return the letters of bytes given in parts of one class each."""
    return "".join(letter * len(data) for letter, data in parts)


def runs(letters: str) -> list[tuple[str, int]]:
    """Return letters run by run, which is easier to read when a test fails."""
    return [(letter, len(list(group))) for letter, group in groupby(letters)]


def packet_of(given: Given, number: int, link_type: int = captures.LINK_ETHERNET) -> Packet:
    """Return a frame as the reader would, 1 ms after the one before."""
    if isinstance(given, Packet):
        return given
    frame = given if isinstance(given, Frame) else Frame(given)
    original = len(frame.data) if frame.original_len is None else frame.original_len
    time_ns = number * captures.PACKET_INTERVAL_NS
    if frame.timestamp_ns is not None:
        time_ns = frame.timestamp_ns
    return Packet(number, 0, frame.data, original, link_type, time_ns)


@dataclass
class Outcome:
    """What the strategy made of packets: letters and masked bytes of each, in order."""

    packets: list[Packet]
    plans: dict[int, PacketPlan]
    letters: list[str]
    masked: list[bytes]
    tally: Tally

    def payload_letters(self) -> list[str]:
        """Return the letters of each packet that has any, without what nobody classed."""
        found = [letters.replace(".", "") for letters in self.letters]
        return [letters for letters in found if letters]

    def copies(self, port: int) -> dict[int, list[tuple[str, int, int]]]:
        """Return (letter, byte before, byte after) of each copy, by sequence number.

        Reads Ethernet, IPv4 and TCP without tags and tunnels; ``port`` is the sender's.
        """
        found: dict[int, list[tuple[str, int, int]]] = {}
        for packet, letters, masked in zip(self.packets, self.letters, self.masked, strict=True):
            ip = packet.data[14:]
            tcp_at = 14 + (ip[0] & 15) * 4
            (sport, _, sequence) = struct.unpack(">HHI", packet.data[tcp_at : tcp_at + 8])
            if sport != port:
                continue
            flags = packet.data[tcp_at + 13]
            start = tcp_at + (packet.data[tcp_at + 12] >> 4) * 4
            end = min(14 + int.from_bytes(ip[2:4], "big"), packet.captured_len)
            first = sequence + (1 if flags & 2 else 0)
            for at in range(start, end):
                place = (first + at - start) % 2**32
                copy = (letters[at], packet.data[at], masked[at])
                found.setdefault(place, []).append(copy)
        return found

    def stream(self, port: int, isn: int) -> str:
        """Return the letters of a stream from behind its SYN on; "?" where copies differ.

        A byte that is in no packet is a space.
        """
        copies = self.copies(port)
        by_offset = {(place - isn - 1) % 2**32: found for place, found in copies.items()}
        letters = []
        for offset in range(max(by_offset, default=-1) + 1):
            seen = {letter for letter, _, _ in by_offset.get(offset, [])}
            letters.append(" " if not seen else seen.pop() if len(seen) == 1 else "?")
        return "".join(letters)

    def client(self, talk: Conversation) -> str:
        """Return the letters of what the client of ``talk`` sent."""
        return self.stream(talk.ports["client"], talk.isn["client"])

    def server(self, talk: Conversation) -> str:
        """Return the letters of what the server of ``talk`` sent."""
        return self.stream(talk.ports["server"], talk.isn["server"])


def classed(
    given: Iterable[Given] | Conversation,
    options: TrimOptions = STANDARD,
    link_type: int = captures.LINK_ETHERNET,
) -> Outcome:
    """Run the strategy over frames, and apply the plan."""
    frames = given.packets if isinstance(given, Conversation) else list(given)
    packets = [packet_of(frame, n, link_type) for n, frame in enumerate(frames, 1)]
    tally = Tally()
    with MaskPlan(options) as plan:
        LegacyStrategy().plan_packets(packets, plan, tally)
        plans = {found.number: found for found in plan.packets()}
    letters, masked = [], []
    for packet in packets:
        found = plans.get(packet.number, PacketPlan(packet.number))
        letters.append(_letters(packet, found))
        written = masked_packet(packet, found, options, tally)
        masked.append(packet.data if written is None else written)
    return Outcome(packets, plans, letters, masked, tally)


def _letters(packet: Packet, plan: PacketPlan) -> str:
    letters = ["."] * packet.captured_len
    for span in plan.spans:
        assert 0 <= span.start < span.end <= packet.captured_len
        assert set(letters[span.start : span.end]) == {"."}, "a byte was classed twice"
        letters[span.start : span.end] = LETTERS[span.byte_class] * (span.end - span.start)
    return "".join(letters)


def ipv4_checksum_error(ip: bytes) -> int:
    """Return 0 when the TCP or UDP checksum of a whole IPv4 packet is right.

    Otherwise it is the one's-complement sum that should have been 0.
    """
    header_len = (ip[0] & 15) * 4
    total = int.from_bytes(ip[2:4], "big") or len(ip)
    segment = ip[header_len:total]
    pseudo = ip[12:20] + struct.pack(">BBH", 0, ip[9], len(segment))
    return inet_checksum(pseudo + segment)


def ipv6_checksum_error(ip: bytes, transport_at: int = 40, protocol: int = 6) -> int:
    """As ipv4_checksum_error; the transport header starts at ``transport_at``."""
    end = 40 + int.from_bytes(ip[4:6], "big") if ip[4:6] != b"\0\0" else len(ip)
    segment = ip[transport_at:end]
    return inet_checksum(ip[8:40] + struct.pack(">II", len(segment), protocol) + segment)


def pieces(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Cut ``data`` into pieces of ``sizes``, over and over."""
    found, at, n = [], 0, 0
    while at < len(data):
        found.append(data[at : at + sizes[n % len(sizes)]])
        at += len(found[-1])
        n += 1
    return found
