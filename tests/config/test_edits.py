"""What a form changes on top of what is in force."""

from __future__ import annotations

from config.edits import Edits, read_edits
from config.layers import Given, Layer, resolve
from tests.config.kettles import kettles

CONSOLE: Layer = {"kettle": {"cups": Given(3, "version 1 by somebody")}}


def edits(posted: dict[str, str], console: Layer = CONSOLE) -> Edits:
    registry = kettles()
    present = resolve(registry, [("console", console)], 1)
    return read_edits(registry, present, console, posted, "version 2 by me")


def given(found: Edits) -> dict[str, object]:
    return {f"{s}.{k}": one.value for s, keys in found.console.items() for k, one in keys.items()}


def test_an_empty_form_changes_nothing() -> None:
    found = edits({})
    assert found.is_empty
    assert given(found) == {"kettle.cups": 3}


def test_an_input_that_differs_from_what_it_began_with_is_an_edit() -> None:
    found = edits({"kettle.label": "mint", "was:kettle.label": "tea"})
    assert found.typed == {"kettle.label": "mint"}
    assert found.console["kettle"]["label"] == Given("mint", "version 2 by me")
    assert found.console["kettle"]["cups"] == CONSOLE["kettle"]["cups"]


def test_without_what_it_began_with_an_input_is_held_against_what_is_in_force() -> None:
    assert edits({"kettle.cups": "3"}).is_empty
    assert edits({"kettle.cups": "2"}).typed == {"kettle.cups": "2"}


def test_an_input_that_was_not_touched_does_not_undo_what_others_did() -> None:
    found = edits({"kettle.cups": "2", "was:kettle.cups": "2", "kitchen.chairs": "5"})
    assert found.typed == {"kitchen.chairs": "5"}
    assert given(found) == {"kettle.cups": 3, "kitchen.chairs": 5}


def test_an_edit_that_others_made_too_is_no_change() -> None:
    assert edits({"kettle.cups": "3", "was:kettle.cups": "2"}).is_empty


def test_a_reset_takes_the_value_out_of_the_console_only_where_it_is() -> None:
    found = edits({"reset:kettle.cups": "on", "reset:kettle.label": "on"})
    assert found.resets == {"kettle.cups"}
    assert given(found) == {}


def test_a_value_and_a_reset_at_once_are_a_problem_and_both_are_kept() -> None:
    found = edits({"reset:kettle.cups": "on", "kettle.cups": "4"})
    assert "not both" in found.problems["kettle.cups"]
    assert found.typed == {"kettle.cups": "4"}
    assert found.resets == {"kettle.cups"}


def test_what_is_not_accepted_is_kept_as_typed_and_gives_nothing() -> None:
    found = edits({"kettle.cups": "many"})
    assert found.typed == {"kettle.cups": "many"}
    assert "'many' is not accepted" in found.problems["kettle.cups"]
    assert given(found) == {"kettle.cups": 3}


def test_names_of_no_setting_are_left_alone() -> None:
    assert edits({"kettle.lid": "1", "garden.trees": "2", "reset:garden.trees": "on"}).is_empty


def test_the_layer_that_is_in_force_is_not_touched() -> None:
    edits({"reset:kettle.cups": "on", "kettle.label": "mint"})
    assert list(CONSOLE["kettle"]) == ["cups"]
