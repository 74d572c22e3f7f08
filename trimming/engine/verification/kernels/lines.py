"""Lines of a head, strictly: each says the same as its pattern in ``patterns``, or less.

All work on ``text[at:end]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.octets import octet
from trimming.engine.verification.kernels.state import NONE, Bytes

TOKEN_CHAR, TARGET_CHAR, VALUE_CHAR, METHOD_CHAR, HEX_CHAR = 1, 2, 4, 8, 16
LF, CR, SPACE, TAB, COLON, SLASH, DOT, SEMICOLON = 10, 13, 32, 9, 58, 47, 46, 59


def _kinds() -> NDArray[np.uint8]:
    """Return what each byte may be."""
    kinds = np.zeros(256, np.uint8)
    digits, letters = b"0123456789", bytes(range(65, 91)) + bytes(range(97, 123))
    for byte in digits + letters + b"!#$%&'*+-.^_`|~":
        kinds[byte] |= TOKEN_CHAR
    for byte in range(256):
        if byte > 0x20 and byte != 0x7F:
            kinds[byte] |= TARGET_CHAR
        if byte == TAB or (byte >= 0x20 and byte != 0x7F):
            kinds[byte] |= VALUE_CHAR
    for byte in range(65, 91):
        kinds[byte] |= METHOD_CHAR
    for byte in digits + b"abcdefABCDEF":
        kinds[byte] |= HEX_CHAR
    return kinds


KINDS = _kinds()
CHUNKED = np.frombuffer(b"chunked", np.uint8)
CONTENT_LENGTH_NAME = np.frombuffer(b"content-length", np.uint8)
TRANSFER_ENCODING_NAME = np.frombuffer(b"transfer-encoding", np.uint8)
UPGRADE_NAME = np.frombuffer(b"upgrade", np.uint8)
GET = np.frombuffer(b"GET", np.uint8)
HEAD = np.frombuffer(b"HEAD", np.uint8)
CONNECT = np.frombuffer(b"CONNECT", np.uint8)
HTTP = np.frombuffer(b"HTTP/", np.uint8)
PREFACE = np.frombuffer(b"PRI * HTTP/2.0", np.uint8)

OTHER, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE = 0, 1, 2, 3


@inner
def is_digit(byte: int) -> bool:
    """Whether a byte is a decimal digit."""
    return 48 <= byte <= 57


@inner
def find_byte(text: Bytes, at: int, end: int, byte: int) -> int:
    """Return the place of the first such byte, or NONE."""
    while at < end:
        if text[at] == byte:
            return at
        at += 1
    return NONE


@inner
def is_word(text: Bytes, at: int, end: int, word: Bytes) -> bool:
    """Whether ``text[at:end]`` is ``word``, which is in lower case, whatever the case."""
    if end - at != len(word):
        return False
    for i in range(len(word)):
        byte = text[at + i]
        if 65 <= byte <= 90:
            byte += 32
        if byte != word[i]:
            return False
    return True


@inner
def begins(text: Bytes, at: int, end: int, word: Bytes) -> bool:
    """Whether ``text[at:end]`` begins with ``word``."""
    if end - at < len(word):
        return False
    for i in range(len(word)):  # noqa: SIM110 - plain loops are what compiles well
        if text[at + i] != word[i]:
            return False
    return True


@inner
def run_of(text: Bytes, at: int, end: int, kind: int) -> int:
    """Return where the bytes of a kind end that begin at ``at``."""
    while at < end and KINDS[text[at]] & kind:
        at += 1
    return at


@inner
def without_cr(text: Bytes, at: int, end: int) -> int:
    """Return ``end``, or one less where a CR stands before it."""
    return end - 1 if end > at and text[end - 1] == CR else end


@inner
def has_version(text: Bytes, at: int, end: int) -> bool:
    """Whether HTTP/ and a version stand at ``at``."""
    if end - at < 8 or not begins(text, at, end, HTTP):
        return False
    return is_digit(text[at + 5]) and text[at + 6] == DOT and is_digit(text[at + 7])


@inner
def request_line(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return (where the method ends, minor version) of a line without its end; NONE if odd.

    A method is in capitals, up to 32 of them, so that START_LINE holds as well as REQUEST_LINE.
    """
    method = run_of(text, at, end, METHOD_CHAR)
    if method - at < 2 or method - at > 32 or method >= end or text[method] != SPACE:
        return NONE, 0
    # 8 for the version and a space before it
    last = end - 9
    if last <= method + 1 or text[last] != SPACE or not has_version(text, last + 1, end):
        return NONE, 0
    if text[last + 6] != 49 or text[last + 8] > 49:
        return NONE, 0
    for i in range(method + 1, last):
        if text[i] < 0x21 or text[i] > 0x7E:
            return NONE, 0
    return method, octet(text, last + 8) - 48


@inner
def status_line(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return (status, minor version) of a line without its end, or NONE if odd."""
    if end - at < 13 or not has_version(text, at, end) or text[at + 5] != 49 or text[at + 7] > 49:
        return NONE, 0
    first, second, third = octet(text, at + 9), octet(text, at + 10), octet(text, at + 11)
    if text[at + 8] != SPACE or text[at + 12] != SPACE or first < 49 or first > 53:
        return NONE, 0
    if not is_digit(second) or not is_digit(third):
        return NONE, 0
    if run_of(text, at + 13, end, VALUE_CHAR) != end:
        return NONE, 0
    return (first * 10 + second) * 10 + third - 5328, octet(text, at + 7) - 48


@inner
def field_line(text: Bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Return (kind of field, or NONE if odd; value's start and end; where the name ends).

    ``end`` is before the line's end.
    """
    name = run_of(text, at, end, TOKEN_CHAR)
    if name == at or name >= end or text[name] != COLON:
        return NONE, 0, 0, 0
    if run_of(text, name + 1, end, VALUE_CHAR) != end:
        return NONE, 0, 0, 0
    kind = OTHER
    if name - at == 14 and is_word(text, at, name, CONTENT_LENGTH_NAME):
        kind = CONTENT_LENGTH
    elif name - at == 17 and is_word(text, at, name, TRANSFER_ENCODING_NAME):
        kind = TRANSFER_ENCODING
    elif name - at == 7 and is_word(text, at, name, UPGRADE_NAME):
        kind = UPGRADE
    start = name + 1
    while start < end and (text[start] == SPACE or text[start] == TAB):
        start += 1
    while end > start and (text[end - 1] == SPACE or text[end - 1] == TAB):
        end -= 1
    return kind, start, end, name


@inner
def content_length(text: Bytes, at: int, end: int) -> int:
    """Return the number, or NONE if it is not plain."""
    size = end - at
    if size < 1 or size > 15 or (text[at] == 48 and size > 1):
        return NONE
    value = 0
    for i in range(at, end):
        if not is_digit(text[i]):
            return NONE
        value = value * 10 + octet(text, i) - 48
    return value


@inner
def hex_value(byte: int) -> int:
    """Return what a hexadecimal digit counts."""
    if byte <= 57:
        return byte - 48
    return (byte | 32) - 87


@inner
def hex_number(text: Bytes, at: int, end: int) -> int:
    """Return the number of hexadecimal digits, at most 15 of them."""
    value = 0
    for i in range(at, end):
        value = value << 4 | hex_value(octet(text, i))
    return value


@inner
def size_line(text: Bytes, at: int, end: int) -> int:
    """Return the size that a chunk-size line without its line feed gives, NONE if odd."""
    digits = run_of(text, at, end, HEX_CHAR)
    if digits == at or digits - at > 8 or text[end - 1] != CR:
        return NONE
    if digits < end - 1:
        if text[digits] != SEMICOLON:
            return NONE
        for i in range(digits + 1, end - 1):
            if text[i] != TAB and (text[i] < 0x20 or text[i] > 0x7E):
                return NONE
    return hex_number(text, at, digits)


@inner
def is_start_line(text: Bytes, at: int, end: int) -> bool:
    """Whether START_LINE matches at ``at``; exactly so."""
    if begins(text, at, end, HTTP):
        if not has_version(text, at, end) or at + 8 >= end or text[at + 8] != SPACE:
            return False
        at = run_without(text, at + 9, end)
        return at < end and text[at] == LF
    if begins(text, at, end, PREFACE):
        return False
    method = run_of(text, at, end, TOKEN_CHAR)
    if method == at or method - at > 32 or method >= end or text[method] != SPACE:
        return False
    target = run_of(text, method + 1, end, TARGET_CHAR)
    if target == method + 1 or target >= end or text[target] != SPACE:
        return False
    tail = target + 1
    if not has_version(text, tail, end):
        return False
    tail += 8
    if tail < end and text[tail] == SPACE:
        tail += 1
    if tail < end and text[tail] == CR:
        tail += 1
    if tail >= end or text[tail] != LF:
        return False
    return _is_capital(text, at, method) or _is_target(text, method + 1, target)


@inner
def _is_capital(text: Bytes, at: int, end: int) -> bool:
    if end - at < 2 or not 65 <= text[at] <= 90:
        return False
    for i in range(at, end):  # noqa: SIM110 - plain loops are what compiles well
        if not (65 <= text[i] <= 90 or text[i] == 95 or text[i] == 45):
            return False
    return True


@inner
def _is_target(text: Bytes, at: int, end: int) -> bool:
    """Whether a target begins as one that speaks for itself: a path, an asterisk, a scheme."""
    if text[at] == SLASH or text[at] == 42:
        return True
    if not 65 <= text[at] & 0xDF <= 90:
        return False
    i = at + 1
    while i < end and (is_digit(text[i]) or 65 <= text[i] & 0xDF <= 90 or text[i] in (43, 46, 45)):
        i += 1
    return i < end and text[i] == COLON


@inner
def is_start_prefix(text: Bytes, at: int, end: int) -> bool:
    """Whether START_PREFIX matches ``text[at:end]``; exactly so."""
    if begins(text, at, end, HTTP):
        if not _is_version_prefix(text, at, min(at + 8, end)):
            return False
        if at + 8 >= end:
            return True
        return text[at + 8] == SPACE and run_without(text, at + 9, end) == end
    method = at
    while method < end and (65 <= text[method] <= 90 or text[method] in (95, 45)):
        method += 1
    if method == at or method - at > 32 or not 65 <= text[at] <= 90:
        return False
    if method + 1 >= end:
        return method == end or text[method] == SPACE
    target = run_of(text, method + 1, end, TARGET_CHAR)
    if text[method] != SPACE or target == method + 1:
        return False
    if target + 1 >= end:
        return target == end or text[target] == SPACE
    tail = target + 1
    if text[target] != SPACE or not _is_version_prefix(text, tail, min(tail + 8, end)):
        return False
    tail += 8
    if tail < end and text[tail] == SPACE:
        tail += 1
    if tail < end and text[tail] == CR:
        tail += 1
    return tail >= end


@inner
def _is_version_prefix(text: Bytes, at: int, end: int) -> bool:
    for i in range(at, end):
        place, byte = i - at, text[i]
        if place < 5:
            if byte != HTTP[place]:
                return False
        elif place == 6:
            if byte != DOT:
                return False
        elif not is_digit(byte):
            return False
    return True


@inner
def run_without(text: Bytes, at: int, end: int) -> int:
    """Return where the first line feed or zero stands, ``end`` without one."""
    while at < end and text[at] != LF and text[at]:
        at += 1
    return at
