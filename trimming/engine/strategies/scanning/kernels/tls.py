"""TLS records in a stream that is not HTTP: handshakes stay, application data does not.

Source: RFC 8446 section 5.1.  Only asked where a profile masks other payload.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.octets import byte_at
from trimming.engine.strategies.scanning.kernels.output import OTHER, TLS_RECORD
from trimming.engine.strategies.scanning.kernels.state import (
    D_TLS_BEGUN,
    D_TLS_HEADER,
    D_TLS_HEADER_LENGTH,
    D_TLS_KEPT,
    D_TLS_LOST,
    D_TLS_REMAINING,
    O_MASK_OTHER,
    Bytes,
    Numbers,
)

HEADER_BYTES = 5
HANDSHAKE = 22
# RFC 5246 section 6.2.3: the most that any version allows
MAX_RECORD_BYTES = (1 << 14) + 2048


@inner
def tls_run(m: Numbers, direction: int, text: Bytes, place: int, end: int) -> tuple[int, int]:
    """Return length and class of the first bytes of ``text[place:end]``, which is not empty."""
    if not m[O_MASK_OTHER]:
        return end - place, OTHER
    if m[direction + D_TLS_REMAINING] and not m[direction + D_TLS_LOST]:
        if not m[direction + D_TLS_BEGUN]:
            m[direction + D_TLS_BEGUN] = 1
            if text[place] != 1 and text[place] != 2:  # a hello opens a stream
                m[direction + D_TLS_LOST] = 1
        if not m[direction + D_TLS_LOST]:
            length = min(int(m[direction + D_TLS_REMAINING]), end - place)
            m[direction + D_TLS_REMAINING] -= length
            return length, TLS_RECORD if m[direction + D_TLS_KEPT] else OTHER
    length = 0
    while (
        place + length < end
        and not m[direction + D_TLS_LOST]
        and not m[direction + D_TLS_REMAINING]
    ):
        if _take_header_byte(m, direction, byte_at(text, place + length)):
            length += 1
    return (length, TLS_RECORD) if length else (end - place, OTHER)


@inner
def _take_header_byte(m: Numbers, direction: int, byte: int) -> bool:
    """Take the next byte of a record's header; an impossible one is not taken, and all is lost."""
    count = int(m[direction + D_TLS_HEADER_LENGTH])
    possible = True
    if count == 0:
        possible = 20 <= byte <= 24 and (bool(m[direction + D_TLS_BEGUN]) or byte == HANDSHAKE)
        m[direction + D_TLS_KEPT] = int(byte <= HANDSHAKE)
        m[direction + D_TLS_HEADER] = 0
    elif count == 1:
        possible = byte == 3
    elif count == 2:
        possible = byte <= 4
    else:
        m[direction + D_TLS_HEADER] = m[direction + D_TLS_HEADER] << 8 | byte
        if count == HEADER_BYTES - 1:
            possible = 0 < m[direction + D_TLS_HEADER] <= MAX_RECORD_BYTES
    if not possible:
        m[direction + D_TLS_LOST] = 1
        return False
    m[direction + D_TLS_HEADER_LENGTH] = count + 1
    if count == HEADER_BYTES - 1:
        m[direction + D_TLS_REMAINING] = m[direction + D_TLS_HEADER]
        m[direction + D_TLS_HEADER_LENGTH] = 0
    return True


@inner
def skip_tls(m: Numbers, direction: int, length: int) -> None:
    """``length`` bytes are missing; inside a record the framing holds."""
    if m[direction + D_TLS_REMAINING] > length and m[direction + D_TLS_BEGUN]:
        m[direction + D_TLS_REMAINING] -= length
    else:
        m[direction + D_TLS_LOST] = 1
