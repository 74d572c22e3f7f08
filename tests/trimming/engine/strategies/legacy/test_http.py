"""One direction of HTTP/1.x as a state machine: a script of events in, classes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.captures import chunked, request, response
from tests.trimming.engine.strategies.legacy.classing import (
    LETTERS,
    STANDARD,
    limited,
    pieces,
    runs,
    spelled,
)
from trimming.engine.options import TrimOptions, built_in_profile
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.http import (
    MAX_CHUNK_LINE_BYTES,
    Exchange,
    HttpReader,
    Run,
)
from trimming.engine.strategies.legacy.redaction import Redactor

CLIENT, SERVER = 0, 1
# a side, and what it sends in one segment, or how many bytes of it are missing
Event = tuple[int, bytes | int]
Cutter = Callable[[bytes], list[bytes]]

GET, HEAD = request(), request("HEAD")
CRLF = b"\r\n"
CUTTERS: dict[str, Cutter] = {
    "whole": lambda data: [data],
    "byte by byte": lambda data: pieces(data, [1]),
    "in pieces of 2 and 5": lambda data: pieces(data, [2, 5]),
    "in pieces of 1, 13 and 3": lambda data: pieces(data, [1, 13, 3]),
}


@dataclass
class Reading:
    """The letters of both sides ("." for a byte that is missing), and what was counted."""

    client: str
    server: str
    tally: Tally
    is_http: bool
    exchange: Exchange


def read(
    *events: Event, options: TrimOptions = STANDARD, cut: Cutter = CUTTERS["whole"]
) -> Reading:
    """Feed both readers of a connection; bytes that nobody recognised become U or O at the end."""
    tally, seen = Tally(), []
    exchange = Exchange(lambda: seen.append(True))
    readers = [HttpReader(exchange, side, options, Redactor(options), tally) for side in (0, 1)]
    letters = ["", ""]

    def take(side: int, found: list[Run]) -> None:
        letters[side] += "".join(
            (LETTERS[kind] if kind is not None else "?") * length for length, kind in found
        )

    for side, what in events:
        if isinstance(what, int):
            take(side, readers[side].gap(what))
            letters[side] += "." * what
            continue
        for piece in cut(what):
            take(side, readers[side].feed(piece))
    for side in (CLIENT, SERVER):
        take(side, readers[side].end())
        given = sum(e if isinstance(e, int) else len(e) for s, e in events if s == side)
        assert len(letters[side]) == given, "the runs cover all that was fed"
    assert len(seen) <= 1, "a connection becomes HTTP once"
    unknown = "U" if seen else "O"
    client, server = (text.replace("?", unknown) for text in letters)
    return Reading(client, server, tally, bool(seen), exchange)


def read_every_way(*events: Event, options: TrimOptions = STANDARD) -> Reading:
    """As read, and assert that it does not matter how the bytes are cut into segments."""
    whole = read(*events, options=options)
    for name, cut in CUTTERS.items():
        other = read(*events, options=options, cut=cut)
        assert runs(other.client) == runs(whole.client), name
        assert runs(other.server) == runs(whole.server), name
        assert other.is_http == whole.is_http, name
    return whole


def answered(answer: bytes, to: bytes = GET) -> str:
    """Return the letters of an answer to one request, however it is cut."""
    reading = read_every_way((CLIENT, to), (SERVER, answer))
    assert set(reading.client) == {"H"}
    return reading.server


# --- messages and their bodies ---------------------------------------------------------------


def test_a_head_is_header_and_content_by_length_is_body() -> None:
    head = response(content_length=False, fields=[("Content-Length", "5")])
    assert answered(head + b"hello") == spelled(("H", head), ("B", b"hello"))


def test_the_body_of_a_request_is_body() -> None:
    post = request("POST", body=b"a=1&b=2")
    reading = read_every_way((CLIENT, post + GET))
    assert reading.client == spelled(("H", post[:-7]), ("B", b"a=1&b=2"), ("H", GET))


def test_requests_and_responses_are_counted() -> None:
    reading = read((CLIENT, GET * 3), (SERVER, response() * 2))
    assert (reading.tally.requests, reading.tally.responses) == (3, 2)
    assert reading.tally.http_streams == 2


@pytest.mark.parametrize("eol", [b"\r\n", b"\n"])
def test_a_bare_line_feed_ends_a_line(eol: bytes) -> None:
    head = response(content_length=False, fields=[("Content-Length", "3")], eol=eol)
    reading = read_every_way((CLIENT, request(eol=eol)), (SERVER, head + b"abc" + head))
    assert reading.server == spelled(("H", head), ("B", b"abc"), ("H", head))


def test_a_bare_carriage_return_ends_a_line_and_finds_the_end_of_the_head_first() -> None:
    head = b"HTTP/1.1 200 OK\rX: a\rContent-Length: 3\r\n\r\n"
    assert answered(head + b"abc") == spelled(("H", head), ("B", b"abc"))


def test_a_carriage_return_where_the_blank_line_should_be_is_malformed() -> None:
    head = b"HTTP/1.1 200 OK\r\nX: a\r\n"
    assert answered(head + b"\rbody") == spelled(("H", head), ("U", b"\rbody"))


def test_content_without_a_length_goes_to_the_end() -> None:
    head = response(content_length=False)
    assert answered(head + b"all of it") == spelled(("H", head), ("B", b"all of it"))


def test_a_start_line_inside_a_body_is_body() -> None:
    inner = response(body=b"x") + GET
    head = response(content_length=False, fields=[("Content-Length", str(len(inner)))])
    reading = read_every_way((CLIENT, GET * 2), (SERVER, (head + inner) * 2))
    assert reading.server == spelled(("H", head), ("B", inner)) * 2


def test_a_start_line_inside_content_to_the_end_is_body() -> None:
    head = response(content_length=False)
    reading = read((CLIENT, GET), (SERVER, head), (SERVER, GET), (SERVER, head))
    assert reading.server == spelled(("H", head), ("B", GET + head))


def test_an_empty_body_is_followed_by_the_next_message() -> None:
    assert set(answered(response() + response())) == {"H"}


@pytest.mark.parametrize("status", [204, 304])
def test_no_content_and_not_modified_have_no_body(status: int) -> None:
    head = response(status, content_length=False, fields=[("Content-Length", "9")])
    reading = read_every_way((CLIENT, GET * 2), (SERVER, head + response(body=b"abc")))
    assert reading.server == spelled(("H", head + response(body=b"abc")[:-3]), ("B", b"abc"))


def test_the_answer_to_head_has_no_body() -> None:
    head = response(content_length=False, fields=[("Content-Length", "9")])
    full = response(body=b"abc")
    reading = read_every_way((CLIENT, HEAD + GET), (SERVER, head + full))
    assert reading.server == spelled(("H", head + full[:-3]), ("B", b"abc"))


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_an_interim_response_is_header_and_answers_no_request(status: int) -> None:
    interim = response(status, "Continue", content_length=False)
    last = response(content_length=False, fields=[("Content-Length", "9")])
    reading = read_every_way((CLIENT, HEAD + GET), (SERVER, interim * 2 + last + last + b"x" * 9))
    assert reading.server == spelled(("H", interim * 2 + last * 2), ("B", b"x" * 9))


def test_pipelined_requests_are_paired_in_order() -> None:
    head = response(content_length=False, fields=[("Content-Length", "4")])
    reading = read_every_way(
        (CLIENT, GET + HEAD + GET + HEAD), (SERVER, head + b"1111" + head + head + b"3333" + head)
    )
    expected = ("H", head), ("B", b"1111"), ("H", head * 2), ("B", b"3333"), ("H", head)
    assert reading.server == spelled(*expected)


def test_transfer_encoding_beats_content_length() -> None:
    fields = [("Content-Length", "3"), ("Transfer-Encoding", "chunked")]
    head = response(fields=fields, content_length=False)
    expected = ("H", head), ("F", b"4\r\n"), ("B", b"abcd"), ("F", b"\r\n0\r\n"), ("H", CRLF)
    assert answered(head + chunked([b"abcd"])) == spelled(*expected)


def test_equal_content_lengths_are_one() -> None:
    fields = [("Content-Length", "3"), ("Content-Length", "3, 3")]
    head = response(fields=fields, content_length=False)
    assert answered(head + b"abc" + head + b"abc") == spelled(("H", head), ("B", b"abc")) * 2


def test_different_content_lengths_are_uncertain_up_to_a_start_line_that_opens_a_segment() -> None:
    fields = [("Content-Length", "3"), ("Content-Length", "4")]
    head = response(fields=fields, content_length=False)
    reading = read((CLIENT, GET), (SERVER, head + b"abcd"), (SERVER, b"more"), (SERVER, head))
    assert reading.server == spelled(("H", head), ("U", b"abcdmore"), ("H", head))


def test_a_status_line_without_a_code_has_a_head_and_an_uncertain_rest() -> None:
    head = b"HTTP/1.1 abc\r\nContent-Length: 3\r\n\r\n"
    assert answered(head + b"abcd") == spelled(("H", head), ("U", b"abcd"))


# --- chunked ---------------------------------------------------------------------------------

CHUNKED_HEAD = response(fields=[("Transfer-Encoding", "chunked")], content_length=False)


def test_chunk_lines_are_framing_and_chunk_data_is_body() -> None:
    body = chunked([b"a" * 20, b"b"])
    assert body.startswith(b"14\r\n")
    expected = (
        ("H", CHUNKED_HEAD),
        ("F", b"14\r\n"),
        ("B", b"a" * 20),
        ("F", b"\r\n1\r\n"),
        ("B", b"b"),
        ("F", b"\r\n0\r\n"),
        ("H", CRLF + response()),
    )
    reading = read_every_way((CLIENT, GET * 2), (SERVER, CHUNKED_HEAD + body + response()))
    assert reading.server == spelled(*expected)


def test_chunk_extensions_are_framing() -> None:
    body = chunked([b"abc"], extension=b';name="value";other')
    line = b'3;name="value";other\r\n'
    expected = ("H", CHUNKED_HEAD), ("F", line), ("B", b"abc"), ("F", CRLF + line), ("H", CRLF)
    assert answered(CHUNKED_HEAD + body) == spelled(*expected)


def test_trailers_are_header() -> None:
    trailer = b"Checksum: abc\r\n folded\r\n\r\n"
    body = b"3\r\nabc\r\n0\r\n" + trailer
    expected = ("F", b"3\r\n"), ("B", b"abc"), ("F", b"\r\n0\r\n"), ("H", trailer + response())
    reading = read_every_way((CLIENT, GET * 2), (SERVER, CHUNKED_HEAD + body + response()))
    assert reading.server == spelled(("H", CHUNKED_HEAD), *expected)


def test_a_line_of_a_trailer_does_not_continue_a_field_of_the_head() -> None:
    body = b"0\r\n folded\r\n\r\n"
    expected = ("H", CHUNKED_HEAD), ("F", b"0\r\n"), ("U", b" folded\r\n\r\n")
    assert answered(CHUNKED_HEAD + body) == spelled(*expected)


def test_a_bare_line_feed_ends_chunk_lines_and_chunks() -> None:
    body = chunked([b"abc"], eol=b"\n")
    expected = ("F", b"3\n"), ("B", b"abc"), ("F", b"\n0\n"), ("H", b"\n")
    assert answered(CHUNKED_HEAD + body) == spelled(("H", CHUNKED_HEAD), *expected)


def test_a_chunked_request_is_read_like_a_chunked_response() -> None:
    head = request("POST", fields=[("Transfer-Encoding", "chunked")])
    reading = read_every_way((CLIENT, head + chunked([b"abc"]) + GET))
    expected = ("F", b"3\r\n"), ("B", b"abc"), ("F", b"\r\n0\r\n"), ("H", CRLF + GET)
    assert reading.client == spelled(("H", head), *expected)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param(b"xyz\r\nabc", 0, id="no-number"),
        pytest.param(b"\r\n3\r\nabc", 0, id="empty"),
        pytest.param(b"3\r\nabcX0\r\n\r\n", None, id="no-end-of-chunk"),
        pytest.param(b"3\r\nabc\rX0\r\n", None, id="no-lf-at-end-of-chunk"),
    ],
)
def test_a_malformed_chunk_is_uncertain_from_there_on(body: bytes, kept: int | None) -> None:
    letters = answered(CHUNKED_HEAD + body)[len(CHUNKED_HEAD) :]
    if kept is None:
        assert letters == "FFFBBB" + "U" * (len(body) - 6)
    else:
        assert letters == "U" * len(body)


def test_a_chunk_line_that_does_not_end_is_uncertain() -> None:
    body = b"3;" + b"x" * MAX_CHUNK_LINE_BYTES + b"\r\nabc"
    for cut in (len(body), 1000, 77):
        events = [(SERVER, piece) for piece in pieces(body, [cut])]
        reading = read((CLIENT, GET), (SERVER, CHUNKED_HEAD), *events)
        assert set(reading.server[len(CHUNKED_HEAD) :]) == {"U"}


def test_the_longest_chunk_line_is_read() -> None:
    line = b"3;" + b"x" * (MAX_CHUNK_LINE_BYTES - 4) + CRLF
    for cut in (len(line) + 3, 1000, 77):
        events = [(SERVER, piece) for piece in pieces(line + b"abc", [cut])]
        reading = read((CLIENT, GET), (SERVER, CHUNKED_HEAD), *events)
        assert reading.server == spelled(("H", CHUNKED_HEAD), ("F", line), ("B", b"abc"))


# --- heads -----------------------------------------------------------------------------------


def test_obsolete_folding_continues_a_field() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\t3\r\nX: a\r\n b: c\r\n\r\n"
    assert answered(head + b"abc") == spelled(("H", head), ("B", b"abc"))


def test_a_folded_first_line_with_a_colon_is_a_field() -> None:
    head = b"HTTP/1.1 200 OK\r\n Content-Length: 3\r\n\r\n"
    assert answered(head + b"abc") == spelled(("H", head), ("B", b"abc"))


def test_white_space_before_the_colon_does_not_hide_a_length() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\n"
    assert answered(head + b"abcGET") == spelled(("H", head), ("B", b"abc"), ("U", b"GET"))


def test_a_line_without_a_colon_is_uncertain_and_so_is_what_follows() -> None:
    head = b"HTTP/1.1 200 OK\r\nX: a\r\n"
    rest = b"no colon here\r\nContent-Length: 3\r\n\r\nabc"
    assert answered(head + rest) == spelled(("H", head), ("U", rest))


def test_a_line_with_a_colon_behind_a_start_line_may_be_a_start_line_of_its_own_segment() -> None:
    head = b"HTTP/1.1 200 OK\r\nX: a\r\n"
    reading = read((CLIENT, GET), (SERVER, head), (SERVER, response(body=b"abc")))
    assert reading.server == spelled(("H", head + response(body=b"abc")[:-3]), ("B", b"abc"))


@pytest.mark.parametrize("limits", [{"max_line_bytes": 50}, {"max_header_bytes": 90}])
def test_an_over_long_head_is_uncertain_from_the_line_that_is_too_much(
    limits: dict[str, int],
) -> None:
    start = b"HTTP/1.1 200 OK\r\nX: a\r\n"
    rest = b"Y: " + b"b" * 80 + b"\r\n\r\nabc"
    reading = read_every_way((CLIENT, GET), (SERVER, start + rest), options=limited(**limits))
    assert reading.server == spelled(("H", start), ("U", rest))
    assert reading.tally.limits_met["max_header_bytes"] == 1


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\rY: b\r\n"])
@pytest.mark.parametrize(("length", "letter"), [(50, "H"), (51, "U")])
def test_the_longest_line_is_as_long_however_it_ends_and_is_cut(
    end: bytes, length: int, letter: str
) -> None:
    stop = 1 + end.startswith(b"\r\n")
    line = b"X: ".ljust(length - stop, b"a") + end
    reading = read_every_way(
        (CLIENT, GET), (SERVER, b"HTTP/1.1 200 OK\r\n" + line), options=limited(max_line_bytes=50)
    )
    assert set(reading.server[17:]) == {letter}


@pytest.mark.parametrize(("length", "letter"), [(50, "H"), (51, "U")])
def test_an_over_long_start_line_is_uncertain(length: int, letter: str) -> None:
    line = b"GET /".ljust(length - 11, b"a") + b" HTTP/1.1\r\n"
    for cut in (length, length - 1, 40):
        reading = read(
            (SERVER, response()),
            (CLIENT, line[:cut]),
            (CLIENT, line[cut:] + CRLF),
            options=limited(max_line_bytes=50),
        )
        assert reading.client == letter * (length + 2)


def test_a_start_line_that_never_ends_is_uncertain() -> None:
    reading = read_every_way(
        (SERVER, response()), (CLIENT, b"GET /" + b"a" * 100), options=limited(max_line_bytes=50)
    )
    assert set(reading.client) == {"U"}


@pytest.mark.parametrize("blank", [b"\r\n", b"\n", b"\r\n\r\n", b"\n\n\n\n"])
def test_a_few_blank_lines_before_a_start_line_are_header(blank: bytes) -> None:
    reading = read_every_way((CLIENT, blank + GET + blank + GET))
    assert set(reading.client) == {"H"}


def test_more_blank_lines_are_uncertain() -> None:
    reading = read((CLIENT, GET), (CLIENT, b"\n\n\n\n\n" + GET))
    assert set(reading.client[len(GET) :]) == {"U"}


def test_blank_lines_at_the_very_end_are_uncertain() -> None:
    reading = read_every_way((CLIENT, GET + CRLF))
    assert reading.client == spelled(("H", GET), ("U", CRLF))


def test_junk_between_messages_is_uncertain_up_to_a_start_line_that_opens_a_segment() -> None:
    post = request("POST", body=b"abc")
    reading = read((CLIENT, post + b"??junk" + GET), (CLIENT, b"junk"), (CLIENT, GET))
    expected = ("H", post[:-3]), ("B", b"abc"), ("U", b"??junk" + GET + b"junk"), ("H", GET)
    assert reading.client == spelled(*expected)


@pytest.mark.parametrize("at", range(1, len(GET)))
def test_a_request_may_be_split_at_any_byte(at: int) -> None:
    reading = read((CLIENT, GET[:at]), (CLIENT, GET[at:] + GET))
    assert set(reading.client) == {"H"}


def test_rubbish_stuck_before_a_request_that_opens_a_segment_is_uncertain() -> None:
    reading = read((CLIENT, b"foo"), (CLIENT, GET))
    assert reading.client == spelled(("U", b"foo"), ("H", GET))


# --- cut ends --------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(1, len(GET)))
def test_a_request_that_is_cut_behind_its_version_is_header_to_the_end(at: int) -> None:
    reading = read_every_way((CLIENT, GET + GET[:at]))
    letter = "H" if GET[:at].count(b"HTTP/1.1") else "U"
    assert reading.client == "H" * len(GET) + letter * at


@pytest.mark.parametrize(
    ("part", "letter"),
    [
        (b"HTTP/1.1 2", "H"),
        (b"HTTP/1.1", "H"),
        (b"HTTP/1.", "H"),
        (b"GET / HTTP/1.1\r", "H"),
        (b"GET /secret", "H"),
        (b"POST http:", "H"),
        (b"GET", "O"),
        (b"HTT", "O"),
    ],
)
def test_a_connection_of_one_cut_line_is_http_when_the_line_says_so(
    part: bytes, letter: str
) -> None:
    assert read_every_way((CLIENT, part)).client == letter * len(part)


@pytest.mark.parametrize(
    "content", [b"HTTP/ is a protocol, and " + bytes(range(14, 99)), b"GET /a word and another"]
)
def test_content_that_begins_like_a_cut_start_line_is_uncertain(content: bytes) -> None:
    reading = read((SERVER, b"mid-stream"), (SERVER, content), (SERVER, 9), (SERVER, response()))
    assert reading.server.startswith("U" * (10 + len(content)))


@pytest.mark.parametrize(
    ("part", "letter"),
    [
        (b"X-Secr", "H"),
        (b"X: a", "H"),
        (b"X: a\r", "H"),
        (b"\r", "H"),
        (b" folded", "U"),
        (b"two words", "U"),
    ],
)
def test_a_cut_field_is_header_when_it_can_be_a_field(part: bytes, letter: str) -> None:
    start = b"GET / HTTP/1.1\r\n"
    assert read_every_way((CLIENT, start + part)).client == "H" * len(start) + letter * len(part)


def test_a_cut_folded_line_is_header() -> None:
    assert set(read_every_way((CLIENT, b"GET / HTTP/1.1\r\nX: a\r\n and m")).client) == {"H"}


def test_a_cut_chunk_line_is_uncertain() -> None:
    assert answered(CHUNKED_HEAD + b"12") == spelled(("H", CHUNKED_HEAD), ("U", b"12"))


def test_a_cut_end_of_a_chunk_is_uncertain() -> None:
    letters = answered(CHUNKED_HEAD + b"3\r\nabc\r")
    assert letters == spelled(("H", CHUNKED_HEAD), ("F", b"3\r\n"), ("B", b"abc"), ("U", b"\r"))


# --- gaps ------------------------------------------------------------------------------------


def test_a_gap_inside_content_of_known_length_does_not_lose_the_framing() -> None:
    head = response(content_length=False, fields=[("Content-Length", "10")])
    reading = read(
        (CLIENT, GET * 2), (SERVER, head + b"aa"), (SERVER, 5), (SERVER, b"aaa" + response())
    )
    expected = "H" * len(head) + "BB" + "....." + "BBB" + "H" * len(response())
    assert reading.server == expected


def test_a_gap_to_the_end_of_the_content_does_not_lose_the_framing() -> None:
    head = response(content_length=False, fields=[("Content-Length", "10")])
    reading = read((CLIENT, GET * 2), (SERVER, head + b"aa"), (SERVER, 8), (SERVER, b"?" + GET))
    assert reading.server[len(head) :] == "BB" + "." * 8 + "U" * (1 + len(GET))


def test_a_gap_past_the_end_of_the_content_loses_the_framing() -> None:
    head = response(content_length=False, fields=[("Content-Length", "10")])
    events = (CLIENT, GET * 3), (SERVER, head + b"aa"), (SERVER, 9)
    reading = read(*events, (SERVER, b"x: y\r\n"), (SERVER, response()))
    assert reading.server[len(head) + 11 :] == "U" * 6 + "H" * len(response())


def test_a_gap_inside_chunk_data_does_not_lose_the_framing() -> None:
    reading = read(
        (CLIENT, GET), (SERVER, CHUNKED_HEAD + b"a\r\nbb"), (SERVER, 8), (SERVER, b"\r\n0\r\n\r\n")
    )
    assert reading.server[len(CHUNKED_HEAD) :] == "FFFBB" + "." * 8 + "FFFFFHH"


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"a", id="in-a-chunk-line"),
        pytest.param(b"", id="before-a-chunk-line"),
        pytest.param(b"2\r\nbb", id="before-the-end-of-a-chunk"),
        pytest.param(b"2\r\nbb\r", id="in-the-end-of-a-chunk"),
        pytest.param(b"4\r\nbb", id="past-the-end-of-chunk-data"),
    ],
)
def test_a_gap_that_breaks_chunks_is_uncertain_until_a_start_line_opens_a_segment(
    before: bytes,
) -> None:
    after = b"x\r\n2\r\nbb\r\n0\r\n\r\n" + GET
    reading = read(
        (CLIENT, GET * 2),
        (SERVER, CHUNKED_HEAD + before),
        (SERVER, 3),
        (SERVER, after),
        (SERVER, response()),
    )
    behind = reading.server[len(CHUNKED_HEAD) + len(before) + 3 :]
    assert behind == spelled(("U", after), ("H", response()))


@pytest.mark.parametrize("before", [b"", b"X: a\r\n", b"X: cut he"])
def test_a_gap_inside_a_head_is_uncertain_until_a_start_line_opens_a_segment(before: bytes) -> None:
    start = b"HTTP/1.1 200 OK\r\n"
    rest = b"Content-Length: 3\r\n\r\nabc"
    reading = read(
        (CLIENT, GET * 2),
        (SERVER, start + before),
        (SERVER, 3),
        (SERVER, rest),
        (SERVER, response()),
    )
    expected = "H" * len(start + before) + "..." + spelled(("U", rest), ("H", response()))
    assert reading.server == expected


def test_a_gap_in_a_start_line_keeps_what_surely_is_one() -> None:
    reading = read((CLIENT, b"GET / HTTP/1.1"), (CLIENT, 3), (CLIENT, b"Host: a\r\n\r\n"))
    assert reading.client == "H" * 14 + "..." + "U" * 11


def test_a_gap_in_content_to_the_end_changes_nothing() -> None:
    head = response(content_length=False)
    reading = read((CLIENT, GET), (SERVER, head + b"aa"), (SERVER, 999), (SERVER, GET))
    assert reading.server == "H" * len(head) + "BB" + "." * 999 + "B" * len(GET)


def test_a_gap_between_messages_loses_the_pairing() -> None:
    reading = read((CLIENT, GET), (SERVER, response()), (SERVER, 5), (SERVER, response()))
    assert set(reading.server) == {"H", "."}
    assert not reading.exchange.sure


def test_a_reader_knows_which_gaps_are_content() -> None:
    exchange = Exchange(lambda: None)
    reader = HttpReader(exchange, 0, STANDARD, Redactor(STANDARD), Tally())
    assert not reader.can_skip(1)
    reader.feed(request("POST", body=b"aaaaa")[:-3])
    assert [reader.can_skip(n) for n in (1, 3, 4)] == [True, True, False]
    reader.feed(b"aaaGE")
    assert not reader.can_skip(1)


# --- pairing and PROBE -----------------------------------------------------------------------


def _with_length(length: int) -> bytes:
    return response(content_length=False, fields=[("Content-Length", str(length))])


def test_without_its_request_a_response_has_the_body_that_it_announces() -> None:
    head = _with_length(5)
    reading = read_every_way((SERVER, head + b"hello" + head))
    assert reading.server == spelled(("H", head), ("B", b"hello"), ("H", head))


def test_without_its_request_a_status_line_behind_the_head_means_that_there_is_no_body() -> None:
    head = _with_length(500)
    reading = read_every_way((SERVER, head + head + b"HTTP is the body"))
    assert reading.server == spelled(("H", head * 2), ("B", b"HTTP is the body"))


@pytest.mark.parametrize("part", [b"HTTP/1.1 20", b"HTTP/1.1 200", b"H"])
def test_too_little_of_a_status_line_is_body_at_the_end(part: bytes) -> None:
    head = _with_length(500)
    reading = read_every_way((SERVER, head + part))
    assert reading.server == spelled(("H", head), ("B", part))


def test_too_little_of_a_status_line_that_is_more_than_the_body_is_uncertain_behind_it() -> None:
    head = _with_length(3)
    reading = read_every_way((SERVER, head + b"HTTP/1.1 20"))
    assert reading.server == spelled(("H", head), ("B", b"HTT"), ("U", b"P/1.1 20"))


def test_too_little_of_a_status_line_where_a_chunk_should_be_is_uncertain() -> None:
    reading = read_every_way((SERVER, CHUNKED_HEAD + b"HTTP/1.1 20"))
    assert reading.server == spelled(("H", CHUNKED_HEAD), ("U", b"HTTP/1.1 20"))


def test_a_gap_behind_a_cut_status_line_goes_on_in_the_body() -> None:
    head = _with_length(20)
    reading = read((SERVER, head + b"HTTP/1.1"), (SERVER, 10), (SERVER, b"aa" + head))
    assert reading.server == "H" * len(head) + "B" * 8 + "." * 10 + "BB" + "H" * len(head)


def test_a_gap_behind_an_unpaired_head_is_uncertain_until_a_start_line() -> None:
    head = _with_length(20)
    reading = read((SERVER, head), (SERVER, 10), (SERVER, b"a" * 10), (SERVER, head))
    assert reading.server[len(head) + 10 :] == "U" * 10 + "H" * len(head)


def test_a_chunked_response_without_its_request_is_probed_too() -> None:
    reading = read_every_way((SERVER, CHUNKED_HEAD + CHUNKED_HEAD + b"1\r\na\r\n"))
    assert reading.server == spelled(
        ("H", CHUNKED_HEAD * 2), ("F", b"1\r\n"), ("B", b"a"), ("F", CRLF)
    )


def test_when_pairing_is_not_sure_a_response_to_head_may_have_a_body() -> None:
    head = _with_length(5)
    reading = read(
        (CLIENT, b"junk first"), (CLIENT, HEAD + HEAD), (SERVER, head + b"hello" + head + head)
    )
    assert not reading.exchange.sure
    assert reading.server == spelled(("H", head), ("B", b"hello"), ("H", head * 2))


def test_when_pairing_is_sure_a_status_line_behind_a_head_is_body() -> None:
    head = _with_length(len(response()))
    assert answered(head + response()) == spelled(("H", head), ("B", response()))


def test_when_pairing_is_not_sure_no_body_is_still_no_body() -> None:
    reading = read((CLIENT, b"junk"), (SERVER, response(204, content_length=False) + response()))
    assert set(reading.server) == {"H"}


# --- tunnels ---------------------------------------------------------------------------------


def test_behind_a_successful_connect_all_is_body_both_ways() -> None:
    connect = request("CONNECT", "a.example:443")
    ok = response(content_length=False)
    reading = read(
        (CLIENT, connect), (SERVER, ok), (CLIENT, GET), (SERVER, response()), (CLIENT, b"GE")
    )
    assert reading.client == spelled(("H", connect), ("B", GET + b"GE"))
    assert reading.server == spelled(("H", ok), ("B", response()))


def test_a_refused_connect_is_followed_by_http() -> None:
    connect, refused = request("CONNECT", "a:443"), response(407, body=b"abc")
    reading = read((CLIENT, connect), (SERVER, refused), (CLIENT, GET), (SERVER, response()))
    assert set(reading.client) == {"H"}
    assert reading.server == spelled(("H", refused[:-3]), ("B", b"abc"), ("H", response()))


def test_behind_switching_protocols_all_is_body_both_ways() -> None:
    upgrade = request(fields=[("Upgrade", "websocket")])
    switching = response(101, content_length=False)
    reading = read(
        (CLIENT, upgrade), (SERVER, switching + b"\x81\x05hello"), (CLIENT, GET), (SERVER, GET)
    )
    assert reading.client == spelled(("H", upgrade), ("B", GET))
    assert reading.server == spelled(("H", switching), ("B", b"\x81\x05hello" + GET))


def test_bytes_that_were_held_when_the_tunnel_opened_are_body() -> None:
    upgrade, switching = request(), response(101, content_length=False)
    reading = read((CLIENT, upgrade + b"GE"), (SERVER, switching))
    assert reading.client == spelled(("H", upgrade), ("B", b"GE"))


def test_the_tunnel_opens_behind_the_message_that_is_being_sent() -> None:
    post, switching = request("POST", body=b"abcdef"), response(101, content_length=False)
    reading = read((CLIENT, post[:-3]), (SERVER, switching), (CLIENT, post[-3:] + GET))
    assert reading.client == spelled(("H", post[:-6]), ("B", b"abcdef" + GET))


def test_a_gap_in_a_tunnel_changes_nothing() -> None:
    switching = response(101, content_length=False)
    reading = read((CLIENT, GET), (SERVER, switching), (SERVER, 7), (SERVER, GET))
    assert reading.server[len(switching) + 7 :] == "B" * len(GET)


def test_data_before_the_answer_to_connect_is_masked_in_any_case() -> None:
    connect = request("CONNECT", "a:443")
    ok = response(content_length=False)
    reading = read((CLIENT, connect), (CLIENT, b"\x16\x03\x01"), (SERVER, ok), (CLIENT, GET))
    assert reading.client == spelled(("H", connect), ("U", b"\x16\x03\x01"), ("B", GET))


# --- what is not HTTP/1 ----------------------------------------------------------------------


def test_bytes_without_any_start_line_are_other() -> None:
    reading = read_every_way((CLIENT, b"SSH-2.0-x\r\n"), (SERVER, b"\x00\x01binary"))
    assert not reading.is_http
    assert set(reading.client + reading.server) == {"O"}


def test_a_start_line_in_one_direction_makes_the_other_uncertain() -> None:
    reading = read((CLIENT, b"\x05\x01\x00"), (SERVER, b"\x05\x00"), (CLIENT, GET))
    assert reading.client == spelled(("U", b"\x05\x01\x00"), ("H", GET))
    assert set(reading.server) == {"U"}


def test_a_request_of_http_0_9_makes_the_connection_uncertain() -> None:
    reading = read_every_way((CLIENT, b"GET /\r\n"), (SERVER, b"<html>all content</html>"))
    assert set(reading.client + reading.server) == {"U"}


def test_a_line_like_http_0_9_in_mid_stream_is_nothing() -> None:
    reading = read((CLIENT, b"hello\r\n"), (CLIENT, b"GET /\r\n"))
    assert not reading.is_http


def test_content_of_http2_that_looks_like_a_start_line_is_other() -> None:
    reading = read((CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), (SERVER, GET), (CLIENT, GET))
    assert set(reading.client + reading.server) == {"O"}


def test_a_preface_in_mid_stream_changes_nothing() -> None:
    reading = read((CLIENT, b"????"), (CLIENT, b"PRI * HTTP/2.0\r\n"), (CLIENT, GET))
    assert reading.client == "U" * 20 + "H" * len(GET)


def test_the_preface_of_http2_is_other_and_is_remembered() -> None:
    reading = read_every_way((CLIENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00"))
    assert set(reading.client) == {"O"}
    assert reading.exchange.speaks_http2


# --- options ---------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [1, 4, 5, 9])
def test_a_profile_may_keep_the_first_bytes_of_a_body(keep: int) -> None:
    message = response(body=b"hello")
    reading = read_every_way(
        (CLIENT, GET * 2), (SERVER, message * 2), options=TrimOptions(body_keep_bytes=keep)
    )
    kept = min(keep, 5)
    one = "H" * (len(message) - 5) + "S" * kept + "B" * (5 - kept)
    assert reading.server == one * 2


def test_the_first_bytes_of_a_chunked_body_are_counted_over_its_chunks() -> None:
    reading = read_every_way(
        (CLIENT, GET),
        (SERVER, CHUNKED_HEAD + chunked([b"abc", b"def"])),
        options=TrimOptions(body_keep_bytes=4),
    )
    assert reading.server[len(CHUNKED_HEAD) :] == "FFFSSSFFFFFSBBFFFFFHH"


def test_a_gap_counts_against_the_first_bytes_of_a_body() -> None:
    head = _with_length(10)
    reading = read(
        (CLIENT, GET),
        (SERVER, head + b"a"),
        (SERVER, 3),
        (SERVER, b"bbbbbb"),
        options=TrimOptions(body_keep_bytes=6),
    )
    assert reading.server[len(head) :] == "S" + "..." + "SSBBBB"


def test_a_gap_counts_against_the_first_bytes_of_content_to_the_end() -> None:
    head = response(content_length=False)
    reading = read(
        (CLIENT, GET),
        (SERVER, head + b"a"),
        (SERVER, 9),
        (SERVER, b"bb"),
        options=TrimOptions(body_keep_bytes=6),
    )
    assert reading.server[len(head) :] == "S" + "." * 9 + "BB"


@pytest.mark.parametrize(("status", "kept"), [(399, 0), (400, 3), (503, 3)])
def test_a_profile_may_keep_the_first_bytes_of_errors_only(status: int, kept: int) -> None:
    message = response(status, body=b"hello")
    reading = read((CLIENT, GET), (SERVER, message), options=TrimOptions(error_body_keep_bytes=3))
    assert reading.server.count("S") == kept


def test_the_larger_sample_counts_for_an_error() -> None:
    options = TrimOptions(body_keep_bytes=4, error_body_keep_bytes=2)
    reading = read((CLIENT, GET), (SERVER, response(500, body=b"hello")), options=options)
    assert reading.server.count("S") == 4


def test_nothing_of_a_tunnel_is_kept_as_a_sample() -> None:
    reading = read(
        (CLIENT, GET),
        (SERVER, response(101, content_length=False) + b"secret"),
        options=TrimOptions(body_keep_bytes=4),
    )
    assert reading.server.endswith("BBBBBB")


def test_hidden_values_are_redacted_however_the_head_is_cut() -> None:
    head = request(target="/?a=bc", fields=[("Cookie", "abc"), ("Host", "h")])
    reading = read_every_way((CLIENT, head), options=built_in_profile("share_safe"))
    hidden = bytes(byte for byte, letter in zip(head, reading.client, strict=True) if letter == "R")
    assert hidden == b"bcabc"


def test_a_hidden_value_that_is_cut_or_folded_is_redacted() -> None:
    start = b"GET / HTTP/1.1\r\nCookie: a\r\n bb\r\n cc"
    reading = read_every_way((CLIENT, start), options=built_in_profile("share_safe"))
    hidden = bytes(
        byte for byte, letter in zip(start, reading.client, strict=True) if letter == "R"
    )
    assert hidden == b"abbcc"
