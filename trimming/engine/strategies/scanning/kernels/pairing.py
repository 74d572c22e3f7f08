"""Requests and the responses that answer them: what a response to HEAD or CONNECT needs to know.

Requests are counted; only those of the two methods are written down, by their number.
"""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.heap import give_back, larger, take_block
from trimming.engine.strategies.scanning.kernels.lines import CONNECT, HEAD
from trimming.engine.strategies.scanning.kernels.state import (
    C_SURE,
    D_ANSWERED,
    D_ASKED,
    D_METHODS,
    D_METHODS_COUNT,
    NONE,
    O_PIPELINED,
    T_PIPELINED,
    Numbers,
)

NOT_KNOWN = -1


@inner
def asked(m: Numbers, connection: int, direction: int, method: int) -> None:
    """A request was sent; past the limit the oldest is forgotten, and counting is not sure."""
    if m[direction + D_ASKED] - m[direction + D_ANSWERED] >= m[O_PIPELINED]:
        if m[connection + C_SURE]:
            m[T_PIPELINED] += 1
            m[connection + C_SURE] = 0
        answered(m, direction)
    if method == HEAD or method == CONNECT:
        count = int(m[direction + D_METHODS_COUNT])
        block = int(m[direction + D_METHODS])
        if block == NONE:
            block = take_block(m, 2)
        block = larger(m, block, count + 2, count + 1)
        m[block + 1 + count] = m[direction + D_ASKED] * 2 + int(method == CONNECT)
        m[direction + D_METHODS] = block
        m[direction + D_METHODS_COUNT] = count + 1
    m[direction + D_ASKED] += 1


@inner
def answered(m: Numbers, direction: int) -> int:
    """Return the method of the request that is answered next, NOT_KNOWN without one."""
    if m[direction + D_ASKED] == m[direction + D_ANSWERED]:
        return NOT_KNOWN
    number = int(m[direction + D_ANSWERED])
    m[direction + D_ANSWERED] += 1
    count, block = int(m[direction + D_METHODS_COUNT]), int(m[direction + D_METHODS])
    if not count or int(m[block + 1]) >> 1 != number:
        return 0
    method = CONNECT if m[block + 1] & 1 else HEAD
    for at in range(1, count):
        m[block + at] = m[block + at + 1]
    m[direction + D_METHODS_COUNT] = count - 1
    if count == 1:
        give_back(m, block)
        m[direction + D_METHODS] = NONE
    return method
