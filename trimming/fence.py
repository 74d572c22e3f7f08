"""The fence: between deciding or publishing for the treatment, and taking the treatment away.

Deciding and publishing take it in shared mode and read the policy *after* that; who takes the
treatment away takes it exclusively.  So after a rollback is committed nothing is decided or
published on the word of an older policy.  It is the first statement of an outermost transaction,
in which no file and no network is touched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

# any number that nothing else of this database uses: "pktmask" in ASCII
LOCK: Final = int.from_bytes(b"pktmask", "big")
SHARED: Final = "SELECT pg_advisory_xact_lock_shared(%s)"
EXCLUSIVE: Final = "SELECT pg_advisory_xact_lock(%s)"


@contextmanager
def fence(*, exclusive: bool = False) -> Iterator[None]:
    """Hold the fence for one transaction.

    On PostgreSQL it is an advisory lock (READ COMMITTED: what is read after it is what was
    committed before).  On SQLite the transaction itself is the fence: it begins IMMEDIATE, so there
    is one at a time.
    """
    with transaction.atomic(durable=True):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(EXCLUSIVE if exclusive else SHARED, [LOCK])
        yield
