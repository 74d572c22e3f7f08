"""Where the packets of a window are: one row of columns for each, as far as whole records go.

Belongs here: the record headers of pcap and the packet blocks of pcapng that hold nothing unusual.
Whatever else comes is left to the readers of ``formats``, which also say what is wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trimming.engine.kernel import kernel

Column = NDArray[np.int64]
Bytes = NDArray[np.uint8]

NO_TIME = -(1 << 63)
NS_PER_SECOND = 1_000_000_000
# columns of a row
START, CAPTURED, ORIGINAL, TIME, RECORD, RECORD_END, LINK, FCS = range(8)
COLUMNS = 8
# columns of an interface: link type, length of its check sequence, nanoseconds of a tick (0: no
# whole number of them), the offset of its clock in ns
INTERFACE_COLUMNS = 4
ENHANCED_PACKET = 6
BLOCK_OVERHEAD = 32
OPT_EPB_FLAGS = 2
LARGEST_TIME = 1 << 61


@kernel
def little(data: Bytes, at: int) -> int:
    """Return the 32-bit number at ``at``, least significant byte first."""
    low = int(data[at]) | int(data[at + 1]) << 8
    return low | int(data[at + 2]) << 16 | int(data[at + 3]) << 24


@kernel
def big(data: Bytes, at: int) -> int:
    """Return the 32-bit number at ``at``, most significant byte first."""
    high = int(data[at]) << 24 | int(data[at + 1]) << 16
    return high | int(data[at + 2]) << 8 | int(data[at + 3])


@kernel
def number(data: Bytes, at: int, is_big: bool) -> int:
    """Return the 32-bit number at ``at``."""
    return big(data, at) if is_big else little(data, at)


@kernel
def index_pcap(
    data: Bytes,
    end: int,
    rows: Column,
    is_big: bool,
    tick_ns: int,
    header_bytes: int,
    link_type: int,
    fcs_len: int,
    max_record_bytes: int,
) -> tuple[int, int]:
    """Index whole records of ``data[:end]`` into ``rows`` (n x COLUMNS, as many as fit).

    Returns the number of packets, and where the first record starts that was not indexed.
    """
    at, count = 0, 0
    while count < len(rows) and at + header_bytes <= end:
        captured_len = number(data, at + 8, is_big)
        start = at + header_bytes
        if captured_len > max_record_bytes or start + captured_len > end:
            break
        row = rows[count]
        row[START] = start
        row[CAPTURED] = captured_len
        row[ORIGINAL] = number(data, at + 12, is_big)
        row[TIME] = (
            number(data, at, is_big) * NS_PER_SECOND + number(data, at + 4, is_big) * tick_ns
        )
        row[RECORD] = at
        row[RECORD_END] = start + captured_len
        row[LINK] = link_type
        row[FCS] = fcs_len
        at = start + captured_len
        count += 1
    return count, at


@kernel
def index_pcapng(
    data: Bytes,
    begin: int,
    end: int,
    rows: Column,
    first: int,
    is_big: bool,
    interfaces: Column,
    largest: int,
) -> tuple[int, int]:
    """Index enhanced packet blocks of ``data[begin:end]`` into ``rows`` from ``first`` on.

    Returns the number of packets in ``rows``, and where the first block starts that is none, or is
    unusual or not whole.
    """
    at, count = begin, first
    while count < len(rows) and at + BLOCK_OVERHEAD <= end:
        total = number(data, at + 4, is_big)
        if number(data, at, is_big) != ENHANCED_PACKET or total < BLOCK_OVERHEAD or total % 4:
            break
        if total > largest or at + total > end:
            break
        if number(data, at + total - 4, is_big) != total:
            break
        interface = number(data, at + 8, is_big)
        captured_len = number(data, at + 20, is_big)
        if interface >= len(interfaces) or captured_len > total - BLOCK_OVERHEAD:
            break
        tick_ns, clock_ns = interfaces[interface, 2], interfaces[interface, 3]
        high = number(data, at + 12, is_big)
        if tick_ns == 0 or high >= 1 << 30:
            break
        ticks = high << 32 | number(data, at + 16, is_big)
        if ticks > LARGEST_TIME // tick_ns or abs(clock_ns) > LARGEST_TIME:
            break
        row = rows[count]
        row[START] = at + 28
        row[CAPTURED] = captured_len
        row[ORIGINAL] = number(data, at + 24, is_big)
        row[TIME] = ticks * tick_ns + clock_ns
        row[RECORD] = at
        row[RECORD_END] = at + total
        row[LINK] = interfaces[interface, 0]
        options = at + 28 + captured_len + (-captured_len) % 4
        row[FCS] = _stated_fcs_len(data, options, at + total - 4, is_big, interfaces[interface, 1])
        at += total
        count += 1
    return count, at


@kernel
def _stated_fcs_len(data: Bytes, at: int, end: int, is_big: bool, fcs_len: int) -> int:
    """Return the length of the check sequence that the flags of a packet state, if they do."""
    while at + 4 <= end:
        a, b = int(data[at]), int(data[at + 1])
        c, d = int(data[at + 2]), int(data[at + 3])
        code = a << 8 | b if is_big else b << 8 | a
        length = c << 8 | d if is_big else d << 8 | c
        following: int = min(at + 4 + length + (-length) % 4, end)
        if code == OPT_EPB_FLAGS and following - at >= 8:
            stated = number(data, at + 4, is_big) >> 5 & 0xF
            return stated if stated else fcs_len
        at = following
        if code == 0:
            break
    return fcs_len
