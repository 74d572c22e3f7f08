"""The arrays that the kernels work on: made for options and limits, grown when they are full."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimming.engine.options import TrimOptions
from trimming.engine.verification.connections import NS, max_closed, max_open
from trimming.engine.verification.kernels import calls
from trimming.engine.verification.kernels import state as columns
from trimming.engine.verification.kernels.state import Bytes, Numbers, State
from trimming.engine.verification.roster import MAX_FORGOTTEN

FIRST_ROWS = 1 << 10
FIRST_NODES = 1 << 16
FIRST_HELD = 1 << 8
FIRST_ARENA_BYTES = 1 << 21
FORGOTTEN_SLOTS = 2 * MAX_FORGOTTEN
LARGEST = 1 << 62
NO_BYTES = np.empty(0, np.uint8)


def ask(state: State, task: int, a: int = 0, b: int = 0, d: int = 0, text: Bytes = NO_BYTES) -> int:
    """Have a task of ``calls`` done; return its number, if it has one."""
    return int(calls.call(state, task, a, b, d, text))


def new_state(options: TrimOptions) -> State:
    """Return the arrays of a verification that begins."""
    sides = 2 * columns.S_COLUMNS
    return State(
        m=_registers(options),
        rows=np.zeros((FIRST_ROWS, columns.C_COLUMNS), np.int64),
        sides=np.zeros((2 * FIRST_ROWS, columns.S_COLUMNS), np.int64),
        slots=np.zeros(4 * FIRST_ROWS, np.int32),
        forgotten=np.zeros((FORGOTTEN_SLOTS, columns.KEY_WORDS + 1), np.int64),
        held=np.zeros((FIRST_HELD, columns.H_COLUMNS), np.int64),
        low=np.zeros(FIRST_NODES, np.int64),
        nodes=np.zeros((FIRST_NODES, 2), np.int32),
        arena=np.empty(FIRST_ARENA_BYTES, np.uint8),
        runs=np.zeros(2 * columns.MAX_RUNS, np.int64),
        saved=np.zeros(columns.C_COLUMNS + sides, np.int64),
        order=np.zeros(columns.MAX_HELD, np.int64),
    )


def _registers(options: TrimOptions) -> Numbers:
    limits = options.limits
    m = np.zeros(columns.M_COUNT, np.int64)
    for register in (
        columns.M_OPEN_FIRST,
        columns.M_OPEN_LAST,
        columns.M_CLOSED_FIRST,
        columns.M_CLOSED_LAST,
        columns.M_FREE_ROW,
        columns.M_FREE_NODE,
        columns.M_FREE_HELD,
    ):
        m[register] = columns.NONE
    m[columns.M_SEED] = int.from_bytes(os.urandom(7), "little")
    m[columns.M_MAX_OPEN] = min(max_open(limits), LARGEST)
    m[columns.M_MAX_CLOSED] = min(max_closed(limits), LARGEST)
    m[columns.M_IDLE_NS] = min(limits.idle_seconds * NS // 2, LARGEST)
    m[columns.M_MAX_WAITING] = min(limits.reorder_total_bytes // 2, LARGEST)
    m[columns.M_REORDER_SEGMENTS] = min(limits.reorder_segments, LARGEST // 4)
    m[columns.M_REORDER_BYTES] = min(limits.reorder_bytes, LARGEST // 4)
    kept = max(options.body_keep_bytes, options.error_body_keep_bytes)
    m[columns.M_KEEP_BYTES] = min(kept, LARGEST // 4)
    m[columns.M_REDACTS] = bool(options.redact_fields or options.redact_targets)
    return m


def grown(state: State, reason: int) -> State:
    """Return the arrays with more room, as ``scan`` asked for with GROW_*."""
    if reason == columns.GROW_ROWS:
        return _with_rows(state)
    if reason == columns.GROW_NODES:
        return state._replace(low=_doubled(state.low), nodes=_doubled(state.nodes))
    if reason == columns.GROW_HELD:
        return state._replace(held=_doubled(state.held))
    return packed(state, int(state.m[columns.M_WANTED]))


def with_room(state: State, arena_bytes: int, nodes: int) -> State:
    """Return the arrays with room for what comes from outside."""
    m = state.m
    while m[columns.M_NODES_FREE] + len(state.nodes) - m[columns.M_NODES_USED] < nodes:
        state = grown(state, columns.GROW_NODES)
    if len(state.arena) - m[columns.M_ARENA_USED] < arena_bytes:
        state = packed(state, arena_bytes)
    return state


def packed(state: State, wanted: int) -> State:
    """Return the arrays with an arena in which ``wanted`` bytes are free."""
    needed = 2 * (ask(state, calls.LIVE_BYTES) + wanted)
    arena = np.empty(max(FIRST_ARENA_BYTES, needed), np.uint8)
    ask(state, calls.PACK, text=arena)
    return state._replace(arena=arena)


def _with_rows(state: State) -> State:
    count = 2 * len(state.rows)
    state = state._replace(
        rows=_doubled(state.rows),
        sides=_doubled(state.sides),
        slots=np.zeros(4 * count, np.int32),
    )
    ask(state, calls.REBUILD)
    return state


def _doubled(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((array, np.zeros_like(array)))
