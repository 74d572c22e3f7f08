"""The database: SQLite in the data folder, or PostgreSQL by an address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

KNOWN = ("postgres://", "postgresql://")


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
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    if not url.startswith(KNOWN):
        raise ImproperlyConfigured(
            "PKTMASK_DATABASE_URL must begin with postgresql://; leave it out for SQLite"
        )
    try:
        import dj_database_url
    except ImportError:
        raise ImproperlyConfigured(
            "PostgreSQL needs the extra packages of `scale` in pyproject.toml"
        ) from None
    return dict(dj_database_url.parse(url))
