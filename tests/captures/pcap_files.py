"""Files in the classic format."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from tests.captures.wrappings import LINK_ETHERNET

START_SECONDS = 1_700_000_000
PACKET_INTERVAL_NS = 1_000_000


@dataclass(frozen=True)
class Frame:
    """A frame with what a record says about it; None leaves the default."""

    data: bytes
    timestamp_ns: int | None = None
    original_len: int | None = None


def as_frame(packet: bytes | Frame) -> Frame:
    return packet if isinstance(packet, Frame) else Frame(packet)


def timestamp_of(frame: Frame, index: int) -> int:
    if frame.timestamp_ns is not None:
        return frame.timestamp_ns
    return START_SECONDS * 1_000_000_000 + index * PACKET_INTERVAL_NS


def pcap_header(
    *,
    byte_order: str = "<",
    nanoseconds: bool = False,
    modified: bool = False,
    link_type: int = LINK_ETHERNET,
    snaplen: int = 262144,
    fcs_len: int | None = None,
    version: tuple[int, int] = (2, 4),
) -> bytes:
    """Return the 24 bytes that open a pcap file; ``fcs_len`` is in bytes."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2CD34 if modified else 0xA1B2C3D4
    network = link_type if fcs_len is None else link_type | 0x04000000 | (fcs_len // 2) << 28
    return struct.pack(byte_order + "IHHiIII", magic, *version, 0, 0, snaplen, network)


def pcap(
    packets: Iterable[bytes | Frame],
    *,
    byte_order: str = "<",
    nanoseconds: bool = False,
    modified: bool = False,
    link_type: int = LINK_ETHERNET,
    snaplen: int = 262144,
    fcs_len: int | None = None,
) -> bytes:
    """Return a pcap file, 1 ms between packets without a time; ``modified`` has longer headers."""
    pieces = [
        pcap_header(
            byte_order=byte_order,
            nanoseconds=nanoseconds,
            modified=modified,
            link_type=link_type,
            snaplen=snaplen,
            fcs_len=fcs_len,
        )
    ]
    for index, packet in enumerate(packets):
        frame = as_frame(packet)
        seconds, fraction_ns = divmod(timestamp_of(frame, index), 1_000_000_000)
        fraction = fraction_ns if nanoseconds else fraction_ns // 1000
        original = len(frame.data) if frame.original_len is None else frame.original_len
        pieces.append(
            struct.pack(byte_order + "IIII", seconds, fraction, len(frame.data), original)
        )
        if modified:
            pieces.append(struct.pack(byte_order + "IHBB", 1, 8, 0, 0))
        pieces.append(frame.data)
    return b"".join(pieces)
