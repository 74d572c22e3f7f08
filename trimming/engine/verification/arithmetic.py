"""Sums over whole ranges, computed anew from both files: nothing here is incremental.

One rule covers right, wrong, partial and truncated checksums alike.  An Internet checksum is right
when the one's-complement sum of what it covers, field and pseudo header included, is 0 modulo
0xFFFF (RFC 1071).  A right one stays right, a wrong one stays wrong by the same difference, and the
field of a truncated packet moves by the difference of the captured bytes, exactly when that sum is
the same over the original and over the output.  The pseudo header is the same in both and drops
out.
"""

from __future__ import annotations

import zlib

MODULUS = 0xFFFF


def words_sum(data: bytes, start: int, end: int) -> int:
    """Return the sum of the 16-bit words of ``data[start:end]`` modulo 0xFFFF (odd ends padded)."""
    total = int.from_bytes(data[start:end], "big")
    return (total << 8 if (end - start) & 1 else total) % MODULUS


def same_sum(before: bytes, after: bytes, start: int, end: int) -> bool:
    """Whether the covered words of both add up to the same modulo 0xFFFF."""
    return words_sum(before, start, end) == words_sum(after, start, end)


def field_at(data: bytes, offset: int) -> int:
    """Return the 16-bit field at ``offset``."""
    return data[offset] << 8 | data[offset + 1]


def moved_by(before: bytes, after: bytes, offset: int, delta: int) -> bool:
    """Whether the checksum field at ``offset`` moved as its covered words growing by ``delta`` ask.

    The field holds the complement of the sum, so it shrinks by ``delta`` (RFC 1624).
    """
    return (field_at(before, offset) - delta - field_at(after, offset)) % MODULUS == 0


def fcs_error(data: bytes, start: int, end: int) -> int:
    """Return the stored frame check sequence at ``end`` xor the CRC-32 of ``data[start:end]``.

    0 means right (IEEE 802.3 clause 3.2.9; the field is stored least significant byte first).
    """
    return zlib.crc32(data[start:end]) ^ int.from_bytes(data[end : end + 4], "little")
