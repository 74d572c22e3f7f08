"""Every way in which the engine says no.

A message names the file, the place and what was expected.  It never holds payload bytes.
"""

from __future__ import annotations

from trimming.engine.words import gettext_noop

UNUSABLE = gettext_noop("%(name)s: byte %(offset)d: expected %(expected)s, found %(found)s")


class EngineError(Exception):
    """Base of everything that the engine raises on purpose."""


class InputError(EngineError):
    """The input cannot be used; no strategy could do better.

    ``offset`` counts bytes of the unpacked capture, or of the file where it cannot be unpacked.
    """

    def __init__(self, name: str, offset: int, expected: str, found: str) -> None:
        self.name = name
        self.offset = offset
        self.expected = expected
        self.found = found
        values = {"name": name, "offset": offset, "expected": expected, "found": found}
        super().__init__(UNUSABLE % values)


class OutputError(EngineError):
    """The output cannot be written; nothing was left behind."""


class OptionsError(EngineError):
    """A profile or an option is wrong; the message says what is allowed."""


class VerificationError(EngineError):
    """The output does not hold what is promised; it was removed."""


class CancelledError(EngineError):
    """The caller asked to stop; nothing was left behind."""
