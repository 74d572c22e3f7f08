"""The database: SQLite in the data folder, or PostgreSQL by an address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection, connections

KNOWN = ("postgres://", "postgresql://")
# of one web process; a request has one connection, most of them for milliseconds
POOL = {"min_size": 1, "max_size": 16, "timeout": 10}


def database_settings(url: str, data_dir: Path) -> dict[str, Any]:
    """Return Django's settings of a database; SQLite without an address.

    Raises ImproperlyConfigured for another kind of database.  The address may hold a password, so
    it is never quoted.
    """
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": data_dir / "pktmask.sqlite3",
            # writers queue up instead of failing (measured; docs/architecture.md)
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                # FULL: what was committed survives a loss of power (docs/adr/0015)
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    if not url.startswith(KNOWN):
        raise ImproperlyConfigured(
            "PKTMASK_DATABASE_URL must begin with postgresql://; leave it out for SQLite"
        )
    # environment.py has seen to it that it is installed
    import dj_database_url

    return dict(dj_database_url.parse(url))


def share_connections() -> None:
    """Let the threads of this process share connections to PostgreSQL, before the first is made.

    For web processes: a thread of theirs lives for a request, and a new connection takes longer
    than most of what is asked.  Not for processes that are forked.
    """
    if connection.vendor == "postgresql":
        options = connections.settings[DEFAULT_DB_ALIAS].setdefault("OPTIONS", {})
        options["pool"] = POOL
