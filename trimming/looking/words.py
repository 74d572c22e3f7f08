"""What a process that looks into a capture may answer.

It is not trusted: whoever broke it may say anything.  What has another form than these is refused.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

# of an answer; one with the longest heads is a tenth of it
MAX_BYTES: Final = 4 << 20
MOST: Final = 2**63 - 1
HEXADECIMAL: Final = r"^(?:[0-9a-f]{2})*$"
Count = Annotated[int, Field(ge=0, le=MOST)]
Text = Annotated[str, Field(max_length=16_000)]
Time = Annotated[int, Field(ge=-MOST, le=MOST)] | None
# what stands between somebody and what he wants to see
Problem = Literal["damaged", "no-packet", "too-much", "failed"]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Message(_Said):
    """The head of one message."""

    packet: Count
    timestamp_ns: Time
    source: Text
    destination: Text
    start: Text
    fields: Annotated[
        list[Annotated[tuple[Text, Text], Field(strict=False)]], Field(max_length=1000)
    ]
    left_out: Count
    bytes: Count
    is_whole: bool


class Messages(_Said):
    """Heads in the order of the capture; the next page begins at ``next_packet``."""

    messages: Annotated[list[Message], Field(max_length=1000)]
    left_out: Count
    origin_ns: Time
    next_packet: Count | None


class LookedAt(_Said):
    """A packet: its lengths, and some of its bytes as hexadecimal digits, with their classes."""

    origin_ns: Time
    timestamp_ns: Time
    captured_len: Count
    original_len: Count
    link_type: Count
    before: Annotated[str, Field(max_length=1 << 16, pattern=HEXADECIMAL)]
    after: Annotated[str, Field(max_length=1 << 16, pattern=HEXADECIMAL)] | None
    spans: Annotated[
        list[Annotated[tuple[Count, Count, Text], Field(strict=False)]], Field(max_length=1 << 16)
    ]


class Trouble(_Said):
    """It could not be done."""

    problem: Problem


Answer = Messages | LookedAt | Trouble
_ANSWER: Final[TypeAdapter[Answer]] = TypeAdapter(Answer)


def read_answer(said: bytes) -> Answer:
    """Read an answer; raises ValueError when it has another form."""
    return _ANSWER.validate_json(said)
