"""Heads and what follows them: the message length ladder of RFC 9112 section 6.3, strictly.

Anything that is not plainly well-formed is refused (None): the caller then relies on no framing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from trimming.engine.verification import patterns


class Body(IntEnum):
    """How a body ends."""

    NONE = 0
    LENGTH = 1
    CHUNKED = 2
    CLOSE = 3
    TUNNEL = 4


@dataclass(frozen=True, slots=True)
class Head:
    """What matters of a head.  ``length`` is the Content-Length in bytes, -1 without one."""

    minor_version: int
    length: int
    chunked: bool
    upgrade: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request that waits for its response."""

    method: bytes
    upgrade: bool


def read_fields(text: bytes) -> list[tuple[bytes, bytes]] | None:
    """Return (lower-case name, value) of each field line in ``text``; None if one is not strict."""
    fields: list[tuple[bytes, bytes]] = []
    for line in text.split(b"\n"):
        line = line[:-1] if line[-1:] == b"\r" else line
        found = patterns.FIELD.match(line)
        if found is not None:
            fields.append((found[1].lower(), found[2].strip(b" \t")))
        elif fields and patterns.FOLD.match(line) and fields[-1][0] not in _FRAMING:
            continue
        else:
            return None
    return fields


_FRAMING = frozenset((b"content-length", b"transfer-encoding", b"upgrade", b"connection"))


def split_head(head: bytes) -> tuple[bytes, bytes]:
    """Return the start line without its end, and the field lines without the last end."""
    line, _, rest = head.partition(b"\n")
    rest = rest[:-1]  # the blank line
    rest = rest[:-1] if rest[-1:] == b"\r" else rest
    return line.removesuffix(b"\r"), rest.removesuffix(b"\n")


def _head(minor_version: int, text: bytes) -> Head | None:
    fields = read_fields(text) if text else []
    if fields is None:
        return None
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        return None
    if lengths and not patterns.LENGTH.match(lengths[0]):
        return None
    if codings and (codings[0].lower() != b"chunked" or minor_version == 0):
        return None
    upgrade = any(name == b"upgrade" for name, _ in fields)
    return Head(minor_version, int(lengths[0]) if lengths else -1, bool(codings), upgrade)


def read_request(head: bytes) -> tuple[Request, Head] | None:
    """Return a request from its whole head, blank line included; None for anything odd."""
    line, text = split_head(head)
    found = patterns.REQUEST_LINE.match(line)
    if found is None:
        return None
    fields = _head(int(found[2]), text)
    if fields is None or (found[1] == b"CONNECT" and (fields.chunked or fields.length > 0)):
        return None
    return Request(found[1], fields.upgrade), fields


def read_response(head: bytes) -> tuple[int, Head] | None:
    """Return a response's status code and head from its whole head; None for anything odd."""
    line, text = split_head(head)
    found = patterns.STATUS_LINE.match(line)
    if found is None:
        return None
    fields = _head(int(found[1]), text)
    return None if fields is None else (int(found[2]), fields)


def request_body(head: Head) -> Body:
    """How the body of a request ends (RFC 9112 section 6.3, items 4, 6 and 7)."""
    if head.chunked:
        return Body.CHUNKED
    return Body.LENGTH if head.length > 0 else Body.NONE


def response_body(status: int, head: Head, request: Request) -> Body | None:
    """How the body of a final response or of 101 ends (section 6.3, in order); None where odd."""
    framed = head.chunked or head.length > 0
    if status == 101:
        return Body.TUNNEL if request.upgrade and not framed else None
    if request.method == b"HEAD" or status == 304:
        return Body.NONE
    if status == 204:
        return None if framed else Body.NONE
    if request.method == b"CONNECT" and 200 <= status < 300:
        return None if framed else Body.TUNNEL
    if head.chunked:
        return Body.CHUNKED
    if head.length >= 0:
        return Body.LENGTH if head.length else Body.NONE
    return None if status == 205 else Body.CLOSE
