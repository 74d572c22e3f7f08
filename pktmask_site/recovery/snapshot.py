"""One state of the database, read for as long as it takes, while others go on writing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connections, transaction

ALIAS: Final = "snapshot"


@contextmanager
def snapshot() -> Iterator[str]:
    """Give the alias of a connection whose reads all see the state at the first of them.

    On SQLite a transaction that only reads sees one state of a database in WAL mode, and holds
    nobody up; on PostgreSQL REPEATABLE READ does.
    """
    connections.databases[ALIAS] = _settings(connections["default"].settings_dict)
    try:
        with transaction.atomic(using=ALIAS):
            if connections[ALIAS].vendor == "postgresql":
                with connections[ALIAS].cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.databases[ALIAS]


def _settings(default: dict[str, Any]) -> dict[str, Any]:
    options = dict(default["OPTIONS"])
    if "sqlite" in default["ENGINE"]:
        options["transaction_mode"] = "DEFERRED"
    return {**default, "OPTIONS": options}
