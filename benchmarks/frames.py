"""Ethernet, IPv4 and TCP frames with right checksums, many at a time.

Internet checksums (RFC 1071) do not depend on the byte order, so all sums are of little-endian
words and the result is stored little-endian. Payloads are padded with zeros to whole segments,
which leaves their sums alone.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MAX_SEGMENT_BYTES = 1460

FLAG_FIN = 0x01
FLAG_SYN = 0x02
FLAG_PUSH = 0x08
FLAG_ACK = 0x10

_HEADER = np.dtype(
    [
        ("ethernet", "V14"),
        ("version_and_length", "u1"),
        ("service", "u1"),
        ("total_bytes", ">u2"),
        ("identification", ">u2"),
        ("fragment", ">u2"),
        ("time_to_live", "u1"),
        ("protocol", "u1"),
        ("ip_checksum", "<u2"),
        ("source", ">u4"),
        ("destination", ">u4"),
        ("source_port", ">u2"),
        ("destination_port", ">u2"),
        ("sequence", ">u4"),
        ("acknowledgement", ">u4"),
        ("data_offset", "u1"),
        ("flags", "u1"),
        ("window", ">u2"),
        ("tcp_checksum", "<u2"),
        ("urgent", ">u2"),
    ]
)
HEADER_BYTES = _HEADER.itemsize
_IP_WORDS = slice(7, 17)
_ADDRESS_WORDS = slice(13, 17)
_TCP_WORDS = slice(17, 27)
_IP_AND_TCP_BYTES = 40
_TCP_BYTES = 20
_TCP_PROTOCOL = 6
_ETHERNET = bytes.fromhex("0200000000b1 0200000000a1 0800")
_DONT_FRAGMENT = 0x4000

Column = npt.NDArray[np.uint64]


class Packet(NamedTuple):
    """One frame and its expected masked form; a capture should not end behind an unsettled one."""

    frame: bytes
    expected_frame: bytes
    unsettled: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields of consecutive frames, each one number for all or a column with one each."""

    source: int | Column
    destination: int | Column
    source_port: int | Column
    destination_port: int | Column
    sequence: int | Column
    acknowledgement: int | Column
    identification: int | Column
    flags: int | Column
    options_bytes: int = 0


def build_headers(
    fields: Fields, segment_bytes: Column, payload_sums: Column, expected_sums: Column
) -> tuple[bytes, bytes]:
    """Return the headers of all frames, one after the other, as captured and as expected.

    Args:
        fields: what the headers say.
        segment_bytes: for each frame, the bytes behind the TCP header, TCP options included.
        payload_sums: for each frame, ``word_sums`` of those bytes.
        expected_sums: the same after masking.
    """
    headers = np.zeros(len(segment_bytes), dtype=_HEADER)
    headers["ethernet"] = np.void(_ETHERNET)
    headers["version_and_length"] = 0x45
    headers["total_bytes"] = segment_bytes + np.uint64(_IP_AND_TCP_BYTES)
    headers["fragment"] = _DONT_FRAGMENT
    headers["time_to_live"] = 64
    headers["protocol"] = _TCP_PROTOCOL
    headers["data_offset"] = (_TCP_BYTES + fields.options_bytes) // 4 << 4
    headers["window"] = 0xFFFF
    for name in (
        "source",
        "destination",
        "source_port",
        "destination_port",
        "sequence",
        "acknowledgement",
        "identification",
        "flags",
    ):
        headers[name] = getattr(fields, name)
    words = headers.view("<u2").reshape(len(headers), HEADER_BYTES // 2)
    headers["ip_checksum"] = _checksum(words[:, _IP_WORDS].sum(axis=1, dtype=np.uint64))
    tcp_sums = _tcp_header_sums(words, segment_bytes)
    headers["tcp_checksum"] = _checksum(tcp_sums + payload_sums)
    captured = headers.tobytes()
    headers["tcp_checksum"] = _checksum(tcp_sums + expected_sums)
    return captured, headers.tobytes()


def word_sums(payload: bytes | bytearray) -> Column:
    """Return a sum of the words of each ``MAX_SEGMENT_BYTES`` of ``payload``, padded with zeros.

    The words have 32 bits: modulo 2**16 - 1 that is the same sum as that of 16-bit words.
    """
    segments = segment_count(len(payload))
    padding = bytes(segments * MAX_SEGMENT_BYTES - len(payload))
    words = np.frombuffer(payload + padding, dtype="<u4").reshape(segments, MAX_SEGMENT_BYTES // 4)
    return np.asarray(words.sum(axis=1, dtype=np.uint64))


def segment_count(payload_bytes: int) -> int:
    """Return how many segments ``payload_bytes`` need."""
    return -(-payload_bytes // MAX_SEGMENT_BYTES)


def _tcp_header_sums(words: npt.NDArray[np.uint16], segment_bytes: Column) -> Column:
    tcp_bytes = segment_bytes + np.uint64(_TCP_BYTES)
    pseudo_header = words[:, _ADDRESS_WORDS].sum(axis=1, dtype=np.uint64)
    pseudo_header += np.uint64(_TCP_PROTOCOL << 8) + tcp_bytes.astype("u2").byteswap()
    header = words[:, _TCP_WORDS].sum(axis=1, dtype=np.uint64)
    return np.asarray(header + pseudo_header)


def _checksum(sums: Column) -> npt.NDArray[np.uint16]:
    for _ in range(4):  # 64 bits fold to 16 with at most two carries left over
        sums = (sums & np.uint64(0xFFFF)) + (sums >> np.uint64(16))
    return np.asarray(~sums & np.uint64(0xFFFF), np.uint16)
