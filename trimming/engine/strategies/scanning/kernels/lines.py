"""What a line of HTTP is: grammar of RFC 9110 and RFC 9112 over bytes in place.

Every function looks at ``text[start:end]``; nothing is copied.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.octets import byte_at
from trimming.engine.strategies.scanning.kernels.state import Bytes, constant

NO_LINE = constant(-1)
# what start_line returns: a method, or RESPONSE and the code
OTHER_METHOD, HEAD, CONNECT, COMMON_METHOD = (constant(value) for value in range(4))
RESPONSE, NO_CODE = constant(1000), constant(2000)
MAX_METHOD_BYTES = 32
TAB, LF, CR = constant(9), constant(10), constant(13)
SPACE, COLON, SLASH = constant(32), constant(58), constant(47)


def _classes() -> Bytes:
    classes = np.zeros(256, np.uint8)
    for byte in range(256):
        letter = chr(byte)
        is_letter = letter.isascii() and letter.isalpha()
        is_digit = letter.isascii() and letter.isdigit()
        classes[byte] = (
            1 * (is_letter or is_digit or letter in "!#$%&'*+-.^_`|~")
            | 2 * (letter.isascii() and letter.isupper())
            | 4 * is_letter
            | 8 * is_digit
            | 16 * (letter in "\t\n\r\x0b\x0c ")
            | 32 * (is_letter or is_digit or letter in "+.-")
            | 64 * (byte < SPACE and byte != TAB)
        )
    return classes


CLASSES = _classes()
TOKEN, UPPER, LETTER, DIGIT = constant(1), constant(2), constant(4), constant(8)
BLANK, SCHEME, CONTROL = constant(16), constant(32), constant(64)
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
# one after the other, each with a blank behind it
METHOD_TEXT = np.frombuffer(b" ".join(METHODS) + b" ", np.uint8).copy()
CUT_METHOD_TEXT = np.frombuffer(b" ".join((*METHODS, b"PROPFIND")) + b" ", np.uint8).copy()
VERSION_MARK = np.frombuffer(b"HTTP/", np.uint8).copy()
STATUS_MARK = np.frombuffer(b"HTTP/d.d ddd", np.uint8).copy()
SCHEME_MARK = np.frombuffer(b"http", np.uint8).copy()


@inner
def has(byte: int, what: int) -> bool:
    """Whether a byte is of a class."""
    return bool(CLASSES[byte] & what)


@inner
def is_tab_or_space(byte: int) -> bool:
    return byte == SPACE or byte == TAB


@inner
def starts_with(text: Bytes, start: int, end: int, mark: Bytes) -> bool:
    """Whether the text begins with all of ``mark``."""
    if end - start < len(mark):
        return False
    for at in range(len(mark)):
        if text[start + at] != mark[at]:
            return False
    return True


@inner
def line_end(text: Bytes, start: int, end: int, known: int) -> int:
    """Return the place behind the line that starts at ``start``, NO_LINE when its end is missing.

    A bare CR ends a line, too: recipients disagree (RFC 9112 section 2.2).  The first ``known``
    bytes hold no line end.
    """
    at = start + known
    while at < end:
        byte = text[at]
        if byte == LF:
            return at + 1
        if byte == CR and at + 1 < end:
            return at + 2 if text[at + 1] == LF else at + 1
        at += 1
    return NO_LINE


@inner
def without_end(text: Bytes, start: int, end: int) -> int:
    """Return where the line ends without its line end."""
    while end > start and (text[end - 1] == LF or text[end - 1] == CR):
        end -= 1
    return end


@inner
def find_byte(text: Bytes, start: int, end: int, byte: int) -> int:
    """Return the place of the first ``byte``; NO_LINE without one."""
    for at in range(start, end):
        if text[at] == byte:
            return at
    return NO_LINE


@inner
def method_of(text: Bytes, start: int, end: int) -> int:
    """Return what a method is."""
    at, which = 0, 0
    while at < len(METHOD_TEXT):
        length = find_byte(METHOD_TEXT, at, len(METHOD_TEXT), SPACE) - at
        if length == end - start and starts_with(text, start, end, METHOD_TEXT[at : at + length]):
            return HEAD if which == 1 else CONNECT if which == 5 else COMMON_METHOD
        at += length + 1
        which += 1
    return OTHER_METHOD


@inner
def _is_version(text: Bytes, start: int) -> bool:
    return has(text[start + 5], DIGIT) and text[start + 6] == 46 and has(text[start + 7], DIGIT)


@inner
def start_line(text: Bytes, start: int, end: int) -> int:
    """Return what a line, with or without its end, starts; NO_LINE when it is no start line."""
    end = without_end(text, start, end)
    if starts_with(text, start, end, VERSION_MARK):
        return _status_line(text, start, end)
    return _request_line(text, start, end)


@inner
def _status_line(text: Bytes, start: int, end: int) -> int:
    """RFC 9112 section 4; recipients forgive what follows the version."""
    if end - start < 8 or not _is_version(text, start):
        return NO_LINE
    at = start + 8
    if at == end:
        return NO_CODE
    if not is_tab_or_space(text[at]):
        return NO_LINE
    while at < end and is_tab_or_space(text[at]):
        at += 1
    begin = at
    while at < end and not has(text[at], BLANK):
        at += 1
    for place in range(begin, end):
        if text[place] == LF or text[place] == CR:
            return NO_LINE
    if at - begin != 3:
        return NO_CODE
    code = 0
    for place in range(begin, at):
        if not has(text[place], DIGIT):
            return NO_CODE
        code = code * 10 + byte_at(text, place) - 48
    return RESPONSE + code


@inner
def _request_line(text: Bytes, start: int, end: int) -> int:
    """RFC 9112 section 3; a method in capitals may have blanks in what follows."""
    while end > start and is_tab_or_space(text[end - 1]):
        end -= 1
    version = end - 8
    if version <= start or not starts_with(text, version, end, VERSION_MARK):
        return NO_LINE
    if not _is_version(text, version) or not is_tab_or_space(text[version - 1]):
        return NO_LINE
    end = version
    while end > start and is_tab_or_space(text[end - 1]):
        end -= 1
    method_end = _method_before(text, start, end)
    if method_end == NO_LINE or is_http2_preface(text, start, version + 8):
        return NO_LINE
    return method_of(text, start, method_end)


@inner
def _method_before(text: Bytes, start: int, end: int) -> int:
    """Return where the method ends; ``end`` is where the target ends."""
    at = start
    while at < end and (
        has(text[at], UPPER) or ((text[at] == 95 or text[at] == 45) and at > start)
    ):
        at += 1
    if 2 <= at - start <= MAX_METHOD_BYTES:
        if at == end:
            return at
        if is_tab_or_space(text[at]) and _is_loose_target(text, at, end):
            return at
    at = start
    while at < end and has(text[at], TOKEN):
        at += 1
    if 1 <= at - start <= MAX_METHOD_BYTES and at < end and text[at] == SPACE:
        begin = at
        while begin < end and text[begin] == SPACE:
            begin += 1
        if _is_target(text, begin, end):
            return at
    return NO_LINE


@inner
def _is_loose_target(text: Bytes, start: int, end: int) -> bool:
    """Whether a target is there, blanks inside allowed."""
    while start < end and is_tab_or_space(text[start]):
        start += 1
    if start == end or has(text[start], BLANK) or has(text[end - 1], BLANK):
        return False
    for at in range(start, end):
        if text[at] == LF or text[at] == CR:
            return False
    return True


@inner
def _is_target(text: Bytes, start: int, end: int) -> bool:
    """Whether this is a path, an asterisk or a URI with a scheme, without blanks."""
    if start >= end:
        return False
    at = start
    if text[at] == SLASH or text[at] == 42:
        at += 1
    else:
        if not has(text[at], LETTER):
            return False
        while at < end and has(text[at], SCHEME):
            at += 1
        if at == end or text[at] != COLON:
            return False
    for place in range(at, end):
        if has(text[place], BLANK):
            return False
    return True


@inner
def is_better_split(text: Bytes, start: int, middle: int, end: int) -> bool:
    """Whether a request that opens a segment starts at ``middle``, with rubbish before it.

    Told by the method: "fooGET" is none that anybody registered, "GET" is.
    """
    whole = start_line(text, start, end)
    if whole != OTHER_METHOD:
        return False
    rest = start_line(text, middle, end)
    return OTHER_METHOD < rest < RESPONSE


@inner
def is_http2_preface(text: Bytes, start: int, end: int) -> bool:
    """Whether a line begins "PRI * HTTP/2" (RFC 9113 section 3.4)."""
    if end - start < 12 or text[start] != 80 or text[start + 1] != 82 or text[start + 2] != 73:
        return False
    at = start + 3
    while at < end and text[at] == SPACE:
        at += 1
    if at == start + 3 or at == end or text[at] != 42:
        return False
    begin = at + 1
    at = begin
    while at < end and text[at] == SPACE:
        at += 1
    if at == begin:
        return False
    return end - at >= 6 and starts_with(text, at, end, VERSION_MARK) and text[at + 5] == 50


@inner
def is_simple_request(text: Bytes, start: int, end: int) -> bool:
    """Whether a complete line is a request of HTTP/0.9: "GET", a path, nothing more."""
    if end - start < 6 or text[start] != 71 or text[start + 1] != 69 or text[start + 2] != 84:
        return False
    at = start + 3
    while at < end and text[at] == SPACE:
        at += 1
    if at == start + 3 or at == end or text[at] != SLASH:
        return False
    while at < end and text[at] > SPACE:
        at += 1
    while at < end and text[at] == SPACE:
        at += 1
    if at < end and text[at] == CR:
        at += 1
    return at + 1 == end and text[at] == LF


@inner
def may_become_start_line(text: Bytes, start: int, end: int, known: int) -> bool:
    """Whether a line that begins so can still turn out to be a start line.

    Its first ``known`` bytes were found possible before.
    """
    stop = end - 1 if end > start and text[end - 1] == CR else end
    if known > 2 * MAX_METHOD_BYTES:
        return not _holds_control(text, start + known - 1, stop)
    length = min(end - start, 5)
    if starts_with(text, start, start + length, VERSION_MARK[:length]):
        return True
    at = start
    while at < end and not is_tab_or_space(text[at]):
        if not has(text[at], TOKEN) or at - start >= MAX_METHOD_BYTES:
            return False
        at += 1
    if at == end:
        return at > start
    return at > start and not _holds_control(text, at, stop)


@inner
def _holds_control(text: Bytes, start: int, end: int) -> bool:
    for at in range(start, end):
        if has(text[at], CONTROL):
            return True
    return False


@inner
def is_cut_start_line(text: Bytes, start: int, end: int) -> bool:
    """Whether a line that was cut here is surely a start line all the same."""
    stop = end - 1 if end > start and text[end - 1] == CR else end
    if stop - start >= 10 and starts_with(text, start, stop, VERSION_MARK):
        at = start + 8
        while at < stop and is_tab_or_space(text[at]):
            at += 1
        is_coded = at > start + 8 and at < stop and has(text[at], DIGIT)
        if is_coded and _is_version(text, start) and not _holds_line_end(text, at, stop):
            return True
    return start_line(text, start, end) != NO_LINE


@inner
def _holds_line_end(text: Bytes, start: int, end: int) -> bool:
    for at in range(start, end):
        if text[at] == LF or text[at] == CR:
            return True
    return False


@inner
def begins_with_status_line(text: Bytes, start: int, end: int) -> int:
    """Whether a strict status line begins here: 1, 0, or NO_LINE when there is too little."""
    for at in range(len(STATUS_MARK)):
        if start + at == end:
            return NO_LINE
        byte, expected = text[start + at], STATUS_MARK[at]
        if not (has(byte, DIGIT) if expected == 100 else byte == expected):
            return 0
    at = start + len(STATUS_MARK)
    if at == end:
        return NO_LINE
    return 1 if text[at] == SPACE or text[at] == CR or text[at] == LF else 0


@inner
def is_cut_http(text: Bytes, start: int, end: int) -> bool:
    """Whether a line that was cut here is likely a start line, though too little is left."""
    if starts_with(text, start, end, VERSION_MARK):
        return True
    at = 0
    while at < len(CUT_METHOD_TEXT):
        length = find_byte(CUT_METHOD_TEXT, at, len(CUT_METHOD_TEXT), SPACE) - at
        if starts_with(text, start, end, CUT_METHOD_TEXT[at : at + length]):
            place = start + length
            while place < end and text[place] == SPACE:
                place += 1
            if place > start + length and place < end:
                return text[place] == SLASH or starts_with(text, place, end, SCHEME_MARK)
            return False
        at += length + 1
    return False


@inner
def is_nothing_but_cut_line(text: Bytes, start: int, end: int) -> bool:
    """Whether a cut line, of which is_cut_http is true, holds only what a start line may hold."""
    if starts_with(text, start, end, VERSION_MARK):
        at = start + 5
        if at < end and has(text[at], DIGIT):
            at += 1
            if at < end and text[at] == 46:
                at += 1
                if at < end and has(text[at], DIGIT):
                    at += 1
        while at < end and is_tab_or_space(text[at]):
            at += 1
        if at < end and text[at] == CR:
            at += 1
        return at == end
    return _is_request_cut_in_version(text, start, end)


@inner
def _is_request_cut_in_version(text: Bytes, start: int, end: int) -> bool:
    at = start
    while at < end and has(text[at], UPPER):
        at += 1
    if at == start:
        return False
    begin = at
    while at < end and is_tab_or_space(text[at]):
        at += 1
    if at == begin:
        return False
    begin = at
    while at < end and text[at] > SPACE and text[at] != 127:
        at += 1
    if at == begin:
        return False
    while at < end and is_tab_or_space(text[at]):
        at += 1
    for place in range(at, end):
        which = place - at
        if which >= 7:
            return False
        expected = STATUS_MARK[which]
        if not (has(text[place], DIGIT) if expected == 100 else text[place] == expected):
            return False
    return True


@inner
def is_cut_field_line(text: Bytes, start: int, end: int) -> bool:
    """Whether a line that was cut here can be a field."""
    stop = end - 1 if end > start and text[end - 1] == CR else end
    if _holds_line_end(text, start, stop):
        return False
    if find_byte(text, start, stop, COLON) != NO_LINE:
        return True
    for at in range(start, stop):
        if not has(text[at], TOKEN):
            return False
    return True


@inner
def chunk_size(text: Bytes, start: int, end: int) -> int:
    """Return the size that a complete line announces; NO_LINE when it is no such line.

    RFC 9112 section 7.1, with the white space that recipients forgive.
    """
    at = start
    while at < end and is_tab_or_space(text[at]):
        at += 1
    begin, size = at, 0
    while at < end and at - begin < 16:
        byte = byte_at(text, at)
        if 48 <= byte <= 57:
            size = size * 16 + byte - 48
        elif 65 <= byte <= 70:
            size = size * 16 + byte - 55
        elif 97 <= byte <= 102:
            size = size * 16 + byte - 87
        else:
            break
        at += 1
    if not 1 <= at - begin <= 15:
        return NO_LINE
    while at < end and is_tab_or_space(text[at]):
        at += 1
    if at < end and text[at] == 59:
        return size if text[end - 1] == LF else NO_LINE
    if at < end and text[at] == CR:
        at += 1
    return size if at + 1 == end and text[at] == LF else NO_LINE
