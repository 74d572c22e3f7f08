"""What differs between two configurations."""

from __future__ import annotations

from config.comparison import Difference, compared
from config.layers import DEFAULT, Configuration, Given, LayerName, Origin, resolve
from tests.config.kettles import kettles


def configuration(layer: LayerName = "console", **kettle: object) -> Configuration:
    given = {key: Given(value, "here") for key, value in kettle.items()}
    return resolve(kettles(), [(layer, {"kettle": given})])


def test_what_is_the_same_is_not_listed() -> None:
    assert compared(configuration(cups=3), configuration(cups=3)) == []


def test_another_value_is_listed_with_where_it_comes_from() -> None:
    assert compared(configuration(), configuration(cups=3)) == [
        Difference("kettle.cups", 2, 3, DEFAULT, Origin("console", "here"))
    ]


def test_the_same_value_from_another_layer_is_listed() -> None:
    (found,) = compared(configuration("file", cups=3), configuration(cups=3))
    assert (found.before, found.after) == (3, 3)
    assert (found.origin_before.layer, found.origin.layer) == ("file", "console")
