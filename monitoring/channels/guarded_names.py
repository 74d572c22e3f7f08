"""Lets libraries connect where receivers may be, and nowhere else, whatever they are told.

All of them ask ``socket.getaddrinfo`` and connect to what it answers: for a name, for an address,
and once more after a redirect.  So that is where addresses are checked; a name cannot mean
something else afterwards.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from monitoring.channels.receiver_addresses import checked


@dataclass(slots=True)
class Guard:
    """What is let through; ``refused`` says why something was not."""

    allow_private: bool
    refused: list[str] = field(default_factory=list)


_guard: Final[ContextVar[Guard | None]] = ContextVar("guard", default=None)
_resolve: Final = socket.getaddrinfo


class ClosedAddressError(OSError):
    """An address must not be connected to; libraries take it for a network that fails."""


@contextmanager
def guarded(*, allow_private: bool) -> Iterator[Guard]:
    """Check all addresses that are resolved meanwhile, here and in threads with this context."""
    guard = Guard(allow_private)
    token = _guard.set(guard)
    try:
        yield guard
    finally:
        _guard.reset(token)


def _resolved(*args: Any, **kwargs: Any) -> Any:
    found = _resolve(*args, **kwargs)
    guard = _guard.get()
    if guard is not None:
        try:
            checked([str(each[4][0]) for each in found], allow_private=guard.allow_private)
        except ValueError as error:
            guard.refused.append(str(error))
            raise ClosedAddressError(str(error)) from None
    return found


# without a guard it is what it was
socket.getaddrinfo = _resolved
