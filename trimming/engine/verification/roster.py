"""The connections that are followed, by key and from the oldest on, and what was counted of them.

Belongs here: which ones there are, and which were forgotten.  Must not be known here: when one is
to be closed or forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from trimming.engine.verification.connections import Connection

MAX_FORGOTTEN = 1 << 16


class Roster(Protocol):
    """Open and closed connections, each a list from the oldest on.

    ``waiting_bytes`` is what all of them have put aside.
    """

    waiting_bytes: int
    http_streams: int
    header_blocks: int

    @property
    def open_count(self) -> int:
        """How many are open."""

    @property
    def closed_count(self) -> int:
        """How many are closed."""

    def get(self, key: bytes) -> Connection | None:
        """Return a connection."""

    def find(self, key: bytes) -> Connection | None:
        """Return a connection; an open one becomes the youngest."""

    def add(self, key: bytes, connection: Connection) -> None:
        """Add an open connection, the youngest."""

    def close(self, key: bytes) -> None:
        """Make an open connection the youngest closed one."""

    def remove(self, key: bytes) -> Connection:
        """Take a connection out."""

    def oldest_open(self) -> bytes:
        """Return the key of the oldest open connection."""

    def oldest_closed(self) -> bytes:
        """Return the key of the oldest closed connection."""

    def first(self) -> bytes | None:
        """Return the key of the oldest one, open ones first; None without any."""

    def waiting(self) -> list[Connection]:
        """Return those that have put something aside, open ones first."""

    def forget(self, key: bytes) -> None:
        """Note that a connection was removed that may go on."""

    def is_forgotten(self, key: bytes) -> bool:
        """Whether such a connection may have been noted; past a bound it may of any."""

    def count_arrival(self) -> int:
        """Return a number greater than the last one."""


class PlainRoster:
    """A roster of objects."""

    def __init__(self) -> None:
        self.waiting_bytes = 0
        self.http_streams = 0
        self.header_blocks = 0
        self._open: OrderedDict[bytes, Connection] = OrderedDict()
        self._closed: OrderedDict[bytes, Connection] = OrderedDict()
        self._forgotten: set[bytes] = set()
        self._forgot_all = False
        self._arrived = 0

    @property
    def open_count(self) -> int:
        return len(self._open)

    @property
    def closed_count(self) -> int:
        return len(self._closed)

    def get(self, key: bytes) -> Connection | None:
        return self._open.get(key) or self._closed.get(key)

    def find(self, key: bytes) -> Connection | None:
        connection = self._open.get(key)
        if connection is None:
            return self._closed.get(key)
        self._open.move_to_end(key)
        return connection

    def add(self, key: bytes, connection: Connection) -> None:
        self._open[key] = connection

    def close(self, key: bytes) -> None:
        self._closed[key] = self._open.pop(key)

    def remove(self, key: bytes) -> Connection:
        return self._open.pop(key, None) or self._closed.pop(key)

    def oldest_open(self) -> bytes:
        return next(iter(self._open))

    def oldest_closed(self) -> bytes:
        return next(iter(self._closed))

    def first(self) -> bytes | None:
        return next(iter(self._open or self._closed), None)

    def waiting(self) -> list[Connection]:
        connections = [*self._open.values(), *self._closed.values()]
        return [connection for connection in connections if connection.waiting_bytes]

    def forget(self, key: bytes) -> None:
        if key not in self._forgotten and len(self._forgotten) == MAX_FORGOTTEN:
            self._forgot_all = True
        if self._forgot_all:
            self._forgotten.clear()
        else:
            self._forgotten.add(key)

    def is_forgotten(self, key: bytes) -> bool:
        return self._forgot_all or key in self._forgotten

    def count_arrival(self) -> int:
        self._arrived += 1
        return self._arrived
