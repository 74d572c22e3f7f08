"""Packet by packet: the plan is applied, nothing else changed, and checksums keep their state.

Says TAKEN only where ``records`` and ``invariants`` have no finding.
"""

from __future__ import annotations

from typing import NamedTuple

from trimming.engine.formats.kernels.index import (
    CAPTURED,
    FCS,
    LINK,
    ORIGINAL,
    RECORD,
    RECORD_END,
    START,
    TIME,
)
from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.frames import decode
from trimming.engine.verification.kernels.octets import crc, filled, octet, same, weighed, word
from trimming.engine.verification.kernels.state import (
    M_AT,
    M_CHANGE,
    M_CHECK,
    M_END,
    M_KIND,
    M_MASKED_BYTES,
    M_NUMBER,
    M_SPAN,
    M_START,
    NOTHING,
    ODD,
    TAKEN,
    TCP_SEGMENT,
    UDP_DATAGRAM,
    UNUSUAL,
    Bytes,
    Numbers,
    State,
)

MODULUS = 0xFFFF
ENHANCED_PACKET = 6
BLOCK_HEADER_BYTES, BLOCK_TRAILER_BYTES = 28, 4
KEPT = -1  # in place of a byte that overwrites


class Entries(NamedTuple):
    """The plan's entries of a window, sorted by packet, and what overwrites each class."""

    span_packet: Numbers
    span_start: Numbers
    span_end: Numbers
    span_class: Numbers
    change_packet: Numbers
    change_offset: Numbers
    check_packet: Numbers
    fills: Numbers


@inner
def check_packet(
    s: State,
    before: Bytes,
    row: Numbers,
    after: Bytes,
    other: Numbers,
    is_pcapng: bool,
    plan: Entries,
) -> int:
    """Compare a packet with the output's; TAKEN leaves it decoded in the registers, ODD counts
    nothing."""
    m = s.m
    number = m[M_NUMBER]
    spans, changes, checks = m[M_SPAN], m[M_CHANGE], m[M_CHECK]
    while spans < len(plan.span_packet) and plan.span_packet[spans] < number:
        spans += 1
    while changes < len(plan.change_packet) and plan.change_packet[changes] < number:
        changes += 1
    while checks < len(plan.check_packet) and plan.check_packet[checks] < number:
        checks += 1
    m[M_SPAN], m[M_CHANGE], m[M_CHECK] = spans, changes, checks
    for column in (CAPTURED, ORIGINAL, TIME, LINK, FCS):
        if row[column] != other[column]:
            return ODD
    if checks < len(plan.check_packet) and plan.check_packet[checks] == number:
        return ODD
    decode(m, before, row[START], row[CAPTURED], row[ORIGINAL], row[LINK])
    if m[M_KIND] == UNUSUAL:
        return ODD
    return _check_bytes(s, before, row, after, other, is_pcapng, plan)


@inner
def _check_bytes(
    s: State,
    before: Bytes,
    row: Numbers,
    after: Bytes,
    other: Numbers,
    is_pcapng: bool,
    plan: Entries,
) -> int:
    m = s.m
    kind, number = m[M_KIND], m[M_NUMBER]
    b, a, size = row[START], other[START], row[CAPTURED]
    field = -2
    if kind == TCP_SEGMENT:
        field = m[M_AT] + 16
    elif kind == UDP_DATAGRAM:
        field = m[M_AT] + 6
    which, at, last, masked, delta = m[M_SPAN], 0, 0, 0, 0
    while which < len(plan.span_packet) and plan.span_packet[which] == number:
        start, end = plan.span_start[which], plan.span_end[which]
        if start < last or end < start or end > size:
            return ODD
        last = end
        fill = plan.fills[plan.span_class[which]]
        which += 1
        if fill == KEPT or start == end:
            continue
        if kind == NOTHING or start < m[M_START] or end > m[M_END]:
            return ODD
        if not _same_but(before, b, after, a, at, start, field):
            return ODD
        if not filled(after, a + start, a + end, fill):
            return ODD
        delta += weighed(before, b + start, b + end, b + m[M_AT])
        delta -= fill * _weights(start - m[M_AT], end - start)
        masked += end - start
        at = end
    if not _same_but(before, b, after, a, at, size, field):
        return ODD
    if not _sum_is_kept(m, before, b, after, a, field, delta, masked, plan):
        return ODD
    if masked and _may_have_frame_check(before, row, at):
        return ODD
    if not _record_is_kept(before, row, after, other, is_pcapng, masked > 0):
        return ODD
    m[M_MASKED_BYTES] += masked
    return TAKEN


@inner
def _same_but(
    before: Bytes, b: int, after: Bytes, a: int, start: int, end: int, field: int
) -> bool:
    """Whether the bytes are the same but for a checksum field at ``field``."""
    if start <= field and field + 2 <= end:
        if not same(before, b + start, after, a + start, field - start):
            return False
        start = field + 2
    return same(before, b + start, after, a + start, end - start)


@inner
def _weights(offset: int, size: int) -> int:
    """Return what as many bytes of 1 add to a sum of words, ``offset`` bytes from its start."""
    high = (size + 1) // 2 if offset % 2 == 0 else size // 2
    return high * 256 + (size - high)


@inner
def _sum_is_kept(
    m: Numbers,
    before: Bytes,
    b: int,
    after: Bytes,
    a: int,
    field: int,
    delta: int,
    masked: int,
    plan: Entries,
) -> bool:
    """Whether the checksum is as right or as wrong as before: its words add up to the same."""
    if field < 0:
        return True
    was, now = word(before, b + field), word(after, a + field)
    if masked == 0:
        return was == now
    if m[M_KIND] == UDP_DATAGRAM:
        which = m[M_CHANGE]
        while which < len(plan.change_packet) and plan.change_packet[which] == m[M_NUMBER]:
            if plan.change_offset[which] >= m[M_START]:  # of a layer that is not known here
                return False
            which += 1
        if (was == 0) != (now == 0):
            return False
        if was == 0:
            return True
    return (delta + was - now) % MODULUS == 0


@inner
def _may_have_frame_check(before: Bytes, row: Numbers, last_masked: int) -> bool:
    end = row[CAPTURED] - 4
    if end <= 0 or last_masked > end or row[CAPTURED] < row[ORIGINAL]:
        return False
    if row[FCS] == 4:
        return True
    at = row[START] + end
    stored = octet(before, at) | octet(before, at + 1) << 8
    stored |= octet(before, at + 2) << 16 | octet(before, at + 3) << 24
    return crc(before, row[START], at) == stored


@inner
def _record_is_kept(
    before: Bytes, row: Numbers, after: Bytes, other: Numbers, is_pcapng: bool, planned: bool
) -> bool:
    """Whether what surrounds the captured bytes is as it must be."""
    b, a = row[RECORD], other[RECORD]
    header = row[START] - b
    if other[START] - a != header or other[RECORD_END] - a != row[RECORD_END] - b:
        return False
    if not same(before, b, after, a, header):
        return False
    extra = row[RECORD_END] - row[START] - row[CAPTURED]
    if not is_pcapng:
        return bool(extra == 0)
    padding = -row[CAPTURED] % 4
    if header != BLOCK_HEADER_BYTES or extra != padding + BLOCK_TRAILER_BYTES:
        return False
    if before[b] + before[b + 3] != ENHANCED_PACKET or before[b + 1] or before[b + 2]:
        return False
    b, a = row[RECORD_END] - extra, other[RECORD_END] - extra
    if planned and not filled(after, a, a + padding, 0):
        return False
    if planned and not filled(before, b, b + padding, 0):
        return False
    return same(before, b, after, a, extra)
