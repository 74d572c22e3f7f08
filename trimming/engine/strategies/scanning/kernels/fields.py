"""The two fields that frame a body, read piece by piece: Content-Length and Transfer-Encoding.

Source: RFC 9112 section 6.  Values may come in several fields, each may be folded; every item of a
list counts.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.lines import (
    BLANK,
    DIGIT,
    SPACE,
    has,
    is_tab_or_space,
)
from trimming.engine.strategies.scanning.kernels.octets import byte_at
from trimming.engine.strategies.scanning.kernels.redaction import (
    IS_CONTENT_LENGTH,
    IS_TRANSFER_ENCODING,
)
from trimming.engine.strategies.scanning.kernels.state import (
    D_CL_BAD,
    D_CL_DIGITS,
    D_CL_HAS_VALUE,
    D_CL_NUMBER,
    D_CL_PHASE,
    D_CL_SEEN,
    D_CL_VALUE,
    D_FIELD_KIND,
    D_HAS_FIELDS,
    D_TE_AS_CHUNKED,
    D_TE_AS_IDENTITY,
    D_TE_BLANK,
    D_TE_CHUNKED,
    D_TE_CODINGS,
    D_TE_LAST_CHUNKED,
    D_TE_LENGTH,
    Bytes,
    Numbers,
)

COMMA = 44
MAX_DIGITS = 18
BEFORE, INSIDE, BEHIND = range(3)  # digits of a length
CHUNKED_TEXT = np.frombuffer(b"chunked", np.uint8).copy()
IDENTITY_TEXT = np.frombuffer(b"identity", np.uint8).copy()
CHUNKED_LENGTH, IDENTITY_LENGTH = len(CHUNKED_TEXT), len(IDENTITY_TEXT)


@inner
def no_fields(m: Numbers, direction: int) -> None:
    """A head begins."""
    for column in range(D_FIELD_KIND, D_TE_BLANK + 1):
        m[direction + column] = 0


@inner
def take_value(m: Numbers, direction: int, kind: int, text: Bytes, start: int, end: int) -> None:
    """A field of a kind begins with this value."""
    m[direction + D_HAS_FIELDS] = 1
    m[direction + D_FIELD_KIND] = kind
    if kind & IS_CONTENT_LENGTH:
        if m[direction + D_CL_SEEN]:
            _end_length(m, direction)
        m[direction + D_CL_SEEN] = 1
    if kind & IS_TRANSFER_ENCODING:
        end_coding(m, direction)
    while start < end and is_tab_or_space(text[start]):
        start += 1
    while end > start and is_tab_or_space(text[end - 1]):
        end -= 1
    _go_on(m, direction, text, start, end)


@inner
def take_folded(m: Numbers, direction: int, text: Bytes, start: int, end: int) -> None:
    """The last field goes on with this line; a blank stands for the fold."""
    while start < end and has(text[start], BLANK):
        start += 1
    while end > start and has(text[end - 1], BLANK):
        end -= 1
    _take_byte(m, direction, SPACE)
    _go_on(m, direction, text, start, end)


@inner
def _go_on(m: Numbers, direction: int, text: Bytes, start: int, end: int) -> None:
    if m[direction + D_FIELD_KIND] & (IS_CONTENT_LENGTH | IS_TRANSFER_ENCODING):
        for at in range(start, end):
            _take_byte(m, direction, byte_at(text, at))


@inner
def _take_byte(m: Numbers, direction: int, byte: int) -> None:
    if m[direction + D_FIELD_KIND] & IS_CONTENT_LENGTH:
        _take_length_byte(m, direction, byte)
    if m[direction + D_FIELD_KIND] & IS_TRANSFER_ENCODING:
        _take_coding_byte(m, direction, byte)


@inner
def _take_length_byte(m: Numbers, direction: int, byte: int) -> None:
    if byte == COMMA:
        _end_length(m, direction)
    elif has(byte, BLANK):
        if m[direction + D_CL_PHASE] == INSIDE:
            m[direction + D_CL_PHASE] = BEHIND
    elif (
        not has(byte, DIGIT)
        or m[direction + D_CL_PHASE] == BEHIND
        or m[direction + D_CL_DIGITS] >= MAX_DIGITS
    ):
        m[direction + D_CL_BAD] = 1
    else:
        m[direction + D_CL_PHASE] = INSIDE
        m[direction + D_CL_DIGITS] += 1
        m[direction + D_CL_NUMBER] = m[direction + D_CL_NUMBER] * 10 + byte - 48


@inner
def _end_length(m: Numbers, direction: int) -> None:
    """One item of Content-Length is over: equal ones are one."""
    if not m[direction + D_CL_DIGITS] or (
        m[direction + D_CL_HAS_VALUE] and m[direction + D_CL_VALUE] != m[direction + D_CL_NUMBER]
    ):
        m[direction + D_CL_BAD] = 1
    m[direction + D_CL_HAS_VALUE] = 1
    m[direction + D_CL_VALUE] = m[direction + D_CL_NUMBER]
    m[direction + D_CL_PHASE] = BEFORE
    m[direction + D_CL_DIGITS] = 0
    m[direction + D_CL_NUMBER] = 0


@inner
def content_length(m: Numbers, direction: int) -> int:
    """Return the length that the head states, -1 when it states none that can be."""
    _end_length(m, direction)
    return -1 if m[direction + D_CL_BAD] else int(m[direction + D_CL_VALUE])


@inner
def _take_coding_byte(m: Numbers, direction: int, byte: int) -> None:
    if byte == COMMA:
        end_coding(m, direction)
        return
    if has(byte, BLANK):
        m[direction + D_TE_BLANK] = m[direction + D_TE_LENGTH] > 0
        return
    if m[direction + D_TE_BLANK]:  # a blank inside: neither of the known ones
        m[direction + D_TE_AS_CHUNKED] = m[direction + D_TE_AS_IDENTITY] = -1
        m[direction + D_TE_BLANK] = 0
    if 65 <= byte <= 90:
        byte += 32
    at = int(m[direction + D_TE_LENGTH])
    if m[direction + D_TE_AS_CHUNKED] == at and at < CHUNKED_LENGTH and byte == CHUNKED_TEXT[at]:
        m[direction + D_TE_AS_CHUNKED] += 1
    if m[direction + D_TE_AS_IDENTITY] == at and at < IDENTITY_LENGTH and byte == IDENTITY_TEXT[at]:
        m[direction + D_TE_AS_IDENTITY] += 1
    m[direction + D_TE_LENGTH] += 1


@inner
def end_coding(m: Numbers, direction: int) -> None:
    """One item of Transfer-Encoding is over; "identity" counts for nothing."""
    length = m[direction + D_TE_LENGTH]
    is_identity = length == IDENTITY_LENGTH and m[direction + D_TE_AS_IDENTITY] == length
    if length and not is_identity:
        is_chunked = length == CHUNKED_LENGTH and m[direction + D_TE_AS_CHUNKED] == length
        m[direction + D_TE_CODINGS] += 1
        m[direction + D_TE_CHUNKED] += int(is_chunked)
        m[direction + D_TE_LAST_CHUNKED] = int(is_chunked)
    m[direction + D_TE_LENGTH] = m[direction + D_TE_AS_CHUNKED] = m[
        direction + D_TE_AS_IDENTITY
    ] = m[direction + D_TE_BLANK] = 0
