"""Layers on top of each other, and what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.layers import (
    ConfigurationError,
    Given,
    Layer,
    LayerName,
    Origin,
    resolve,
)
from tests.config.kettles import Kettle, Kitchen, kettles

REGISTRY = kettles()
NAMES: tuple[LayerName, ...] = ("file", "environment", "console")


def layer(place: str, **values: object) -> Layer:
    return {"kettle": {key: Given(value, place) for key, value in values.items()}}


def wrong(*layers: Layer) -> list[str]:
    with pytest.raises(ConfigurationError) as found:
        resolve(REGISTRY, zip(NAMES, layers, strict=False))
    return [str(problem) for problem in found.value.problems]


def test_without_layers_the_defaults_are_in_force_and_say_so() -> None:
    found = resolve(REGISTRY, [], version=3)
    assert (found.of(Kettle), found.of(Kitchen)) == (Kettle(), Kitchen())
    assert found.version == 3
    assert found.origin("kettle", "cups") == Origin("default")


@given(st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=3, max_size=3))
def test_the_last_layer_that_gives_a_value_wins_and_is_its_origin(cups: list[int | None]) -> None:
    layers = [
        layer(f"place {name}", **({} if value is None else {"cups": value}))
        for name, value in zip(NAMES, cups, strict=True)
    ]
    found = resolve(REGISTRY, zip(NAMES, layers, strict=True))
    given = [(name, value) for name, value in zip(NAMES, cups, strict=True) if value is not None]
    name, value = given[-1] if given else ("default", 2)
    assert found.of(Kettle).cups == found.value("kettle", "cups") == value
    place = f"place {name}" if given else ""
    assert found.origin("kettle", "cups") == Origin(name, place)


def test_everything_that_is_wrong_is_told_at_once_with_its_place() -> None:
    assert wrong(
        layer("a.yaml, line 2", cups="two", cup=3), {"cattle": {"cups": Given(1, "b, line 1")}}
    ) == [
        "a.yaml, line 2: kettle.cups is 'two'; expected a whole number above 0 below 100.",
        "a.yaml, line 2: kettle has no setting 'cup'. Did you mean cups?",
        "b, line 1: there is no section 'cattle'. Did you mean kettle?",
    ]


def test_a_name_like_no_other_gets_the_list_of_sections() -> None:
    assert wrong({"zzz": {"x": Given(1, "")}}) == [
        "there is no section 'zzz'. The sections are: kettle, kitchen."
    ]
    assert wrong(layer("here", zzz=1)) == ["here: kettle has no setting 'zzz'."]


def test_a_wrong_value_is_told_although_a_later_layer_would_win() -> None:
    assert wrong(layer("file", cups=0), layer("variable", cups=3)) == [
        "file: kettle.cups is 0; expected a whole number above 0 below 100."
    ]


def test_values_are_not_quoted_at_length() -> None:
    (sentence,) = wrong(layer("file", cups="x" * 1000))
    assert len(sentence) < 140
    assert wrong(layer("file", cups=None)) == [
        "file: kettle.cups is empty; expected a whole number above 0 below 100."
    ]


def test_values_that_contradict_each_other_are_told_with_the_places_of_both() -> None:
    kitchen: Layer = {"kitchen": {"patience_seconds": Given(60, "variable")}}
    assert wrong(layer("file", cups=2), kitchen) == [
        "variable: kettle.boil_seconds is 90 (the default) and must be below "
        "kitchen.patience_seconds, which is 60 (variable): guests wait for tea."
    ]
    assert wrong(layer("file", cups=5)) == [
        "file: kettle.cups is 5 (file) and must not be above kitchen.chairs, which is 4 "
        "(the default): who drinks sits."
    ]
    assert resolve(REGISTRY, [("file", layer("file", cups=4))]).of(Kettle).cups == 4
