"""The limits of a rollout in the form that starts one."""

from __future__ import annotations

from typing import Any

import pytest

from migration.conf import RolloutLimits
from migration.limit_rows import GROUPS, LimitRow, group_rows, read_limits, texts_of

FIELDS = RolloutLimits.model_fields
IN_FORCE: dict[str, Any] = RolloutLimits().model_dump()


def row(key: str, problems: dict[str, str] | None = None, **typed: str) -> LimitRow:
    groups = group_rows(FIELDS, IN_FORCE, typed, problems or {})
    return next(each for group in groups for each in group.rows if each.key == key)


def test_every_limit_stands_in_one_group() -> None:
    keys = [key for group in GROUPS for key in group.keys]
    assert sorted(keys) == sorted(FIELDS)


def test_one_that_nobody_has_grouped_is_not_lost() -> None:
    more = {**FIELDS, "of_tomorrow": FIELDS["alpha"]}
    last = group_rows(more, {**IN_FORCE, "of_tomorrow": 1.0}, {}, {})[-1]
    assert [each.key for each in last.rows] == ["of_tomorrow"]


def test_every_limit_is_explained() -> None:
    for group in group_rows(FIELDS, IN_FORCE, {}, {}):
        for each in group.rows:
            assert each.description, each.key
            assert each.accepts, each.key


@pytest.mark.parametrize(
    ("key", "unit", "in_force", "reads_as"),
    [
        ("ab_dwell_seconds", "s", "86,400", "24 h"),
        ("stale_seconds", "s", "30", ""),
        ("ab_share", "share", "0.01", "1 %"),
        ("least_health", "score", "0.8", ""),
        ("drill_days", "days", "30", ""),
        ("gradual_percents", "%", "5, 10, 25, 50, 75", ""),
        ("ab_runs", "", "100", ""),
        ("window_days", "", "", ""),
    ],
)
def test_each_has_its_unit(key: str, unit: str, in_force: str, reads_as: str) -> None:
    found = row(key)
    assert (found.unit, found.in_force, found.reads_as) == (unit, in_force, reads_as)


def test_what_was_typed_is_kept_and_marked() -> None:
    found = row("ab_runs", {"ab_runs": "too many"}, ab_runs="abc")
    assert (found.text, found.was, found.is_edited, found.problem) == (
        *("abc", "100", True),
        "too many",
    )
    groups = group_rows(FIELDS, IN_FORCE, {"ab_runs": "abc"}, {"ab_runs": "too many"})
    assert [(each.edited, each.has_problems) for each in groups][:3] == [
        *((0, False), (1, True)),
        (0, False),
    ]


def test_only_what_differs_is_read() -> None:
    typed = texts_of(FIELDS, IN_FORCE, {}) | {"ab_runs": "1,000", "ab_share": "0.010", "x": "1"}
    assert read_limits(FIELDS, IN_FORCE, typed) == ({"ab_runs": 1000}, {})


def test_what_is_not_sent_stays_as_it_is() -> None:
    assert read_limits(FIELDS, IN_FORCE, {}) == ({}, {})


def test_what_is_no_value_is_named_with_what_is_accepted() -> None:
    changes, problems = read_limits(FIELDS, IN_FORCE, {"ab_runs": "many", "ab_share": "0.5"})
    assert changes == {"ab_share": 0.5}
    assert "expected a whole number from 1" in problems["ab_runs"]
