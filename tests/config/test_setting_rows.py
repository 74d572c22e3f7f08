"""What the page shows of each setting."""

from __future__ import annotations

from config.edits import Edits
from config.layers import Given, Layer, Origin, resolve
from config.setting_rows import Beneath, SettingRow, names_in, section_rows
from tests.config.kettles import kettles

CONSOLE: Layer = {"kettle": {"cups": Given(3, "version 1"), "label": Given("mint", "version 1")}}
FILES: Layer = {"kettle": {"label": Given("black", "file, line 2")}}


def rows(edits: Edits | None = None, **problems: str) -> dict[str, SettingRow]:
    registry = kettles()
    present = resolve(registry, [("file", FILES), ("console", CONSOLE)])
    named = {f"kettle.{key}": text for key, text in problems.items()}
    sections = section_rows(
        registry, present, CONSOLE, [("file", FILES)], edits or Edits(CONSOLE), named
    )
    return {row.name: row for section in sections for row in section.rows}


def test_every_setting_has_a_row_under_its_section() -> None:
    registry = kettles()
    sections = section_rows(registry, resolve(registry, []), {}, [], Edits({}), {})
    assert [(s.name, s.title, s.help) for s in sections] == [
        ("kettle", "Kettle", "How water is boiled."),
        ("kitchen", "Kitchen", "The room."),
    ]
    assert [len(section.rows) for section in sections] == [5, 2]


def test_a_row_says_what_is_in_force_and_what_is_accepted() -> None:
    row = rows()["kettle.cups"]
    assert (row.value, row.default, row.text, row.was) == (3, 2, "3", "3")
    assert row.accepts == "a whole number above 0 below 100"
    assert row.origin == Origin("console", "version 1")
    assert not row.is_edited


def test_lists_and_switches_offer_their_values_and_others_a_keyboard() -> None:
    found = rows()
    assert found["kettle.is_on"].options == ["true", "false"]
    assert found["kettle.size"].options == ["large", "small"]
    assert found["kettle.cups"].options == []
    keys = ("kettle.cups", "kettle.boil_seconds", "kettle.label")
    assert [found[key].keyboard for key in keys] == ["numeric", "decimal", "text"]


def test_what_lies_beneath_a_value_of_the_console_is_known() -> None:
    found = rows()
    assert found["kettle.label"].beneath == Beneath("black", Origin("file", "file, line 2"))
    assert found["kettle.cups"].beneath == Beneath(2, Origin("default"))
    assert found["kettle.size"].beneath is None


def test_input_is_kept_beside_what_is_in_force() -> None:
    edits = Edits(CONSOLE, typed={"kettle.cups": "many"}, resets=frozenset({"kettle.label"}))
    found = rows(edits, cups="a whole number")
    row = found["kettle.cups"]
    assert (row.text, row.was, row.value, row.problem) == ("many", "3", 3, "a whole number")
    assert row.is_edited
    assert found["kettle.label"].is_reset


def test_the_settings_that_a_sentence_names_are_found() -> None:
    sentence = "kettle.cups is 5 and must not be above kitchen.chairs, which is 4: kettle.cupsize."
    assert names_in(sentence, kettles()) == ["kettle.cups", "kitchen.chairs"]
