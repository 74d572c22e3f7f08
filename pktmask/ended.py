"""How the command ends: its exit codes, and an end with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DONE: Final = 0
# the answer is no: a capture failed, a file was refused, a proof does not hold
NO: Final = 1
# what was asked for cannot be asked for so
USAGE: Final = 2
NOT_LET_IN: Final = 3
# not now: the same may be done later
LATER: Final = 4
# of the statuses of the API that are not good; others above 499 are for later
CODES: Final[Mapping[int, int]] = {
    400: USAGE,
    401: NOT_LET_IN,
    403: NOT_LET_IN,
    404: USAGE,
    405: USAGE,
    409: LATER,
    411: USAGE,
    413: USAGE,
    414: USAGE,
    415: USAGE,
    422: NO,
    429: LATER,
}


class Ended(Exception):  # noqa: N818 - an end, not a fault
    """The command ends with this code; the sentence says what to do."""

    def __init__(self, code: int, sentence: str, *, after_seconds: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        # when to try again, where that is known
        self.after_seconds = after_seconds


def code_of(status: int) -> int:
    """Return the exit code for a status of the API."""
    return CODES.get(status, LATER if status >= 500 else USAGE)
