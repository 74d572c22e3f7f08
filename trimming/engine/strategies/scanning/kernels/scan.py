"""The one loop over packets: it stops where something is rare, or where room might be short.

Before every step that settles bytes it is made sure that there is room for the worst that may come
of it, so nothing is ever done by half.
"""

from __future__ import annotations

from trimming.engine.formats.kernels.index import NO_TIME, TIME
from trimming.engine.kernel import inner, kernel
from trimming.engine.strategies.scanning.kernels.connections import (
    depart,
    evict,
    find_connection,
    held_bytes,
    relieve,
    take_segment,
    to_depart,
    to_relieve,
)
from trimming.engine.strategies.scanning.kernels.frames import (
    DATAGRAM,
    DNS,
    NOTHING,
    RARE,
    SEGMENT,
    UNKNOWN_PROTOCOL,
    decode,
    fcs_is_there,
)
from trimming.engine.strategies.scanning.kernels.output import (
    FIRM,
    FRAME_CHECK,
    NO_CLASS,
    NO_CONNECTION,
    OTHER,
    UDP_CHANGE,
    add_entry,
    plan_range,
)
from trimming.engine.strategies.scanning.kernels.state import (
    DONE,
    FLUSH,
    GROW_ENTRIES,
    GROW_MEMORY,
    GROW_SLOTS,
    MARKS_MOST,
    NONE,
    O_HISTORY_RUNS,
    O_MASK_OTHER,
    O_PIPELINED,
    PROTOCOLS,
    R_AT,
    R_BUFFER,
    R_CHECKSUM,
    R_END,
    R_ENTRIES,
    R_EVICT,
    R_FINISHED,
    R_FLAGS,
    R_FRAME_CHECK,
    R_GONE,
    R_GONE_SLOTS,
    R_GONE_SLOTS_COUNT,
    R_HEAP_TOP,
    R_MARKS,
    R_NEED,
    R_NOW,
    R_NUMBER,
    R_OPEN,
    R_OUT_MOST,
    R_PACKET,
    R_SLOTS,
    R_SLOTS_COUNT,
    SLOW,
    T_LEFT_DNS,
    T_LEFT_UDP,
    Bytes,
    Numbers,
    constant,
)
from trimming.engine.strategies.scanning.kernels.table import enter_list

# what a kernel is asked to do
PACKETS, ONE_SEGMENT, SETTLE, CLOSE_ALL, ENTER_ALL = range(5)
MARKS_PER_STEP = 4
FRAME_START = constant(0)
ONE_OTHER = constant(64)


@kernel
def scan(
    m: Numbers, task: int, data: Bytes, rows: Numbers, first: int, first_number: int
) -> tuple[int, int]:
    """Do a task; return why it stopped and, of PACKETS, the row at which.

    PACKETS: take the packets in ``rows`` from ``first`` on; ``data`` holds their bytes.
    ONE_SEGMENT: take the segment in the registers; its view's bytes are ``data``.
    SETTLE: evict what is to be evicted.  CLOSE_ALL: close what is still kept.
    ENTER_ALL: enter all rows into tables whose slots are new.
    """
    if task == PACKETS:
        return _packets(m, data, rows, first, first_number)
    if task == ONE_SEGMENT:
        reason = _segment(m, data, FRAME_START)
        return reason, 0
    if task == CLOSE_ALL:
        return _close_all(m), 0
    if task == ENTER_ALL:
        for ends in (R_OPEN, R_FINISHED):
            enter_list(m, R_SLOTS, ends)
        enter_list(m, R_GONE_SLOTS, R_GONE)
        return DONE, 0
    return _settle(m), 0


@inner
def room(m: Numbers, byte_count: int) -> int:
    """Return DONE when so many bytes can be settled, else what is short; R_NEED says how much."""
    if m[R_MARKS] + MARKS_PER_STEP > MARKS_MOST:
        return FLUSH
    need = 2 * byte_count + 64
    m[R_NEED] = need
    if m[R_ENTRIES] + need > m[R_OUT_MOST]:
        return FLUSH if m[R_ENTRIES] else GROW_ENTRIES
    runs = int(m[O_HISTORY_RUNS])
    need = 2 * byte_count + 24 * min(byte_count, runs + 2)
    need += 8 * runs + 2 * int(m[O_PIPELINED]) + 4096
    m[R_NEED] = need
    if m[R_HEAP_TOP] + need > len(m):
        return GROW_MEMORY
    connections = m[R_OPEN + 2] + m[R_FINISHED + 2]
    if connections >= m[R_SLOTS_COUNT] or m[R_GONE + 2] >= m[R_GONE_SLOTS_COUNT]:
        return GROW_SLOTS
    return DONE


@inner
def _packets(
    m: Numbers, data: Bytes, rows: Numbers, first: int, first_number: int
) -> tuple[int, int]:
    reason = _settle(m)
    if reason != DONE:
        return reason, first
    for at in range(first, len(rows)):
        row = rows[at]
        found = decode(m, data, row, first_number + at)
        if found == RARE:
            return SLOW, at
        reason = _take(m, data, row, found, first_number + at)
        if reason != DONE:
            return reason, at
        reason = _settle(m)
        if reason != DONE:
            return reason, at + 1
    return DONE, len(rows)


@inner
def _take(m: Numbers, data: Bytes, row: Numbers, found: int, number: int) -> int:
    if found == SEGMENT:
        # before anything is changed: the packet is decoded anew if room is short
        reason = _segment_at(m, data, int(m[R_BUFFER]), row, number)
    else:
        reason = room(m, ONE_OTHER)
        if reason == DONE and found != NOTHING:
            _other(m, data, found)
    if reason != DONE:
        return reason
    _set_time(m, row, number)
    if m[R_FRAME_CHECK] != NONE and fcs_is_there(data, row):
        add_entry(
            m,
            number,
            FRAME_START,
            int(m[R_FRAME_CHECK]),
            FRAME_CHECK,
            NO_CLASS,
            FIRM,
            NO_CONNECTION,
        )
    m[R_EVICT] = 1
    return DONE


@inner
def _set_time(m: Numbers, row: Numbers, number: int) -> None:
    m[R_NOW] = 0 if row[TIME] == NO_TIME else row[TIME]
    m[R_NUMBER] = number


@inner
def _segment_at(m: Numbers, data: Bytes, start: int, row: Numbers, number: int) -> int:
    _set_time(m, row, number)
    return _segment(m, data, start)


@inner
def _segment(m: Numbers, data: Bytes, start: int) -> int:
    connection = find_connection(m)
    count = int(m[R_END] - m[R_AT])
    if connection != NONE:
        count += held_bytes(m, connection)
    reason = room(m, count)
    if reason == DONE:
        take_segment(m, connection, data, start + int(m[R_AT]))
    return reason


@inner
def _other(m: Numbers, data: Bytes, found: int) -> None:
    at, end = int(m[R_AT]), int(m[R_END])
    if found == UNKNOWN_PROTOCOL:
        m[PROTOCOLS + m[R_FLAGS]] += end - at
    elif found == DNS:
        m[T_LEFT_DNS] += end - at
    elif found == DATAGRAM and not m[O_MASK_OTHER]:
        m[T_LEFT_UDP] += end - at
    else:
        plan_range(
            m,
            int(m[R_PACKET]),
            at,
            int(m[R_CHECKSUM]),
            data,
            int(m[R_BUFFER]) + at,
            end - at,
            OTHER,
            FIRM,
            NO_CONNECTION,
            UDP_CHANGE,
        )


@inner
def _settle(m: Numbers) -> int:
    """Give up gaps while all wait for too much, then evict what is to go."""
    while True:
        connection = to_relieve(m)
        if connection == NONE:
            break
        reason = room(m, held_bytes(m, connection))
        if reason != DONE:
            return reason
        relieve(m, connection)
    while m[R_EVICT]:
        connection = to_depart(m)
        if connection == NONE:
            m[R_EVICT] = 0
            break
        reason = room(m, held_bytes(m, connection))
        if reason != DONE:
            return reason
        evict(m, connection)
    return DONE


@inner
def _close_all(m: Numbers) -> int:
    for ends in (R_FINISHED, R_OPEN):
        while m[ends] != NONE:
            connection = int(m[ends])
            reason = room(m, held_bytes(m, connection))
            if reason != DONE:
                return reason
            depart(m, connection)
    return DONE
