"""Declaring settings, and saying what they accept."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from config.sections import Accepts, Ordered, Section, accepted, fits, number
from tests.config.kettles import Kettle, Kitchen, kettles

FIELDS = Kettle.model_fields


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("boil_seconds", "a number from 1 to 600"),
        ("cups", "a whole number above 0 below 100"),
        ("is_on", "true or false"),
        ("label", "text"),
        ("size", "one of: large, small"),
    ],
)
def test_what_a_setting_accepts_is_said_in_words(key: str, words: str) -> None:
    assert accepted(FIELDS[key]) == words


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("boil_seconds", [1, 1.0, 600], [0.9, 601, "90", True, None, float("nan"), float("inf")]),
        ("cups", [1, 99], [0, 100, 2.0, "2", True, None]),
        ("is_on", [True, False], [1, 0, "true", None]),
        ("label", ["", "7"], [7, True, None]),
        ("size", ["small", "large"], ["medium", 1, None]),
    ],
)
def test_values_of_another_kind_or_out_of_bounds_do_not_fit(
    key: str, good: list[object], bad: list[object]
) -> None:
    assert all(fits(FIELDS[key], value) for value in good)
    assert not any(fits(FIELDS[key], value) for value in bad)


def test_sections_stand_in_the_order_of_registering_and_cannot_be_changed() -> None:
    registry = kettles()
    assert list(registry.sections.values()) == [Kettle, Kitchen]
    with pytest.raises(ValueError, match="frozen"):
        Kettle().cups = 3  # type: ignore[misc]  # what must not work


def test_a_rule_about_a_setting_that_is_none_is_refused() -> None:
    with pytest.raises(LookupError, match=r"kitchen\.stools"):
        kettles().rule(Ordered("kettle.cups", "kitchen.stools", "never"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1_000_000, "1,000,000"),
        (2.0, "2"),
        (0.5, "0.5"),
        (True, "true"),
        (False, "false"),
        ("a", "a"),
    ],
)
def test_values_are_shown_as_people_read_them(value: object, words: str) -> None:
    assert number(value) == words


def test_a_text_with_a_form_of_its_own_says_what_it_may_be() -> None:
    class Windows(Section):
        section: ClassVar = "windows"
        title: ClassVar = "Windows"
        help: ClassVar = "Times of the day."

        days: Annotated[str, Accepts("days, as in mon, tue")] = Field("", description="when")

    assert accepted(Windows.model_fields["days"]) == "days, as in mon, tue"
