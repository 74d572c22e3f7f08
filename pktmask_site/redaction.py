"""What is never written to a log, whatever a caller does.  Pure.

Values whose key says what they are, raw bytes, and credentials within a text: of an address, or
behind ``Bearer`` and ``Basic``, and tokens of the API wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

# the value of a key with one of these in its name is never written
REDACTED_KEYS: Final = (
    "password",
    "secret",
    "token",
    "cookie",
    "authorization",
    "payload",
    "body",
    "csrf",
)
REDACTED: Final = "[redacted]"
_IN_ADDRESS: Final = re.compile(r"(?<=://)[^\s/@]*:[^\s/@]*(?=@)")
# of the API, whatever stands before them
_API_TOKEN: Final = re.compile(r"pktmask_[A-Za-z0-9_-]{43}")
_IN_HEADER: Final = re.compile(r"\b(bearer|basic)\s+[^\s,;]+", re.I)


def is_named(key: str) -> bool:
    """Tell whether the name of a key says that its value must not be written."""
    small = key.lower()
    return any(part in small for part in REDACTED_KEYS)


def scrubbed(text: str) -> str:
    """Return a text without the credentials in it."""
    found = _IN_HEADER.sub(rf"\1 {REDACTED}", _IN_ADDRESS.sub(REDACTED, text))
    return _API_TOKEN.sub(REDACTED, found)


def redacted(value: Any) -> Any:
    """Return a value as it may be written, with all that is in it."""
    if isinstance(value, bytes | bytearray | memoryview):
        return REDACTED
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, Mapping):
        return {
            key: REDACTED if is_named(str(key)) else redacted(each) for key, each in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(each) for each in value]
    return value
