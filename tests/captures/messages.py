"""HTTP messages as bytes."""

from __future__ import annotations

from collections.abc import Sequence

Fields = Sequence[tuple[str, str]]


def _message(start: str, fields: Fields, body: bytes, eol: bytes) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in fields)]
    return b"".join(line.encode("latin-1") + eol for line in lines) + eol + body


def request(
    method: str = "GET",
    target: str = "/",
    fields: Fields = (("Host", "example.org"),),
    body: bytes = b"",
    version: str = "HTTP/1.1",
    eol: bytes = b"\r\n",
    *,
    content_length: bool | None = None,
) -> bytes:
    """Return a request; Content-Length is added by default when there is a body."""
    if content_length or (content_length is None and body):
        fields = (*fields, ("Content-Length", str(len(body))))
    return _message(f"{method} {target} {version}", fields, body, eol)


def response(
    status: int = 200,
    reason: str = "OK",
    fields: Fields = (),
    body: bytes = b"",
    content_length: bool = True,
    version: str = "HTTP/1.1",
    eol: bytes = b"\r\n",
) -> bytes:
    """Return a response, with a Content-Length unless told otherwise."""
    if content_length:
        fields = (*fields, ("Content-Length", str(len(body))))
    return _message(f"{version} {status} {reason}", fields, body, eol)


def chunked(
    chunks: Sequence[bytes],
    trailers: Fields = (),
    extension: bytes = b"",
    eol: bytes = b"\r\n",
) -> bytes:
    """Return a chunked body (RFC 9112, section 7.1); ``extension`` as in b";a=b"."""
    coded = b"".join(f"{len(chunk):x}".encode() + extension + eol + chunk + eol for chunk in chunks)
    ends = b"".join(f"{name}: {value}".encode("latin-1") + eol for name, value in trailers)
    return coded + b"0" + extension + eol + ends + eol
