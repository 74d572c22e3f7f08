"""Connections: which segment belongs to which, how long they are kept, what ends them."""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.heap import take_words
from trimming.engine.strategies.scanning.kernels.output import (
    CHANGE,
    FIRM,
    NO_CONNECTION,
    OTHER,
    http_seen,
    plan_range,
)
from trimming.engine.strategies.scanning.kernels.rows import clear_connection, direction_of
from trimming.engine.strategies.scanning.kernels.state import (
    C_FINISHED_0,
    C_FINISHED_1,
    C_FLIP,
    C_HTTP,
    C_LAST_NS,
    C_LAST_PACKET,
    C_LIST,
    CONNECTION_WORDS,
    D_CONNECTION,
    D_COPIES_BYTES,
    D_COPIES_COUNT,
    D_HELD_LENGTH,
    D_WAITING_BYTES,
    D_WAITING_COUNT,
    DEPARTED_WORDS,
    K_NEXT,
    KEY_WORDS,
    NONE,
    O_IDLE_NS,
    O_IDLE_PACKETS,
    O_MASK_OTHER,
    O_MAX_CLOSED,
    O_MAX_CONNECTIONS,
    O_REORDER_TOTAL,
    R_AT,
    R_CHECKSUM,
    R_CONNECTION_FREE,
    R_CONNECTION_NUMBERS,
    R_END,
    R_FINISHED,
    R_FLAGS,
    R_GONE,
    R_GONE_SLOTS,
    R_KEY,
    R_NOW,
    R_NUMBER,
    R_OPEN,
    R_PACKET,
    R_SEQUENCE,
    R_SIDE,
    R_SLOTS,
    R_WAITING_BYTES,
    R_WAITING_FIRST,
    R_WIRE,
    T_CONNECTIONS,
    T_LEFT_RESET,
    T_MAX_CONNECTIONS,
    T_REORDER_TOTAL,
    Bytes,
    Numbers,
)
from trimming.engine.strategies.scanning.kernels.streams import (
    SEQUENCE_SPACE,
    close,
    give_back_direction,
    give_up_gap,
    is_new_syn,
    syn,
    take_payload,
)
from trimming.engine.strategies.scanning.kernels.table import (
    append,
    enter,
    find,
    remove,
    take_out,
)

FIN, SYN, RST = 0x01, 0x02, 0x04
DEPARTED_FOR_EACH = 4
SEGMENT_BYTES = 64  # what a held segment counts for besides its payload


@inner
def find_connection(m: Numbers) -> int:
    """Return the row of the connection of the segment in the registers, or NONE."""
    return find(m, R_SLOTS, R_KEY)


@inner
def held_bytes(m: Numbers, connection: int) -> int:
    """Return how much a connection holds that is not classed, segments counted as bytes, too."""
    held = 0
    for side in range(2):
        direction = direction_of(connection, side)
        held += (
            m[direction + D_WAITING_BYTES]
            + m[direction + D_HELD_LENGTH]
            + m[direction + D_COPIES_BYTES]
        )
        held += SEGMENT_BYTES * (m[direction + D_WAITING_COUNT] + m[direction + D_COPIES_COUNT])
    return int(held)


@inner
def take_segment(m: Numbers, found: int, text: Bytes, place: int) -> None:
    """Take the segment in the registers, of connection ``found``; its payload is at ``place``."""
    side, flags = int(m[R_SIDE]), int(m[R_FLAGS])
    connection = found
    if connection != NONE and flags & SYN:
        direction = direction_of(connection, side ^ int(m[connection + C_FLIP]))
        if is_new_syn(m, direction, int(m[R_SEQUENCE])):
            depart(m, connection)
            connection = NONE
    if connection == NONE:
        connection = _new_connection(m, side, flags)
    _take(m, connection, side ^ int(m[connection + C_FLIP]), text, place)
    m[connection + C_LAST_NS] = m[R_NOW]
    m[connection + C_LAST_PACKET] = m[R_NUMBER]
    is_finished = m[connection + C_FINISHED_0] and m[connection + C_FINISHED_1]
    take_out(m, int(m[connection + C_LIST]), connection)
    m[connection + C_LIST] = R_FINISHED if is_finished else R_OPEN
    append(m, int(m[connection + C_LIST]), connection)


@inner
def _new_connection(m: Numbers, side: int, flags: int) -> int:
    connection = int(m[R_CONNECTION_FREE])
    if connection != NONE:
        m[R_CONNECTION_FREE] = m[connection + K_NEXT]
    else:
        connection = take_words(m, CONNECTION_WORDS)
    m[R_CONNECTION_NUMBERS] += 1
    m[T_CONNECTIONS] += 1
    for at in range(KEY_WORDS):
        m[connection + at] = m[R_KEY + at]
    clear_connection(m, connection, int(m[R_CONNECTION_NUMBERS]))
    m[connection + C_FLIP] = side
    m[connection + C_LIST] = R_OPEN
    enter(m, R_SLOTS, connection)
    append(m, R_OPEN, connection)
    if not flags & SYN and find(m, R_GONE_SLOTS, R_KEY) != NONE:
        http_seen(m, connection)
    return connection


@inner
def _take(m: Numbers, connection: int, side: int, text: Bytes, place: int) -> None:
    direction = direction_of(connection, side)
    flags, sequence = int(m[R_FLAGS]), int(m[R_SEQUENCE])
    packet, at, checksum = (
        int(m[R_PACKET]),
        int(m[R_AT]),
        int(m[R_CHECKSUM]),
    )
    length = int(m[R_END]) - at
    if flags & SYN:
        syn(m, direction, sequence)
        sequence += 1
    if flags & RST:
        if length > 0:
            # a diagnosis, no part of the stream (RFC 9293 section 3.5.2)
            if not m[O_MASK_OTHER]:
                m[T_LEFT_RESET] += length
            plan_range(
                m, packet, at, checksum, text, place, length, OTHER, FIRM, NO_CONNECTION, CHANGE
            )
    elif length > 0 or m[R_WIRE]:
        take_payload(
            m,
            connection,
            direction,
            sequence % SEQUENCE_SPACE,
            length,
            int(m[R_WIRE]),
            packet,
            at,
            checksum,
            text,
            place,
        )
    if flags & RST:
        m[connection + C_FINISHED_0] = m[connection + C_FINISHED_1] = 1
    elif flags & FIN:
        m[connection + C_FINISHED_0 + side] = 1


@inner
def depart(m: Numbers, connection: int) -> None:
    """Close a connection and forget it; that it was HTTP is remembered for its late bytes."""
    for side in range(2):
        close(m, connection, direction_of(connection, side))
    for side in range(2):
        give_back_direction(m, direction_of(connection, side))
    take_out(m, int(m[connection + C_LIST]), connection)
    remove(m, R_SLOTS, connection)
    if m[connection + C_HTTP]:
        _note_departed(m, connection)
    m[connection + K_NEXT] = m[R_CONNECTION_FREE]
    m[R_CONNECTION_FREE] = connection


@inner
def _note_departed(m: Numbers, connection: int) -> None:
    row = find(m, R_GONE_SLOTS, connection)
    if row != NONE:
        take_out(m, R_GONE, row)
        append(m, R_GONE, row)
        return
    if m[R_GONE + 2] >= DEPARTED_FOR_EACH * m[O_MAX_CONNECTIONS]:
        row = int(m[R_GONE])
        take_out(m, R_GONE, row)
        remove(m, R_GONE_SLOTS, row)
    else:
        row = take_words(m, DEPARTED_WORDS)
    for at in range(KEY_WORDS):
        m[row + at] = m[connection + at]
    enter(m, R_GONE_SLOTS, row)
    append(m, R_GONE, row)


@inner
def to_relieve(m: Numbers) -> int:
    """Return the connection that must give up a gap because all wait for too much, or NONE."""
    direction = int(m[R_WAITING_FIRST])
    if direction == NONE or m[R_WAITING_BYTES] <= m[O_REORDER_TOTAL]:
        return NONE
    return int(m[direction + D_CONNECTION])


@inner
def relieve(m: Numbers, connection: int) -> None:
    """Give up the next gap of the direction that began to wait first."""
    m[T_REORDER_TOTAL] += 1
    give_up_gap(m, connection, int(m[R_WAITING_FIRST]))


@inner
def to_depart(m: Numbers) -> int:
    """Return the connection that is to be evicted next, or NONE."""
    if m[R_FINISHED + 2] > m[O_MAX_CLOSED]:
        return int(m[R_FINISHED])
    if m[R_OPEN + 2] > m[O_MAX_CONNECTIONS]:
        return int(m[R_OPEN])
    oldest = int(m[R_OPEN])
    if oldest != NONE and _is_idle(m, oldest):
        return oldest
    oldest = int(m[R_FINISHED])
    if oldest != NONE and _is_idle(m, oldest):
        return oldest
    return NONE


@inner
def evict(m: Numbers, connection: int) -> None:
    """Evict a connection, which to_depart returned."""
    are_closed_few = m[R_FINISHED + 2] <= m[O_MAX_CLOSED]
    if are_closed_few and m[R_OPEN + 2] > m[O_MAX_CONNECTIONS]:
        m[T_MAX_CONNECTIONS] += 1
    depart(m, connection)


@inner
def _is_idle(m: Numbers, connection: int) -> bool:
    """Both, because a clock that jumps in mid-capture ends no connection."""
    return bool(
        m[R_NUMBER] - m[connection + C_LAST_PACKET] > m[O_IDLE_PACKETS]
        and m[R_NOW] - m[connection + C_LAST_NS] > m[O_IDLE_NS]
    )
