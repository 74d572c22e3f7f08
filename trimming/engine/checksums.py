"""Checksum arithmetic that preserves what was wrong: updates are incremental, never a repair.

Internet checksums follow RFC 1071 and RFC 1624; a sum is kept as a number modulo 0xFFFF, in which
0 and 0xFFFF are the same.  Frame check sequences are the CRC-32 of IEEE 802.3.
"""

from __future__ import annotations

import zlib

MODULUS = 0xFFFF


def ones_sum(data: bytes | memoryview, *, odd: bool = False) -> int:
    """Return the one's-complement sum of ``data`` modulo 0xFFFF.

    ``odd``: the first byte stands at an odd distance from where the checksum starts.
    """
    total = int.from_bytes(data, "big")
    if (len(data) % 2 == 1) != odd:
        # 256 is its own inverse modulo 0xFFFF: one byte further along swaps the halves
        total <<= 8
    return total % MODULUS


def updated_checksum(field: int, delta: int) -> int:
    """Return the checksum field after the covered words grew by ``delta`` (RFC 1624, equation 3).

    ``field`` is the 16-bit value as it stands; a wrong one stays wrong by the same difference.
    """
    if delta % MODULUS == 0:
        return field
    covered = (~field & 0xFFFF) + delta
    return ~_folded(covered) & 0xFFFF


def updated_udp_checksum(field: int, delta: int) -> int:
    """As updated_checksum for UDP (RFC 768): 0 is "none" and stays, a computed 0 becomes 0xFFFF."""
    if field == 0:
        return 0
    return updated_checksum(field, delta) or 0xFFFF


def _folded(value: int) -> int:
    # the representative in 1..0xFFFF: a sum of words that are not all zero never folds to 0
    return value % MODULUS or MODULUS


def updated_fcs(field: bytes, before: bytes, after: bytes) -> bytes:
    """Return the frame check sequence of ``after`` with the error that it had over ``before``.

    All three are as captured; the sequence is stored least significant byte first.
    """
    change = zlib.crc32(before) ^ zlib.crc32(after)
    return (int.from_bytes(field, "little") ^ change).to_bytes(4, "little")


def fcs_is_right(frame: bytes) -> bool:
    """Whether the last 4 bytes of ``frame`` are the CRC-32 of those before."""
    return len(frame) > 4 and zlib.crc32(frame[:-4]) == int.from_bytes(frame[-4:], "little")
