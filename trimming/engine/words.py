"""Marking what the engine says, so that others find its messages.

The engine speaks English and knows no catalogue.  A page finds the message that a sentence was made
from by the text around its placeholders, so a sentence is a message and its values, put together by
``%``, and never an f-string.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce


def gettext_noop(message: str) -> str:
    """Return the message; gettext's tools find it by the name of this function."""
    return message


def side_by_side(said: Iterable[str]) -> str:
    """Return what was said as one text."""
    both = gettext_noop("%(first)s; %(second)s")
    return reduce(lambda first, second: both % {"first": first, "second": second}, said)
