"""Loops over bytes that the compiler turns into wide instructions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.state import NONE, Bytes

BLOCK = 64
POLYNOMIAL = 0xEDB88320


def _crc_tables() -> NDArray[np.uint32]:
    """Return tables for 8 bytes at a time (IEEE 802.3 clause 3.2.9)."""
    tables = np.zeros((8, 256), np.uint32)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        tables[0, byte] = value
    for which in range(1, 8):
        before = tables[which - 1]
        tables[which] = before >> 8 ^ tables[0][before & 0xFF]
    return tables


CRC_TABLES = _crc_tables()


@inner
def octet(data: Bytes, at: int) -> int:
    """Return the byte at ``at``, signed: signed and unsigned numbers make floats."""
    return int(np.int64(data[at]))


@inner
def word(data: Bytes, at: int) -> int:
    """Return the 16-bit number at ``at``, most significant byte first."""
    return octet(data, at) << 8 | octet(data, at + 1)


@inner
def double(data: Bytes, at: int) -> int:
    """Return the 32-bit number at ``at``, most significant byte first."""
    return word(data, at) << 16 | word(data, at + 2)


@inner
def same(before: Bytes, b: int, after: Bytes, a: int, size: int) -> bool:
    """Whether ``size`` bytes from ``b`` on equal those from ``a`` on."""
    if size <= 0:
        return True
    x, y = before[b : b + size], after[a : a + size]
    difference = np.uint8(0)
    for i in range(size):
        difference = np.uint8(difference | (x[i] ^ y[i]))
    return bool(difference == 0)


@inner
def copy(target: Bytes, t: int, source: Bytes, s: int, size: int) -> None:
    """Copy ``size`` bytes; where both overlap, ``t`` is not behind ``s``."""
    if size > 0:
        x, y = target[t : t + size], source[s : s + size]
        for i in range(size):
            x[i] = y[i]


@inner
def first_kept(data: Bytes, start: int, end: int) -> int:
    """Return the place of the first byte that is not zero, or NONE."""
    if filled(data, start, end, 0):
        return NONE
    at = start
    while at + BLOCK <= end:
        block = data[at : at + BLOCK]
        found = np.uint8(0)
        for i in range(BLOCK):
            found = np.uint8(found | block[i])
        if found:
            break
        at += BLOCK
    while at < end:
        if data[at]:
            return at
        at += 1
    return NONE


@inner
def first_zero(data: Bytes, start: int, end: int) -> int:
    """Return the place of the first byte that is zero, ``end`` without one."""
    at = start
    while at + BLOCK <= end:
        block = data[at : at + BLOCK]
        zeros = np.uint8(0)
        for i in range(BLOCK):
            zeros = np.uint8(zeros | np.uint8(block[i] == 0))
        if zeros:
            break
        at += BLOCK
    while at < end and data[at]:
        at += 1
    return at


@inner
def weighed(data: Bytes, start: int, end: int, origin: int) -> int:
    """Return the sum of bytes as halves of the 16-bit words that begin at ``origin``."""
    if end <= start:
        return 0
    high = low = np.uint32(0)
    first = start + ((start - origin) & 1)
    size = end - first
    if first > start:
        low = np.uint32(data[start])
    if size > 0:
        part = data[first:end]
        # 32 bits hold the bytes of any record
        for i in range(size // 2):
            high = np.uint32(high + part[2 * i])
            low = np.uint32(low + part[2 * i + 1])
        if size & 1:
            high = np.uint32(high + part[size - 1])
    return int(np.int64(high) * 256 + np.int64(low))


@inner
def filled(data: Bytes, start: int, end: int, fill: int) -> bool:
    """Whether all bytes are ``fill``."""
    if end <= start:
        return True
    part = data[start:end]
    byte = np.uint8(fill)
    difference = np.uint8(0)
    for i in range(len(part)):
        difference = np.uint8(difference | (part[i] ^ byte))
    return bool(difference == 0)


@inner
def crc(data: Bytes, start: int, end: int) -> int:
    """Return the CRC-32 of IEEE 802.3."""
    value = np.uint32(0xFFFFFFFF)
    tables = CRC_TABLES
    at = start
    while at + 8 <= end:
        one = value ^ np.uint32(
            octet(data, at)
            | octet(data, at + 1) << 8
            | octet(data, at + 2) << 16
            | octet(data, at + 3) << 24
        )
        value = (
            tables[7, one & 0xFF]
            ^ tables[6, one >> 8 & 0xFF]
            ^ tables[5, one >> 16 & 0xFF]
            ^ tables[4, one >> 24]
            ^ tables[3, data[at + 4]]
            ^ tables[2, data[at + 5]]
            ^ tables[1, data[at + 6]]
            ^ tables[0, data[at + 7]]
        )
        at += 8
    while at < end:
        value = np.uint32(value >> 8) ^ tables[0, (value ^ data[at]) & 0xFF]
        at += 1
    return int(np.int64(value) ^ 0xFFFFFFFF)
