"""The connections by key, and in the order in which they are forgotten.

A key is the lower end's address in two words, the other one's, and family and ports in one; words
are signed.  Open and closed connections are two lists, the oldest one first.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.state import (
    C_BEFORE,
    C_BEHIND,
    C_CLIENT,
    C_CLOSED,
    C_HELD_FIRST,
    C_LAST_NS,
    C_STATE,
    C_SURE,
    FREE,
    HERE,
    KEY_WORDS,
    M_CLOSED_FIRST,
    M_FORGOT_ALL,
    M_FORGOTTEN,
    M_FREE_ROW,
    M_KEY,
    M_OPEN_FIRST,
    M_OPEN_LAST,
    M_ROWS_USED,
    M_SEED,
    NONE,
    S_FIN,
    S_ISN,
    S_NEXT,
    S_REACHED,
    S_RUN_FIRST,
    S_RUN_LAST,
    S_STRICT,
    Numbers,
    State,
)

MAX_FORGOTTEN = 1 << 16
NO_TIME = -(1 << 63)


@inner
def hashed(key: Numbers, first: int, seed: int) -> int:
    """Return a number from 0 on that the seed makes hard to foresee."""
    found = np.int64(seed)
    for i in range(KEY_WORDS):
        found = (found ^ key[first + i]) * np.int64(0x9E3779B97F4A7C5)
        found ^= (found >> 29) & np.int64(0x7FFFFFFFF)
    return int(found & np.int64(0x7FFFFFFFFFFFFFFF))


@inner
def find(s: State) -> int:
    """Return the row of the key in the registers, or NONE."""
    mask = len(s.slots) - 1
    slot = hashed(s.m, M_KEY, s.m[M_SEED]) & mask
    while s.slots[slot]:
        row = int(s.slots[slot]) - 1
        equal = True
        for i in range(KEY_WORDS):
            equal &= s.rows[row, i] == s.m[M_KEY + i]
        if equal:
            return row
        slot = (slot + 1) & mask
    return NONE


@inner
def insert(s: State) -> int:
    """Return a new open connection's row with the key in the registers; there is room for it."""
    m = s.m
    row = m[M_FREE_ROW]
    if row != NONE:
        m[M_FREE_ROW] = s.rows[row, C_BEHIND]
    else:
        row = m[M_ROWS_USED]
        m[M_ROWS_USED] += 1
    clear(s, row)
    for i in range(KEY_WORDS):
        s.rows[row, i] = m[M_KEY + i]
    s.rows[row, C_STATE] = HERE
    s.rows[row, C_LAST_NS] = NO_TIME
    mask = len(s.slots) - 1
    slot = hashed(m, M_KEY, m[M_SEED]) & mask
    while s.slots[slot]:
        slot = (slot + 1) & mask
    s.slots[slot] = row + 1
    append(s, row, M_OPEN_FIRST)
    return int(row)


@inner
def clear(s: State, row: int) -> None:
    """Make a row that of a connection of which nothing is known."""
    s.rows[row, :] = 0
    s.rows[row, C_SURE] = 1
    s.rows[row, C_CLIENT] = NONE
    s.rows[row, C_HELD_FIRST] = NONE
    for which in range(2 * row, 2 * row + 2):
        side = s.sides[which]
        side[:] = 0
        side[S_ISN] = side[S_NEXT] = side[S_FIN] = side[S_REACHED] = NONE
        side[S_RUN_FIRST] = side[S_RUN_LAST] = NONE
        side[S_STRICT] = 1


@inner
def rebuild(s: State) -> None:
    """Fill new ``slots`` from the rows."""
    s.slots[:] = 0
    mask = len(s.slots) - 1
    for row in range(s.m[M_ROWS_USED]):
        if s.rows[row, C_STATE] != FREE:
            slot = hashed(s.rows[row], 0, s.m[M_SEED]) & mask
            while s.slots[slot]:
                slot = (slot + 1) & mask
            s.slots[slot] = row + 1


@inner
def remove(s: State, row: int) -> None:
    """Take a connection out; nothing hangs on it any more."""
    unlink(s, row)
    mask = len(s.slots) - 1
    slot = hashed(s.rows[row], 0, s.m[M_SEED]) & mask
    while int(s.slots[slot]) - 1 != row:
        slot = (slot + 1) & mask
    # those behind move up, as far as that brings them nearer to where they belong
    behind = (slot + 1) & mask
    while s.slots[behind]:
        home = hashed(s.rows[int(s.slots[behind]) - 1], 0, s.m[M_SEED]) & mask
        if (behind - home) & mask >= (behind - slot) & mask:
            s.slots[slot] = s.slots[behind]
            slot = behind
        behind = (behind + 1) & mask
    s.slots[slot] = 0
    s.rows[row, C_STATE] = FREE
    s.rows[row, C_BEHIND] = s.m[M_FREE_ROW]
    s.m[M_FREE_ROW] = row


@inner
def append(s: State, row: int, first: int) -> None:
    """Put a row at the end of the list whose registers begin at ``first``."""
    last = s.m[first + 1]
    s.rows[row, C_BEFORE] = last
    s.rows[row, C_BEHIND] = NONE
    s.rows[row, C_CLOSED] = first == M_CLOSED_FIRST
    if last == NONE:
        s.m[first] = row
    else:
        s.rows[last, C_BEHIND] = row
    s.m[first + 1] = row
    s.m[first + 2] += 1


@inner
def unlink(s: State, row: int) -> None:
    """Take a row out of its list."""
    first = M_CLOSED_FIRST if s.rows[row, C_CLOSED] else M_OPEN_FIRST
    before, behind = s.rows[row, C_BEFORE], s.rows[row, C_BEHIND]
    if before == NONE:
        s.m[first] = behind
    else:
        s.rows[before, C_BEHIND] = behind
    if behind == NONE:
        s.m[first + 1] = before
    else:
        s.rows[behind, C_BEFORE] = before
    s.m[first + 2] -= 1


@inner
def touch(s: State, row: int) -> None:
    """An open connection was heard of: it is forgotten last."""
    if not s.rows[row, C_CLOSED] and s.m[M_OPEN_LAST] != row:
        unlink(s, row)
        append(s, row, M_OPEN_FIRST)


@inner
def close(s: State, row: int) -> None:
    """An open connection is closed now."""
    unlink(s, row)
    append(s, row, M_CLOSED_FIRST)


@inner
def forget_key(s: State, key: Numbers, first: int) -> None:
    """Note that a connection with this key was forgotten; past a bound any may have been."""
    if s.m[M_FORGOT_ALL]:
        return
    slot = _forgotten_slot(s, key, first)
    if s.forgotten[slot, KEY_WORDS]:
        return
    if s.m[M_FORGOTTEN] == MAX_FORGOTTEN:
        s.m[M_FORGOT_ALL] = 1
        return
    for i in range(KEY_WORDS):
        s.forgotten[slot, i] = key[first + i]
    s.forgotten[slot, KEY_WORDS] = 1
    s.m[M_FORGOTTEN] += 1


@inner
def is_forgotten(s: State) -> bool:
    """Whether a connection with the key in the registers may have been forgotten."""
    if s.m[M_FORGOT_ALL]:
        return True
    return bool(s.forgotten[_forgotten_slot(s, s.m, M_KEY), KEY_WORDS])


@inner
def _forgotten_slot(s: State, key: Numbers, first: int) -> int:
    mask = len(s.forgotten) - 1
    slot = hashed(key, first, s.m[M_SEED]) & mask
    while s.forgotten[slot, KEY_WORDS]:
        equal = True
        for i in range(KEY_WORDS):
            equal &= s.forgotten[slot, i] == key[first + i]
        if equal:
            break
        slot = (slot + 1) & mask
    return slot
