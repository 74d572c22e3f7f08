"""One direction of an HTTP/1.x connection as a state machine: bytes in, classed runs out.

Belongs here: where a message starts, its head, its framing, what follows it (RFC 9112).  Must not
be known here: packets, sequence numbers.  The states and what ends each of them are the table of
docs/scanning.md.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels import fields
from trimming.engine.strategies.scanning.kernels.lines import (
    COLON,
    CONNECT,
    CR,
    HEAD,
    LF,
    NO_CODE,
    NO_LINE,
    RESPONSE,
    begins_with_status_line,
    chunk_size,
    find_byte,
    is_better_split,
    is_http2_preface,
    is_simple_request,
    is_tab_or_space,
    line_end,
    may_become_start_line,
    start_line,
)
from trimming.engine.strategies.scanning.kernels.output import (
    BODY,
    FRAMING,
    HEADER,
    SAMPLE,
    http_seen,
)
from trimming.engine.strategies.scanning.kernels.pairing import NOT_KNOWN, answered, asked
from trimming.engine.strategies.scanning.kernels.parts import UNCLASSED, plan_run
from trimming.engine.strategies.scanning.kernels.redaction import (
    emit_field_line,
    emit_start_line,
    kind_of_field,
)
from trimming.engine.strategies.scanning.kernels.state import (
    ALONE,
    BOUNDARIES,
    C_HTTP,
    C_HTTP2,
    C_REAL,
    C_SURE,
    D_CL_SEEN,
    D_CODE,
    D_FED,
    D_FIELD_KIND,
    D_HAS_FIELDS,
    D_HEAD_BYTES,
    D_HELD_LENGTH,
    D_IS_RESPONSE,
    D_METHOD,
    D_PEER,
    D_PROBE_KIND,
    D_PROBE_LENGTH,
    D_REMAINING,
    D_SAMPLE_LEFT,
    D_SCANNED,
    D_SEEN_HEAD,
    D_STATE,
    D_TE_CHUNKED,
    D_TE_CODINGS,
    D_TE_LAST_CHUNKED,
    D_TUNNEL_FOLLOWS,
    NONE,
    O_KEEP_BODY,
    O_KEEP_ERROR_BODY,
    O_MAX_HEADER_BYTES,
    O_MAX_LINE_BYTES,
    R_BOUNDARIES,
    R_KNOWN,
    R_SCANNED,
    T_HTTP_STREAMS,
    T_MAX_HEADER_BYTES,
    T_REQUESTS,
    T_RESPONSES,
    Bytes,
    Numbers,
    constant,
)

(
    SEEK,
    START,
    FIELDS,
    PROBE,
    LENGTH,
    CHUNK_SIZE,
    CHUNK_DATA,
    CHUNK_END,
    TRAILERS,
    CLOSE,
    TUNNEL,
) = (constant(value) for value in range(11))
# how the end of a body is found (RFC 9112 section 6.3), as the state in which it is read
NO_BODY, UNKNOWN = START, SEEK

NEED_MORE = -1
NO_START = -2
MAX_CHUNK_LINE_BYTES = 4096
MAX_BLANK_BYTES = 4  # empty lines before a start line (RFC 9112 section 2.2)


@inner
def read(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int, begin: int
) -> int:
    """Read ``text[begin:end]``, of a buffer that starts at ``start``; return what was not taken."""
    at = begin
    while at < end:
        after = _step(m, connection, direction, text, start, end, at)
        if after == NEED_MORE:
            break
        at = after
    return at


@inner
def _step(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int, at: int
) -> int:
    """Return the place behind what was taken, or NEED_MORE."""
    now = int(m[direction + D_STATE])
    if now == LENGTH or now == CHUNK_DATA or now == CLOSE or now == TUNNEL:
        return _content(m, connection, direction, text, at, end)
    if now == FIELDS or now == TRAILERS:
        return _field(m, connection, direction, text, start, at, end)
    if now == CHUNK_SIZE:
        return _chunk_size(m, connection, direction, text, at, end)
    if now == CHUNK_END:
        return _chunk_end(m, connection, direction, text, at, end)
    if now == START:
        after = _start_line(m, connection, direction, text, start, at, end)
        if after == NO_START:
            lose(m, connection, direction)
            return at
        return after
    if now == PROBE:
        return _probe(m, connection, direction, text, at, end)
    return _seek(m, connection, direction, text, start, at, end)


@inner
def lose(m: Numbers, connection: int, direction: int) -> None:
    """The framing is lost."""
    m[direction + D_STATE] = TUNNEL if m[direction + D_TUNNEL_FOLLOWS] else SEEK
    m[connection + C_SURE] = 0


@inner
def seen(m: Numbers, connection: int) -> None:
    """HTTP was seen; who reads for another connection tells that one, too."""
    if connection == ALONE:
        m[ALONE + C_HTTP] = 1
        http_seen(m, int(m[ALONE + C_REAL]))
    else:
        http_seen(m, connection)


@inner
def _seek(
    m: Numbers,
    connection: int,
    direction: int,
    text: Bytes,
    start: int,
    at: int,
    end: int,
) -> int:
    if not (m[connection + C_HTTP2] and not m[connection + C_HTTP]) and _is_boundary(m, at - start):
        # content of HTTP/2 may look like a start line
        after = _start_line(m, connection, direction, text, start, at, end)
        if after != NO_START:
            return after
    if m[connection + C_SURE] and not m[direction + D_SEEN_HEAD]:
        m[connection + C_SURE] = 0
    after = end
    for which in range(m[R_BOUNDARIES]):
        if m[BOUNDARIES + which] > at - start:
            after = start + int(m[BOUNDARIES + which])
            break
    plan_run(m, connection, direction, text, at, after - at, UNCLASSED)
    return after


@inner
def _is_boundary(m: Numbers, at: int) -> bool:
    for which in range(m[R_BOUNDARIES]):
        if m[BOUNDARIES + which] == at:
            return True
    return False


@inner
def _start_line(
    m: Numbers,
    connection: int,
    direction: int,
    text: Bytes,
    start: int,
    at: int,
    end: int,
) -> int:
    begin = at
    while begin < end and (text[begin] == LF or text[begin] == CR) and begin - at < MAX_BLANK_BYTES:
        begin += 1
    if begin == end:
        return NEED_MORE
    scanned = int(m[R_SCANNED]) if begin == start else 0
    stop = line_end(text, begin, end, scanned)
    # the same answer whether the end of the line came with the rest or later
    if (end if stop == NO_LINE else stop) - begin > m[O_MAX_LINE_BYTES]:
        return NO_START
    if stop == NO_LINE:
        known = int(m[R_KNOWN]) if begin == start else 0
        if not may_become_start_line(text, begin, end, known):
            return NO_START
        m[direction + D_SCANNED] = _scanned(text, begin, end) if begin == at else 0
        return NEED_MORE
    line = start_line(text, begin, stop)
    if line == NO_LINE:
        _no_start_line(m, connection, direction, text, begin, stop)
        return NO_START
    for which in range(m[R_BOUNDARIES]):
        middle = start + int(m[BOUNDARIES + which])
        if begin < middle < stop and is_better_split(text, begin, middle, stop):
            return NO_START
    plan_run(m, connection, direction, text, at, begin - at, HEADER)
    begin_message(m, connection, direction, text, begin, stop, line)
    return stop


@inner
def _scanned(text: Bytes, start: int, end: int) -> int:
    """Return how many bytes of an unended line need no second look for its end."""
    return end - start - int(text[end - 1] == CR)


@inner
def _no_start_line(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int
) -> None:
    if m[direction + D_FED]:
        return
    if is_http2_preface(text, start, end):
        m[connection + C_HTTP2] = 1
    elif m[connection + C_SURE] and is_simple_request(text, start, end):
        # HTTP/0.9: all of the answer is content, and no answer says so
        seen(m, connection)


@inner
def begin_message(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int, line: int
) -> None:
    """Take a start line."""
    seen(m, connection)
    if not m[direction + D_SEEN_HEAD]:
        m[direction + D_SEEN_HEAD] = 1
        m[T_HTTP_STREAMS] += 1
    m[direction + D_IS_RESPONSE] = int(line >= RESPONSE or line == NO_LINE)
    m[T_RESPONSES if m[direction + D_IS_RESPONSE] else T_REQUESTS] += 1
    m[direction + D_CODE] = line - RESPONSE if RESPONSE <= line < NO_CODE else NONE
    m[direction + D_METHOD] = 0 if m[direction + D_IS_RESPONSE] else line
    m[direction + D_HEAD_BYTES] = end - start
    fields.no_fields(m, direction)
    emit_start_line(m, connection, direction, text, start, end)
    m[direction + D_STATE] = FIELDS


@inner
def _field(
    m: Numbers,
    connection: int,
    direction: int,
    text: Bytes,
    start: int,
    at: int,
    end: int,
) -> int:
    most = m[O_MAX_LINE_BYTES]
    stop = line_end(text, at, end, int(m[R_SCANNED]) if at == start else 0)
    if stop == NO_LINE and end - at <= most:
        m[direction + D_SCANNED] = _scanned(text, at, end)
        return NEED_MORE
    length = (end if stop == NO_LINE else stop) - at
    m[direction + D_HEAD_BYTES] += length
    if length > most or m[direction + D_HEAD_BYTES] > m[O_MAX_HEADER_BYTES]:
        m[T_MAX_HEADER_BYTES] += 1
        lose(m, connection, direction)
        return at
    if text[at] == LF or (length == 2 and text[at] == CR and text[at + 1] == LF):
        plan_run(m, connection, direction, text, at, length, HEADER)
        if m[direction + D_STATE] == TRAILERS:
            _message_ended(m, direction)
        else:
            _head_ended(m, connection, direction)
        return stop
    if is_tab_or_space(text[at]) and m[direction + D_HAS_FIELDS]:
        # RFC 9112 section 5.2, obsolete line folding
        fields.take_folded(m, direction, text, at, stop)
        emit_field_line(m, connection, direction, text, at, stop, int(m[direction + D_FIELD_KIND]))
        return stop
    colon = find_byte(text, at, stop, COLON)
    if colon == NO_LINE:
        lose(m, connection, direction)
        return at
    kind = kind_of_field(m, text, at, colon)
    value_end = stop
    while value_end > colon + 1 and (text[value_end - 1] == LF or text[value_end - 1] == CR):
        value_end -= 1
    fields.take_value(m, direction, kind, text, colon + 1, value_end)
    emit_field_line(m, connection, direction, text, at, stop, NONE)
    return stop


@inner
def _head_ended(m: Numbers, connection: int, direction: int) -> None:
    kind, length = _framing_by_fields(m, direction)
    if not m[direction + D_IS_RESPONSE]:
        asked(m, connection, direction, int(m[direction + D_METHOD]))
        _enter_body(m, connection, direction, kind, length)
        return
    code = int(m[direction + D_CODE])
    method = NOT_KNOWN
    if connection != ALONE and (code == NONE or code // 100 != 1 or code == 101):
        method = answered(m, int(m[direction + D_PEER]))
    own_kind, own_length = _framing_of(code, method, kind, length)
    if own_kind == TUNNEL and connection != ALONE:
        enter_tunnel(m, int(m[direction + D_PEER]))
    if method == NOT_KNOWN or not m[connection + C_SURE]:
        other_kind, other_length = _framing_of(code, NOT_KNOWN, kind, length)
        if method == HEAD or own_kind != TUNNEL:
            has_body = other_kind == CHUNK_SIZE or other_kind == CLOSE or other_length > 0
            if has_body:
                m[direction + D_PROBE_KIND], m[direction + D_PROBE_LENGTH] = (
                    other_kind,
                    other_length,
                )
                m[direction + D_STATE] = PROBE
                return
    _enter_body(m, connection, direction, own_kind, own_length)


@inner
def _framing_by_fields(m: Numbers, direction: int) -> tuple[int, int]:
    """Apply items 3 to 8 of RFC 9112 section 6.3."""
    is_response = bool(m[direction + D_IS_RESPONSE])
    fields.end_coding(m, direction)
    if m[direction + D_TE_CODINGS]:
        if m[direction + D_TE_LAST_CHUNKED] and m[direction + D_TE_CHUNKED] == 1:
            return CHUNK_SIZE, 0
        return (CLOSE if is_response else UNKNOWN), 0
    if m[direction + D_CL_SEEN]:
        length = fields.content_length(m, direction)
        if length < 0:
            return UNKNOWN, 0
        return LENGTH, length
    return (CLOSE if is_response else NO_BODY), 0


@inner
def _framing_of(code: int, method: int, kind: int, length: int) -> tuple[int, int]:
    """Apply items 1 and 2 of RFC 9112 section 6.3 before what the fields say."""
    if code == NONE:
        return UNKNOWN, 0
    if code == 101:
        return TUNNEL, 0  # RFC 9110 section 15.2.2
    if method == HEAD or code // 100 == 1 or code == 204 or code == 304:
        return NO_BODY, 0
    if method == CONNECT and code // 100 == 2:
        return TUNNEL, 0
    return kind, length


@inner
def enter_tunnel(m: Numbers, direction: int) -> None:
    """The peer answered that this direction is no longer HTTP behind the present message."""
    if m[direction + D_STATE] == START or m[direction + D_STATE] == SEEK:
        m[direction + D_STATE] = TUNNEL
    else:
        m[direction + D_TUNNEL_FOLLOWS] = 1


@inner
def _enter_body(m: Numbers, connection: int, direction: int, kind: int, length: int) -> None:
    keep = m[O_KEEP_BODY]
    if m[direction + D_IS_RESPONSE] and m[direction + D_CODE] >= 400:
        keep = max(keep, m[O_KEEP_ERROR_BODY])
    m[direction + D_SAMPLE_LEFT] = keep
    m[direction + D_REMAINING] = length
    m[direction + D_STATE] = kind
    if kind == UNKNOWN:
        lose(m, connection, direction)
    elif kind == NO_BODY or (kind == LENGTH and not length):
        _message_ended(m, direction)


@inner
def enter_probed_body(m: Numbers, connection: int, direction: int) -> None:
    """What follows a head did not turn out to be another one."""
    kind, length = int(m[direction + D_PROBE_KIND]), int(m[direction + D_PROBE_LENGTH])
    _enter_body(m, connection, direction, kind, length)


@inner
def _message_ended(m: Numbers, direction: int) -> None:
    m[direction + D_STATE] = TUNNEL if m[direction + D_TUNNEL_FOLLOWS] else START


@inner
def _probe(m: Numbers, connection: int, direction: int, text: Bytes, at: int, end: int) -> int:
    found = begins_with_status_line(text, at, end)
    if found == NO_LINE:
        return NEED_MORE
    if found:
        _message_ended(m, direction)
    else:
        enter_probed_body(m, connection, direction)
    return at


@inner
def _content(m: Numbers, connection: int, direction: int, text: Bytes, at: int, end: int) -> int:
    now = int(m[direction + D_STATE])
    length = end - at
    counted = now == LENGTH or now == CHUNK_DATA
    if counted:
        length = min(length, int(m[direction + D_REMAINING]))
        m[direction + D_REMAINING] -= length
    sample = 0
    if m[direction + D_SAMPLE_LEFT] and now != TUNNEL:
        sample = min(length, int(m[direction + D_SAMPLE_LEFT]))
        m[direction + D_SAMPLE_LEFT] -= sample
        plan_run(m, connection, direction, text, at, sample, SAMPLE)
    plan_run(m, connection, direction, text, at + sample, length - sample, BODY)
    if counted and not m[direction + D_REMAINING]:
        content_ended(m, direction)
    return at + length


@inner
def content_ended(m: Numbers, direction: int) -> None:
    """The last byte of content of known length went by."""
    if m[direction + D_STATE] == CHUNK_DATA:
        m[direction + D_STATE] = CHUNK_END
    else:
        _message_ended(m, direction)


@inner
def _chunk_size(m: Numbers, connection: int, direction: int, text: Bytes, at: int, end: int) -> int:
    stop = find_byte(text, at, min(end, at + MAX_CHUNK_LINE_BYTES), LF) + 1
    if not stop and end - at < MAX_CHUNK_LINE_BYTES:
        return NEED_MORE
    size = chunk_size(text, at, stop) if stop else NO_LINE
    if size == NO_LINE:
        lose(m, connection, direction)
        return at
    plan_run(m, connection, direction, text, at, stop - at, FRAMING)
    m[direction + D_REMAINING] = size
    m[direction + D_HEAD_BYTES] = 0
    fields.no_fields(m, direction)
    m[direction + D_STATE] = CHUNK_DATA if size else TRAILERS
    return stop


@inner
def _chunk_end(m: Numbers, connection: int, direction: int, text: Bytes, at: int, end: int) -> int:
    length = 0
    if text[at] == LF:
        length = 1
    elif text[at] == CR:
        if at + 1 == end:
            return NEED_MORE
        length = 2 if text[at + 1] == LF else 0
    if not length:
        lose(m, connection, direction)
        return at
    plan_run(m, connection, direction, text, at, length, FRAMING)
    m[direction + D_STATE] = CHUNK_SIZE
    return at + length


@inner
def can_skip(m: Numbers, direction: int, length: int) -> bool:
    """Whether ``length`` missing bytes are content, whatever they are."""
    if m[direction + D_HELD_LENGTH]:
        return False
    now = m[direction + D_STATE]
    if now == CLOSE or now == TUNNEL:
        return True
    is_counted = now == LENGTH or now == CHUNK_DATA
    return bool(is_counted and m[direction + D_REMAINING] >= length)
