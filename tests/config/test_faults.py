"""What is written of an unforeseen error."""

from __future__ import annotations

from config.faults import type_and_place


def test_the_type_and_the_place_are_told_and_never_the_text() -> None:
    try:
        raise ValueError("payload")
    except ValueError as error:
        told = type_and_place(error)
    assert told["kind"] == "ValueError"
    assert told["place"].startswith("test_faults.py:")


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert type_and_place(KeyError("payload")) == {"kind": "KeyError", "place": "?"}
