"""Bytes that are held back until a line or a decision is whole, and what a reader makes of them.

Belongs here: the buffer of a direction, where segments begin in it, what is left when nothing more
comes.  The reader itself is ``reader``.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.heap import give_back, larger, take_block
from trimming.engine.strategies.scanning.kernels.lines import (
    is_cut_field_line,
    is_cut_http,
    is_cut_start_line,
    is_nothing_but_cut_line,
    is_tab_or_space,
    start_line,
    without_end,
)
from trimming.engine.strategies.scanning.kernels.output import BODY
from trimming.engine.strategies.scanning.kernels.parts import UNCLASSED, keep_pending, plan_run
from trimming.engine.strategies.scanning.kernels.reader import (
    CHUNK_DATA,
    CLOSE,
    FIELDS,
    LENGTH,
    PROBE,
    SEEK,
    START,
    TRAILERS,
    TUNNEL,
    begin_message,
    content_ended,
    enter_probed_body,
    lose,
    read,
    seen,
)
from trimming.engine.strategies.scanning.kernels.redaction import (
    emit_field_line,
    emit_start_line,
)
from trimming.engine.strategies.scanning.kernels.state import (
    ALONE,
    BOUNDARIES,
    C_HTTP2,
    C_REAL,
    D_BOUNDARIES,
    D_BOUNDARIES_COUNT,
    D_FED,
    D_FIELD_KIND,
    D_HAS_FIELDS,
    D_HELD,
    D_HELD_LENGTH,
    D_REMAINING,
    D_SAMPLE_LEFT,
    D_SCANNED,
    D_STATE,
    NONE,
    O_MASK_OTHER,
    R_BOUNDARIES,
    R_KNOWN,
    R_SCANNED,
    R_UNKNOWN,
    T_LEFT_HTTP2,
    Bytes,
    Numbers,
)

MAX_BOUNDARIES = 64


@inner
def feed(m: Numbers, connection: int, direction: int, text: Bytes, place: int, length: int) -> None:
    """Take the next bytes of a direction, ``text[place:]``, which open a segment.

    Their part is in the registers.
    """
    held = int(m[direction + D_HELD_LENGTH])
    m[R_KNOWN] = held
    m[R_SCANNED] = m[direction + D_SCANNED] if held else 0
    m[direction + D_SCANNED] = 0
    _open_boundaries(m, direction, held)
    if held:
        _hold_more(m, direction, held, text, place, length)
        start = (int(m[direction + D_HELD]) + 1) * 8
        end = start + held + length
        m[direction + D_HELD_LENGTH] = 0
        at = read(m, connection, direction, m.view(np.uint8), start, end, start)
        _keep(m, direction, m.view(np.uint8), at, end, at - start)
    else:
        at = read(m, connection, direction, text, place, place + length, place)
        start = place
        if at < place + length:
            _keep(m, direction, text, at, place + length, at - start)
    m[direction + D_FED] |= int(at > start)
    if m[R_UNKNOWN]:
        _count_http2(m, connection)


@inner
def _open_boundaries(m: Numbers, direction: int, held: int) -> None:
    count = 0
    if held:
        count, block = (
            int(m[direction + D_BOUNDARIES_COUNT]),
            int(m[direction + D_BOUNDARIES]),
        )
        for which in range(count):
            m[BOUNDARIES + which] = m[block + 1 + which]
    m[BOUNDARIES + count] = held
    m[R_BOUNDARIES] = count + 1


@inner
def _hold_more(m: Numbers, direction: int, held: int, text: Bytes, place: int, length: int) -> None:
    """Put bytes behind those that are held."""
    block = larger(m, int(m[direction + D_HELD]), 1 + (held + length + 7) // 8, 1 + (held + 7) // 8)
    m[direction + D_HELD] = block
    base = (block + 1) * 8 + held
    for at in range(length):
        m.view(np.uint8)[base + at] = text[place + at]


@inner
def _keep(m: Numbers, direction: int, text: Bytes, at: int, end: int, taken: int) -> None:
    """Hold ``text[at:end]`` back; ``taken`` bytes before it are gone."""
    length = end - at
    if not length:
        _release(m, direction)
        return
    keep_pending(m, direction)
    if m[direction + D_HELD] == NONE:
        m[direction + D_HELD] = take_block(m, 1 + (length + 7) // 8)
        m[direction + D_BOUNDARIES] = take_block(m, 1 + MAX_BOUNDARIES)
    base = (int(m[direction + D_HELD]) + 1) * 8
    if taken or base != at:
        for each in range(length):
            m.view(np.uint8)[base + each] = text[at + each]
    m[direction + D_HELD_LENGTH] = length
    _keep_boundaries(m, direction, taken)


@inner
def _keep_boundaries(m: Numbers, direction: int, taken: int) -> None:
    """Note where segments begin in what is held: the first, and the latest of very many."""
    block = int(m[direction + D_BOUNDARIES])
    total = int(m[R_BOUNDARIES])
    first = 0
    while first < total and m[BOUNDARIES + first] < taken:
        first += 1
    count = 0
    for which in range(first, total):
        if which == first or which > total - MAX_BOUNDARIES:
            m[block + 1 + count] = m[BOUNDARIES + which] - taken
            count += 1
    m[direction + D_BOUNDARIES_COUNT] = count


@inner
def _release(m: Numbers, direction: int) -> None:
    m[direction + D_HELD_LENGTH] = 0
    if m[direction + D_HELD] != NONE:
        give_back(m, int(m[direction + D_HELD]))
        give_back(m, int(m[direction + D_BOUNDARIES]))
        m[direction + D_HELD] = m[direction + D_BOUNDARIES] = NONE


@inner
def _count_http2(m: Numbers, connection: int) -> None:
    """What was left as it is may be HTTP/2; for bytes that stand alone, as their connection."""
    real = int(m[ALONE + C_REAL]) if connection == ALONE else connection
    if m[real + C_HTTP2] and not m[O_MASK_OTHER]:
        m[T_LEFT_HTTP2] += m[R_UNKNOWN]
    m[R_UNKNOWN] = 0


@inner
def gap(m: Numbers, connection: int, direction: int, length: int) -> None:
    """``length`` bytes will never come; what was held back is settled."""
    flush(m, connection, direction)
    now = m[direction + D_STATE]
    counts = (now == LENGTH or now == CHUNK_DATA) and m[direction + D_REMAINING] >= length
    if counts or now == CLOSE or now == TUNNEL:
        m[direction + D_SAMPLE_LEFT] = max(0, m[direction + D_SAMPLE_LEFT] - length)
        if counts:
            m[direction + D_REMAINING] -= length
            if not m[direction + D_REMAINING]:
                content_ended(m, direction)
    else:
        lose(m, connection, direction)


@inner
def flush(m: Numbers, connection: int, direction: int) -> None:
    """Nothing more comes behind what is held back: settle it."""
    text = m.view(np.uint8)
    length = int(m[direction + D_HELD_LENGTH])
    if not length:
        return
    start = (int(m[direction + D_HELD]) + 1) * 8
    end = start + length
    m[direction + D_HELD_LENGTH] = 0
    now = m[direction + D_STATE]
    if now == FIELDS or now == TRAILERS:
        _emit_cut_field(m, connection, direction, start, end)
    elif (now == SEEK or now == START) and is_cut_start_line(text, start, end):
        line = start_line(text, start, end)
        begin_message(m, connection, direction, text, start, end, line)
    elif now == SEEK and is_cut_http(text, start, end):
        seen(m, connection)
        if is_nothing_but_cut_line(text, start, end):
            emit_start_line(m, connection, direction, text, start, end)
        else:
            plan_run(m, connection, direction, text, start, length, UNCLASSED)
    elif now == PROBE:
        enter_probed_body(m, connection, direction)
        _drain(m, connection, direction, start, end)
    elif now == TUNNEL:
        plan_run(m, connection, direction, text, start, length, BODY)
    else:
        plan_run(m, connection, direction, text, start, length, UNCLASSED)
    _release(m, direction)
    if m[R_UNKNOWN]:
        _count_http2(m, connection)


@inner
def _drain(m: Numbers, connection: int, direction: int, start: int, end: int) -> None:
    m[R_BOUNDARIES] = m[R_KNOWN] = m[R_SCANNED] = 0
    at = read(m, connection, direction, m.view(np.uint8), start, end, start)
    plan_run(m, connection, direction, m.view(np.uint8), at, end - at, UNCLASSED)


@inner
def _emit_cut_field(m: Numbers, connection: int, direction: int, start: int, end: int) -> None:
    text = m.view(np.uint8)
    if is_tab_or_space(text[start]) and m[direction + D_HAS_FIELDS]:
        kind = int(m[direction + D_FIELD_KIND])
        emit_field_line(m, connection, direction, text, start, end, kind)
    elif is_cut_field_line(text, start, end) or without_end(text, start, end) == start:
        emit_field_line(m, connection, direction, text, start, end, NONE)
    else:
        plan_run(m, connection, direction, text, start, end - start, UNCLASSED)
