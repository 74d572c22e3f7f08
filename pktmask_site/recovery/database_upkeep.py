"""The task that keeps the database in shape."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.apps import apps
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pktmask_site.recovery.upkeep import Done, tasks
from trimming.quantities import size

# SQLite lets nobody write while it rewrites the file: only where that takes a second or two
MOST_BYTES: Final = 256_000_000
FREE_SHARE: Final = 0.25
# rows of an index that are looked at
ANALYSIS_LIMIT: Final = 1_000


@tasks.register(
    "database",
    gettext_lazy("Database"),
    gettext_lazy("Gives free space back, and lets the database count anew what it plans by."),
)
def database(now: datetime, is_dry: bool) -> Done:
    """Vacuum and analyze."""
    return _postgresql(is_dry) if connection.vendor == "postgresql" else _sqlite(is_dry)


def _sqlite(is_dry: bool) -> Done:
    page, pages, free = (_pragma(name) for name in ("page_size", "page_count", "freelist_count"))
    whole, unused = page * pages, page * free
    rewrites = (
        whole <= MOST_BYTES and unused >= FREE_SHARE * whole and not connection.in_atomic_block
    )
    details = {"bytes": whole, "free_bytes": unused, "rewrites": rewrites}
    words = {"whole": size(whole), "free": size(unused)}
    if is_dry:
        said = (
            _("Of %(whole)s, %(free)s would be given back.")
            if rewrites
            else _("Of %(whole)s, %(free)s are free; that stays, and new rows use it.")
        )
        return Done(said % words, details)
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit = {ANALYSIS_LIMIT}")
        cursor.execute("PRAGMA optimize")
        if rewrites:
            cursor.execute("VACUUM")
    said = (
        _("Of %(whole)s, %(free)s were given back.")
        if rewrites
        else _("Of %(whole)s, %(free)s are free; that stays, and new rows use it.")
    )
    return Done(said % words, details)


def _pragma(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return int(cursor.fetchone()[0])


def _postgresql(is_dry: bool) -> Done:
    names = sorted(model._meta.db_table for model in apps.get_models(include_auto_created=True))
    there = set(connection.introspection.table_names())
    names = [name for name in names if name in there]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        whole = int(cursor.fetchone()[0])
        if not is_dry:
            for name in names:
                # without FULL it holds nobody up
                cursor.execute(f"VACUUM (ANALYZE) {connection.ops.quote_name(name)}")
    words = {"count": len(names), "whole": size(whole)}
    said = (
        _("Tables that would be tidied up: %(count)s, of %(whole)s in all.")
        if is_dry
        else _("Tables that were tidied up: %(count)s, of %(whole)s in all.")
    )
    return Done(said % words, {"bytes": whole, "tables": len(names)})
