"""What goes out: entries of the mask plan, with what a mask does to the checksum around."""

from __future__ import annotations

import numpy as np

from trimming.engine.byte_classes import ByteClass
from trimming.engine.kernel import inner
from trimming.engine.plan import EntryKind
from trimming.engine.strategies.scanning.kernels.octets import byte_at
from trimming.engine.strategies.scanning.kernels.state import (
    C_HTTP,
    C_NUMBER,
    ENTRY_WORDS,
    MARKS,
    NONE,
    O_MASK_OTHER,
    O_MASK_UNCERTAIN,
    R_ENTRIES,
    R_MARKS,
    R_OUT,
    Bytes,
    Numbers,
    constant,
)

MODULUS = 0xFFFF
HEADER, FRAMING, BODY = (
    constant(ByteClass.HEADER),
    constant(ByteClass.FRAMING),
    constant(ByteClass.BODY),
)
UNCERTAIN, OTHER, REDACTED = (
    constant(ByteClass.UNCERTAIN),
    constant(ByteClass.OTHER),
    constant(ByteClass.REDACTED),
)
SAMPLE, TLS_RECORD = constant(ByteClass.SAMPLE), constant(ByteClass.TLS_RECORD)
NO_CLASS, NO_CONNECTION = constant(0), constant(0)
SPAN, CHANGE, UDP_CHANGE, FRAME_CHECK = (
    constant(EntryKind.SPAN),
    constant(EntryKind.CHANGE),
    constant(EntryKind.UDP_CHANGE),
    constant(EntryKind.FRAME_CHECK),
)
FIRM, TENTATIVE = constant(0), constant(1)
NO_FILL, REDACTION = -1, ord("x")


@inner
def add_entry(
    m: Numbers,
    packet: int,
    a: int,
    b: int,
    kind: int,
    byte_class: int,
    tentative: int,
    connection: int,
) -> None:
    """Add an entry of the plan (plan.ENTRY); who calls has made sure that there is room."""
    at = int(m[R_OUT]) + ENTRY_WORDS * int(m[R_ENTRIES])
    m[at] = packet
    m[at + 1] = a | b << 32
    m[at + 2] = kind | byte_class << 8 | tentative << 16 | connection << 32
    m[R_ENTRIES] += 1


@inner
def fill_of(m: Numbers, byte_class: int, tentative: int) -> int:
    """Return what overwrites such bytes in the end, or may; NO_FILL where nothing does."""
    masks_uncertain = bool(m[O_MASK_UNCERTAIN])
    if byte_class == BODY:
        return 0
    if byte_class == REDACTED:
        return REDACTION
    if byte_class == OTHER and m[O_MASK_OTHER]:
        return 0
    if masks_uncertain and (byte_class == UNCERTAIN or tentative):
        return 0
    return NO_FILL


@inner
def sum_of(text: Bytes, start: int, end: int) -> int:
    """Return a sum of 16-bit words, equal modulo 0xFFFF; an odd last byte is a high one.

    Words of any size and either byte order do (RFC 1071 section 2): the sum of little-endian ones
    has its bytes swapped.
    """
    whole = start + ((end - start) & ~3)
    total = np.uint64(0)
    for word in text[start:whole].view(np.uint32):
        total += np.uint64(word)
    rest = 0
    for at in range(whole, end):
        rest += byte_at(text, at) << (0 if (at - whole) & 1 else 8)
    return (np.int64(total % np.uint64(MODULUS)) << 8) + rest  # type: ignore[return-value]  # as any


@inner
def plan_range(
    m: Numbers,
    packet: int,
    at: int,
    checksum: int,
    text: Bytes,
    start: int,
    length: int,
    byte_class: int,
    tentative: int,
    connection: int,
    change_kind: int,
) -> None:
    """Class ``length`` bytes at ``at`` of a packet, which are ``text[start:]``.

    ``checksum`` is the place of the field that covers them, NONE without one; fields of TCP and UDP
    stand at an even distance from where their words begin.
    """
    add_entry(m, packet, at, at + length, SPAN, byte_class, tentative, connection)
    if checksum == NONE:
        return
    fill = fill_of(m, byte_class, tentative)
    if fill == NO_FILL:
        return
    old = sum_of(text, start, start + length)
    new = fill * (256 * ((length + 1) // 2) + length // 2)
    growth = (new - old) % MODULUS
    if (at - checksum) & 1:
        growth = (growth << 8) % MODULUS
    if growth:
        add_entry(m, packet, checksum, growth, change_kind, byte_class, tentative, connection)


@inner
def http_seen(m: Numbers, connection: int) -> None:
    """The connection is HTTP: told once."""
    if not m[connection + C_HTTP]:
        m[connection + C_HTTP] = 1
        m[MARKS + m[R_MARKS]] = m[connection + C_NUMBER]
        m[R_MARKS] += 1
