"""How a token reads, and what is kept of it.  Pure but for chance.

256 random bits cannot be guessed, so a plain digest is enough: nothing slow is needed to hide what
nobody can try out.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

MARK: Final = "pktmask_"
RANDOM_BYTES: Final = 32
# so much of it is kept to recognise it by: 36 of the 256 bits
PREFIX_CHARACTERS: Final = len(MARK) + 6
SHAPE: Final = re.compile(rf"{MARK}[A-Za-z0-9_-]{{43}}")


def new_token() -> str:
    """Return a token that nobody has."""
    return MARK + secrets.token_urlsafe(RANDOM_BYTES)


def prefix_of(token: str) -> str:
    """Return how it begins, which may be shown."""
    return token[:PREFIX_CHARACTERS]


def digest_of(token: str) -> str:
    """Return what is kept of it, as hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(text: str) -> bool:
    """Tell whether a text can be a token at all."""
    return SHAPE.fullmatch(text) is not None


def bearer_of(authorization: str) -> str:
    """Return what stands behind ``Bearer`` in a header, "" where there is nothing."""
    scheme, _space, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""
