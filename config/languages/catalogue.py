"""Reading a compiled catalogue (``.mo``): every message with its plural and its context.  Pure.

Python's own reader gives a plural by the singular alone; a stored text may be either.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

# https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html, as msgfmt writes it here
HEAD: Final = struct.Struct("<5I")
PLACE: Final = struct.Struct("<2I")
MAGIC: Final = 0x950412DE


class Entry(NamedTuple):
    """One message: ``originals`` are the singular and, where there is one, the plural."""

    context: str
    originals: tuple[str, ...]
    translation: str


def entries(compiled: bytes) -> Iterator[Entry]:
    """Give the messages of a catalogue of one form, without its head.

    Raises ValueError for what is no catalogue, or one of another byte order.
    """
    magic, _, count, first, translated = HEAD.unpack_from(compiled)
    if magic != MAGIC:
        raise ValueError(f"expected a catalogue that begins with {MAGIC:x}, found {magic:x}")
    for number in range(count):
        key = _text(compiled, first + number * PLACE.size)
        context, _, originals = key.rpartition("\x04")
        if originals:
            translation = _text(compiled, translated + number * PLACE.size)
            yield Entry(context, tuple(originals.split("\0")), translation.partition("\0")[0])


def _text(compiled: bytes, at: int) -> str:
    length, begin = PLACE.unpack_from(compiled, at)
    return compiled[begin : begin + length].decode()
