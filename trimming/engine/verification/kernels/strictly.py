"""The strict reading of one direction, where framing is certain.

Says the same as ``Eye.read`` while the connection is sure, or ODD; then the caller takes back what
was changed.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.heads import (
    E_BODY,
    E_CHUNK,
    E_CHUNK_END,
    E_ENDLESS,
    E_HEAD,
    E_SIZE_LINE,
    E_TRAILERS,
    MAX_HEAD_BYTES,
    end_of_head,
    fields,
    read_head,
)
from trimming.engine.verification.kernels.lines import CR, LF, find_byte, size_line
from trimming.engine.verification.kernels.octets import copy, first_kept, same
from trimming.engine.verification.kernels.state import (
    M_KEEP_BYTES,
    M_REDACTS,
    MAX_MARKS,
    NONE,
    ODD,
    S_BODY_READ,
    S_CARRIED,
    S_CARRY_AT,
    S_CARRY_ROOM,
    S_CARRY_SIZE,
    S_EXPECT,
    S_LEFT,
    S_MARK,
    S_MARKS,
    S_OPENS,
    TAKEN,
    Bytes,
    State,
)
from trimming.engine.verification.kernels.store import grow_carry

# those of ``eye``
MAX_CARRIED_PIECES = 1024
MAX_SIZE_LINE_BYTES = 1 << 12
REDACTION = 120


@inner
def read_strictly(
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
    side = s.sides[2 * row + d]
    if side[S_CARRY_SIZE]:
        return _read_behind_carry(s, row, d, before, b, after, a, size, packet, offset)
    at = _read(s, row, d, before, b, after, a, size)
    if at == ODD:
        return ODD
    if at == size:
        side[S_CARRIED] = 0
        return TAKEN
    rest = size - at
    grow_carry(s, 2 * row + d, rest)
    copy(s.arena, side[S_CARRY_AT], before, b + at, rest)
    copy(s.arena, side[S_CARRY_AT] + side[S_CARRY_ROOM], after, a + at, rest)
    side[S_CARRY_SIZE] = rest
    side[S_MARKS] = 1
    side[S_OPENS] = at == 0
    side[S_MARK], side[S_MARK + 1], side[S_MARK + 2] = 0, packet, offset + at
    return TAKEN


@inner
def read_body(s: State, which: int, size: int) -> bool:
    """Read a segment that is zeros in the midst of a body; False, and nothing was done, if not."""
    side = s.sides[which]
    expect = side[S_EXPECT]
    if expect == E_ENDLESS:
        if side[S_CARRY_SIZE]:
            return False
    elif expect not in (E_BODY, E_CHUNK) or side[S_LEFT] <= size or side[S_CARRY_SIZE]:
        return False
    else:
        side[S_LEFT] -= size
    side[S_BODY_READ] += size
    side[S_CARRIED] = 0
    return True


@inner
def _read_behind_carry(
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
    side = s.sides[2 * row + d]
    carried, marks = side[S_CARRY_SIZE], side[S_MARKS]
    if marks == MAX_MARKS or side[S_CARRIED] >= MAX_CARRIED_PIECES:
        return ODD
    total = carried + size
    grow_carry(s, 2 * row + d, total)
    x, y = side[S_CARRY_AT], side[S_CARRY_AT] + side[S_CARRY_ROOM]
    copy(s.arena, x + carried, before, b, size)
    copy(s.arena, y + carried, after, a, size)
    side[S_CARRIED] += 1
    mark = S_MARK + 3 * marks
    side[mark], side[mark + 1], side[mark + 2] = carried, packet, offset
    side[S_MARKS] += 1
    side[S_OPENS] |= 1 << marks
    # while this is read, nothing is carried
    side[S_CARRY_SIZE] = 0
    at = _read(s, row, d, s.arena, x, s.arena, y, total)
    if at == ODD:
        return ODD
    if at == total:
        side[S_CARRIED] = 0
        side[S_MARKS] = side[S_OPENS] = 0
        return TAKEN
    side[S_CARRY_SIZE] = total - at
    if at:
        # what was carried was read: it need not be taken back any more
        copy(s.arena, x, s.arena, x + at, total - at)
        copy(s.arena, y, s.arena, y + at, total - at)
        _drop_marks(s, 2 * row + d, at)
    return TAKEN


@inner
def _drop_marks(s: State, which: int, at: int) -> None:
    """Leave the marks of what is behind ``at``, and the one that it is in."""
    side = s.sides[which]
    inside = 0
    for i in range(side[S_MARKS]):
        if side[S_MARK + 3 * i] <= at:
            inside = i
    is_open = side[S_OPENS] >> inside & 1 if side[S_MARK + 3 * inside] == at else 0
    for i in range(inside, side[S_MARKS]):
        old, new = S_MARK + 3 * i, S_MARK + 3 * (i - inside)
        position = side[old] - at
        side[new], side[new + 1], side[new + 2] = position, side[old + 1], side[old + 2]
    side[S_MARK + 2] -= side[S_MARK]
    side[S_MARK] = 0
    side[S_MARKS] -= inside
    side[S_OPENS] = (side[S_OPENS] >> inside & ~1) | is_open


@inner
def _read(
    s: State, row: int, d: int, before: Bytes, b: int, after: Bytes, a: int, size: int
) -> int:
    """Return how far the bytes were read: what is left is incomplete; or ODD."""
    side = s.sides[2 * row + d]
    at = 0
    while at < size:
        expect = side[S_EXPECT]
        if expect in (E_BODY, E_CHUNK, E_ENDLESS):
            at = _body(s, row, d, after, a, at, size)
            if at == ODD:
                return ODD
            continue
        if expect == E_HEAD:
            end = read_head(s, row, d, before, b + at, b + size)
        elif expect == E_SIZE_LINE:
            end = _size_line(s, row, d, before, b + at, b + size)
        elif expect == E_CHUNK_END:
            end = _chunk_end(s, row, d, before, b + at, b + size)
        else:
            end = _trailers(s, row, d, before, b + at, b + size)
        if end == ODD:
            return ODD
        end -= b
        if end == at:
            break
        if not _is_kept(s, before, b + at, after, a + at, end - at):
            return ODD
        at = end
    return at


@inner
def _is_kept(s: State, before: Bytes, b: int, after: Bytes, a: int, size: int) -> bool:
    if same(before, b, after, a, size):
        return True
    if not s.m[M_REDACTS]:
        return False
    for i in range(size):
        if after[a + i] != before[b + i] and after[a + i] != REDACTION:
            return False
    return True


@inner
def _body(s: State, row: int, d: int, after: Bytes, a: int, at: int, end: int) -> int:
    side = s.sides[2 * row + d]
    size = end - at
    if side[S_EXPECT] != E_ENDLESS:
        size = min(size, side[S_LEFT])
        side[S_LEFT] -= size
    allowed = max(s.m[M_KEEP_BYTES] - side[S_BODY_READ], 0)
    side[S_BODY_READ] += size
    if allowed < size and first_kept(after, a + at + allowed, a + at + size) != NONE:
        return ODD
    if side[S_LEFT] == 0:
        if side[S_EXPECT] == E_BODY:
            side[S_EXPECT] = E_HEAD
        elif side[S_EXPECT] == E_CHUNK:
            side[S_EXPECT] = E_CHUNK_END
    return int(at + size)


@inner
def _size_line(s: State, row: int, d: int, text: Bytes, at: int, end: int) -> int:
    side = s.sides[2 * row + d]
    line = find_byte(text, at, end, LF)
    if line == NONE:
        return ODD if end - at > MAX_SIZE_LINE_BYTES else at
    if line == at:
        return ODD
    size = size_line(text, at, line)
    if size == NONE:
        return ODD
    side[S_LEFT] = size
    side[S_EXPECT] = E_CHUNK if size else E_TRAILERS
    return line + 1


@inner
def _chunk_end(s: State, row: int, d: int, text: Bytes, at: int, end: int) -> int:
    if text[at] != CR:
        return ODD
    if at + 1 == end:
        return at
    if text[at + 1] != LF:
        return ODD
    s.sides[2 * row + d, S_EXPECT] = E_SIZE_LINE
    return at + 2


@inner
def _trailers(s: State, row: int, d: int, text: Bytes, at: int, end: int) -> int:
    behind = at + 2
    if not (end - at >= 2 and text[at] == CR and text[at + 1] == LF):
        last, behind = end_of_head(text, at, end)
        if last == NONE:
            return ODD if end - at > MAX_HEAD_BYTES or text[at] == LF else at
        if last == at:
            return ODD
        found, _, _, _ = fields(text, at, last, 1)
        if found == ODD:
            return ODD
    s.sides[2 * row + d, S_EXPECT] = E_HEAD
    return behind
