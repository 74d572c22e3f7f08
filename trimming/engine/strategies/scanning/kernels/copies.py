"""Bytes that came before: retransmitted, overlapping, or late for a gap that was given up."""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.heap import block_words, give_back, take_block
from trimming.engine.strategies.scanning.kernels.history import (
    TENTATIVE,
    following_start,
    holds_other_bytes,
    run_at,
)
from trimming.engine.strategies.scanning.kernels.holding import feed, flush
from trimming.engine.strategies.scanning.kernels.output import (
    CHANGE,
    FIRM,
    OTHER,
    UNCERTAIN,
    plan_range,
)
from trimming.engine.strategies.scanning.kernels.output import TENTATIVE as UNSETTLED
from trimming.engine.strategies.scanning.kernels.parts import drop_part, new_part
from trimming.engine.strategies.scanning.kernels.rows import new_alone
from trimming.engine.strategies.scanning.kernels.state import (
    ALONE,
    C_NUMBER,
    D_CLASSED,
    D_COPIES,
    D_COPIES_BYTES,
    D_COPIES_COUNT,
    D_COPIES_LAST,
    D_FORGOTTEN,
    D_HAS_FORGOTTEN,
    D_HOLES,
    D_HOLES_COUNT,
    DIRECTIONS,
    H_CLASS,
    H_END,
    N_AT,
    N_CHECKSUM,
    N_DATA,
    N_LENGTH,
    N_NEXT,
    N_PACKET,
    N_START,
    NONE,
    O_HISTORY_RUNS,
    O_REORDER_SEGMENTS,
    R_PART_AT,
    R_PART_CHECKSUM,
    R_PART_LENGTH,
    R_PART_PACKET,
    T_GAPS,
    T_HISTORY_RUNS,
    T_OUT_OF_ORDER,
    T_REORDER_SEGMENTS,
    T_RETRANSMITTED,
    Bytes,
    Numbers,
)


@inner
def take_copy(
    m: Numbers,
    connection: int,
    direction: int,
    start: int,
    length: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
) -> None:
    """Treat bytes of places that were passed already as they were treated then."""
    known = min(start + length, int(m[direction + D_CLASSED])) - start
    if known > 0:
        if not _fills_hole(m, direction, start, start + known):
            m[T_RETRANSMITTED] += 1
        _plan_copy(m, connection, direction, start, known, packet, at, checksum, text, place)
    else:
        known = 0
        m[T_RETRANSMITTED] += 1
    if known < length:
        part = new_part(
            m,
            start + known,
            length - known,
            length - known,
            packet,
            at + known,
            checksum,
            text,
            place + known,
        )
        _hold_copy(m, connection, direction, part)


@inner
def _hold_copy(m: Numbers, connection: int, direction: int, part: int) -> None:
    """Keep a copy of bytes that are held back themselves, until those are classed."""
    _append_copy(m, direction, part)
    if m[direction + D_COPIES_COUNT] > m[O_REORDER_SEGMENTS]:
        m[T_REORDER_SEGMENTS] += 1
        _drop_first_copy(m, connection, direction)


@inner
def _append_copy(m: Numbers, direction: int, part: int) -> None:
    m[part + N_NEXT] = NONE
    if m[direction + D_COPIES] == NONE:
        m[direction + D_COPIES] = part
    else:
        m[int(m[direction + D_COPIES_LAST]) + N_NEXT] = part
    m[direction + D_COPIES_LAST] = part
    m[direction + D_COPIES_COUNT] += 1
    m[direction + D_COPIES_BYTES] += m[part + N_LENGTH]


@inner
def _take_first_copy(m: Numbers, direction: int) -> int:
    part = int(m[direction + D_COPIES])
    m[direction + D_COPIES] = m[part + N_NEXT]
    if m[direction + D_COPIES] == NONE:
        m[direction + D_COPIES_LAST] = NONE
    m[direction + D_COPIES_COUNT] -= 1
    m[direction + D_COPIES_BYTES] -= m[part + N_LENGTH]
    return part


@inner
def _drop_first_copy(m: Numbers, connection: int, direction: int) -> None:
    """Plan the oldest copy without knowing what it is a copy of."""
    part = _take_first_copy(m, direction)
    _plan(
        m,
        connection,
        int(m[part + N_PACKET]),
        int(m[part + N_AT]),
        int(m[part + N_CHECKSUM]),
        m.view(np.uint8),
        (part + N_DATA) * 8,
        int(m[part + N_LENGTH]),
        OTHER,
        UNSETTLED,
    )
    drop_part(m, part)


@inner
def drop_copies(m: Numbers, connection: int, direction: int) -> None:
    """Nothing will be classed any more."""
    while m[direction + D_COPIES] != NONE:
        _drop_first_copy(m, connection, direction)


@inner
def settle_copies(m: Numbers, connection: int, direction: int) -> None:
    """Plan copies of what is classed by now; the rest stays."""
    for _ in range(int(m[direction + D_COPIES_COUNT])):
        part = _take_first_copy(m, direction)
        start, length = int(m[part + N_START]), int(m[part + N_LENGTH])
        packet, at = int(m[part + N_PACKET]), int(m[part + N_AT])
        checksum, place = int(m[part + N_CHECKSUM]), (part + N_DATA) * 8
        known = min(start + length, int(m[direction + D_CLASSED])) - start
        if known <= 0:
            _append_copy(m, direction, part)
            continue
        text = m.view(np.uint8)
        _plan_copy(m, connection, direction, start, known, packet, at, checksum, text, place)
        if known < length:
            left = length - known
            rest = new_part(
                m,
                start + known,
                left,
                left,
                packet,
                at + known,
                checksum,
                text,
                place + known,
            )
            _append_copy(m, direction, rest)
        drop_part(m, part)


@inner
def note_hole(m: Numbers, direction: int, start: int, end: int) -> None:
    """These bytes did not come."""
    count = int(m[direction + D_HOLES_COUNT])
    block = _with_room(m, direction, count + 1)
    m[block + 1 + 2 * count] = start
    m[block + 2 + 2 * count] = end
    m[direction + D_HOLES_COUNT] = count + 1
    _bound_holes(m, direction)


@inner
def _with_room(m: Numbers, direction: int, count: int) -> int:
    """Return the block of holes, with room for ``count`` of them."""
    words = 1 + 2 * count
    old = int(m[direction + D_HOLES])
    if old == NONE:
        m[direction + D_HOLES] = take_block(m, words)
    elif words > block_words(m, old):
        m[direction + D_HOLES] = take_block(m, words)
        for at in range(1, 1 + 2 * int(m[direction + D_HOLES_COUNT])):
            m[int(m[direction + D_HOLES]) + at] = m[old + at]
        give_back(m, old)
    return int(m[direction + D_HOLES])


@inner
def _bound_holes(m: Numbers, direction: int) -> None:
    most = int(m[O_HISTORY_RUNS])
    if m[direction + D_HOLES_COUNT] <= most:
        return
    m[T_HISTORY_RUNS] += 1
    block, gone = int(m[direction + D_HOLES]), max(1, most // 2)
    m[direction + D_HOLES_COUNT] -= gone
    for at in range(1, 1 + 2 * int(m[direction + D_HOLES_COUNT])):
        m[block + at] = m[block + at + 2 * gone]


@inner
def _fills_hole(m: Numbers, direction: int, start: int, end: int) -> bool:
    """Whether bytes close a hole, or a part of one; what is left of it stays."""
    count, block = int(m[direction + D_HOLES_COUNT]), int(m[direction + D_HOLES])
    filled, at = False, 0
    while at < count:
        hole, hole_end = int(m[block + 1 + 2 * at]), int(m[block + 2 + 2 * at])
        if not (start < hole_end and hole < end):
            at += 1
            continue
        filled = True
        has_front, has_back = hole < start, end < hole_end
        m[T_GAPS] += int(has_front) + int(has_back) - 1
        if has_front and has_back:
            block = _with_room(m, direction, count + 1)
            for place in range(2 * count, 2 * at, -1):
                m[block + place + 2] = m[block + place]
            count += 1
            m[block + 2 + 2 * at] = start
            m[block + 3 + 2 * at] = end
            at += 2
        elif has_front:
            m[block + 2 + 2 * at] = start
            at += 1
        elif has_back:
            m[block + 1 + 2 * at] = end
            at += 1
        else:
            for place in range(2 * at + 1, 2 * count - 1):
                m[block + place] = m[block + place + 2]
            count -= 1
        m[direction + D_HOLES_COUNT] = count
    if filled:
        m[T_OUT_OF_ORDER] += 1
        _bound_holes(m, direction)
    return filled


@inner
def _plan_copy(
    m: Numbers,
    connection: int,
    direction: int,
    start: int,
    length: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
) -> None:
    end = start + length
    while start < end:
        run = run_at(m, direction, start)
        if run != NONE and start < m[run + H_END]:
            taken = min(end, int(m[run + H_END])) - start
            told = int(m[run + H_CLASS])
            byte_class, tentative = told % TENTATIVE, told // TENTATIVE
            if holds_other_bytes(m, run, start, taken, text, place):
                # the same place with other bytes: which the receiver took is not known
                byte_class, tentative = UNCERTAIN, FIRM
            _plan(
                m,
                connection,
                packet,
                at,
                checksum,
                text,
                place,
                taken,
                byte_class,
                tentative,
            )
        else:
            taken = min(end, following_start(m, direction, run, end)) - start
            if m[direction + D_HAS_FORGOTTEN] and start < m[direction + D_FORGOTTEN]:
                # it may have been content that looks like a head
                taken = min(taken, int(m[direction + D_FORGOTTEN]) - start)
                _plan(m, connection, packet, at, checksum, text, place, taken, OTHER, UNSETTLED)
            else:
                _read_alone(m, connection, packet, at, checksum, text, place, taken)
        start, at, place = start + taken, at + taken, place + taken


@inner
def _plan(
    m: Numbers,
    connection: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
    length: int,
    byte_class: int,
    tentative: int,
) -> None:
    number = int(m[connection + C_NUMBER])
    plan_range(m, packet, at, checksum, text, place, length, byte_class, tentative, number, CHANGE)


@inner
def _read_alone(
    m: Numbers,
    connection: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
    length: int,
) -> None:
    """Bytes of a place of which nothing is known: a head that opens here is read by itself."""
    new_alone(m, connection)
    m[R_PART_LENGTH] = length
    m[R_PART_PACKET] = packet
    m[R_PART_AT] = at
    m[R_PART_CHECKSUM] = checksum
    feed(m, ALONE, ALONE + DIRECTIONS, text, place, length)
    flush(m, ALONE, ALONE + DIRECTIONS)
