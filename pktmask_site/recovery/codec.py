"""Rows as lines of text, the same for every database.

A line is a JSON array with one value for each column.  What JSON lacks is written as text and read
by the field that it belongs to.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, JSONField, Model

if TYPE_CHECKING:
    AnyField = Field[Any, Any]
else:
    AnyField = Field
_TEXT: Final = (UUID, Decimal)
_MOMENTS: Final = (datetime, date, time)


def fields_of(model: type[Model]) -> list[AnyField]:
    """Return the columns of a model by name; models as they were have them in another order."""
    found = [
        field
        for field in model._meta.local_concrete_fields
        if not getattr(field, "generated", False)
    ]
    return sorted(found, key=lambda field: str(field.column))


def line_of(row: Sequence[Any]) -> bytes:
    """Return a row as a line."""
    text = json.dumps(row, default=_as_plain, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _as_plain(value: object) -> Any:
    if isinstance(value, _TEXT):
        return str(value)
    if isinstance(value, _MOMENTS):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.days} {value.seconds}.{value.microseconds:06}"
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"no way to write a {type(value).__name__}")


def row_of(line: bytes, fields: Sequence[AnyField]) -> list[Any]:
    """Return the row of a line; raises ValueError for a line that is none of these columns."""
    values = json.loads(line.decode("utf-8", "surrogatepass"))
    if not isinstance(values, list) or len(values) != len(fields):
        raise ValueError("a line has not as many values as its table has columns")
    return [
        value if isinstance(field, JSONField) else field.to_python(value)
        for field, value in zip(fields, values, strict=True)
    ]


def prepared(
    row: Sequence[Any], fields: Sequence[AnyField], connection: BaseDatabaseWrapper
) -> list[Any]:
    """Return the values as the database takes them."""
    return [
        field.get_db_prep_value(value, connection)
        if isinstance(field, JSONField) and value is None and not field.null
        else field.get_db_prep_save(value, connection)
        for field, value in zip(fields, row, strict=True)
    ]


def digest_of(rows: Iterable[Sequence[Any]], fields: Sequence[AnyField]) -> tuple[int, str]:
    """Return how many rows there are and a SHA-256 of them that is the same on every database.

    In JSON, PostgreSQL keeps no order of keys and writes 1e16 as an integer.
    """
    digest, count = hashlib.sha256(), 0
    are_json = [isinstance(field, JSONField) for field in fields]
    for row in rows:
        plain = [
            _canonical(value) if is_json else value
            for value, is_json in zip(row, are_json, strict=True)
        ]
        digest.update(line_of(plain))
        count += 1
    return count, digest.hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
