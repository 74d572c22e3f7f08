"""What stands in an input, and what typed text means."""

from __future__ import annotations

import pytest
from pydantic.fields import FieldInfo

from config.typed_values import (
    MAX_ID_DIGITS,
    UnacceptableError,
    as_text,
    read_id,
    read_typed,
)
from tests.config.kettles import Kettle


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (8_000_000_000, "8000000000"),
        (7.0, "7"),
        (0.05, "0.05"),
        (1e10, "10000000000"),
        (1e-7, "1e-07"),
        ("tea", "tea"),
        ("two\r\nlines", "twolines"),
    ],
)
def test_a_value_is_written_plainly(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("cups", "3", 3),
        ("cups", " +3 ", 3),
        ("cups", "007", 7),
        ("boil_seconds", "90", 90.0),
        ("boil_seconds", "1.5", 1.5),
        ("boil_seconds", ".5e2", 50.0),
        ("is_on", "true", True),
        ("is_on", "false", False),
        ("size", "large", "large"),
        ("label", " green tea ", "green tea"),
        ("label", "12", "12"),
        ("label", "", ""),
    ],
)
def test_text_is_read_as_the_setting_has_it(key: str, text: str, value: object) -> None:
    found = read_typed(Kettle.model_fields[key], text)
    assert (found, type(found)) == (value, type(value))


def test_numbers_may_have_separators_as_the_page_writes_them() -> None:
    field = FieldInfo(annotation=int)
    assert read_typed(field, "8,000,000,000") == 8_000_000_000
    assert read_typed(FieldInfo(annotation=float), "1,000.5") == 1000.5


def test_a_comma_is_no_decimal_point() -> None:
    field = Kettle.model_fields["cups"]
    for text in ("0,5", "1,5", "1,00", "01,000", ",100", "1,000,00"):
        with pytest.raises(UnacceptableError, match="expected a whole number"):
            read_typed(field, text)


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("cups", "", "'' is not accepted; expected a whole number above 0 below 100."),
        ("cups", "3.0", "'3.0' is not accepted; expected a whole number"),
        ("cups", "1_0", "'1_0' is not accepted"),
        ("cups", "٣", "is not accepted"),
        ("cups", "0x10", "is not accepted"),
        ("boil_seconds", "nan", "'nan' is not accepted"),
        ("boil_seconds", "1e999", "is not accepted"),
        ("boil_seconds", "601", "'601' is not accepted; expected a number from 1 to 600."),
        ("is_on", "yes", "expected true or false."),
        ("size", "huge", "expected one of: large, small."),
        ("label", "a\x00b", "cannot be seen"),
        ("label", "x" * 501, "Longer than 500 characters; expected text."),
        ("cups", "9" * 501, "Longer than 500 characters"),
    ],
)
def test_what_is_not_accepted_says_what_is(key: str, text: str, words: str) -> None:
    with pytest.raises(UnacceptableError) as raised:
        read_typed(Kettle.model_fields[key], text)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("007", 7),
        ("9" * MAX_ID_DIGITS, 10**MAX_ID_DIGITS - 1),
        ("1" + "0" * MAX_ID_DIGITS, None),
        ("-7", None),
        ("٣", None),
        ("7\x00", None),
        ("", None),
    ],
)
def test_the_number_of_a_row_is_digits_that_fit_a_database(text: str, number: int | None) -> None:
    assert read_id(text) == number
