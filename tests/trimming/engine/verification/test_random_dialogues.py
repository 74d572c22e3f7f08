"""However a dialogue is cut, repeated and mixed up: right outputs pass, one kept byte is found."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.captures import Conversation, chunked, request, response
from tests.trimming.engine.verification.test_verify import FIELD_LIKE, body_spans, head
from tests.trimming.engine.verification.trimmed import Body, Script, trimmed

TEXT = b"body of text\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\x01\x02\x03" * 3


def dialogue(body: Body) -> tuple[bytes, bytes]:
    """All that the client sends, and all that the server sends."""
    client = (
        request()
        + request("POST", fields=[("Host", "a"), ("Content-Length", str(len(TEXT)))])
        + body(TEXT)
        + request("HEAD")
        + request(target="/last")
    )
    server = (
        head(len(FIELD_LIKE))
        + body(FIELD_LIKE)
        + response(fields=[("Transfer-Encoding", "chunked")], content_length=False)
        + chunked([body(TEXT), body(FIELD_LIKE[:300])], [("Sum", "1")], b";a=b")
        + head(999)
        + head(len(TEXT))
        + body(TEXT)
    )
    return client, server


def shuffled(seed: int, swaps: int, repeats: int) -> Script:
    """Cut at random; each swap exchanges neighbours, each repeat adds a copy of some range."""

    def script(c: Conversation, body: Body) -> None:
        rng = random.Random(seed)
        c.handshake()
        for direction, data in zip(("client", "server"), dialogue(body), strict=True):
            cuts = sorted({0, len(data), *(rng.randrange(len(data)) for _ in range(12))})
            ranges = [*pairwise(cuts)]
            for _ in range(swaps):
                at = rng.randrange(len(ranges) - 1)
                ranges[at], ranges[at + 1] = ranges[at + 1], ranges[at]
            for _ in range(repeats):
                low, high = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
                ranges.insert(rng.randrange(len(ranges)), (low, min(high, low + 1400)))
            for low, high in ranges:
                if low < high:
                    c.segment(direction, low, data[low:high])  # type: ignore[arg-type]

    return script


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 6), st.integers(0, 4))
def test_right_outputs_pass(seed: int, swaps: int, repeats: int) -> None:
    result = trimmed(shuffled(seed, swaps, repeats)).verify()
    assert result.findings == ()
    assert result.header_blocks == 8


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 6), st.integers(0, 4), st.integers(0, 10**6))
def test_one_kept_byte_is_found(seed: int, swaps: int, repeats: int, which: int) -> None:
    case = trimmed(shuffled(seed, swaps, repeats))
    places = [(i, at) for i, start, end in body_spans(case) for at in range(start, end)]
    index, at = places[which % len(places)]
    case.unmask(index, at, at + 1)
    assert case.rules() == {"kept-bytes"}
