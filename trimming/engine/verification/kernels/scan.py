"""A window of the original beside one of the output: packet by packet, until one is odd."""

from __future__ import annotations

from trimming.engine.formats.kernels.index import START, TIME
from trimming.engine.kernel import inner, kernel
from trimming.engine.verification.kernels.connections import (
    FIN,
    RST,
    SYN,
    may_close,
    note_end,
    route,
)
from trimming.engine.verification.kernels.history import SPACE
from trimming.engine.verification.kernels.packets import Entries, check_packet
from trimming.engine.verification.kernels.state import (
    DONE,
    GROW_ROWS,
    M_ARRIVED,
    M_CONNECTION,
    M_END,
    M_FLAGS,
    M_KIND,
    M_LENGTH,
    M_MASKED_BYTES,
    M_NUMBER,
    M_OTHER_ROW,
    M_ROW,
    M_SEQ,
    M_SIDE,
    M_START,
    M_TIME,
    NONE,
    ODD,
    PACKET,
    READ,
    RELEASE,
    SEGMENT,
    TCP_SEGMENT,
    Bytes,
    Numbers,
    State,
)
from trimming.engine.verification.kernels.store import has_room
from trimming.engine.verification.kernels.streams import add_payload

NO_ROW = -2


@kernel
def scan(
    s: State,
    before: Bytes,
    rows: Numbers,
    after: Bytes,
    other_rows: Numbers,
    end: int,
    first_number: int,
    is_pcapng: bool,
    plan: Entries,
) -> int:
    """Check packets from the row in the registers on, up to the row ``end``.

    Returns DONE; PACKET where the packet in the registers is odd, and nothing was done with it;
    SEGMENT where only its segment is; RELEASE or READ where its connection goes on outside; or
    GROW_* where arrays have no room for it.
    """
    m = s.m
    while m[M_ROW] < end:
        row, other = rows[m[M_ROW]], other_rows[m[M_OTHER_ROW]]
        m[M_NUMBER] = first_number + m[M_ROW]
        m[M_TIME] = row[TIME]
        # what has no room is done again as a whole
        masked = m[M_MASKED_BYTES]
        if check_packet(s, before, row, after, other, is_pcapng, plan) == ODD:
            return PACKET
        if m[M_KIND] == TCP_SEGMENT:
            reason = _follow(s, before, row[START], after, other[START])
            if reason != DONE:
                if reason >= GROW_ROWS:
                    m[M_MASKED_BYTES] = masked
                return reason
        m[M_ROW] += 1
        m[M_OTHER_ROW] += 1
    return DONE


@inner
def _follow(s: State, before: Bytes, b: int, after: Bytes, a: int) -> int:
    m = s.m
    found = route(s)
    if found == NO_ROW:
        return GROW_ROWS
    if found == ODD:
        return SEGMENT
    row = m[M_CONNECTION]
    if row == NONE:
        return DONE
    ends = m[M_FLAGS] & (FIN | RST)
    if ends and not may_close(s, row):
        return SEGMENT
    if m[M_LENGTH] and not m[M_FLAGS] & RST:
        start = m[M_START]
        size = m[M_END] - start
        room = has_room(s, row, size)
        if room != DONE:
            return room
        seq = m[M_SEQ] + 1 if m[M_FLAGS] & SYN else m[M_SEQ]
        m[M_ARRIVED] += 1
        found = add_payload(
            s,
            row,
            m[M_SIDE],
            before,
            b + start,
            after,
            a + start,
            size,
            m[M_LENGTH],
            seq & (SPACE - 1),
            m[M_NUMBER],
            start,
        )
        if found == ODD:
            return SEGMENT
        if found in (RELEASE, READ):
            return found
    if ends:
        note_end(s, row)
    return DONE
