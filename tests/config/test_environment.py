"""Settings objects from environment variables."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import read_section


@dataclass(frozen=True)
class Kettle:
    """A section for these tests."""

    boil_seconds: float = 1.5
    cups: int = 2
    is_on: bool = False
    label: str = "tea"


def test_without_variables_the_defaults_hold() -> None:
    assert read_section(Kettle, "kettle", {}) == Kettle()


def test_each_type_is_read_from_its_text() -> None:
    environ = {
        "PKTMASK_KETTLE__BOIL_SECONDS": "0.25",
        "PKTMASK_KETTLE__CUPS": "7",
        "PKTMASK_KETTLE__IS_ON": "Yes",
        "PKTMASK_KETTLE__LABEL": "coffee",
    }
    assert read_section(Kettle, "kettle", environ) == Kettle(0.25, 7, True, "coffee")


def test_variables_of_other_sections_are_left_alone() -> None:
    assert read_section(Kettle, "kettle", {"PKTMASK_KETTLES__CUPS": "x", "CUPS": "x"}) == Kettle()


@pytest.mark.parametrize(
    ("variable", "text", "form"),
    [
        ("CUPS", "two", "a whole number"),
        ("BOIL_SECONDS", "soon", "a number"),
        ("IS_ON", "maybe", "true or false"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_the_accepted_form(
    variable: str, text: str, form: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        read_section(Kettle, "kettle", {f"PKTMASK_KETTLE__{variable}": text})
    assert str(caught.value) == f"PKTMASK_KETTLE__{variable} is {text!r}; expected {form}"


def test_a_variable_that_no_field_has_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"MUGS is not known.*PKTMASK_KETTLE__CUPS"):
        read_section(Kettle, "kettle", {"PKTMASK_KETTLE__MUGS": "1"})
