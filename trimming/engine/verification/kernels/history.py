"""What was kept of a stream, as runs of positions, and what a repeated segment says of it.

Says the same as ``Stream.repeated``, ``is_unknown`` and ``contradicts``, or ODD.  Only whether a
byte is zero counts, so no bytes are kept but those that were read last.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.octets import first_kept, first_zero, same
from trimming.engine.verification.kernels.state import (
    MAX_RUNS,
    NONE,
    ODD,
    S_GAP_HIGH,
    S_GAP_LOW,
    S_KNOWN_FROM,
    S_LAST_AT,
    S_LAST_POSITION,
    S_LAST_SIZE,
    S_NEXT,
    S_POSITION,
    S_REACHED,
    S_RUN_BYTES,
    S_RUN_FIRST,
    S_RUN_LAST,
    S_RUNS,
    TAKEN,
    Bytes,
    State,
)
from trimming.engine.verification.kernels.store import free_node, keep_last, new_node

# those of ``streams``
HISTORY_RUNS = 256
HISTORY_BYTES = 1 << 17
LAST_BYTES = 1 << 16
SPACE, HALF = 1 << 32, 1 << 31


@inner
def distance(seq: int, origin: int) -> int:
    """Return how far ``seq`` lies behind ``origin``, from -2**31 on (RFC 9293 section 3.4)."""
    return ((seq - origin + HALF) & (SPACE - 1)) - HALF


@inner
def find_runs(s: State, after: Bytes, a: int, size: int) -> int:
    """Note the kept runs of a segment in the scratch; return how many, ODD for too many."""
    count, at, end = 0, a, a + size
    while at < end:
        at = first_kept(after, at, end)
        if at == NONE:
            break
        if count == MAX_RUNS:
            return ODD
        zero = first_zero(after, at, end)
        s.runs[2 * count], s.runs[2 * count + 1] = at - a, zero - a
        count += 1
        at = zero
    return count


@inner
def advance(
    s: State, which: int, before: Bytes, b: int, size: int, length: int, seq: int, runs: int
) -> None:
    """A segment was read: ``size`` captured bytes of ``length``, its runs in the scratch."""
    side = s.sides[which]
    if size <= LAST_BYTES:
        side[S_LAST_POSITION] = side[S_POSITION]
        keep_last(s, which, before, b, size)
    if runs:
        _note_runs(s, which, runs)
    if size < length:
        side[S_GAP_LOW], side[S_GAP_HIGH] = side[S_POSITION] + size, side[S_POSITION] + length
    side[S_POSITION] += length
    side[S_NEXT] = (seq + length) & (SPACE - 1)
    if distance(side[S_NEXT], side[S_REACHED]) > 0:
        side[S_REACHED] = side[S_NEXT]
    if size < length:
        side[S_KNOWN_FROM] = side[S_POSITION]


@inner
def add_run(s: State, which: int, position: int, length: int, is_first: bool) -> None:
    """Note kept bytes behind those that were noted."""
    side = s.sides[which]
    node = new_node(s)
    s.low[node] = position
    s.nodes[node, 0] = -length if is_first else length
    if side[S_RUN_LAST] == NONE:
        side[S_RUN_FIRST] = node
    else:
        s.nodes[side[S_RUN_LAST], 1] = node
    side[S_RUN_LAST] = node


@inner
def _note_runs(s: State, which: int, runs: int) -> None:
    side = s.sides[which]
    for i in range(runs):
        start, end = s.runs[2 * i], s.runs[2 * i + 1]
        add_run(s, which, side[S_POSITION] + start, end - start, i == 0)
    side[S_RUNS] += 1
    side[S_RUN_BYTES] += s.runs[2 * runs - 1] - s.runs[0]
    while side[S_RUNS] > HISTORY_RUNS or side[S_RUN_BYTES] > HISTORY_BYTES:
        _forget_oldest(s, which)


@inner
def _forget_oldest(s: State, which: int) -> None:
    """Forget the kept bytes of the oldest segment that has some."""
    side = s.sides[which]
    node = side[S_RUN_FIRST]
    start = end = s.low[node]
    is_first = True
    while node != NONE and (is_first or s.nodes[node, 0] > 0):
        end = s.low[node] + abs(int(s.nodes[node, 0]))
        following = s.nodes[node, 1]
        free_node(s, node)
        node = following
        is_first = False
    side[S_RUN_FIRST] = node
    if node == NONE:
        side[S_RUN_LAST] = NONE
    side[S_RUNS] -= 1
    side[S_RUN_BYTES] -= end - start
    side[S_KNOWN_FROM] = end


@inner
def repeated(
    s: State,
    which: int,
    before: Bytes,
    b: int,
    after: Bytes,
    a: int,
    size: int,
    length: int,
    seq: int,
) -> int:
    """Judge a segment that was read before as a whole: ODD where there is anything to say."""
    side = s.sides[which]
    start = side[S_POSITION] + distance(seq, side[S_NEXT])
    if start < side[S_GAP_HIGH] and start + length > side[S_GAP_LOW]:
        return ODD
    skipped = start - side[S_LAST_POSITION]
    if 0 <= skipped < side[S_LAST_SIZE]:
        count = min(side[S_LAST_SIZE] - skipped, min(size, length))
        if not same(s.arena, side[S_LAST_AT] + skipped, before, b, count):
            return ODD
    return _kept_again(s, which, after, a, min(size, length), start)


@inner
def _kept_again(s: State, which: int, after: Bytes, a: int, count: int, start: int) -> int:
    """Whether each kept byte was kept the first time, as far as that is known."""
    side = s.sides[which]
    at = min(max(side[S_KNOWN_FROM] - start, 0), count)
    node = side[S_RUN_FIRST]
    while at < count:
        kept = first_kept(after, a + at, a + count)
        if kept == NONE:
            return TAKEN
        position = start + kept - a
        while node != NONE and s.low[node] + abs(int(s.nodes[node, 0])) <= position:
            node = s.nodes[node, 1]
        if node == NONE or s.low[node] > position:
            return ODD
        at = s.low[node] + abs(int(s.nodes[node, 0])) - start
    return TAKEN
