"""Filters show what is known and nothing for what is not."""

from __future__ import annotations

import pytest
from django.template import Context, Template


def rendered(expression: str, **values: object) -> str:
    return Template("{% load quantities %}{{ " + expression + " }}").render(Context(values))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("value|size", "1.5 kB"),
        ("value|limit", "1.5 kB"),
        ("value|rate", "1.5 kB/s"),
        ("value|duration", "25 min 0 s"),
        ("value|clock", "25:00"),
        ("value|count", "1,500"),
        ("value|percent:2000", "75.0 %"),
        ("value|share", "100 %"),
    ],
)
def test_filters_show_numbers(expression: str, text: str) -> None:
    assert rendered(expression, value=1500) == text


@pytest.mark.parametrize(
    "expression", ["size", "rate", "duration", "clock", "count", "percent:2", "share"]
)
def test_what_is_not_known_is_shown_as_nothing(expression: str) -> None:
    assert rendered(f"value|{expression}", value=None) == ""


def test_a_share_of_something_unknown_is_shown_as_nothing() -> None:
    assert rendered("value|percent:whole", value=3, whole=None) == ""
