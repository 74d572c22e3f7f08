"""Heads as wholes: where one ends, what its fields say of what follows, who waits for whom.

Says the same as ``Eye._head`` and ``framing``, or ODD.  Belongs here: the message length ladder of
RFC 9112 section 6.3.  Must not be known here: where bytes come from.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.lines import (
    CHUNKED,
    CONNECT,
    CONTENT_LENGTH,
    CR,
    HEAD,
    LF,
    TRANSFER_ENCODING,
    UPGRADE,
    begins,
    content_length,
    field_line,
    find_byte,
    is_start_line,
    is_start_prefix,
    is_word,
    request_line,
    status_line,
    without_cr,
)
from trimming.engine.verification.kernels.state import (
    C_CLIENT,
    C_HTTP,
    C_REQUEST_BITS,
    C_REQUESTS,
    C_WAITING,
    CONNECT_REQUEST,
    HEAD_REQUEST,
    MAX_REQUESTS,
    NONE,
    ODD,
    S_BODY_READ,
    S_CARRY_SIZE,
    S_EARLIER,
    S_EXPECT,
    S_HEADS,
    S_LEFT,
    S_RECOGNISED,
    TAKEN,
    UPGRADE_REQUEST,
    Bytes,
    State,
)

# what ``eye.Expect`` names
E_HEAD, E_BODY, E_SIZE_LINE, E_CHUNK, E_CHUNK_END, E_TRAILERS, E_ENDLESS = range(7)
MAX_HEAD_BYTES = 1 << 16
NO_LENGTH = -1


@inner
def end_of_head(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return (place of the line feed before the blank line, place behind that), or NONE."""
    while True:
        at = find_byte(text, at, end, LF)
        if at == NONE or at + 1 >= end:
            return NONE, NONE
        if text[at + 1] == LF:
            return at, at + 2
        if text[at + 1] == CR and at + 2 < end and text[at + 2] == LF:
            return at, at + 3
        at += 1


@inner
def read_head(s: State, row: int, d: int, text: Bytes, at: int, end: int) -> int:
    """Take a head; return where it ends, ``at`` if it is incomplete, or ODD."""
    conn = s.rows[row]
    client = conn[C_CLIENT]
    if client < 0 or (conn[C_WAITING] and d == client):
        return ODD
    last, behind = end_of_head(text, at, end)
    if (behind if last != NONE else end) - at > MAX_HEAD_BYTES:
        return ODD
    line = find_byte(text, at, end, LF)
    if last == NONE:
        if line == NONE:
            return at if is_start_prefix(text, at, end) else ODD
        return at if is_start_line(text, at, line + 1) else ODD
    if d == client:
        found = _request(s, row, d, text, at, line, last)
    else:
        found = _response(s, row, d, text, at, line, last)
    if found == ODD or became_http(s, row, d) == ODD:
        return ODD
    s.sides[2 * row + d, S_HEADS] += 1
    return behind


@inner
def became_http(s: State, row: int, d: int) -> int:
    """A start line was recognised; ODD where that tells something of what came before."""
    s.sides[2 * row + d, S_RECOGNISED] = 1
    if not s.rows[row, C_HTTP]:
        if s.sides[2 * row, S_EARLIER] or s.sides[2 * row + 1, S_EARLIER]:
            return ODD
        s.rows[row, C_HTTP] = 1
    return TAKEN


@inner
def fields(text: Bytes, at: int, last: int, minor: int) -> tuple[int, int, bool, bool]:
    """Read field lines up to the line feed at ``last``; there are none where that is before ``at``.

    Returns (TAKEN or ODD, Content-Length or NO_LENGTH, whether chunked, whether there is an Upgrade
    field).
    """
    length, framings, chunked, upgrade = NO_LENGTH, 0, False, False
    while at < last:
        line = find_byte(text, at, last + 1, LF)
        kind, start, end, _ = field_line(text, at, without_cr(text, at, line))
        if kind == NONE:
            return ODD, length, chunked, upgrade
        if kind == CONTENT_LENGTH:
            framings += 1
            length = content_length(text, start, end)
            if length == NONE:
                return ODD, length, chunked, upgrade
        elif kind == TRANSFER_ENCODING:
            framings += 1
            chunked = is_word(text, start, end, CHUNKED) and minor > 0
            if not chunked:
                return ODD, length, chunked, upgrade
        elif kind == UPGRADE:
            upgrade = True
        at = line + 1
    return TAKEN if framings < 2 else ODD, length, chunked, upgrade


@inner
def _request(s: State, row: int, d: int, text: Bytes, at: int, line: int, last: int) -> int:
    conn = s.rows[row]
    method, minor = request_line(text, at, without_cr(text, at, line))
    if method == NONE or conn[C_REQUESTS] >= MAX_REQUESTS:
        return ODD
    found, length, chunked, upgrade = fields(text, line + 1, last, minor)
    is_connect = method - at == len(CONNECT) and begins(text, at, method, CONNECT)
    if found == ODD or (is_connect and (chunked or length > 0)):
        return ODD
    request = UPGRADE_REQUEST if upgrade else 0
    if is_connect:
        request |= CONNECT_REQUEST
    elif method - at == len(HEAD) and begins(text, at, method, HEAD):
        request |= HEAD_REQUEST
    conn[C_REQUEST_BITS] |= request << (4 * conn[C_REQUESTS])
    conn[C_REQUESTS] += 1
    conn[C_WAITING] = upgrade or is_connect
    if chunked:
        begin(s, row, d, E_SIZE_LINE, length)
    else:
        begin(s, row, d, E_BODY if length > 0 else E_HEAD, length)
    return TAKEN


@inner
def _response(s: State, row: int, d: int, text: Bytes, at: int, line: int, last: int) -> int:
    conn = s.rows[row]
    status, minor = status_line(text, at, without_cr(text, at, line))
    if status == NONE or not conn[C_REQUESTS]:
        return ODD
    found, length, chunked, _ = fields(text, line + 1, last, minor)
    if found == ODD:
        return ODD
    if 100 <= status < 200 and status != 101:
        return ODD if chunked or length > 0 else TAKEN
    request = conn[C_REQUEST_BITS] & 15
    expect = _response_body(status, length, chunked, request)
    if expect == ODD:
        return ODD
    is_tunnel = status == 101 or (request & CONNECT_REQUEST and 200 <= status < 300)
    if is_tunnel and expect == E_ENDLESS and _open_tunnel(s, row) == ODD:
        return ODD
    conn[C_REQUESTS] -= 1
    conn[C_REQUEST_BITS] >>= 4
    if request & (UPGRADE_REQUEST | CONNECT_REQUEST):
        conn[C_WAITING] = 0
    begin(s, row, d, expect, length)
    return TAKEN


@inner
def _response_body(status: int, length: int, chunked: bool, request: int) -> int:
    """Return what follows the head of a final response or of 101 (section 6.3, in order)."""
    framed = chunked or length > 0
    if status == 101:
        return E_ENDLESS if request & UPGRADE_REQUEST and not framed else ODD
    if request & HEAD_REQUEST or status == 304:
        return E_HEAD
    if status == 204:
        return ODD if framed else E_HEAD
    if request & CONNECT_REQUEST and 200 <= status < 300:
        return ODD if framed else E_ENDLESS
    if chunked:
        return E_SIZE_LINE
    if length >= 0:
        return E_BODY if length else E_HEAD
    return ODD if status == 205 else E_ENDLESS


@inner
def _open_tunnel(s: State, row: int) -> int:
    """The client's bytes are tunnelled from here on; ODD if it had already sent some."""
    conn = s.rows[row]
    client = s.sides[2 * row + conn[C_CLIENT]]
    if client[S_EXPECT] != E_HEAD or client[S_CARRY_SIZE] or conn[C_REQUESTS] != 1:
        return ODD
    begin(s, row, conn[C_CLIENT], E_ENDLESS, NO_LENGTH)
    return TAKEN


@inner
def begin(s: State, row: int, d: int, expect: int, length: int) -> None:
    """A head was read: what it announced follows."""
    side = s.sides[2 * row + d]
    side[S_BODY_READ] = 0
    side[S_LEFT] = length
    side[S_EXPECT] = expect
