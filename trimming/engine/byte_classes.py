"""The closed vocabulary of what a byte of payload is, and what a profile does with each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from trimming.engine.options import TrimOptions


class ByteClass(IntEnum):
    """What a byte is.  The values are stored in mask plans: append, never renumber."""

    HEADER = 1  # start line, header field, blank line, interim response, trailer field
    FRAMING = 2  # chunk-size line with extensions, the line end behind chunk data
    BODY = 3  # message content, and everything in a tunnel
    UNCERTAIN = 4  # in a connection known to be HTTP, but not to be classed
    OTHER = 5  # not HTTP
    REDACTED = 6  # a header value that the profile hides
    SAMPLE = 7  # content that the profile keeps: the first bytes of a body
    TLS_RECORD = 8  # record headers and handshakes of TLS


# what each of two strategies takes the same byte for; None where it gave it no class
Pair = tuple[ByteClass | None, ByteClass | None]
ZERO = 0x00
REDACTION = ord("x")


def fill_for(byte_class: ByteClass, options: TrimOptions) -> int | None:
    """Return the byte that overwrites bytes of this class, or None where they are kept."""
    match byte_class:
        case ByteClass.HEADER | ByteClass.FRAMING | ByteClass.SAMPLE | ByteClass.TLS_RECORD:
            return None
        case ByteClass.BODY:
            return ZERO
        case ByteClass.UNCERTAIN:
            return ZERO if options.uncertain == "mask" else None
        case ByteClass.OTHER:
            return ZERO if options.other_payload == "mask" else None
        case ByteClass.REDACTED:
            return REDACTION
        case _:
            assert_never(byte_class)


def masked_by_one(counts: Mapping[Pair, int], options: TrimOptions) -> tuple[int, int]:
    """Return how many bytes only the first strategy overwrites, and how many only the second.

    With the control first these are the leaked and the over-masked bytes of the treatment.
    """

    def masks(byte_class: ByteClass | None) -> bool:
        return byte_class is not None and fill_for(byte_class, options) is not None

    by_first = sum(n for (one, other), n in counts.items() if masks(one) and not masks(other))
    by_second = sum(n for (one, other), n in counts.items() if masks(other) and not masks(one))
    return by_first, by_second
