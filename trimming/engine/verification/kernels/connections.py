"""Segments to their connections: which one, whether it is new, and what is forgotten for it.

Says the same as ``Connections.add``, or ODD.  What was done before is then what the caller does
first as well, and doing it twice changes nothing.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.history import SPACE, distance
from trimming.engine.verification.kernels.loosely import lose
from trimming.engine.verification.kernels.state import (
    C_CLIENT,
    C_CLOSED,
    C_HELD_COUNT,
    C_LAST_NS,
    C_STATE,
    C_SURE,
    DONE,
    HERE,
    M_CLOSED_COUNT,
    M_CLOSED_FIRST,
    M_CONNECTION,
    M_FLAGS,
    M_FREE_ROW,
    M_HEADER_BLOCKS,
    M_HTTP_STREAMS,
    M_IDLE_NS,
    M_LENGTH,
    M_MAX_CLOSED,
    M_MAX_OPEN,
    M_OPEN_COUNT,
    M_OPEN_FIRST,
    M_REORDER_BYTES,
    M_ROWS_USED,
    M_SEQ,
    M_SIDE,
    M_TIME,
    NONE,
    ODD,
    S_CARRY_SIZE,
    S_FIN,
    S_GRAMMAR_HEADS,
    S_HEADS,
    S_ISN,
    S_NEXT,
    S_REACHED,
    S_RECOGNISED,
    TAKEN,
    State,
)
from trimming.engine.verification.kernels.store import free_runs
from trimming.engine.verification.kernels.table import (
    NO_TIME,
    close,
    find,
    forget_key,
    insert,
    is_forgotten,
    remove,
    touch,
)

FIN, SYN, RST, ACK = 1, 2, 4, 16
LARGEST_TIME = 1 << 61


@inner
def is_simple(s: State, row: int) -> bool:
    """Whether the end of a connection has nothing to say: all was read, and nothing is held."""
    if s.rows[row, C_STATE] != HERE or s.rows[row, C_HELD_COUNT]:
        return False
    return not (s.sides[2 * row, S_CARRY_SIZE] or s.sides[2 * row + 1, S_CARRY_SIZE])


@inner
def finish(s: State, row: int) -> int:
    """Count a connection and take it out; ODD where its end has to be judged."""
    if not is_simple(s, row):
        return ODD
    for which in (2 * row, 2 * row + 1):
        side = s.sides[which]
        s.m[M_HTTP_STREAMS] += side[S_RECOGNISED]
        s.m[M_HEADER_BLOCKS] += side[S_HEADS] + side[S_GRAMMAR_HEADS]
        free_runs(s, which)
    remove(s, row)
    return TAKEN


@inner
def finish_all(s: State) -> int:
    """Finish the connections, open ones first; return the first that is ODD, or NONE."""
    for first in (M_OPEN_FIRST, M_CLOSED_FIRST):
        while s.m[first] != NONE:
            row = s.m[first]
            if finish(s, row) == ODD:
                return int(row)
    return NONE


@inner
def _forget(s: State, row: int) -> int:
    """Finish a connection that may go on."""
    if not is_simple(s, row):
        return ODD
    forget_key(s, s.rows[row], 0)
    return finish(s, row)


@inner
def _is_idle(s: State, row: int) -> bool:
    last, now = s.rows[row, C_LAST_NS], s.m[M_TIME]
    if last == NO_TIME or now == NO_TIME:
        return False
    return bool(abs(now - last) > s.m[M_IDLE_NS])


@inner
def route(s: State) -> int:
    """Find or open the connection of the segment in the registers.

    Returns DONE with its row in the registers (NONE: nothing to do), GROW_ROWS, or ODD.
    """
    m = s.m
    if abs(m[M_TIME]) > LARGEST_TIME and m[M_TIME] != NO_TIME:
        return ODD
    row = find(s)
    m[M_CONNECTION] = row
    if row != NONE:
        if s.rows[row, C_STATE] != HERE:
            return ODD
        touch(s, row)
        if _is_idle(s, row):
            if _forget(s, row) == ODD:
                return ODD
            row = NONE
    if m[M_FLAGS] & SYN:
        if row != NONE and _is_another(s, row):
            if finish(s, row) == ODD:
                return ODD
            row = NONE
    elif row == NONE and m[M_LENGTH] == 0:
        m[M_CONNECTION] = NONE
        return DONE
    if row == NONE:
        row = _open(s)
        if row < 0:
            return row
    if m[M_FLAGS] & SYN and _synchronise(s, row) == ODD:
        return ODD
    s.rows[row, C_LAST_NS] = m[M_TIME]
    m[M_CONNECTION] = row
    return DONE


@inner
def _open(s: State) -> int:
    """Return the row of a new connection; ODD, or -2 where there is no row."""
    m = s.m
    while m[M_OPEN_COUNT] >= m[M_MAX_OPEN]:
        if _forget(s, m[M_OPEN_FIRST]) == ODD:
            return ODD
    if m[M_FREE_ROW] == NONE and m[M_ROWS_USED] == len(s.rows):
        return -2
    row = insert(s)
    if not m[M_FLAGS] & SYN:
        s.rows[row, C_SURE] = 0
        if is_forgotten(s):
            lose(s, row)
    return row


@inner
def _is_another(s: State, row: int) -> bool:
    """Whether the SYN opens another connection."""
    side, seq = s.sides[2 * row + s.m[M_SIDE]], s.m[M_SEQ]
    if side[S_ISN] != NONE:
        return bool(side[S_ISN] != seq)
    if side[S_NEXT] == NONE:
        return False
    behind = distance(side[S_NEXT], seq + 1)
    return bool(behind < 0 or behind >= 2 * s.m[M_REORDER_BYTES])


@inner
def _synchronise(s: State, row: int) -> int:
    """Take a SYN; ODD where data or another SYN contradict it."""
    m, d = s.m, s.m[M_SIDE]
    side, conn = s.sides[2 * row + d], s.rows[row]
    if side[S_ISN] != NONE:
        return TAKEN
    client = 1 - d if m[M_FLAGS] & ACK else d
    if side[S_NEXT] != NONE or conn[C_CLIENT] == 1 - client:
        return ODD
    side[S_ISN] = m[M_SEQ]
    side[S_NEXT] = side[S_REACHED] = (m[M_SEQ] + 1) & (SPACE - 1)
    conn[C_CLIENT] = client
    return TAKEN


@inner
def may_close(s: State, row: int) -> bool:
    """Whether the end of a connection can be noted: what is forgotten for it must be simple."""
    m = s.m
    if s.rows[row, C_CLOSED] or m[M_CLOSED_COUNT] < m[M_MAX_CLOSED]:
        return True
    return is_simple(s, m[M_CLOSED_FIRST])


@inner
def note_end(s: State, row: int) -> None:
    """Take a FIN or RST, which ``may_close`` allows."""
    m = s.m
    if m[M_FLAGS] & FIN:
        begin = m[M_SEQ] + 1 if m[M_FLAGS] & SYN else m[M_SEQ]
        s.sides[2 * row + m[M_SIDE], S_FIN] = (begin + m[M_LENGTH]) & (SPACE - 1)
    if s.rows[row, C_CLOSED]:
        return
    close(s, row)
    while m[M_CLOSED_COUNT] > m[M_MAX_CLOSED]:
        _forget(s, m[M_CLOSED_FIRST])
