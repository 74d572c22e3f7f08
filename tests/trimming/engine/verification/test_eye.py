"""The strict and the loose reading of HTTP, oddity by oddity."""

from __future__ import annotations

import pytest

from tests.captures import Conversation, request
from tests.trimming.engine.verification.test_verify import (
    CHUNKED_HEAD,
    COMPLETE,
    FIELD_LIKE,
    RANDOM,
    TEXT,
    body_spans,
)
from tests.trimming.engine.verification.trimmed import Body, Script, Trimmed, trimmed
from trimming.engine.verification.framing import read_request, read_response

ODD_HEADS = {
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
    "both framings": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "chunked in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "space before a colon": b"HTTP/1.1 200 OK\r\nServer : x\r\n\r\n",
    "a bare carriage return": b"HTTP/1.1 200 OK\r\nServer: x\ry\r\n\r\n",
    "a folded length": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nServer: x\r\n\r\n",
    "an unknown version": b"HTTP/2.0 200 OK\r\nServer: x\r\n\r\n",
    "a body behind 204": b"HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n",
    "205": b"HTTP/1.1 205 OK\r\nServer: x\r\n\r\n",
    "101 that nobody asked for": b"HTTP/1.1 101 OK\r\nServer: x\r\n\r\n",
    "a body behind 100": b"HTTP/1.1 100 OK\r\nContent-Length: 5\r\n\r\n",
    "an empty line first": b"\r\nHTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
    "a zero byte": b"HTTP/1.1 200 OK\r\nServer: x\0y\r\n\r\n",
    "a redacted line": b"HTTP/1.1 200 OK\r\nServer: x\r\nxxxx\r\n\r\n",
    "a second start line": b"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n",
    "a fold first": b"HTTP/1.1 200 OK\r\n folded\r\n\r\n",
    "too long": b"HTTP/1.1 200 OK\r\n" + b"X: 1234567890\r\n" * 5000 + b"\r\n",
}
BODIES = {"text": TEXT, "field-like": FIELD_LIKE, "binary": RANDOM}


def answered(start: bytes, text: bytes, cut: int | None = None) -> Script:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        c.server(start + body(text), cut)

    return script


def unmask_all(case: Trimmed) -> Trimmed:
    for index, start, end in body_spans(case):
        case.unmask(index, start, end)
    return case


@pytest.mark.parametrize("cut", [None, 29])
@pytest.mark.parametrize("name", list(ODD_HEADS))
def test_an_odd_head_may_be_kept_but_not_the_text_behind_it(name: str, cut: int | None) -> None:
    if name == "too long" and cut:
        cut = 700
    for text in BODIES.values():
        case = trimmed(answered(ODD_HEADS[name], text, cut))
        assert case.verify().findings == ()
        assert unmask_all(case).rules() == {"kept-bytes"}


@pytest.mark.parametrize("name", list(ODD_HEADS))
def test_an_odd_head_may_be_masked_with_all_behind_it(name: str) -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        c.server(body(ODD_HEADS[name]) + body(TEXT))
        c.client(body(request()))

    assert trimmed(script).verify().findings == ()


ODD_CHUNKS = {
    "bare line feeds": b"5\nabcde\n0\n\n",
    "spaces": b"5  \r\nabcde\r\n0\r\n\r\n",
    "no line end behind the data": b"5\r\nabcdeabc",
    "another line end": b"5\r\nabcde\rabc",
    "no number": b"what\r\n",
    "a bare line feed behind the last": b"0\r\n\n",
    "a malformed trailer": b"0\r\nwhat\r\n\r\n",
    "an endless trailer": b"0\r\n" + b"X: 1234567890\r\n" * 5000,
    "an endless size": b"5;" + b"a" * 5000,
    "an unfinished size": b"5",
    "an unfinished line end": b"5\r\nabcde\r",
    "unfinished data": b"5\r\nabc",
    "an unfinished trailer": b"0\r\nX: 1",
}


@pytest.mark.parametrize("cut", [None, 3])
@pytest.mark.parametrize("name", list(ODD_CHUNKS))
def test_odd_chunks_raise_no_alarm(name: str, cut: int | None) -> None:
    cut = 700 if cut and len(ODD_CHUNKS[name]) > 100 else cut
    text = ODD_CHUNKS[name]

    def masked(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        c.server(CHUNKED_HEAD + body(text), cut)
        c.server(body(FIELD_LIKE + RANDOM))

    def kept(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        size, end, rest = text.partition(b"\r\n" if b"\r\n" in text else b"\n")
        data, rest = rest[:5], rest[5:]
        if size[:1] == b"5":
            data = body(data)
        c.server(CHUNKED_HEAD + size + end + data + rest)

    case = trimmed(masked)
    if case.rules() != {"header-blocks"}:
        assert case.verify().findings == ()
    if not name.startswith(("no ", "another", "a malformed")):
        assert {f.rule for f in trimmed(kept).verify().findings} == set()


def test_chunk_data_that_are_kept_in_an_uncertain_stream_are_found() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(request())
        c.server(CHUNKED_HEAD + b"28\r\n" + body(TEXT[:40]) + b"\r\n0\r\n\r\n")

    case = trimmed(script)
    assert case.verify().findings == ()
    index, start, end = body_spans(case)[0]
    for low, high in ((start, end), (end - 5, end), (start, start + 3)):
        mutant = case.copy()
        mutant.unmask(index, low, high)
        assert mutant.rules() == {"kept-bytes"}


def test_a_start_line_that_opens_a_segment_may_be_taken_up_inside_of_lost_chunks() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(request())
        c.server(CHUNKED_HEAD + b"fff\r\n" + body(TEXT[:40]))
        c.lose_server(100)
        c.server(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body(b"abcd"), 8)
        c.lose_server(9999)
        c.server(body(TEXT))

    assert trimmed(script).verify().findings == ()


def test_a_start_line_may_be_split_over_segments_on_any_port() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(body(RANDOM))
        c.client(request(), 3)
        c.client(b"GET " + b"/long" * 2000)

    case = trimmed(script)
    assert case.verify().findings == ()
    assert unmask_all(case).rules() == {"kept-bytes"}


def test_what_merely_begins_like_a_start_line_is_no_http() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(b"GET ")
        c.client(b"out of here\n" + RANDOM)
        c.client(b"POST " + b"/long" * 2000)
        c.client(b"HELO\r\n")

    assert trimmed(script).verify().http_streams == 0


def test_text_before_the_first_start_line_is_found_in_the_same_segment() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(body(b"some text\nbefore ") + request())
        c.client(request())

    case = trimmed(script)
    assert unmask_all(case).rules() == {"kept-bytes"}


def test_a_line_without_end_is_found() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(request())
        c.server(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(300):
            c.server(b"a" * 1400)

    assert trimmed(script).rules() == {"kept-bytes"}


def test_a_header_in_many_tiny_segments_is_given_up() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request(fields=[("X", "a" * 1200)]), 1)
        c.client(request())

    assert trimmed(script).verify().findings == ()


def test_cut_lines_that_are_no_http_are_found() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(request())
        c.server(body(b"odd \x01 text 1234") + body(bytes(20)))
        c.server(body(b"once more, then?"))
        c.lose_server(5)
        c.server(body(bytes(1)))

    for which in (0, 1):
        case = trimmed(script)
        index, start, _ = body_spans(case)[which]
        case.unmask(index, start, start + 15)
        assert case.rules() == {"kept-bytes"}


@pytest.mark.parametrize(
    "head",
    [b"GET  / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nX\r\n\r\n",
     b"CONNECT a:1 HTTP/1.1\r\nContent-Length: 5\r\n\r\n"],
)  # fmt: skip
def test_an_odd_request_is_refused(head: bytes) -> None:
    assert read_request(head) is None


def test_a_head_without_fields_is_read() -> None:
    assert read_request(b"GET / HTTP/1.1\n\n") is not None
    assert read_response(b"HTTP/1.1 200 \r\n\r\n") is not None
    assert read_response(b"HTTP/1.1 200 OK\r\n: x\r\n\r\n") is None


def test_a_complete_message_as_an_endless_body_is_found() -> None:
    case = trimmed(answered(b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", COMPLETE))
    assert unmask_all(case).rules() == {"kept-bytes"}
