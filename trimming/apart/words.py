"""What a process apart says: progress, and at last its answer or how it failed.

It is not trusted: whoever broke it may say anything.  So it speaks JSON, and what has another form
than these is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from config.faults import type_and_place
from trimming.engine.errors import (
    EngineError,
    InputError,
    OptionsError,
    OutputError,
    VerificationError,
)
from trimming.engine.words import gettext_noop
from trimming.worker_limits import CpuTimeError

# of one line: a report with all its warnings is a tenth of it
MAX_LINE_BYTES: Final = 1 << 20
MAX_CHARACTERS: Final = 4_000
MOST: Final = 2**63 - 1
STRANGE: Final = gettext_noop("it said what no work says")


class NetworkError(EngineError):
    """Something that reads captures asked for the network."""


class ForeignError(Exception):
    """An unforeseen error of a process apart.  Its text may quote payload, so it stays there."""

    def __init__(self, kind: str, place: str) -> None:
        self.kind, self.place = kind, place
        super().__init__(f"{kind} at {place}")


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Progress(_Said):
    """So far it is."""

    said: Literal["progress"] = "progress"
    stage: str = Field(max_length=16)
    done: int = Field(ge=0, le=MOST)
    total: int = Field(ge=0, le=MOST)


class Answer(_Said):
    """It is done.  Whoever asked knows the form of the values."""

    said: Literal["answer"] = "answer"
    values: dict[str, Any]


class Failure(_Said):
    """It failed; ``kind`` is a name of KINDS."""

    said: Literal["failure"] = "failure"
    kind: str = Field(max_length=16)
    texts: tuple[str, ...] = Field(max_length=3, strict=False)
    number: int = 0


Said = Progress | Answer | Failure
_SAID: Final[TypeAdapter[Said]] = TypeAdapter(Said)


def from_line(line: bytes) -> Said:
    """Read a line; raises ValueError when it has another form."""
    return _SAID.validate_json(line)


def _engine(kind: type[EngineError]) -> Callable[[Failure], BaseException]:
    return lambda failure: kind(*failure.texts[:1])


def _input(failure: Failure) -> BaseException:
    name, expected, found = failure.texts
    return InputError(name, failure.number, expected, found)


# name: the kind of error, and how it is made again; the first kind that fits an error is its own
KINDS: Final[Mapping[str, tuple[type[BaseException], Callable[[Failure], BaseException]]]] = {
    "network": (NetworkError, _engine(NetworkError)),
    "input": (InputError, _input),
    "output": (OutputError, _engine(OutputError)),
    "options": (OptionsError, _engine(OptionsError)),
    "verification": (VerificationError, _engine(VerificationError)),
    "engine": (EngineError, _engine(EngineError)),
    "memory": (MemoryError, lambda failure: MemoryError()),
    "cpu": (CpuTimeError, lambda failure: CpuTimeError()),
    "system": (OSError, lambda failure: OSError(failure.number, *failure.texts[:1])),
    "foreign": (BaseException, lambda failure: ForeignError(*failure.texts[:2])),
}


def failure_of(error: BaseException) -> Failure:
    """Say how it failed."""
    name = next(name for name, (kind, _) in KINDS.items() if isinstance(error, kind))
    texts: tuple[str, ...]
    number = 0
    match error:
        case InputError():
            texts, number = (error.name, error.expected, error.found), error.offset
        case EngineError():
            texts = (str(error),)
        case MemoryError() | CpuTimeError():
            texts = ()
        case OSError():
            texts, number = (error.strerror or "?",), error.errno or 0
        case _:
            texts = tuple(type_and_place(error).values())
    return Failure(kind=name, texts=tuple(text[:MAX_CHARACTERS] for text in texts), number=number)


def error_of(failure: Failure) -> BaseException:
    """Make the error again; raises ValueError when it cannot be one."""
    if failure.kind not in KINDS:
        raise ValueError("a failure of no known kind")
    try:
        return KINDS[failure.kind][1](failure)
    except (TypeError, ValueError):
        raise ValueError("a failure without its words") from None
