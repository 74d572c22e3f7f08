"""Connections and their two directions, as they are before anything came."""

from __future__ import annotations

from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.state import (
    ALONE,
    C_NUMBER,
    C_REAL,
    C_SURE,
    CONNECTION_WORDS,
    D_BOUNDARIES,
    D_CONNECTION,
    D_COPIES,
    D_COPIES_LAST,
    D_HELD,
    D_HISTORY,
    D_HISTORY_LAST,
    D_HOLES,
    D_METHODS,
    D_PEER,
    D_PENDING,
    D_PENDING_LAST,
    D_WAITING,
    DIRECTION_WORDS,
    DIRECTIONS,
    KEY_WORDS,
    NONE,
    Numbers,
)


@inner
def direction_of(connection: int, side: int) -> int:
    """Return the row of a side of a connection; 0 is who was heard first."""
    return connection + DIRECTIONS + side * DIRECTION_WORDS


@inner
def _tie(m: Numbers, connection: int, side: int) -> None:
    """Say what a direction belongs to; its reader seeks a start line, nothing is held."""
    row = direction_of(connection, side)
    m[row + D_CONNECTION] = connection
    m[row + D_PEER] = direction_of(connection, 1 - side)
    m[row + D_WAITING] = m[row + D_COPIES] = m[row + D_COPIES_LAST] = m[row + D_HOLES] = NONE
    m[row + D_HISTORY] = m[row + D_HISTORY_LAST] = NONE
    m[row + D_PENDING] = m[row + D_PENDING_LAST] = NONE
    m[row + D_HELD] = m[row + D_BOUNDARIES] = m[row + D_METHODS] = NONE


@inner
def clear_connection(m: Numbers, connection: int, number: int) -> None:
    """Make a connection new; the key stays."""
    for at in range(connection + KEY_WORDS, connection + CONNECTION_WORDS):
        m[at] = 0
    m[connection + C_NUMBER] = number
    m[connection + C_SURE] = 1
    _tie(m, connection, 0)
    _tie(m, connection, 1)


@inner
def new_alone(m: Numbers, connection: int) -> None:
    """A reader for bytes of a connection that stand alone: it finds heads, and pairs nothing."""
    clear_connection(m, ALONE, int(m[connection + C_NUMBER]))
    m[ALONE + C_REAL] = connection
