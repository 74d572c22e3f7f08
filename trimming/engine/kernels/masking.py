"""Overwrites what a plan says in the bytes of a window, and carries checksums along."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trimming.engine.checksums import MODULUS
from trimming.engine.formats.kernels.index import CAPTURED, RECORD_END, START
from trimming.engine.kernel import kernel
from trimming.engine.plan import FieldKind

Column = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

KEPT = -1  # in place of a byte that overwrites
UDP = int(FieldKind.UDP)


@kernel
def _fill(part: Bytes, byte: np.uint8) -> bool:
    """Set all bytes; return whether one was another before."""
    other = np.uint8(0)
    for at in range(len(part)):
        other |= part[at] ^ byte
    for at in range(len(part)):
        part[at] = byte
    return bool(other != 0)


@kernel
def fill_spans(
    data: Bytes,
    rows: Column,
    first_number: int,
    apart: Flags,
    changed: Flags,
    packet: Column,
    start: Column,
    end: Column,
    byte_class: Column,
    fills: Column,
    counts: Column,
) -> int:
    """Overwrite the spans of a window but for rows ``apart``; return how many bytes that were.

    ``fills`` has the byte for each class or KEPT, ``counts`` grows by the bytes of each class, and
    ``changed`` is set for rows of which a byte became another one.
    """
    masked = 0
    for which in range(len(packet)):
        row = packet[which] - first_number
        if apart[row]:
            continue
        counts[byte_class[which]] += end[which] - start[which]
        fill = fills[byte_class[which]]
        if fill == KEPT:
            continue
        base = rows[row, START]
        masked += end[which] - start[which]
        changed[row] |= _fill(data[base + start[which] : base + end[which]], np.uint8(fill))
    return masked


@kernel
def update_checksums(
    data: Bytes,
    rows: Column,
    first_number: int,
    apart: Flags,
    changed: Flags,
    packet: Column,
    offset: Column,
    kind: Column,
    delta: Column,
) -> None:
    """Carry checksums along (RFC 1624); changes of one field stand one after the other."""
    at = 0
    while at < len(packet):
        behind, growth = at, 0
        while (
            behind < len(packet)
            and packet[behind] == packet[at]
            and offset[behind] == offset[at]
            and kind[behind] == kind[at]
        ):
            growth += delta[behind]
            behind += 1
        row = packet[at] - first_number
        growth %= MODULUS
        if growth and not apart[row]:
            place = rows[row, START] + offset[at]
            old = int(data[place]) << 8 | int(data[place + 1])
            new = 0xFFFF - ((0xFFFF - old + growth) % MODULUS or MODULUS)
            if kind[at] == UDP:
                new = 0 if old == 0 else new or 0xFFFF
            if new != old:
                data[place], data[place + 1] = new >> 8, new & 0xFF
                changed[row] = True
        at = behind


@kernel
def clear_padding(data: Bytes, rows: Column, changed: Flags) -> None:
    """Zero the padding behind changed packets of pcapng."""
    for row in range(len(rows)):
        if changed[row]:
            end = rows[row, START] + rows[row, CAPTURED]
            for at in range(end, rows[row, RECORD_END] - 4):
                data[at] = 0
