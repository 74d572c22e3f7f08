"""The fence: between giving or publishing for the treatment, and taking the treatment away.

Giving and publishing take it in shared mode and read the epoch *after* that; who takes the
treatment away takes it exclusively.  So after a rollback is committed nothing is given or published
on the word of an older policy.  It is the first statement of an outermost transaction, in which no
file and no network is touched.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Final

from django.db import OperationalError, connection, transaction

from trimming.turnstile import turnstile_of

# any number that nothing else of this database uses: "pktmask" in ASCII
LOCK: Final = int.from_bytes(b"pktmask", "big")
# whoever is stopped within is ended by the server, or a rollback would wait for ever; the timeout
# is set first, and in the same statement, since each one is a way to the server and back
IDLE_SECONDS: Final = 2
IDLE: Final = f"SELECT set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', true)"
SHARED: Final = f"{IDLE}, pg_advisory_xact_lock_shared(%s)"
EXCLUSIVE: Final = f"{IDLE}, pg_advisory_xact_lock(%s)"
# SQLite waits longer and longer for its lock; a rollback asks so often, for as long as SQLite would
# wait, while all others stand behind it
ASK_AGAIN_SECONDS: Final = 0.001
ASK_FOR_SECONDS: Final = 20.0


@contextmanager
def fence(*, exclusive: bool = False) -> Iterator[None]:
    """Hold the fence for one transaction.

    On PostgreSQL it is an advisory lock (READ COMMITTED: what is read after it is what was
    committed before).  On SQLite the transaction itself is the fence: it begins IMMEDIATE, so there
    is one at a time.
    """
    with ExitStack() as held:
        if exclusive and connection.vendor == "sqlite":
            _begin_first(held)
        else:
            held.enter_context(transaction.atomic(durable=True))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(EXCLUSIVE if exclusive else SHARED, [LOCK])
        yield


def _begin_first(held: ExitStack) -> None:
    connection.ensure_connection()
    turnstile = turnstile_of(connection)
    with turnstile.first() if turnstile else nullcontext():
        _begin_eagerly(held)


def _begin_eagerly(held: ExitStack) -> None:
    until = time.monotonic() + ASK_FOR_SECONDS
    before = _patience_ms()
    _patience_ms(0)
    try:
        while True:
            try:
                held.enter_context(transaction.atomic(durable=True))
                return
            except OperationalError:
                if time.monotonic() >= until:
                    raise
                time.sleep(ASK_AGAIN_SECONDS)
    finally:
        _patience_ms(before)


def _patience_ms(value: int | None = None) -> int:
    """Return how long SQLite waits for its lock; set it where ``value`` is given."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout" if value is None else f"PRAGMA busy_timeout = {value}")
        found: int = cursor.fetchone()[0]
    return found
