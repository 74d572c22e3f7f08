"""Errors name the file, the place and what was expected."""

from __future__ import annotations

import pytest

from trimming.engine import errors


def test_an_input_error_says_where_what_was_expected_and_what_came() -> None:
    error = errors.InputError("some.pcap", 17, "a packet", "nothing")
    assert str(error) == "some.pcap: byte 17: expected a packet, found nothing"
    assert (error.name, error.offset) == ("some.pcap", 17)
    assert (error.expected, error.found) == ("a packet", "nothing")


@pytest.mark.parametrize(
    "kind",
    [
        errors.InputError,
        errors.OutputError,
        errors.OptionsError,
        errors.VerificationError,
        errors.CancelledError,
    ],
)
def test_every_error_on_purpose_can_be_caught_at_once(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.EngineError)
