"""Rows found by their key, and lists of rows: the oldest first.

Belongs here: hashing, chains, lists.  Must not be known here: what rows hold besides.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.state import (
    K_CHAIN,
    K_NEXT,
    K_PREVIOUS,
    KEY_WORDS,
    NONE,
    Numbers,
)


@inner
def slot_of(m: Numbers, key: int, count: int) -> int:
    """Return the slot of the key at address ``key``; the number of slots is a power of two."""
    mixed = 0
    for at in range(KEY_WORDS):
        word = int(m[key + at])
        # 31 bits by 32: no product is cut off
        mixed = ((mixed ^ word) & 0x7FFFFFFF) * 0x9E3779B1
        mixed = ((mixed >> 24 ^ word >> 32) & 0x7FFFFFFF) * 0x9E3779B1
        mixed ^= mixed >> 29
    return mixed & (count - 1)


@inner
def find(m: Numbers, table: int, key: int) -> int:
    """Return the row of a key in the table whose slots are told in registers, or NONE."""
    row = int(m[m[table] + slot_of(m, key, int(m[table + 1]))])
    while row != NONE:
        if (
            m[row] == m[key]
            and m[row + 1] == m[key + 1]
            and m[row + 2] == m[key + 2]
            and m[row + 3] == m[key + 3]
            and m[row + 4] == m[key + 4]
        ):
            return row
        row = int(m[row + K_CHAIN])
    return NONE


@inner
def enter(m: Numbers, table: int, row: int) -> None:
    """Make a row findable, whose key is set."""
    slot = int(m[table]) + slot_of(m, row, int(m[table + 1]))
    m[row + K_CHAIN] = m[slot]
    m[slot] = row


@inner
def remove(m: Numbers, table: int, row: int) -> None:
    """Make a row unfindable."""
    slot = int(m[table]) + slot_of(m, row, int(m[table + 1]))
    at = int(m[slot])
    if at == row:
        m[slot] = m[row + K_CHAIN]
        return
    while int(m[at + K_CHAIN]) != row:
        at = int(m[at + K_CHAIN])
    m[at + K_CHAIN] = m[row + K_CHAIN]


@inner
def enter_list(m: Numbers, table: int, ends: int) -> None:
    """Enter all rows of a list, into slots that are new."""
    row = int(m[ends])
    while row != NONE:
        enter(m, table, row)
        row = int(m[row + K_NEXT])


@inner
def append(m: Numbers, ends: int, row: int) -> None:
    """Put a row at the end of a list; ``ends`` is the register of its first, last and count."""
    last = int(m[ends + 1])
    m[row + K_PREVIOUS] = last
    m[row + K_NEXT] = NONE
    if last == NONE:
        m[ends] = row
    else:
        m[last + K_NEXT] = row
    m[ends + 1] = row
    m[ends + 2] += 1


@inner
def take_out(m: Numbers, ends: int, row: int) -> None:
    """Take a row out of its list."""
    previous, following = int(m[row + K_PREVIOUS]), int(m[row + K_NEXT])
    if previous == NONE:
        m[ends] = following
    else:
        m[previous + K_NEXT] = following
    if following == NONE:
        m[ends + 1] = previous
    else:
        m[following + K_PREVIOUS] = previous
    m[ends + 2] -= 1
