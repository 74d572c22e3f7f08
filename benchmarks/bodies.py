"""The pool that every message body is cut from.

Half of the bodies are text made of HTTP heads and whole HTTP messages, the hard case for anything
that looks for start lines; the other half is random bytes and prose. Bodies are views of the pool,
so that even 8 MiB cost nothing until they are framed.
"""

import math
from random import Random

from benchmarks.heads import prose, request_head, response_head

MAX_BODY_BYTES = 8 * 2**20
MEDIAN_BODY_BYTES = 20_000
BODY_SIGMA = 1.3

_KIND_BYTES = 4 * 2**20
# Shorter than any message, so that what precedes a start line holds no other.
_MAX_LEAD_BYTES = 40
# A body may start anywhere in the first copy, so there must be enough copies behind it.
_COPIES = 1 + math.ceil(MAX_BODY_BYTES / _KIND_BYTES)


class BodyPool:
    """Bodies of two kinds, text that looks like HTTP and anything else, drawn with equal chance."""

    def __init__(self, rng: Random) -> None:
        text, self._message_offsets = _http_lookalike(rng)
        self._http_text = memoryview(text * _COPIES)
        other = rng.randbytes(_KIND_BYTES // 2) + prose(rng, _KIND_BYTES // 12).encode("ascii")
        self._other = memoryview(other[:_KIND_BYTES] * _COPIES)
        self._other_bytes = len(self._other) // _COPIES

    def draw_size_bytes(self, rng: Random) -> int:
        """Return a body size: log-normal, from 1 to ``MAX_BODY_BYTES``."""
        size_bytes = int(rng.lognormvariate(math.log(MEDIAN_BODY_BYTES), BODY_SIGMA))
        return min(max(size_bytes, 1), MAX_BODY_BYTES)

    def draw(self, rng: Random, size_bytes: int) -> tuple[memoryview, str]:
        """Return a body of ``size_bytes`` and its media type.

        A body that looks like HTTP has a start line close behind the real head. It does not open
        with it, because a reader that missed the request may take such a body for the next message.
        """
        if rng.random() < 0.5:
            start = rng.choice(self._message_offsets) - rng.randint(1, _MAX_LEAD_BYTES)
            return self._http_text[start : start + size_bytes], "text/plain; charset=utf-8"
        start = rng.randrange(self._other_bytes)
        media_type = "application/octet-stream" if start < _KIND_BYTES // 2 else "text/html"
        return self._other[start : start + size_bytes], media_type


def _http_lookalike(rng: Random) -> tuple[bytes, list[int]]:
    """Return text of whole HTTP messages and the offset at which each but the first starts."""
    text = bytearray()
    offsets = []
    while len(text) < _KIND_BYTES:
        offsets.append(len(text))
        text += _lookalike_message(rng)
    return bytes(text[:_KIND_BYTES]), offsets[1:]


def _lookalike_message(rng: Random) -> bytes:
    content = prose(rng, rng.randint(1, 40)).encode("ascii") + b"\n"
    match rng.randrange(4):
        case 0:
            return request_head(rng, "GET", [])
        case 1:
            return request_head(rng, "POST", [f"Content-Length: {len(content)}"]) + content
        case 2:
            return response_head(rng, 200, [f"Content-Length: {len(content)}"]) + content
        case _:
            head = response_head(rng, 200, ["Transfer-Encoding: chunked"])
            return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
