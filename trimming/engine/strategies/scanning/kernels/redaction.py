"""Which bytes of a header line a profile hides: credentials, and values in targets of requests.

A line is emitted from its start to its end: kept bytes as HEADER, hidden ones as REDACTED.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.lines import (
    BLANK,
    COLON,
    DIGIT,
    SLASH,
    SPACE,
    VERSION_MARK,
    find_byte,
    has,
    is_tab_or_space,
    starts_with,
    without_end,
)
from trimming.engine.strategies.scanning.kernels.octets import byte_at
from trimming.engine.strategies.scanning.kernels.output import HEADER, REDACTED
from trimming.engine.strategies.scanning.kernels.parts import plan_run
from trimming.engine.strategies.scanning.kernels.state import (
    NONE,
    O_REDACT_TARGETS,
    R_LINE,
    R_NAMES,
    R_NAMES_TEXT,
    Bytes,
    Numbers,
)

QUESTION, HASH, AT_SIGN, AMPERSAND, SEMICOLON, EQUALS = 63, 35, 64, 38, 59, 61
# what a field is, as bits; the names in the state come in this order, all from NAMED on are hidden
FIELD_NAMES = (b"transfer-encoding", b"content-length", b"referer")
NAMED = len(FIELD_NAMES)
IS_TRANSFER_ENCODING, IS_CONTENT_LENGTH, IS_REFERER, IS_NAMED = 1, 2, 4, 1 << NAMED


@inner
def hide(m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int) -> None:
    """Emit the line up to ``start`` as kept, and from there to ``end`` as hidden."""
    if end <= start:
        return
    at = int(m[R_LINE])
    if start > at:
        plan_run(m, connection, direction, text, at, start - at, HEADER)
    plan_run(m, connection, direction, text, start, end - start, REDACTED)
    m[R_LINE] = end


@inner
def keep_rest(m: Numbers, connection: int, direction: int, text: Bytes, end: int) -> None:
    """Emit the rest of the line as kept."""
    at = int(m[R_LINE])
    if end > at:
        plan_run(m, connection, direction, text, at, end - at, HEADER)


@inner
def emit_start_line(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int
) -> None:
    """Emit a start line, whole or cut."""
    m[R_LINE] = start
    if m[O_REDACT_TARGETS] and not starts_with(text, start, end, VERSION_MARK):
        stop = without_end(text, start, end)
        target = start
        while target < stop and text[target] != SPACE:
            target += 1
        if start < target < stop:
            while target < stop and text[target] == SPACE:
                target += 1
            target_end = _target_end(text, target, stop)
            _hide_in_uri(m, connection, direction, text, target, target_end)
    keep_rest(m, connection, direction, text, end)


@inner
def _target_end(text: Bytes, start: int, end: int) -> int:
    """Return where the target ends: before a version, or with the line."""
    at = end - 6
    while at >= start:
        if text[at] == SPACE and starts_with(text, at + 1, end, VERSION_MARK):
            break
        at -= 1
    if at < start or end - at < 9:
        return end
    if not has(text[at + 6], DIGIT) or text[at + 7] != 46 or not has(text[at + 8], DIGIT):
        return end
    for place in range(at + 9, end):
        if not is_tab_or_space(text[place]):
            return end
    while at > start and text[at - 1] == SPACE:
        at -= 1
    return at


@inner
def emit_field_line(
    m: Numbers,
    connection: int,
    direction: int,
    text: Bytes,
    start: int,
    end: int,
    folded_into: int,
) -> None:
    """Emit a field line, whole or cut; ``folded_into``: what the field is that it continues."""
    m[R_LINE] = start
    stop = without_end(text, start, end)
    value, kind = start, folded_into
    if folded_into == NONE:
        colon = find_byte(text, start, stop, COLON)
        if colon == NONE:
            keep_rest(m, connection, direction, text, end)
            return
        kind = kind_of_field(m, text, start, colon)
        value = colon + 1
    while value < stop and is_tab_or_space(text[value]):
        value += 1
    targets = bool(m[O_REDACT_TARGETS])
    if kind & IS_NAMED or (kind & IS_REFERER and targets and folded_into != NONE):
        hide(m, connection, direction, text, value, stop)
    elif kind & IS_REFERER and targets:
        _hide_in_uri(m, connection, direction, text, value, stop)
    elif targets:
        _hide_in_uris(m, connection, direction, text, value, stop)
    keep_rest(m, connection, direction, text, end)


@inner
def kind_of_field(m: Numbers, text: Bytes, start: int, end: int) -> int:
    """Return what a field is by its name, blanks around it forgiven."""
    while start < end and has(text[start], BLANK):
        start += 1
    while end > start and has(text[end - 1], BLANK):
        end -= 1
    kind, begin = 0, 0
    names, octets = int(m[R_NAMES]), int(m[R_NAMES_TEXT])
    for which in range(int(m[names])):
        stop = int(m[names + 1 + which])
        place = octets + begin
        if stop - begin == end - start and _is_name(m.view(np.uint8), place, text, start, end):
            kind |= 1 << min(which, NAMED)
        begin = stop
    return kind


@inner
def _is_name(names: Bytes, begin: int, text: Bytes, start: int, end: int) -> bool:
    for at in range(end - start):
        byte = text[start + at]
        if 65 <= byte <= 90:
            byte += 32
        if byte != names[begin + at]:
            return False
    return True


@inner
def _find_slashes(text: Bytes, start: int, end: int) -> int:
    for at in range(start, end - 1):
        if text[at] == SLASH and text[at + 1] == SLASH:
            return at
    return NONE


@inner
def _hide_in_uri(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int
) -> None:
    """Hide a URI's userinfo, query values and fragment (RFC 3986)."""
    path_end = start
    while path_end < end and text[path_end] != QUESTION and text[path_end] != HASH:
        path_end += 1
    scheme = _find_slashes(text, start, path_end)
    if scheme != NONE:
        authority = scheme + 2
        slash = authority
        while slash < path_end and text[slash] != SLASH:
            slash += 1
        at = slash - 1
        while at >= authority and text[at] != AT_SIGN:
            at -= 1
        if at >= authority:
            hide(m, connection, direction, text, authority, at)
    fragment = find_byte(text, start, end, HASH)
    query_end = end if fragment == NONE else fragment
    if path_end < end and text[path_end] == QUESTION:
        _hide_query(m, connection, direction, text, path_end + 1, query_end)
    if fragment != NONE:
        hide(m, connection, direction, text, fragment + 1, end)


@inner
def _hide_in_uris(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int
) -> None:
    """Hide userinfo and query values of URIs anywhere in a value."""
    at = start
    while at < end:
        slashes = text[at] == SLASH and at + 1 < end and text[at + 1] == SLASH
        if not slashes and text[at] != QUESTION:
            at += 1
            continue
        stop, has_value = at, False
        while stop < end and not _ends_uri(byte_at(text, stop)):
            has_value |= text[stop] == EQUALS
            stop += 1
        if slashes or has_value:
            _hide_in_uri(m, connection, direction, text, at, stop)
        at = stop


@inner
def _ends_uri(byte: int) -> bool:
    return has(byte, BLANK) or byte == 34 or byte == 39 or byte == 60 or byte == 62


@inner
def _hide_query(
    m: Numbers, connection: int, direction: int, text: Bytes, start: int, end: int
) -> None:
    at = start
    while at < end:
        stop, value = at, at
        while stop < end and text[stop] != AMPERSAND and text[stop] != SEMICOLON:
            if text[stop] == EQUALS and value == at:
                value = stop + 1
            stop += 1
        # a parameter without "=" is all value
        hide(m, connection, direction, text, value, stop)
        at = stop + 1
