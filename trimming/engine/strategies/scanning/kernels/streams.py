"""Segments put in order: each direction of a connection as one stream of bytes (RFC 9293).

Belongs here: sequence numbers, what came before, what comes late, and that every copy of a byte is
treated as the first was.  Must not be known here: link layers, HTTP grammar, files.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.copies import (
    drop_copies,
    note_hole,
    settle_copies,
    take_copy,
)
from trimming.engine.strategies.scanning.kernels.heap import give_back
from trimming.engine.strategies.scanning.kernels.history import drop_history, remember
from trimming.engine.strategies.scanning.kernels.holding import feed, flush, gap
from trimming.engine.strategies.scanning.kernels.output import BODY, FIRM
from trimming.engine.strategies.scanning.kernels.parts import drop_part, new_part
from trimming.engine.strategies.scanning.kernels.reader import can_skip
from trimming.engine.strategies.scanning.kernels.state import (
    D_CLASSED,
    D_COPIES,
    D_FIRST,
    D_HAS_FIRST,
    D_HAS_REFERENCE,
    D_HAS_SYN,
    D_HOLES,
    D_METHODS,
    D_NEXT,
    D_REFERENCE,
    D_SYN,
    D_WAITING,
    D_WAITING_BYTES,
    D_WAITING_COUNT,
    D_WAITS,
    D_WAITS_AFTER,
    D_WAITS_BEFORE,
    N_AT,
    N_CHECKSUM,
    N_DATA,
    N_LENGTH,
    N_NEXT,
    N_PACKET,
    N_START,
    N_WIRE,
    NONE,
    O_REORDER_BYTES,
    O_REORDER_SEGMENTS,
    R_PART_AT,
    R_PART_CHECKSUM,
    R_PART_LENGTH,
    R_PART_PACKET,
    R_WAITING_BYTES,
    R_WAITING_FIRST,
    R_WAITING_LAST,
    T_GAPS,
    T_OUT_OF_ORDER,
    T_REORDER_BYTES,
    T_REORDER_SEGMENTS,
    T_STREAMS,
    Bytes,
    Numbers,
    constant,
)
from trimming.engine.strategies.scanning.kernels.tls import skip_tls

SEQUENCE_SPACE = 1 << 32
HALF = 1 << 31
NOWHERE = constant(0)  # of bytes that are not kept


@inner
def syn(m: Numbers, direction: int, sequence: int) -> None:
    """A SYN was seen: the stream begins behind it."""
    m[direction + D_HAS_SYN], m[direction + D_SYN] = 1, sequence
    if not m[direction + D_HAS_FIRST]:
        behind = (sequence + 1) % SEQUENCE_SPACE
        m[direction + D_HAS_REFERENCE] = 1
        m[direction + D_REFERENCE] = m[direction + D_NEXT] = m[direction + D_CLASSED] = behind


@inner
def is_new_syn(m: Numbers, direction: int, sequence: int) -> bool:
    """Whether a SYN with this sequence number belongs to another connection."""
    if m[direction + D_HAS_SYN]:
        return bool(m[direction + D_SYN] != sequence)
    if not m[direction + D_HAS_FIRST]:
        return False
    before = m[direction + D_FIRST] - _unwrapped(m, direction, sequence + 1)
    return not 0 <= before < m[O_REORDER_BYTES]


@inner
def _unwrapped(m: Numbers, direction: int, sequence: int) -> int:
    reference = int(m[direction + D_REFERENCE])
    return reference + (sequence - reference + HALF) % SEQUENCE_SPACE - HALF


@inner
def take_payload(
    m: Numbers,
    connection: int,
    direction: int,
    sequence: int,
    length: int,
    wire: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
) -> None:
    """Take the payload of a segment, ``text[place:place + length]``."""
    if not m[direction + D_HAS_REFERENCE]:
        m[direction + D_HAS_REFERENCE] = 1
        m[direction + D_REFERENCE] = m[direction + D_NEXT] = m[direction + D_CLASSED] = sequence
    start = _unwrapped(m, direction, sequence)
    if not m[direction + D_HAS_FIRST]:
        m[direction + D_HAS_FIRST], m[direction + D_FIRST] = 1, start
        m[T_STREAMS] += 1
    missing = start - int(m[direction + D_NEXT])
    if missing > 0 and not can_skip(m, direction, missing):
        part = new_part(m, start, length, wire, packet, at, checksum, text, place)
        _wait(m, connection, direction, part)
        return
    _arrive(m, connection, direction, start, length, wire, packet, at, checksum, text, place)
    if m[direction + D_WAITING] != NONE:
        _drain(m, connection, direction)


@inner
def _arrive(
    m: Numbers,
    connection: int,
    direction: int,
    start: int,
    length: int,
    wire: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
) -> None:
    """Take a part that starts at or before the next byte, or behind content that is missing."""
    old = min(start + length, int(m[direction + D_NEXT])) - start
    if old > 0:
        take_copy(m, connection, direction, start, old, packet, at, checksum, text, place)
        start, length, wire, at, place = (
            start + old,
            length - old,
            wire - old,
            at + old,
            place + old,
        )
    if start > m[direction + D_NEXT]:
        skip(m, connection, direction, start - int(m[direction + D_NEXT]))
    if length:
        m[direction + D_NEXT] = m[direction + D_REFERENCE] = start + length
        m[R_PART_LENGTH] = length
        m[R_PART_PACKET] = packet
        m[R_PART_AT] = at
        m[R_PART_CHECKSUM] = checksum
        feed(m, connection, direction, text, place, length)
        if m[direction + D_COPIES] != NONE:
            settle_copies(m, connection, direction)
    missing = wire - length
    if missing > 0 and start <= m[direction + D_NEXT] and m[direction + D_NEXT] == start + length:
        # the capture cut the packet: these bytes will not come
        skip(m, connection, direction, missing)


@inner
def skip(m: Numbers, connection: int, direction: int, length: int) -> None:
    """Go on behind ``length`` bytes that are not there."""
    is_content = can_skip(m, direction, length)
    gap(m, connection, direction, length)
    if m[direction + D_COPIES] != NONE:
        settle_copies(m, connection, direction)
    begin = int(m[direction + D_NEXT])
    if is_content:
        # a copy that comes late is content, too; elsewhere nobody knows what it is
        remember(m, direction, begin, length, BODY, FIRM, m.view(np.uint8), NOWHERE)
    else:
        skip_tls(m, direction, length)
    note_hole(m, direction, begin, begin + length)
    m[direction + D_NEXT] = m[direction + D_CLASSED] = begin + length
    m[T_GAPS] += 1


@inner
def _wait(m: Numbers, connection: int, direction: int, part: int) -> None:
    """Hold a part until the bytes before it come; too many are not waited for."""
    length = int(m[part + N_LENGTH])
    before, behind = NONE, int(m[direction + D_WAITING])
    while behind != NONE and (
        m[behind + N_START] < m[part + N_START]
        or (m[behind + N_START] == m[part + N_START] and m[behind + N_LENGTH] <= length)
    ):
        before, behind = behind, int(m[behind + N_NEXT])
    m[part + N_NEXT] = behind
    if before == NONE:
        m[direction + D_WAITING] = part
    else:
        m[before + N_NEXT] = part
    m[direction + D_WAITING_COUNT] += 1
    m[direction + D_WAITING_BYTES] += length
    m[R_WAITING_BYTES] += length
    _starts_to_wait(m, direction)
    while m[direction + D_WAITING] != NONE:
        if m[direction + D_WAITING_COUNT] > m[O_REORDER_SEGMENTS]:
            m[T_REORDER_SEGMENTS] += 1
        elif m[direction + D_WAITING_BYTES] > m[O_REORDER_BYTES]:
            m[T_REORDER_BYTES] += 1
        else:
            break
        give_up_gap(m, connection, direction)


@inner
def _starts_to_wait(m: Numbers, direction: int) -> None:
    if m[direction + D_WAITS]:
        return
    last = int(m[R_WAITING_LAST])
    m[direction + D_WAITS] = 1
    m[direction + D_WAITS_AFTER], m[direction + D_WAITS_BEFORE] = last, NONE
    if last == NONE:
        m[R_WAITING_FIRST] = direction
    else:
        m[last + D_WAITS_BEFORE] = direction
    m[R_WAITING_LAST] = direction


@inner
def _waits_no_more(m: Numbers, direction: int) -> None:
    after, before = (
        int(m[direction + D_WAITS_AFTER]),
        int(m[direction + D_WAITS_BEFORE]),
    )
    if after == NONE:
        m[R_WAITING_FIRST] = before
    else:
        m[after + D_WAITS_BEFORE] = before
    if before == NONE:
        m[R_WAITING_LAST] = after
    else:
        m[before + D_WAITS_AFTER] = after
    m[direction + D_WAITS] = 0


@inner
def give_up_gap(m: Numbers, connection: int, direction: int) -> None:
    """Stop waiting for the next missing bytes."""
    first = int(m[direction + D_WAITING])
    if first != NONE:
        missing = int(m[first + N_START]) - int(m[direction + D_NEXT])
        skip(m, connection, direction, missing)
        _drain(m, connection, direction)


@inner
def _drain(m: Numbers, connection: int, direction: int) -> None:
    """Take the parts whose turn it is."""
    while m[direction + D_WAITING] != NONE:
        part = int(m[direction + D_WAITING])
        missing = int(m[part + N_START]) - int(m[direction + D_NEXT])
        if missing > 0 and not can_skip(m, direction, missing):
            return
        length = int(m[part + N_LENGTH])
        m[direction + D_WAITING] = m[part + N_NEXT]
        m[direction + D_WAITING_COUNT] -= 1
        m[direction + D_WAITING_BYTES] -= length
        m[R_WAITING_BYTES] -= length
        if m[direction + D_WAITING] == NONE:
            _waits_no_more(m, direction)
        m[T_OUT_OF_ORDER] += 1
        _arrive(
            m,
            connection,
            direction,
            int(m[part + N_START]),
            length,
            int(m[part + N_WIRE]),
            int(m[part + N_PACKET]),
            int(m[part + N_AT]),
            int(m[part + N_CHECKSUM]),
            m.view(np.uint8),
            (part + N_DATA) * 8,
        )
        drop_part(m, part)


@inner
def close(m: Numbers, connection: int, direction: int) -> None:
    """Nothing will come any more: settle all that is open, and give it back."""
    while m[direction + D_WAITING] != NONE:
        give_up_gap(m, connection, direction)
    flush(m, connection, direction)
    if m[direction + D_COPIES] != NONE:
        settle_copies(m, connection, direction)
        drop_copies(m, connection, direction)


@inner
def give_back_direction(m: Numbers, direction: int) -> None:
    """Give back what a closed direction remembers."""
    drop_history(m, direction)
    if m[direction + D_HOLES] != NONE:
        give_back(m, int(m[direction + D_HOLES]))
    if m[direction + D_METHODS] != NONE:
        give_back(m, int(m[direction + D_METHODS]))
