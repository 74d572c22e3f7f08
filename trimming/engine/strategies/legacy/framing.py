"""HTTP/1.x grammar and framing as pure functions: what a line is, and how long a body is.

Belongs here: RFC 9110 and RFC 9112 read off complete lines.  Must not be known here: streams,
segments, packets, what is kept or overwritten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
MAX_METHOD_BYTES = 32

# RFC 9110 section 9.3 and RFC 5789
COMMON_METHODS = frozenset(
    (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")
)
# RFC 9112 section 3; white space inside a target is wrong but seen, so it is taken from what looks
# like a method, and a method in other letters must be followed by what looks like a target
_REQUEST = re.compile(
    rb"(?:(?P<upper>[A-Z][A-Z_\-]{1,31})(?:[ \t]+\S(?:[^\r\n]*\S)?)?"
    rb"|(?P<token>" + TOKEN + rb"{1,32}) +(?:/|\*|[A-Za-z][A-Za-z0-9+.\-]*:)\S*)"
    rb"[ \t]+HTTP/(?P<version>\d\.\d)[ \t]*[\r\n]*"
)
# RFC 9112 section 4
_RESPONSE = re.compile(rb"HTTP/(?P<version>\d\.\d)(?:[ \t]+(?P<code>[^\s]*)[^\r\n]*)?[\r\n]*")
_SIMPLE_REQUEST = re.compile(rb"GET +/[^\x00-\x20]* *\r?\n")
_HTTP2_PREFACE = re.compile(rb"PRI +\* +HTTP/2")
# RFC 9112 section 5; names that are no tokens and white space around them are wrong but seen, and
# recipients that take them act on them
_FIELD = re.compile(rb"(?P<name>[^:\r\n]*):(?P<value>[^\r\n]*)[\r\n]*")
# RFC 9112 section 7.1, with the white space that recipients forgive
_CHUNK_SIZE = re.compile(rb"[ \t]*(?P<size>[0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
_PARTIAL_FIELD = re.compile(TOKEN + rb"*\r?|[^:\r\n]*:[^\r\n]*\r?")
_RESPONSE_CUT = re.compile(rb"HTTP/\d\.\d[ \t]+\d[^\r\n]*\r?")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f]")
_STATUS = b"HTTP/d.d ddd"
_CUT_HTTP = re.compile(
    rb"HTTP/|(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND) +(?:/|http)"
)
# the same to its end, up to somewhere in the version
_CUT_LINE = re.compile(
    rb"HTTP/(?:\d(?:\.\d?)?)?[ \t]*\r?"
    rb"|[A-Z]+[ \t]+[^\x00-\x20\x7f]+[ \t]*(?:H|HT|HTT|HTTP|HTTP/|HTTP/\d|HTTP/\d\.)?"
)
_PARTIAL_METHOD = re.compile(TOKEN + rb"{1,32}")


@dataclass(frozen=True, slots=True)
class RequestLine:
    """The first line of a request."""

    method: bytes
    version: bytes


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The first line of a response; ``code`` is None where it is not three digits."""

    code: int | None
    version: bytes


StartLine = RequestLine | StatusLine
Fields = list[tuple[bytes, bytes]]


class BodyKind(Enum):
    """How the end of a body is found (RFC 9112 section 6.3)."""

    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()
    TUNNEL = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Body:
    """The framing of one message; ``length`` in bytes counts for LENGTH only."""

    kind: BodyKind
    length: int = 0


def start_line(line: bytes) -> StartLine | None:
    """Read a complete line, with or without its end, as a start line; None when it is none."""
    if line.startswith(b"HTTP/"):
        match = _RESPONSE.fullmatch(line)
        if match is None:
            return None
        code = match["code"] or b""
        valid = len(code) == 3 and code.isdigit()
        return StatusLine(int(code) if valid else None, match["version"])
    match = _REQUEST.fullmatch(line)
    if match is None or is_http2_preface(line):
        return None
    return RequestLine(match["upper"] or match["token"], match["version"])


def is_better_split(line: bytes, at: int) -> bool:
    """Whether a request line that opens a segment starts at ``at``, with rubbish stuck in front.

    Told by the method: "fooGET" is none that anybody registered, "GET" is.
    """
    whole, rest = start_line(line), start_line(line[at:])
    return (
        isinstance(whole, RequestLine)
        and isinstance(rest, RequestLine)
        and whole.method not in COMMON_METHODS
        and rest.method in COMMON_METHODS
    )


def is_http2_preface(line: bytes) -> bool:
    """Whether a connection that starts so speaks HTTP/2 in clear text (RFC 9113 section 3.4)."""
    return _HTTP2_PREFACE.match(line) is not None


def is_simple_request(line: bytes) -> bool:
    """Whether a complete line that opens a connection is a request of HTTP/0.9."""
    return _SIMPLE_REQUEST.fullmatch(line) is not None


def may_become_start_line(part: bytes, known: int = 0) -> bool:
    """Whether a line that begins with ``part`` can still turn out to be a start line.

    Its first ``known`` bytes were found possible before, so that a line that comes byte by byte is
    not read anew each time.
    """
    if known > 2 * MAX_METHOD_BYTES:
        # behind the method nothing but control bytes is impossible; the line end may come in part
        return _CONTROL.search(part, known - 1, len(part) - part.endswith(b"\r")) is None
    if b"HTTP/".startswith(part[:5]):
        return True
    method, space, rest = part.replace(b"\t", b" ").partition(b" ")
    if not space:
        return _PARTIAL_METHOD.fullmatch(method) is not None
    if len(method) > MAX_METHOD_BYTES or _PARTIAL_METHOD.fullmatch(method) is None:
        return False
    return _CONTROL.search(rest.rstrip(b"\r")) is None


def is_cut_start_line(part: bytes) -> bool:
    """Whether a line that was cut behind ``part`` is surely a start line all the same."""
    return _RESPONSE_CUT.fullmatch(part) is not None or start_line(part) is not None


def begins_with_status_line(part: bytes) -> bool | None:
    """Whether a strict status line begins here; None when ``part`` is too short to tell."""
    for at, expected in enumerate(_STATUS):
        if at == len(part):
            return None
        byte = part[at : at + 1]
        if not (byte.isdigit() if expected == ord("d") else byte[0] == expected):
            return False
    if len(part) == len(_STATUS):
        return None
    return part[len(_STATUS) : len(_STATUS) + 1] in (b" ", b"\r", b"\n")


def is_cut_http(part: bytes) -> bool:
    """Whether a line cut behind ``part`` is likely a start line, though too little is left."""
    return _CUT_HTTP.match(part) is not None


def is_nothing_but_cut_line(part: bytes) -> bool:
    """Whether ``part``, of which is_cut_http is true, holds nothing that no start line may hold.

    Content may begin with "HTTP/" or "GET /", too.
    """
    return _CUT_LINE.fullmatch(part) is not None


def field_line(line: bytes) -> tuple[bytes, bytes] | None:
    """Read a complete line as a field: (name in lower case, value without outer white space)."""
    match = _FIELD.fullmatch(line)
    return (match["name"].strip().lower(), match["value"].strip(b" \t")) if match else None


def is_cut_field_line(part: bytes) -> bool:
    """Whether a line that was cut behind ``part`` can be a field."""
    return _PARTIAL_FIELD.fullmatch(part) is not None


def chunk_size(line: bytes) -> int | None:
    """Return the size in bytes of the chunk that a complete line announces, or None."""
    match = _CHUNK_SIZE.fullmatch(line)
    return int(match["size"], 16) if match else None


def body_of(line: StartLine, fields: Fields, request_method: bytes | None) -> Body:
    """Apply the ladder of RFC 9112 section 6.3, in its order.

    ``fields`` hold lower-case names; ``request_method`` is that of the request which a response
    answers, None where it is not known.
    """
    if isinstance(line, StatusLine):
        decided = _without_fields(line, request_method)
        if decided is not None:
            return decided
    # section 6.3, item 3: Transfer-Encoding overrides Content-Length
    codings = [
        coding.strip().lower()
        for name, value in fields
        if name == b"transfer-encoding"
        for coding in value.split(b",")
        if coding.strip()
    ]
    codings = [coding for coding in codings if coding != b"identity"]
    if codings:
        return _transfer_coded(line, codings)
    lengths = [
        length.strip()
        for name, value in fields
        if name == b"content-length"
        for length in value.split(b",")
    ]
    if lengths:
        return _length_delimited(lengths)
    # items 7 and 8
    return Body(BodyKind.NONE if isinstance(line, RequestLine) else BodyKind.CLOSE)


def _without_fields(line: StatusLine, request_method: bytes | None) -> Body | None:
    if line.code is None:
        return Body(BodyKind.UNKNOWN)
    if line.code == 101:
        return Body(BodyKind.TUNNEL)  # RFC 9110 section 15.2.2
    # items 1 and 2
    if request_method == b"HEAD" or line.code // 100 == 1 or line.code in (204, 304):
        return Body(BodyKind.NONE)
    if request_method == b"CONNECT" and line.code // 100 == 2:
        return Body(BodyKind.TUNNEL)
    return None


def _transfer_coded(line: StartLine, codings: list[bytes]) -> Body:
    # item 4
    if codings[-1] == b"chunked" and codings.count(b"chunked") == 1:
        return Body(BodyKind.CHUNKED)
    if isinstance(line, RequestLine):
        return Body(BodyKind.UNKNOWN)
    return Body(BodyKind.CLOSE)


def _length_delimited(lengths: list[bytes]) -> Body:
    # items 5 and 6: equal ones are one, anything else is an unrecoverable error
    if not all(length.isdigit() and len(length) <= 18 for length in lengths):
        return Body(BodyKind.UNKNOWN)
    values = {int(length) for length in lengths}
    if len(values) != 1:
        return Body(BodyKind.UNKNOWN)
    return Body(BodyKind.LENGTH, values.pop())
