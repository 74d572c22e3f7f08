"""What a process apart may say, and what is believed of it."""

from __future__ import annotations

import errno

import pytest
from pydantic import ValidationError

from trimming.apart import words
from trimming.engine.errors import (
    EngineError,
    InputError,
    OptionsError,
    OutputError,
    VerificationError,
)
from trimming.worker_limits import CpuTimeError


def again(error: BaseException) -> BaseException:
    """Send an error the whole way."""
    said = words.from_line(words.failure_of(error).model_dump_json().encode())
    assert isinstance(said, words.Failure)
    return words.error_of(said)


@pytest.mark.parametrize(
    "error",
    [
        EngineError("a"),
        OutputError("b"),
        OptionsError("c"),
        VerificationError("d"),
        words.NetworkError("e"),
        MemoryError(),
        CpuTimeError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_the_same_on_the_other_side(error: BaseException) -> None:
    found = again(error)
    assert (type(found), str(found)) == (type(error), str(error))


def test_a_capture_that_cannot_be_used_is_told_with_its_place() -> None:
    found = again(InputError("x.pcap", 32, "a record", "the end"))
    assert isinstance(found, InputError)
    assert (found.name, found.offset, found.expected, found.found) == (
        *("x.pcap", 32, "a record", "the end"),
    )


def test_an_error_of_the_system_keeps_its_number_and_so_its_kind() -> None:
    found = again(FileNotFoundError(errno.ENOENT, "No such file"))
    assert isinstance(found, FileNotFoundError)
    assert (found.errno, found.strerror) == (errno.ENOENT, "No such file")
    assert isinstance(again(OSError()), OSError)


def test_of_an_unforeseen_error_only_kind_and_place_are_told() -> None:
    try:
        raise LookupError("payload")
    except LookupError as error:
        said = words.failure_of(error)
    assert "payload" not in said.model_dump_json()
    found = words.error_of(said)
    assert isinstance(found, words.ForeignError)
    assert found.kind == "LookupError"
    assert found.place.startswith("test_words.py:")


def test_an_endless_text_is_cut() -> None:
    assert len(str(again(EngineError("x" * 10**6)))) == words.MAX_CHARACTERS


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"said": "else"}',
        b'{"said": "progress", "stage": "read", "done": -1, "total": 1}',
        b'{"said": "progress", "stage": "read", "done": 1e400, "total": 1}',
        b'{"said": "progress", "stage": "read", "done": 1, "total": 9223372036854775808}',
        b'{"said": "answer", "values": {}, "more": 1}',
        b'{"said": "failure", "kind": "engine", "texts": ["a", "b", "c", "d"]}',
    ],
)
def test_what_has_another_form_is_refused(line: bytes) -> None:
    with pytest.raises(ValidationError):
        words.from_line(line)


@pytest.mark.parametrize(("kind", "texts"), [("else", ()), ("input", ("a",)), ("foreign", ())])
def test_a_failure_that_is_none_is_refused(kind: str, texts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="a failure"):
        words.error_of(words.Failure(kind=kind, texts=texts))
