"""On SQLite whoever asks at the right moment gets the lock; a rollback goes first instead.

SQLite has no queue: who waits sleeps, and who asks when the lock has just been given back has it.
On a busy machine that is hardly ever the one that waits, since it runs only while the others sync.
So who goes first stands in a turnstile, a lock of its own beside the database, and everybody else
looks whether it is free before a write or a transaction of theirs begins.  A rollback goes first,
and whoever has waited for the lock for ``PATIENCE_SECONDS``.

This is a courtesy and no fence: after ``PATIENCE_SECONDS`` one passes all the same, so nobody who
is stopped within holds up the service.  After ``WAIT_SECONDS`` the database is said to be locked.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteWrapper

SUFFIX: Final = "-turnstile"
PATIENCE_SECONDS: Final = 2.0
WAIT_SECONDS: Final = 20.0
ASK_AGAIN_SECONDS: Final = 0.001
# what takes SQLite's lock outside of a transaction
TAKING: Final = ("BEGIN", "INSERT", "UPDATE", "DELETE", "REPLACE")


class Turnstile:
    """Stands before each statement of one connection, as one of its ``execute_wrappers``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._goes_first = False

    def __call__(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        """Execute a statement, behind whoever goes first; go first oneself when it takes long."""
        is_outermost = not context["connection"].in_atomic_block
        if not is_outermost or self._goes_first or not sql.startswith(TAKING):
            return execute(sql, params, many, context)
        until = time.monotonic() + WAIT_SECONDS
        self.wait()
        try:
            return execute(sql, params, many, context)
        except OperationalError as error:
            if not _is_busy(error):
                raise
        with self.first():
            while True:
                try:
                    return execute(sql, params, many, context)
                except OperationalError as error:
                    if not _is_busy(error) or time.monotonic() >= until:
                        raise

    def wait(self) -> None:
        """Return when nobody goes first any more, or when it lasts too long."""
        with self._held(fcntl.LOCK_SH):
            pass

    @contextmanager
    def first(self) -> Iterator[None]:
        """Go first until the end of the block."""
        with self._held(fcntl.LOCK_EX):
            self._goes_first = True
            try:
                yield
            finally:
                self._goes_first = False

    @contextmanager
    def _held(self, kind: int) -> Iterator[None]:
        # opened anew each time: what is forked with an open file would share its lock
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            # who may not write here writes no database either; SQLite says so
            yield
            return
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not _is_locked(file, kind) and time.monotonic() < until:
                time.sleep(ASK_AGAIN_SECONDS)
            yield
        finally:
            os.close(file)


def _is_locked(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_busy(error: OperationalError) -> bool:
    """Tell whether somebody else had the lock for as long as SQLite waited, so nothing was done."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)


def install(connection: BaseDatabaseWrapper, **_rest: object) -> None:
    """Put a turnstile before a connection that was just made, where its database is a file."""
    is_file = isinstance(connection, SQLiteWrapper) and not connection.is_in_memory_db()
    if is_file and turnstile_of(connection) is None:
        path = Path(f"{connection.settings_dict['NAME']}{SUFFIX}")
        connection.execute_wrappers.append(Turnstile(path))
    if is_file:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000:.0f}")


def turnstile_of(connection: BaseDatabaseWrapper) -> Turnstile | None:
    """Return the turnstile of a connection; None where there is none."""
    found = (each for each in connection.execute_wrappers if isinstance(each, Turnstile))
    return next(found, None)
