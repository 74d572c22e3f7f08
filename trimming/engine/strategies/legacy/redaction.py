"""Which bytes of a header line a profile hides: credentials, and values in targets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import TrimOptions

Run = tuple[int, ByteClass]

_BEFORE_TARGET = re.compile(rb"[^ ]+ +")
_VERSION = re.compile(rb"HTTP/\d\.\d[ \t]*")
_REFERER = b"referer"
_URI_PART = re.compile(rb"//|\?")
_URI_END = re.compile(rb"[\s\"'<>]")


class Redactor:
    """Splits header lines into kept and hidden runs; lengths add up to the line."""

    def __init__(self, options: TrimOptions) -> None:
        self._names = frozenset(name.encode() for name in options.redact_fields)
        self._targets = options.redact_targets

    def start_line(self, line: bytes) -> list[Run]:
        """Split a request line, whole or cut; a status line is kept."""
        if not self._targets or line.startswith(b"HTTP/"):
            return [(len(line), ByteClass.HEADER)]
        text = _without_end(line)
        match = _BEFORE_TARGET.match(text)
        if match is None:
            return [(len(line), ByteClass.HEADER)]
        start = match.end()
        end = _target_end(text, start)
        return _runs(line, [(start + a, start + b) for a, b in _secrets_of(text[start:end])])

    def hides(self, name: bytes) -> bool:
        """Whether the values of this field (lower case) are hidden, wholly or in part."""
        return name in self._names or (self._targets and name == _REFERER)

    def field_line(self, line: bytes, folded_into: bytes | None = None) -> list[Run]:
        """Split a field line, whole or cut; ``folded_into`` names the field that it continues."""
        text = _without_end(line)
        if folded_into is not None:
            name, start = folded_into, len(text) - len(text.lstrip(b" \t"))
        else:
            colon = text.find(b":")
            name = text[:colon].strip().lower() if colon >= 0 else b""
            value = text[colon + 1 :]
            start = colon + 1 + len(value) - len(value.lstrip(b" \t"))
        if folded_into is None and b":" not in text:
            return [(len(line), ByteClass.HEADER)]
        if not self.hides(name):
            # Location, Link, Refresh and many others repeat what the request's target held
            found = _secrets_in(text[start:]) if self._targets else ()
            return _runs(line, [(start + a, start + b) for a, b in found])
        if name in self._names or folded_into is not None:
            return _runs(line, [(start, len(text))])
        return _runs(line, [(start + a, start + b) for a, b in _secrets_of(text[start:])])


def _without_end(line: bytes) -> bytes:
    return line.rstrip(b"\r\n")


def _target_end(text: bytes, start: int) -> int:
    """Return where the target that begins at ``start`` ends: before a version, or with the line."""
    # by searching backwards: a pattern would try every space of a long line
    version = text.rfind(b" HTTP/", start) + 1
    if version and _VERSION.fullmatch(text, version):
        return start + len(text[start:version].rstrip(b" "))
    return len(text)


def _secrets_of(target: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of a URI's userinfo, query values and fragment (RFC 3986)."""
    path_end = min(
        (i for i in (target.find(b"?"), target.find(b"#")) if i >= 0), default=len(target)
    )
    scheme = target.find(b"//", 0, path_end)
    if scheme >= 0:
        authority = scheme + 2
        slash = target.find(b"/", authority, path_end)
        at = target.rfind(b"@", authority, slash if slash >= 0 else path_end)
        if at >= 0:
            yield authority, at
    fragment = target.find(b"#")
    query_end = fragment if fragment >= 0 else len(target)
    if target[path_end : path_end + 1] == b"?":
        yield from _query_values(target, path_end + 1, query_end)
    if fragment >= 0:
        yield fragment + 1, len(target)


def _secrets_in(value: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of userinfo and query values of URIs anywhere in a field's value."""
    at = 0
    for match in _URI_PART.finditer(value):
        start = match.start()
        if start < at:
            continue  # within the one before
        end = _URI_END.search(value, start)
        at = end.start() if end else len(value)
        if match.group() == b"//" or b"=" in value[start:at]:
            yield from ((start + a, start + b) for a, b in _secrets_of(value[start:at]))


def _query_values(target: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    for match in re.compile(rb"[^&;]+").finditer(target, start, end):
        name, equals, _ = match.group().partition(b"=")
        # a parameter without "=" is all value
        yield (match.start() + len(name) + 1 if equals else match.start()), match.end()


def _runs(line: bytes, hidden: list[tuple[int, int]]) -> list[Run]:
    runs: list[Run] = []
    at = 0
    for start, end in hidden:
        if end > start:
            if start > at:
                runs.append((start - at, ByteClass.HEADER))
            runs.append((end - start, ByteClass.REDACTED))
            at = end
    if at < len(line):
        runs.append((len(line) - at, ByteClass.HEADER))
    return runs
