"""The loose reading of one direction, where framing is not certain.

Says the same as ``Loose`` and ``Grammar`` while what is kept is plain HTTP, or ODD; then the caller
takes back what was changed.  A cut line stands in the carry.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.heads import (
    E_CHUNK,
    E_CHUNK_END,
    E_SIZE_LINE,
    E_TRAILERS,
    became_http,
)
from trimming.engine.verification.kernels.lines import (
    COLON,
    CR,
    HEX_CHAR,
    LF,
    SEMICOLON,
    SPACE,
    TAB,
    TOKEN_CHAR,
    TRANSFER_ENCODING_NAME,
    find_byte,
    has_version,
    hex_number,
    is_start_line,
    is_start_prefix,
    is_word,
    request_line,
    run_of,
    status_line,
    without_cr,
)
from trimming.engine.verification.kernels.octets import copy, first_kept
from trimming.engine.verification.kernels.state import (
    C_HTTP,
    NONE,
    ODD,
    S_CARRY_AT,
    S_CARRY_ROOM,
    S_CARRY_SIZE,
    S_CHUNK_LEFT,
    S_CHUNKED,
    S_CODED,
    S_EXPECT,
    S_GRAMMAR_HEADS,
    S_LAST_OFFSET,
    S_LAST_PACKET,
    S_LEFT,
    S_PLACE,
    S_SIZE_NEXT,
    S_SKIPPING,
    S_STRICT,
    TAKEN,
    Bytes,
    State,
)
from trimming.engine.verification.kernels.store import grow_carry

# what ``grammar.Place`` names
P_OUTSIDE, P_FIELDS, P_TRAILERS, P_LOST = range(4)
MAX_CUT_LINE_BYTES = 1 << 13
MAX_CANDIDATE_BYTES = 1 << 13
MAX_NAME_BYTES = 256
X = 120


@inner
def let_go(s: State, row: int, d: int) -> int:
    """Turn to the loose reading; ODD where something is held back."""
    side = s.sides[2 * row + d]
    if not side[S_STRICT]:
        return TAKEN
    if side[S_CARRY_SIZE]:
        return ODD
    side[S_STRICT] = 0
    expect = side[S_EXPECT]
    if expect == E_TRAILERS:
        side[S_PLACE] = P_TRAILERS
    elif expect in (E_SIZE_LINE, E_CHUNK, E_CHUNK_END):
        side[S_CHUNKED] = 1
        side[S_SIZE_NEXT] = expect == E_SIZE_LINE
        side[S_CHUNK_LEFT] = side[S_LEFT] if expect == E_CHUNK else 0
    return TAKEN


@inner
def lose(s: State, row: int) -> int:
    """A strategy may know more of both directions: accept anything for a while."""
    for d in (0, 1):
        if let_go(s, row, d) == ODD:
            return ODD
    for which in (2 * row, 2 * row + 1):
        s.sides[which, S_PLACE] = P_LOST
        _leave_body(s, which)
    return TAKEN


@inner
def skip(s: State, row: int, d: int, length: int) -> int:
    """Bytes are missing here; ODD where that cuts a line."""
    if let_go(s, row, 0) == ODD or let_go(s, row, 1) == ODD:
        return ODD
    side = s.sides[2 * row + d]
    if side[S_CARRY_SIZE]:
        return ODD
    if side[S_PLACE] != P_LOST:
        side[S_PLACE] = P_OUTSIDE
    if length <= side[S_CHUNK_LEFT]:
        side[S_CHUNK_LEFT] -= length
    else:
        _leave_body(s, 2 * row + d)
    return TAKEN


@inner
def read_loosely(
    s: State,
    row: int,
    d: int,
    before: Bytes,
    b: int,
    after: Bytes,
    a: int,
    size: int,
    packet: int,
    offset: int,
) -> int:
    """Read the bytes of a segment, which begins at ``offset`` of a packet; TAKEN or ODD."""
    if let_go(s, row, d) == ODD:
        return ODD
    side = s.sides[2 * row + d]
    opens = is_start_line(before, b, b + size)
    if opens:
        if became_http(s, row, d) == ODD:
            return ODD
    elif (
        is_start_prefix(before, b, b + min(size, MAX_CANDIDATE_BYTES))
        and find_byte(before, b, b + size, LF) == NONE
    ):
        return ODD
    if opens and (side[S_SKIPPING] or (side[S_PLACE] == P_LOST and after[a])):
        if side[S_CARRY_SIZE]:
            return ODD
        side[S_PLACE] = P_OUTSIDE
        _leave_body(s, 2 * row + d)
    elif side[S_SKIPPING] and not s.rows[row, C_HTTP]:
        return TAKEN
    side[S_SKIPPING] = 0
    side[S_LAST_PACKET], side[S_LAST_OFFSET] = packet, offset + size - 1
    return _read_grammar(s, row, d, after, a, size)


@inner
def _read_grammar(s: State, row: int, d: int, after: Bytes, a: int, size: int) -> int:
    which = 2 * row + d
    side = s.sides[which]
    at = 0
    while at < size and side[S_PLACE] != P_LOST:
        if after[a + at] == 0:
            if side[S_CARRY_SIZE]:
                return ODD
            kept = first_kept(after, a + at, a + size)
            following = size if kept == NONE else kept - a
            _zeros(s, which, following - at)
            at = following
            continue
        if side[S_CHUNK_LEFT]:
            return ODD
        end = at
        while end < size and after[a + end] != LF and after[a + end]:
            end += 1
        if end < size and after[a + end] == 0:
            return ODD
        if end == size:
            return _cut_line(s, which, after, a + at, end - at)
        if _whole_line(s, which, after, a + at, end + 1 - at) == ODD:
            return ODD
        at = end + 1
    return TAKEN


@inner
def _zeros(s: State, which: int, count: int) -> None:
    side = s.sides[which]
    if side[S_PLACE] == P_FIELDS or side[S_PLACE] == P_TRAILERS:
        side[S_PLACE] = P_OUTSIDE
        _leave_body(s, which)
    elif count < side[S_CHUNK_LEFT]:
        side[S_CHUNK_LEFT] -= count
    else:
        side[S_CHUNK_LEFT] = side[S_SIZE_NEXT] = 0


@inner
def _leave_body(s: State, which: int) -> None:
    side = s.sides[which]
    side[S_CHUNKED] = side[S_SIZE_NEXT] = side[S_CHUNK_LEFT] = 0


@inner
def _carry(s: State, which: int, after: Bytes, a: int, size: int) -> int:
    """Add to the cut line; return its length."""
    side = s.sides[which]
    old = side[S_CARRY_SIZE]
    grow_carry(s, which, old + size)
    # the half for the output's bytes
    copy(s.arena, side[S_CARRY_AT] + side[S_CARRY_ROOM] + old, after, a, size)
    return int(old + size)


@inner
def _whole_line(s: State, which: int, after: Bytes, a: int, size: int) -> int:
    side = s.sides[which]
    if not side[S_CARRY_SIZE]:
        return _take(s, which, after, a, a + size)
    total = _carry(s, which, after, a, size)
    side[S_CARRY_SIZE] = 0
    at = side[S_CARRY_AT] + side[S_CARRY_ROOM]
    return _take(s, which, s.arena, at, at + total)


@inner
def _cut_line(s: State, which: int, after: Bytes, a: int, size: int) -> int:
    side = s.sides[which]
    total = _carry(s, which, after, a, size)
    at = side[S_CARRY_AT] + side[S_CARRY_ROOM]
    if total > MAX_CUT_LINE_BYTES or not _may_grow(s, which, s.arena, at, at + total):
        return ODD
    side[S_CARRY_SIZE] = total
    return TAKEN


@inner
def _may_grow(s: State, which: int, text: Bytes, at: int, end: int) -> bool:
    """Whether a line without its end may be the beginning of what may stand here."""
    side = s.sides[which]
    if side[S_PLACE] == P_OUTSIDE:
        if side[S_CHUNKED] and side[S_SIZE_NEXT]:
            digits = run_of(text, at, end, HEX_CHAR)
            if digits == end and end - at <= 16:
                return True
        if has_version(text, at, end):
            return True
        name = run_of(text, at, end, TOKEN_CHAR)
        if name == at or name - at > 64:
            return False
        return name == end or text[name] == SPACE or text[name] == TAB
    if text[at] == SPACE or text[at] == TAB or text[at] == X:
        return True
    if end - at <= MAX_NAME_BYTES:
        return True
    return find_byte(text, at, min(end, at + MAX_NAME_BYTES + 1), COLON) != NONE


@inner
def _take(s: State, which: int, text: Bytes, at: int, end: int) -> int:
    """Move past a whole line, its line feed included; ODD if it is not plain."""
    side = s.sides[which]
    last = without_cr(text, at, end - 1)
    if find_byte(text, at, last, CR) != NONE:
        return ODD
    if side[S_PLACE] == P_OUTSIDE:
        return _outside(s, which, text, at, last)
    if last == at:
        trailers = side[S_PLACE] == P_TRAILERS
        side[S_PLACE] = P_OUTSIDE
        _leave_body(s, which)
        if not trailers:
            side[S_GRAMMAR_HEADS] += 1
            side[S_CHUNKED] = side[S_SIZE_NEXT] = side[S_CODED]
        return TAKEN
    if _is_transfer_encoding(text, at, last):
        side[S_CODED] = 1
    if text[at] == SPACE or text[at] == TAB:
        return TAKEN
    if find_byte(text, at, min(last, at + MAX_NAME_BYTES + 1), COLON) != NONE:
        return TAKEN
    for i in range(at, last):
        if text[i] != X:
            return ODD
    return TAKEN


@inner
def _is_transfer_encoding(text: Bytes, at: int, end: int) -> bool:
    while at < end and (text[at] == SPACE or text[at] == TAB):
        at += 1
    name = run_of(text, at, end, TOKEN_CHAR)
    if not is_word(text, at, name, TRANSFER_ENCODING_NAME):
        return False
    while name < end and (text[name] == SPACE or text[name] == TAB):
        name += 1
    return name < end and text[name] == COLON


@inner
def _outside(s: State, which: int, text: Bytes, at: int, end: int) -> int:
    side = s.sides[which]
    if end == at:
        side[S_SIZE_NEXT] = side[S_CHUNKED]
        return TAKEN
    if side[S_CHUNKED] and side[S_SIZE_NEXT]:
        first = _past_blanks(text, at, end)
        digits = run_of(text, first, end, HEX_CHAR)
        behind = _past_blanks(text, digits, end)
        if 0 < digits - first <= 16 and (behind == end or text[behind] == SEMICOLON):
            if digits - first == 16:
                return ODD
            side[S_CHUNK_LEFT] = hex_number(text, first, digits)
            side[S_SIZE_NEXT] = 0
            if side[S_CHUNK_LEFT] == 0:
                side[S_PLACE] = P_TRAILERS
            return TAKEN
    method, _ = request_line(text, at, end)
    status, _ = status_line(text, at, end)
    if method == NONE and status == NONE:
        return ODD
    side[S_PLACE] = P_FIELDS
    side[S_CODED] = 0
    _leave_body(s, which)
    return TAKEN


@inner
def _past_blanks(text: Bytes, at: int, end: int) -> int:
    while at < end and (text[at] == SPACE or text[at] == TAB):
        at += 1
    return at
