"""Where bytes and lists are kept: an arena that is packed now and then, and free lists.

Belongs here: taking and giving back.  Who calls makes sure beforehand that there is room
(``has_room``): nothing here fails.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.octets import copy
from trimming.engine.verification.kernels.state import (
    C_HELD_COUNT,
    C_HELD_FIRST,
    C_STATE,
    DONE,
    GROW_ARENA,
    GROW_HELD,
    GROW_NODES,
    H_AT,
    H_NEXT,
    H_SIZE,
    HERE,
    M_ARENA_USED,
    M_FREE_HELD,
    M_FREE_NODE,
    M_HELD_FREE,
    M_HELD_USED,
    M_NODES_FREE,
    M_NODES_USED,
    M_ROWS_USED,
    M_WANTED,
    MAX_RUNS,
    NONE,
    S_CARRY_AT,
    S_CARRY_ROOM,
    S_CARRY_SIZE,
    S_HELD_BYTES,
    S_LAST_AT,
    S_LAST_ROOM,
    S_LAST_SIZE,
    S_RUN_BYTES,
    S_RUN_FIRST,
    S_RUN_LAST,
    S_RUNS,
    Bytes,
    State,
)

LEAST_ROOM = 64


@inner
def has_room(s: State, row: int, size: int) -> int:
    """Return DONE where a segment of ``size`` bytes can be taken whatever it does, or GROW_*."""
    m = s.m
    held = s.rows[row, C_HELD_COUNT]
    if m[M_NODES_FREE] + len(s.nodes) - m[M_NODES_USED] < (held + 1) * MAX_RUNS:
        return GROW_NODES
    if m[M_HELD_FREE] + len(s.held) - m[M_HELD_USED] < 1:
        return GROW_HELD
    m[M_WANTED] = _wanted_room(s, row, size)
    if len(s.arena) - m[M_ARENA_USED] < m[M_WANTED]:
        return GROW_ARENA
    return DONE


@inner
def _wanted_room(s: State, row: int, size: int) -> int:
    """Return how many bytes of the arena a segment may take, with all that it sets free."""
    waiting = size
    for which in (2 * row, 2 * row + 1):
        waiting += s.sides[which, S_HELD_BYTES] + s.sides[which, S_CARRY_SIZE]
    # a carry is kept twice; each taking rounds up to the double
    return 16 * waiting + 16 * LEAST_ROOM


@inner
def room_for(size: int) -> int:
    """Return what is taken for ``size`` bytes, so that they may grow."""
    room = LEAST_ROOM
    while room < size:
        room *= 2
    return room


@inner
def take(s: State, room: int) -> int:
    """Return where ``room`` bytes of the arena are free."""
    at = s.m[M_ARENA_USED]
    s.m[M_ARENA_USED] += room
    return int(at)


@inner
def keep_last(s: State, which: int, source: Bytes, at: int, size: int) -> None:
    """Keep the bytes of the segment that a side read last."""
    side = s.sides[which]
    if side[S_LAST_ROOM] < size:
        side[S_LAST_ROOM] = room_for(size)
        side[S_LAST_AT] = take(s, side[S_LAST_ROOM])
    copy(s.arena, side[S_LAST_AT], source, at, size)
    side[S_LAST_SIZE] = size


@inner
def grow_carry(s: State, which: int, size: int) -> None:
    """Make room for ``size`` bytes in a side's carry; what it holds stays."""
    side = s.sides[which]
    if side[S_CARRY_ROOM] >= size:
        return
    room = room_for(size)
    at = take(s, 2 * room)
    copy(s.arena, at, s.arena, side[S_CARRY_AT], side[S_CARRY_SIZE])
    old = side[S_CARRY_AT] + side[S_CARRY_ROOM]
    copy(s.arena, at + room, s.arena, old, side[S_CARRY_SIZE])
    side[S_CARRY_AT], side[S_CARRY_ROOM] = at, room


@inner
def new_node(s: State) -> int:
    """Return a node for a run of kept bytes."""
    m = s.m
    node = m[M_FREE_NODE]
    if node == NONE:
        node = m[M_NODES_USED]
        m[M_NODES_USED] += 1
    else:
        m[M_FREE_NODE] = s.nodes[node, 1]
        m[M_NODES_FREE] -= 1
    s.nodes[node, 1] = NONE
    return int(node)


@inner
def free_node(s: State, node: int) -> None:
    """Give a node back."""
    s.nodes[node, 1] = s.m[M_FREE_NODE]
    s.m[M_FREE_NODE] = node
    s.m[M_NODES_FREE] += 1


@inner
def free_runs(s: State, which: int) -> None:
    """Forget all kept runs of a side."""
    side = s.sides[which]
    node = side[S_RUN_FIRST]
    while node != NONE:
        following = s.nodes[node, 1]
        free_node(s, node)
        node = following
    side[S_RUN_FIRST] = side[S_RUN_LAST] = NONE
    side[S_RUNS] = side[S_RUN_BYTES] = 0


@inner
def new_held(s: State) -> int:
    """Return a place for a segment that is put aside."""
    m = s.m
    held = m[M_FREE_HELD]
    if held == NONE:
        held = m[M_HELD_USED]
        m[M_HELD_USED] += 1
    else:
        m[M_FREE_HELD] = s.held[held, H_NEXT]
        m[M_HELD_FREE] -= 1
    return int(held)


@inner
def free_all_held(s: State, row: int) -> None:
    """Give back the places of all segments that a connection put aside."""
    held = s.rows[row, C_HELD_FIRST]
    while held != NONE:
        following = s.held[held, H_NEXT]
        s.held[held, H_NEXT] = s.m[M_FREE_HELD]
        s.m[M_FREE_HELD] = held
        s.m[M_HELD_FREE] += 1
        held = following
    s.rows[row, C_HELD_FIRST] = NONE
    s.rows[row, C_HELD_COUNT] = 0


@inner
def live_bytes(s: State) -> int:
    """Return how many bytes of the arena are in use."""
    total = 0
    for row in range(s.m[M_ROWS_USED]):
        if s.rows[row, C_STATE] != HERE:
            continue
        for which in (2 * row, 2 * row + 1):
            side = s.sides[which]
            total += side[S_LAST_ROOM] + 2 * side[S_CARRY_ROOM]
        held = s.rows[row, C_HELD_FIRST]
        while held != NONE:
            total += 2 * s.held[held, H_SIZE]
            held = s.held[held, H_NEXT]
    return int(total)


@inner
def pack(s: State, target: Bytes) -> None:
    """Copy what is in use into a new arena, each with no more room than it needs."""
    used = 0
    for row in range(s.m[M_ROWS_USED]):
        if s.rows[row, C_STATE] != HERE:
            continue
        for which in (2 * row, 2 * row + 1):
            used = _pack_side(s, which, target, used)
        held = s.rows[row, C_HELD_FIRST]
        while held != NONE:
            segment = s.held[held]
            copy(target, used, s.arena, segment[H_AT], 2 * segment[H_SIZE])
            segment[H_AT] = used
            used += 2 * segment[H_SIZE]
            held = segment[H_NEXT]
    s.m[M_ARENA_USED] = used


@inner
def _pack_side(s: State, which: int, target: Bytes, used: int) -> int:
    side = s.sides[which]
    size = side[S_LAST_SIZE]
    copy(target, used, s.arena, side[S_LAST_AT], size)
    side[S_LAST_AT], side[S_LAST_ROOM] = used, size
    used += size
    size = side[S_CARRY_SIZE]
    copy(target, used, s.arena, side[S_CARRY_AT], size)
    copy(target, used + size, s.arena, side[S_CARRY_AT] + side[S_CARRY_ROOM], size)
    side[S_CARRY_AT], side[S_CARRY_ROOM] = used, size
    return int(used + 2 * size)
