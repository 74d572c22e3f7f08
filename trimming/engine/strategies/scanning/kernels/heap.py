"""Blocks of memory of any size: powers of two, given back to a list for each size.

Who asks has made sure before that there is room (``scan.room``).
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.state import (
    FREE,
    N_NEXT,
    NONE,
    R_HEAP_TOP,
    Numbers,
)

LEAST_WORDS = 8


@inner
def take_words(m: Numbers, words: int) -> int:
    """Return the place of words that are never given back."""
    found = int(m[R_HEAP_TOP])
    m[R_HEAP_TOP] = found + words
    return found


@inner
def take_block(m: Numbers, words: int) -> int:
    """Return the place of a block of at least ``words`` words; the first one tells its size."""
    size, which = LEAST_WORDS, 0
    while size < words:
        size *= 2
        which += 1
    found = int(m[FREE + which])
    if found != NONE:
        m[FREE + which] = m[found + N_NEXT]
    else:
        found = take_words(m, size)
    m[found] = which
    return found


@inner
def block_words(m: Numbers, block: int) -> int:
    """Return how many words a block has."""
    return LEAST_WORDS << int(m[block])


@inner
def give_back(m: Numbers, block: int) -> None:
    """Give a block back."""
    which = int(m[block])
    m[block + N_NEXT] = m[FREE + which]
    m[FREE + which] = block


@inner
def larger(m: Numbers, block: int, words: int, used: int) -> int:
    """Return a block of at least ``words`` words with the first ``used`` words of ``block``."""
    if words <= block_words(m, block):
        return block
    found = take_block(m, words)
    for at in range(1, used):
        m[found + at] = m[block + at]
    give_back(m, block)
    return found
