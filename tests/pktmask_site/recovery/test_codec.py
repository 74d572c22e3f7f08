"""Rows become lines and lines become rows, whatever the columns are."""

from __future__ import annotations

import uuid
from datetime import UTC, date, time, timedelta
from decimal import Decimal

import pytest
from django.db import connection, models
from hypothesis import given, settings
from hypothesis import strategies as st

from pktmask_site.recovery.codec import AnyField, digest_of, line_of, prepared, row_of

FIELDS: list[AnyField] = [
    models.UUIDField(),
    models.DateTimeField(),
    models.DecimalField(max_digits=20, decimal_places=5),
    models.DurationField(),
    models.BinaryField(),
    models.JSONField(),
    models.TextField(),
    models.FloatField(),
    models.BooleanField(),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=6,
)
ROWS = st.tuples(
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
    st.decimals(-1000, 1000, places=3),
    st.timedeltas(timedelta(days=-900), timedelta(days=900)),
    st.binary(max_size=9),
    JSON,
    st.text(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)


@settings(max_examples=30)
@given(ROWS)
def test_a_row_comes_back_as_it_was(row: tuple[object, ...]) -> None:
    line = line_of(row)
    assert line.count(b"\n") == 1
    found = row_of(line, FIELDS)
    assert [bytes(each) if isinstance(each, memoryview) else each for each in found] == list(row)


def test_days_and_times_are_written_as_text() -> None:
    assert line_of([date(2026, 11, 5), time(12, 30)]) == b'["2026-11-05","12:30:00"]\n'


def test_a_value_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(TypeError, match="no way to write a object"):
        line_of([object()])


@pytest.mark.parametrize("line", [b"{}\n", b"[1]\n", b"[1,2,3]\n"])
def test_a_line_of_another_table_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="not as many values"):
        row_of(line, FIELDS[:2])


def test_the_digest_does_not_depend_on_how_a_database_keeps_json() -> None:
    fields: list[AnyField] = [models.JSONField(), models.FloatField()]
    kept = [({"b": [1e16, 0.5], "a": {"y": 1, "x": 2}}, 1.0)]
    as_elsewhere = [({"a": {"x": 2, "y": 1}, "b": [10**16, 0.5]}, 1.0)]
    assert digest_of(kept, fields) == digest_of(as_elsewhere, fields)
    assert digest_of(kept, fields)[0] == 1
    assert digest_of([], fields) != digest_of(kept, fields)


def test_nothing_in_json_is_told_from_no_value() -> None:
    one, other = models.JSONField(), models.JSONField(null=True)
    assert prepared([None, None], [one, other], connection)[1] is None
    assert prepared([None, None], [one, other], connection)[0] is not None
    key = uuid.uuid4()
    assert prepared([key, Decimal(1)], [models.UUIDField(), models.TextField()], connection)[0] == (
        key.hex
    )
