"""Segments into order, and what is put aside until a gap closes.

Says the same as ``Connection.add`` or ODD, and then nothing has changed.  Only RELEASE and READ
come too late for that: the caller takes over in the midst.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.history import (
    SPACE,
    advance,
    distance,
    find_runs,
    repeated,
)
from trimming.engine.verification.kernels.loosely import read_loosely, skip
from trimming.engine.verification.kernels.octets import copy
from trimming.engine.verification.kernels.state import (
    C_CLIENT,
    C_COLUMNS,
    C_HELD_COUNT,
    C_HELD_FIRST,
    C_SURE,
    H_ARRIVED,
    H_AT,
    H_NEXT,
    H_OFFSET,
    H_PACKET,
    H_SEQ,
    H_SIDE,
    H_SIZE,
    M_ARRIVED,
    M_MAX_WAITING,
    M_ORDERED,
    M_REORDER_BYTES,
    M_REORDER_SEGMENTS,
    M_WAITING_BYTES,
    MAX_HELD,
    NONE,
    ODD,
    READ,
    RELEASE,
    S_COLUMNS,
    S_CONTRADICTORY,
    S_FIN,
    S_HAS_GAP,
    S_HELD_BYTES,
    S_HELD_COUNT,
    S_NEXT,
    S_REACHED,
    TAKEN,
    Bytes,
    State,
)
from trimming.engine.verification.kernels.store import free_all_held, new_held, take
from trimming.engine.verification.kernels.strictly import read_body, read_strictly


@inner
def add_payload(
    s: State,
    row: int,
    d: int,
    before: Bytes,
    b: int,
    after: Bytes,
    a: int,
    size: int,
    length: int,
    seq: int,
    packet: int,
    offset: int,
) -> int:
    """Take a segment: ``size`` captured bytes of ``length``, from ``offset`` of a packet on."""
    conn, side, other = s.rows[row], s.sides[2 * row + d], s.sides[2 * row + 1 - d]
    begins = side[S_NEXT] == NONE
    is_due = begins or distance(seq, side[S_REACHED]) <= 0
    if conn[C_SURE] and not begins:
        if side[S_FIN] != NONE and distance(seq + length, side[S_FIN]) > 0:
            return ODD
        if other[S_HAS_GAP] and d != conn[C_CLIENT]:
            return ODD
        if conn[C_HELD_COUNT] or not is_due:
            if size < length:
                return ODD
            return _put_aside(s, row, d, before, b, after, a, size, seq, packet, offset)
    elif conn[C_HELD_COUNT] or not is_due:
        return ODD
    sure = conn[C_SURE]
    if begins:
        side[S_NEXT] = side[S_REACHED] = seq
        conn[C_SURE] = 0
    found = read_segment(s, row, d, before, b, after, a, size, length, seq, packet, offset)
    if found == ODD and begins:
        side[S_NEXT] = side[S_REACHED] = NONE
        conn[C_SURE] = sure
    return found


@inner
def save(s: State, row: int) -> None:
    """Remember a connection as it is."""
    for i in range(C_COLUMNS):
        s.saved[i] = s.rows[row, i]
    for i in range(S_COLUMNS):
        s.saved[C_COLUMNS + i] = s.sides[2 * row, i]
        s.saved[C_COLUMNS + S_COLUMNS + i] = s.sides[2 * row + 1, i]


@inner
def restore(s: State, row: int) -> None:
    """Make a connection again what it was."""
    for i in range(C_COLUMNS):
        s.rows[row, i] = s.saved[i]
    for i in range(S_COLUMNS):
        s.sides[2 * row, i] = s.saved[C_COLUMNS + i]
        s.sides[2 * row + 1, i] = s.saved[C_COLUMNS + S_COLUMNS + i]


@inner
def read_segment(
    s: State,
    row: int,
    d: int,
    before: Bytes,
    b: int,
    after: Bytes,
    a: int,
    size: int,
    length: int,
    seq: int,
    packet: int,
    offset: int,
) -> int:
    """Read a segment whose turn it is; ODD leaves the connection as it was."""
    which = 2 * row + d
    side = s.sides[which]
    behind = distance(seq, side[S_NEXT])
    if behind:
        if behind > 0 or length > -behind or side[S_CONTRADICTORY]:
            return ODD
        return repeated(s, which, before, b, after, a, size, length, seq)
    sure = s.rows[row, C_SURE]
    runs = find_runs(s, after, a, size)
    if runs == ODD or (sure and size < length):
        return ODD
    if not (sure and runs == 0 and read_body(s, which, size)):
        save(s, row)
        found = TAKEN
        if sure:
            found = read_strictly(s, row, d, before, b, after, a, size, packet, offset)
        elif size:
            found = read_loosely(s, row, d, before, b, after, a, size, packet, offset)
        if found != ODD and size < length:
            found = skip(s, row, d, length - size)
        if found == ODD:
            restore(s, row)
            return ODD
    advance(s, which, before, b, size, length, seq, runs)
    return TAKEN


@inner
def _put_aside(
    s: State,
    row: int,
    d: int,
    before: Bytes,
    b: int,
    after: Bytes,
    a: int,
    size: int,
    seq: int,
    packet: int,
    offset: int,
) -> int:
    m, conn, side, other = s.m, s.rows[row], s.sides[2 * row + d], s.sides[2 * row + 1 - d]
    count, waiting = side[S_HELD_COUNT] + 1, side[S_HELD_BYTES] + size
    if conn[C_HELD_COUNT] == MAX_HELD or m[M_WAITING_BYTES] + size > m[M_MAX_WAITING]:
        return ODD
    if count * 2 > m[M_REORDER_SEGMENTS] or waiting * 2 > m[M_REORDER_BYTES]:
        return ODD
    place = new_held(s)
    segment = s.held[place]
    segment[H_NEXT] = conn[C_HELD_FIRST]
    segment[H_SIDE], segment[H_SEQ], segment[H_SIZE] = d, seq, size
    segment[H_PACKET], segment[H_OFFSET], segment[H_ARRIVED] = packet, offset, m[M_ARRIVED]
    segment[H_AT] = take(s, 2 * size)
    copy(s.arena, segment[H_AT], before, b, size)
    copy(s.arena, segment[H_AT] + size, after, a, size)
    conn[C_HELD_FIRST] = place
    conn[C_HELD_COUNT] += 1
    side[S_HELD_COUNT], side[S_HELD_BYTES] = count, waiting
    m[M_WAITING_BYTES] += size
    if distance(seq, side[S_REACHED]) > 0:
        side[S_HAS_GAP] = 1
    else:
        _reach(s, row, d)
    if side[S_HAS_GAP] or other[S_HAS_GAP]:
        return TAKEN
    return _release(s, row)


@inner
def _reach(s: State, row: int, d: int) -> None:
    """Find the next byte when what waits without a gap is counted in, and whether there is one."""
    side = s.sides[2 * row + d]
    moved, has_gap = True, False
    while moved:
        moved, has_gap = False, False
        place = s.rows[row, C_HELD_FIRST]
        while place != NONE:
            segment = s.held[place]
            place = segment[H_NEXT]
            if segment[H_SIDE] != d:
                continue
            if distance(segment[H_SEQ], side[S_REACHED]) > 0:
                has_gap = True
            elif distance(segment[H_SEQ] + segment[H_SIZE], side[S_REACHED]) > 0:
                side[S_REACHED] = (segment[H_SEQ] + segment[H_SIZE]) & (SPACE - 1)
                moved = True
    side[S_HAS_GAP] = has_gap


@inner
def _release(s: State, row: int) -> int:
    """Read all that waits, in the order in which it was sent."""
    if not _in_order(s, row):
        return RELEASE
    count = s.m[M_ORDERED]
    for which in (2 * row, 2 * row + 1):
        side = s.sides[which]
        s.m[M_WAITING_BYTES] -= side[S_HELD_BYTES]
        side[S_HELD_COUNT] = side[S_HELD_BYTES] = 0
    for i in range(count):
        segment = s.held[s.order[i]]
        size = segment[H_SIZE]
        found = read_segment(
            s,
            row,
            segment[H_SIDE],
            s.arena,
            segment[H_AT],
            s.arena,
            segment[H_AT] + size,
            size,
            size,
            segment[H_SEQ],
            segment[H_PACKET],
            segment[H_OFFSET],
        )
        if found == ODD:
            # those before were read; the caller reads on from here
            for k in range(count - i):
                s.order[k] = s.order[i + k]
            s.m[M_ORDERED] = count - i
            return READ
    free_all_held(s, row)
    return TAKEN


@inner
def _in_order(s: State, row: int) -> bool:
    """Order what waits; False where segments of a side have bytes in common."""
    count = 0
    for d in (0, 1):
        first = count
        place = s.rows[row, C_HELD_FIRST]
        while place != NONE:
            if s.held[place, H_SIDE] == d:
                s.order[count] = place
                count += 1
            place = s.held[place, H_NEXT]
        _sort_by_seq(s, first, count, s.sides[2 * row + d, S_NEXT])
        for i in range(first + 1, count):
            last, segment = s.held[s.order[i - 1]], s.held[s.order[i]]
            if distance(last[H_SEQ] + last[H_SIZE], segment[H_SEQ]) > 0:
                return False
        # each was sent before those behind it
        for i in range(count - 2, first - 1, -1):
            segment, following = s.held[s.order[i]], s.held[s.order[i + 1]]
            segment[H_ARRIVED] = min(segment[H_ARRIVED], following[H_ARRIVED])
    for i in range(1, count):
        place, at = s.order[i], i
        while at and s.held[s.order[at - 1], H_ARRIVED] > s.held[place, H_ARRIVED]:
            s.order[at] = s.order[at - 1]
            at -= 1
        s.order[at] = place
    s.m[M_ORDERED] = count
    return True


@inner
def _sort_by_seq(s: State, first: int, end: int, origin: int) -> None:
    """Sort by distance from ``origin``, then by arrival."""
    for i in range(first + 1, end):
        place, at = s.order[i], i
        behind, arrived = distance(s.held[place, H_SEQ], origin), s.held[place, H_ARRIVED]
        while at > first:
            other = s.order[at - 1]
            apart = distance(s.held[other, H_SEQ], origin)
            if apart < behind or (apart == behind and s.held[other, H_ARRIVED] <= arrived):
                break
            s.order[at] = other
            at -= 1
        s.order[at] = place
