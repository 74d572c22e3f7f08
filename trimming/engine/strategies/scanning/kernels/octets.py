"""Numbers in bytes: all signed, because signed and unsigned ones together make floats in Numba."""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.state import Bytes


@inner
def byte_at(data: Bytes, at: int) -> int:
    """Return the byte at ``at``."""
    return np.int64(data[at])  # type: ignore[return-value]  # a number as any other


@inner
def short_at(data: Bytes, at: int) -> int:
    """Return the 16-bit number at ``at``."""
    return byte_at(data, at) << 8 | byte_at(data, at + 1)


@inner
def long_at(data: Bytes, at: int) -> int:
    """Return the 32-bit number at ``at``."""
    return short_at(data, at) << 16 | short_at(data, at + 2)


@inner
def word_at(data: Bytes, at: int) -> int:
    """Return the 64-bit number at ``at``, with a sign."""
    high = long_at(data, at)
    if high >= 1 << 31:
        high -= 1 << 32
    return (high << 32) + long_at(data, at + 4)
