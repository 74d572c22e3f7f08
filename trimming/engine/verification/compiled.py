"""The roster that the kernels keep: connections as columns, as objects only where they are odd.

Belongs here: which connection is where.  A connection becomes objects when it is asked for, and
goes back when the kernels can go on with it (``settle``).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trimming.engine.options import TrimOptions
from trimming.engine.verification.arrays import ask, grown, new_state, with_room
from trimming.engine.verification.connections import Connection
from trimming.engine.verification.findings import Findings
from trimming.engine.verification.kernels import calls
from trimming.engine.verification.kernels import state as c
from trimming.engine.verification.kernels.state import Numbers, State
from trimming.engine.verification.passing import fits, room_of, to_columns, to_objects

IPV4_KEY_BYTES = 12
SIGN = 1 << 63


class CompiledRoster:
    """A roster of columns; ``state`` is replaced as it grows."""

    def __init__(self, options: TrimOptions, findings: Findings) -> None:
        self.state: State = new_state(options)
        self._options = options
        self._findings = findings
        self._objects: dict[int, Connection] = {}
        self._touched: set[int] = set()

    # --- what is counted --------------------------------------------------------------------------

    @property
    def waiting_bytes(self) -> int:
        return int(self.state.m[c.M_WAITING_BYTES])

    @waiting_bytes.setter
    def waiting_bytes(self, value: int) -> None:
        self.state.m[c.M_WAITING_BYTES] = value

    @property
    def http_streams(self) -> int:
        return int(self.state.m[c.M_HTTP_STREAMS])

    @http_streams.setter
    def http_streams(self, value: int) -> None:
        self.state.m[c.M_HTTP_STREAMS] = value

    @property
    def header_blocks(self) -> int:
        return int(self.state.m[c.M_HEADER_BLOCKS])

    @header_blocks.setter
    def header_blocks(self, value: int) -> None:
        self.state.m[c.M_HEADER_BLOCKS] = value

    @property
    def open_count(self) -> int:
        return int(self.state.m[c.M_OPEN_COUNT])

    @property
    def closed_count(self) -> int:
        return int(self.state.m[c.M_CLOSED_COUNT])

    def count_arrival(self) -> int:
        self.state.m[c.M_ARRIVED] += 1
        return int(self.state.m[c.M_ARRIVED])

    # --- connections by key -----------------------------------------------------------------------

    def get(self, key: bytes) -> Connection | None:
        row = self._row(key)
        return None if row == c.NONE else self.objects(row)

    def find(self, key: bytes) -> Connection | None:
        self._set_key(key)
        row = ask(self.state, calls.FIND_TO_USE)
        return None if row == c.NONE else self.objects(row)

    def add(self, key: bytes, connection: Connection) -> None:
        m = self.state.m
        if m[c.M_FREE_ROW] == c.NONE and m[c.M_ROWS_USED] == len(self.state.rows):
            self.state = grown(self.state, c.GROW_ROWS)
        self._set_key(key)
        row = ask(self.state, calls.INSERT)
        self.state.rows[row, c.C_STATE] = c.HELD_OUTSIDE
        self._objects[row] = connection
        self._touched.add(row)

    def close(self, key: bytes) -> None:
        ask(self.state, calls.CLOSE, self._row(key))

    def remove(self, key: bytes) -> Connection:
        row = self._row(key)
        connection = self.objects(row)
        del self._objects[row]
        self._touched.discard(row)
        ask(self.state, calls.REMOVE, row)
        return connection

    def oldest_open(self) -> bytes:
        return self.key(int(self.state.m[c.M_OPEN_FIRST]))

    def oldest_closed(self) -> bytes:
        return self.key(int(self.state.m[c.M_CLOSED_FIRST]))

    def first(self) -> bytes | None:
        row = ask(self.state, calls.FINISH_ALL)
        return None if row == c.NONE else self.key(row)

    def waiting(self) -> list[Connection]:
        return [self.objects(row) for row in self._rows() if self._waits(row)]

    def forget(self, key: bytes) -> None:
        self._set_key(key)
        ask(self.state, calls.FORGET)

    def is_forgotten(self, key: bytes) -> bool:
        self._set_key(key)
        return bool(ask(self.state, calls.IS_FORGOTTEN))

    def _rows(self) -> Iterator[int]:
        for first in (c.M_OPEN_FIRST, c.M_CLOSED_FIRST):
            row = int(self.state.m[first])
            while row != c.NONE:
                following = int(self.state.rows[row, c.C_BEHIND])
                yield row
                row = following

    def _waits(self, row: int) -> bool:
        if row in self._objects:
            return self._objects[row].waiting_bytes > 0
        return bool(self.state.rows[row, c.C_HELD_COUNT])

    # --- columns and objects ----------------------------------------------------------------------

    def objects(self, row: int) -> Connection:
        """Return the connection of a row as objects, which it is from now on."""
        self._touched.add(row)
        connection = self._objects.get(row)
        if connection is None:
            connection = to_objects(self.state, row, self._options, self._findings)
            self._objects[row] = connection
            self.state.rows[row, c.C_STATE] = c.HELD_OUTSIDE
            ask(self.state, calls.GIVE_BACK, row)
        return connection

    def settle(self) -> None:
        """Put back what was asked for, as far as the kernels can go on with it."""
        for row in self._touched:
            connection = self._objects[row]
            if fits(connection):
                self.state = with_room(self.state, *room_of(connection))
                to_columns(self.state, row, connection)
                del self._objects[row]
        self._touched.clear()

    # --- keys -------------------------------------------------------------------------------------

    def key(self, row: int) -> bytes:
        """Return the key of a row."""
        return _key(self.state.rows[row, : c.KEY_WORDS].tolist())

    def registered_key(self) -> bytes:
        """Return the key in the registers."""
        return _key(self.state.m[c.M_KEY : c.M_KEY + c.KEY_WORDS].tolist())

    def _row(self, key: bytes) -> int:
        self._set_key(key)
        return ask(self.state, calls.FIND)

    def _set_key(self, key: bytes) -> None:
        registers: Numbers = self.state.m[c.M_KEY : c.M_KEY + c.KEY_WORDS]
        half = len(key) // 2
        first, second = key[half - 2 : half], key[-2:]
        ports = int.from_bytes(first + second, "big")
        if len(key) == IPV4_KEY_BYTES:
            low, high = int.from_bytes(key[:4], "big"), int.from_bytes(key[6:10], "big")
            registers[:] = (low, 0, high, 0, 4 << 32 | ports)
        else:
            low_words, high_words = _words(key[:16]), _words(key[half : half + 16])
            registers[:] = np.array((*low_words, *high_words, 6 << 32 | ports), np.int64)


def _words(address: bytes) -> tuple[int, int]:
    # signed, so that words order as the bytes do
    return int.from_bytes(address[:8], "big") - SIGN, int.from_bytes(address[8:], "big") - SIGN


def _address(first: int, second: int) -> bytes:
    return (first + SIGN).to_bytes(8, "big") + (second + SIGN).to_bytes(8, "big")


def _key(words: list[int]) -> bytes:
    low, low_rest, high, high_rest, ends = words
    first, second = (ends >> 16 & 0xFFFF).to_bytes(2, "big"), (ends & 0xFFFF).to_bytes(2, "big")
    if ends >> 32 == 4:
        return low.to_bytes(4, "big") + first + high.to_bytes(4, "big") + second
    return _address(low, low_rest) + first + _address(high, high_rest) + second
