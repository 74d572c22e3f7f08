"""What was decided about the bytes that went by, so that copies are treated alike."""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.heap import give_back, larger, take_block
from trimming.engine.strategies.scanning.kernels.output import BODY, OTHER, UNCERTAIN
from trimming.engine.strategies.scanning.kernels.state import (
    D_FORGOTTEN,
    D_HAS_FORGOTTEN,
    D_HISTORY,
    D_HISTORY_BYTES,
    D_HISTORY_LAST,
    D_HISTORY_RUNS,
    H_CLASS,
    H_DATA,
    H_END,
    H_LENGTH,
    H_OLDER,
    H_START,
    N_NEXT,
    NONE,
    O_HISTORY_BYTES,
    O_HISTORY_RUNS,
    O_HISTORY_TOTAL,
    R_HISTORY_BYTES,
    T_HISTORY_BYTES,
    T_HISTORY_RUNS,
    T_HISTORY_TOTAL,
    Bytes,
    Numbers,
)

RUN_BYTES = 4000
TENTATIVE = 256


@inner
def remember(
    m: Numbers,
    direction: int,
    start: int,
    length: int,
    byte_class: int,
    tentative: int,
    text: Bytes,
    place: int,
) -> None:
    """Note that ``length`` bytes at ``start`` of the stream are of a class.

    They are ``text[place:]``, and are kept where the class keeps them.
    """
    kept = byte_class != BODY and byte_class != OTHER and byte_class != UNCERTAIN
    told = byte_class + TENTATIVE * tentative
    while length:
        taken = min(length, RUN_BYTES) if kept else length
        last = int(m[direction + D_HISTORY_LAST])
        joins = False
        if last != NONE and m[last + H_CLASS] == told:
            joins = m[last + H_END] == start
            if joins and kept:
                taken = min(length, RUN_BYTES - int(m[last + H_LENGTH]))
                joins = taken > 0
        if not joins:
            taken = min(length, RUN_BYTES) if kept else length
            last = _new_run(m, direction, start, told, kept, taken)
        if kept:
            last = _append_bytes(m, direction, last, text, place, taken)
        m[last + H_END] = start + taken
        start += taken
        place += taken
        length -= taken
        _bound(m, direction)


@inner
def _new_run(m: Numbers, direction: int, start: int, told: int, kept: bool, length: int) -> int:
    run = take_block(m, H_DATA + (length + 7) // 8 if kept else H_DATA)
    last = int(m[direction + D_HISTORY_LAST])
    m[run + N_NEXT] = NONE
    m[run + H_OLDER] = last
    m[run + H_START] = start
    m[run + H_END] = start
    m[run + H_CLASS] = told
    m[run + H_LENGTH] = 0 if kept else NONE
    if last == NONE:
        m[direction + D_HISTORY] = run
    else:
        m[last + N_NEXT] = run
    m[direction + D_HISTORY_LAST] = run
    m[direction + D_HISTORY_RUNS] += 1
    return run


@inner
def _append_bytes(
    m: Numbers, direction: int, run: int, text: Bytes, place: int, length: int
) -> int:
    used = int(m[run + H_LENGTH])
    grown = larger(m, run, H_DATA + (used + length + 7) // 8, H_DATA + (used + 7) // 8)
    if grown != run:
        older = int(m[grown + H_OLDER])
        if older == NONE:
            m[direction + D_HISTORY] = grown
        else:
            m[older + N_NEXT] = grown
        m[direction + D_HISTORY_LAST] = grown
    base = (grown + H_DATA) * 8 + used
    for at in range(length):
        m.view(np.uint8)[base + at] = text[place + at]
    m[grown + H_LENGTH] = used + length
    m[direction + D_HISTORY_BYTES] += length
    m[R_HISTORY_BYTES] += length
    return grown


@inner
def _bound(m: Numbers, direction: int) -> None:
    """Forget the oldest where a limit is met."""
    most = int(m[O_HISTORY_RUNS])
    if m[direction + D_HISTORY_RUNS] > most:
        m[T_HISTORY_RUNS] += 1
        for _ in range(max(1, most // 2)):
            _forget_oldest(m, direction)
    if m[direction + D_HISTORY_BYTES] > m[O_HISTORY_BYTES]:
        m[T_HISTORY_BYTES] += 1
        while m[direction + D_HISTORY_BYTES] > m[O_HISTORY_BYTES]:
            _forget_oldest(m, direction)
    if m[R_HISTORY_BYTES] > m[O_HISTORY_TOTAL]:
        m[T_HISTORY_TOTAL] += 1
        while m[direction + D_HISTORY_BYTES] and m[R_HISTORY_BYTES] > m[O_HISTORY_TOTAL]:
            _forget_oldest(m, direction)


@inner
def _forget_oldest(m: Numbers, direction: int) -> None:
    run = int(m[direction + D_HISTORY])
    m[direction + D_HAS_FORGOTTEN] = 1
    m[direction + D_FORGOTTEN] = m[run + H_END]
    _drop_oldest(m, direction)


@inner
def _drop_oldest(m: Numbers, direction: int) -> None:
    run = int(m[direction + D_HISTORY])
    following = int(m[run + N_NEXT])
    m[direction + D_HISTORY] = following
    if following == NONE:
        m[direction + D_HISTORY_LAST] = NONE
    else:
        m[following + H_OLDER] = NONE
    length = max(0, int(m[run + H_LENGTH]))
    m[direction + D_HISTORY_RUNS] -= 1
    m[direction + D_HISTORY_BYTES] -= length
    m[R_HISTORY_BYTES] -= length
    give_back(m, run)


@inner
def drop_history(m: Numbers, direction: int) -> None:
    """Give back all that is remembered of a direction."""
    while m[direction + D_HISTORY] != NONE:
        _drop_oldest(m, direction)


@inner
def run_at(m: Numbers, direction: int, at: int) -> int:
    """Return the run that holds the byte at ``at``, else the latest before it; NONE without one.

    Copies are mostly of bytes that just went by, so the search goes backwards.
    """
    run = int(m[direction + D_HISTORY_LAST])
    while run != NONE and m[run + H_START] > at:
        run = int(m[run + H_OLDER])
    return run


@inner
def following_start(m: Numbers, direction: int, run: int, otherwise: int) -> int:
    """Return where the run behind ``run`` (NONE: the oldest) starts, or ``otherwise``."""
    found = int(m[direction + D_HISTORY]) if run == NONE else int(m[run + N_NEXT])
    return otherwise if found == NONE else int(m[found + H_START])


@inner
def holds_other_bytes(
    m: Numbers, run: int, start: int, length: int, text: Bytes, place: int
) -> bool:
    """Whether a run keeps other bytes at ``start`` of the stream than ``text[place:]``."""
    if m[run + H_LENGTH] == NONE:
        return False
    base = (run + H_DATA) * 8 + start - int(m[run + H_START])
    for at in range(length):
        if m.view(np.uint8)[base + at] != text[place + at]:
            return True
    return False
