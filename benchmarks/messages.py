"""HTTP messages as parts, kept or body: the generator knows what it wrote and never parses."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from benchmarks.bodies import BodyPool
from benchmarks.heads import request_head, response_head

POST_SHARE = 0.2
CONTENT_LENGTH_SHARE = 0.5
CHUNKED_SHARE = 0.25
CHUNK_EXTENSION_SHARE = 0.2
TRAILER_SHARE = 0.25
HEAD_ALONE_SHARE = 0.3

_MEAN_CHUNK_BYTES = (200, 1_000, 4_096, 16_384, 65_536)
_MAX_CHUNKS = 400
_CHUNK_EXTENSIONS = (";last=no", ";sig=9f86d081", ';note="a;b"', "; ttl=30", ";flag")


class Part(NamedTuple):
    """Consecutive bytes of one class; a capture should not end inside a part that is kept."""

    content: bytes | memoryview
    is_body: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One request or response; ``head_alone`` sends the first part in a segment of its own."""

    parts: tuple[Part, ...]
    head_alone: bool

    def flights(self) -> Iterator[tuple[Part, ...]]:
        """Yield the runs of parts that are cut into segments together."""
        if self.head_alone and len(self.parts) > 1:
            yield self.parts[:1]
            yield self.parts[1:]
        else:
            yield self.parts


def draw_request(rng: Random, pool: BodyPool) -> Message:
    """Return a GET, or a POST with its content."""
    if rng.random() < POST_SHARE:
        return post_request(rng, pool, pool.draw_size_bytes(rng))
    return get_request(rng)


def get_request(rng: Random) -> Message:
    """Return a request without content."""
    return Message((Part(request_head(rng, "GET", []), False),), False)


def post_request(rng: Random, pool: BodyPool, body_bytes: int) -> Message:
    """Return a request with ``body_bytes`` of content, framed by Content-Length."""
    body, media_type = pool.draw(rng, body_bytes)
    head = request_head(rng, "POST", _content_fields(media_type, body_bytes))
    return Message((Part(head, False), Part(body, True)), rng.random() < HEAD_ALONE_SHARE)


def draw_response(rng: Random, pool: BodyPool) -> Message:
    """Return a response of one of the framings in their shares."""
    framing = rng.random()
    if framing < CONTENT_LENGTH_SHARE:
        return _content_length_response(rng, pool)
    if framing < CONTENT_LENGTH_SHARE + CHUNKED_SHARE:
        return _chunked_response(rng, pool)
    return _empty_response(rng, pool)


def _content_fields(media_type: str, body_bytes: int) -> list[str]:
    return [f"Content-Type: {media_type}", f"Content-Length: {body_bytes}"]


def _content_length_response(rng: Random, pool: BodyPool) -> Message:
    body, media_type = pool.draw(rng, pool.draw_size_bytes(rng))
    head = response_head(
        rng, rng.choice((200, 200, 200, 201, 404)), _content_fields(media_type, len(body))
    )
    return Message((Part(head, False), Part(body, True)), rng.random() < HEAD_ALONE_SHARE)


def _empty_response(rng: Random, pool: BodyPool) -> Message:
    """Return a 204 or a 304, which may state the length of what it spares (RFC 9110 8.6)."""
    fields = []
    status = rng.choice((204, 304))
    if status == 304 and rng.random() < 0.3:
        fields = [f"Content-Length: {pool.draw_size_bytes(rng)}"]
    return Message((Part(response_head(rng, status, fields), False),), False)


def _chunked_response(rng: Random, pool: BodyPool) -> Message:
    body, media_type = pool.draw(rng, pool.draw_size_bytes(rng))
    fields = [f"Content-Type: {media_type}", "Transfer-Encoding: chunked"]
    trailer = ""
    if rng.random() < TRAILER_SHARE:
        fields.append("Trailer: X-Checksum, Server-Timing")
        trailer = f"X-Checksum: {rng.getrandbits(128):032x}\r\n"
        trailer += f"Server-Timing: app;dur={rng.randint(1, 900)}\r\n"
    parts = [Part(response_head(rng, 200, fields), False)]
    line_before = ""
    for chunk in _chunks(rng, body):
        parts.append(Part((line_before + _chunk_size_line(rng, len(chunk))).encode("ascii"), False))
        parts.append(Part(chunk, True))
        line_before = "\r\n"
    parts.append(Part(f"\r\n0\r\n{trailer}\r\n".encode("ascii"), False))
    return Message(tuple(parts), rng.random() < HEAD_ALONE_SHARE)


def _chunks(rng: Random, body: memoryview) -> Iterator[memoryview]:
    mean_bytes = max(rng.choice(_MEAN_CHUNK_BYTES), len(body) // _MAX_CHUNKS)
    start = 0
    while start < len(body):
        end = start + rng.randint(1, 2 * mean_bytes)
        yield body[start:end]
        start = end


def _chunk_size_line(rng: Random, chunk_bytes: int) -> str:
    size = rng.choice((f"{chunk_bytes:x}", f"{chunk_bytes:X}", f"{chunk_bytes:06x}"))
    extension = rng.choice(_CHUNK_EXTENSIONS) if rng.random() < CHUNK_EXTENSION_SHARE else ""
    return f"{size}{extension}\r\n"
