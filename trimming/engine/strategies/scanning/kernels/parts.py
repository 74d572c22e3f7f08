"""Parts of a stream: where its bytes stand in packets, and lists of parts that are held."""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.heap import give_back, take_block
from trimming.engine.strategies.scanning.kernels.history import remember
from trimming.engine.strategies.scanning.kernels.output import (
    CHANGE,
    FIRM,
    OTHER,
    TENTATIVE,
    plan_range,
)
from trimming.engine.strategies.scanning.kernels.state import (
    ALONE,
    C_NUMBER,
    D_CLASSED,
    D_PENDING,
    D_PENDING_LAST,
    N_AT,
    N_CHECKSUM,
    N_DATA,
    N_LENGTH,
    N_NEXT,
    N_PACKET,
    N_START,
    N_WIRE,
    NONE,
    R_PART_AT,
    R_PART_CHECKSUM,
    R_PART_LENGTH,
    R_PART_PACKET,
    R_UNKNOWN,
    R_VIEWS,
    Bytes,
    Numbers,
    constant,
)
from trimming.engine.strategies.scanning.kernels.tls import tls_run

ONCE = constant(1)
UNCLASSED = constant(0)  # nothing in this direction says that it is HTTP


@inner
def hold_view(m: Numbers, packet: int, count: int) -> None:
    """A view of the slow path is needed ``count`` times more."""
    if packet < 0:
        m[m[R_VIEWS] - packet] += count


@inner
def new_part(
    m: Numbers,
    start: int,
    length: int,
    wire: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
) -> int:
    """Return a part with its own copy of its bytes, ``text[place:place + length]``."""
    part = take_block(m, N_DATA + (length + 7) // 8)
    m[part + N_NEXT] = NONE
    m[part + N_START] = start
    m[part + N_LENGTH] = length
    m[part + N_WIRE] = wire
    m[part + N_PACKET] = packet
    m[part + N_AT] = at
    m[part + N_CHECKSUM] = checksum
    base = (part + N_DATA) * 8
    for each in range(length):
        m.view(np.uint8)[base + each] = text[place + each]
    hold_view(m, packet, ONCE)
    return part


@inner
def drop_part(m: Numbers, part: int) -> None:
    """Give a part back."""
    hold_view(m, int(m[part + N_PACKET]), -ONCE)
    give_back(m, part)


@inner
def plan_run(
    m: Numbers,
    connection: int,
    direction: int,
    text: Bytes,
    place: int,
    length: int,
    byte_class: int,
) -> None:
    """The next ``length`` bytes of a direction, ``text[place:]``, are of a class.

    They stand in the parts that are pending, and behind those in the one in the registers.
    """
    while length:
        part = int(m[direction + D_PENDING])
        if part == NONE:
            taken = min(length, int(m[R_PART_LENGTH]))
            packet, at = int(m[R_PART_PACKET]), int(m[R_PART_AT])
            checksum = int(m[R_PART_CHECKSUM])
            m[R_PART_LENGTH] -= taken
            m[R_PART_AT] += taken
        else:
            taken = min(length, int(m[part + N_LENGTH]))
            packet, at = int(m[part + N_PACKET]), int(m[part + N_AT])
            checksum = int(m[part + N_CHECKSUM])
            m[part + N_LENGTH] -= taken
            m[part + N_AT] += taken
            if not m[part + N_LENGTH]:
                m[direction + D_PENDING] = m[part + N_NEXT]
                if m[direction + D_PENDING] == NONE:
                    m[direction + D_PENDING_LAST] = NONE
        if byte_class == UNCLASSED:
            _plan_unclassed(m, connection, direction, packet, at, checksum, text, place, taken)
        else:
            _plan_piece(
                m,
                connection,
                direction,
                packet,
                at,
                checksum,
                text,
                place,
                taken,
                byte_class,
                FIRM,
            )
        if part != NONE and not m[part + N_LENGTH]:
            drop_part(m, part)
        place += taken
        length -= taken


@inner
def _plan_unclassed(
    m: Numbers,
    connection: int,
    direction: int,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    place: int,
    length: int,
) -> None:
    """What nobody classed is OTHER until the connection turns out to be HTTP; TLS is looked at."""
    m[R_UNKNOWN] += length
    end = place + length
    while place < end:
        taken, byte_class = end - place, OTHER
        if connection != ALONE:
            taken, byte_class = tls_run(m, direction, text, place, end)
        _plan_piece(
            m,
            connection,
            direction,
            packet,
            at,
            checksum,
            text,
            place,
            taken,
            byte_class,
            TENTATIVE,
        )
        place += taken
        at += taken


@inner
def _plan_piece(
    m: Numbers,
    connection: int,
    direction: int,
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
    if connection != ALONE:
        remember(
            m,
            direction,
            int(m[direction + D_CLASSED]),
            length,
            byte_class,
            tentative,
            text,
            place,
        )
        m[direction + D_CLASSED] += length


@inner
def keep_pending(m: Numbers, direction: int) -> None:
    """What is left of the part in the registers is held back."""
    if not m[R_PART_LENGTH]:
        return
    part = take_block(m, N_DATA)
    m[part + N_NEXT] = NONE
    m[part + N_START] = 0
    m[part + N_WIRE] = 0
    m[part + N_LENGTH] = m[R_PART_LENGTH]
    m[part + N_PACKET] = m[R_PART_PACKET]
    m[part + N_AT] = m[R_PART_AT]
    m[part + N_CHECKSUM] = m[R_PART_CHECKSUM]
    hold_view(m, int(m[R_PART_PACKET]), ONCE)
    m[R_PART_LENGTH] = 0
    if m[direction + D_PENDING_LAST] == NONE:
        m[direction + D_PENDING] = part
    else:
        m[int(m[direction + D_PENDING_LAST]) + N_NEXT] = part
    m[direction + D_PENDING_LAST] = part
