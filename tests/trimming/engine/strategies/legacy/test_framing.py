"""The grammar of lines and the ladder of RFC 9112 section 6.3, as pure functions."""

from __future__ import annotations

import pytest

from trimming.engine.strategies.legacy.framing import (
    Body,
    BodyKind,
    Fields,
    RequestLine,
    StartLine,
    StatusLine,
    begins_with_status_line,
    body_of,
    chunk_size,
    field_line,
    is_better_split,
    is_cut_field_line,
    is_cut_http,
    is_cut_start_line,
    is_http2_preface,
    is_nothing_but_cut_line,
    is_simple_request,
    may_become_start_line,
    start_line,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n", RequestLine(b"GET", b"1.1"), id="9112-3-origin-form"),
        pytest.param(
            b"OPTIONS * HTTP/1.1\r\n", RequestLine(b"OPTIONS", b"1.1"), id="9112-3.2.4-asterisk"
        ),
        pytest.param(
            b"CONNECT a.example:443 HTTP/1.1\r\n",
            RequestLine(b"CONNECT", b"1.1"),
            id="9112-3.2.3-authority-form",
        ),
        pytest.param(
            b"GET http://a.example/b HTTP/1.0\n",
            RequestLine(b"GET", b"1.0"),
            id="9112-3.2.2-absolute-form-and-bare-lf",
        ),
        pytest.param(b"GET / HTTP/1.1", RequestLine(b"GET", b"1.1"), id="without-its-end"),
        pytest.param(b"GET  /  HTTP/1.1\r\n", RequestLine(b"GET", b"1.1"), id="more-spaces"),
        pytest.param(b"GET /a b HTTP/1.1\r\n", RequestLine(b"GET", b"1.1"), id="space-in-target"),
        pytest.param(b"GET / HTTP/1.1 \t\r\n", RequestLine(b"GET", b"1.1"), id="space-at-end"),
        pytest.param(b"M-SEARCH * HTTP/1.1\r\n", RequestLine(b"M-SEARCH", b"1.1"), id="dash"),
        pytest.param(b"get / HTTP/1.1\r\n", RequestLine(b"get", b"1.1"), id="lower-case-method"),
        pytest.param(b"x1! a:b HTTP/1.1\r\n", RequestLine(b"x1!", b"1.1"), id="any-token"),
        pytest.param(b"get foo HTTP/1.1\r\n", None, id="lower-case-and-no-target"),
        pytest.param(b"the words of HTTP/1.1\r\n", None, id="prose"),
        pytest.param(b"GET /\r\n", None, id="no-version"),
        pytest.param(b"GET / HTTP/11\r\n", None, id="no-minor-version"),
        pytest.param(b"GET / http/1.1\r\n", None, id="version-is-case-sensitive"),
        pytest.param(b"GET HTTP/1.1\r\n", RequestLine(b"GET", b"1.1"), id="no-target"),
        pytest.param(b"A" * 40 + b" / HTTP/1.1\r\n", None, id="method-too-long"),
        pytest.param(b" GET / HTTP/1.1\r\n", None, id="space-in-front"),
        pytest.param(b"PRI * HTTP/2.0\r\n", None, id="9113-3.4-preface"),
        pytest.param(b"", None, id="empty"),
    ],
)
def test_a_request_line_is_what_recipients_take_for_one(
    line: bytes, expected: StartLine | None
) -> None:
    assert start_line(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", StatusLine(200, b"1.1"), id="9112-4"),
        pytest.param(b"HTTP/1.1 200 \r\n", StatusLine(200, b"1.1"), id="9112-4-empty-reason"),
        pytest.param(b"HTTP/1.0 404\n", StatusLine(404, b"1.0"), id="no-reason"),
        pytest.param(b"HTTP/1.1\t200 OK\r\n", StatusLine(200, b"1.1"), id="tab"),
        pytest.param(b"HTTP/1.1 99 x\r\n", StatusLine(None, b"1.1"), id="two-digits"),
        pytest.param(b"HTTP/1.1 2000 x\r\n", StatusLine(None, b"1.1"), id="four-digits"),
        pytest.param(b"HTTP/1.1 abc x\r\n", StatusLine(None, b"1.1"), id="no-digits"),
        pytest.param(b"HTTP/1.1\r\n", StatusLine(None, b"1.1"), id="no-code"),
        pytest.param(b"HTTP/1.1 \r\n", StatusLine(None, b"1.1"), id="empty-code"),
        pytest.param(b"HTTP/x.1 200 OK\r\n", None, id="no-version"),
        pytest.param(b"HTTP/1.1OK\r\n", None, id="nothing-between"),
    ],
)
def test_a_status_line_without_three_digits_has_no_code(
    line: bytes, expected: StartLine | None
) -> None:
    assert start_line(line) == expected


@pytest.mark.parametrize(
    ("line", "at", "expected"),
    [
        (b"fooGET / HTTP/1.1\r\n", 3, True),
        (b"fooGET / HTTP/1.1\r\n", 2, False),
        (b"GET / HTTP/1.1\r\n", 1, False),
        (b"GET /GET / HTTP/1.1\r\n", 5, False),
        (b"foo / HTTP/1.1\r\n", 3, False),
        (b"HTTP/1.1 200 GET / HTTP/1.1\r\n", 13, False),
    ],
)
def test_rubbish_before_a_known_method_is_told_from_an_unknown_method(
    line: bytes, at: int, expected: bool
) -> None:
    assert is_better_split(line, at) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [(b"PRI * HTTP/2.0\r\n", True), (b"PRI * HTTP/1.1\r\n", False), (b"PRIX", False)],
)
def test_the_preface_of_http2_is_known(line: bytes, expected: bool) -> None:
    assert is_http2_preface(line) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"GET /\r\n", True),
        (b"GET /a?b=c\n", True),
        (b"GET / \r\n", True),
        (b"GET a\r\n", False),
        (b"GET / HTTP/1.0\r\n", False),
        (b"POST /\r\n", False),
        (b"GET /", False),
    ],
)
def test_a_simple_request_is_get_and_a_path_and_no_more(line: bytes, expected: bool) -> None:
    assert is_simple_request(line) is expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"", True),
        (b"H", True),
        (b"HTTP/", True),
        (b"HTTP/1.1 2", True),
        (b"GE", True),
        (b"GET", True),
        (b"GET ", True),
        (b"GET /a b", True),
        (b"GET /a\r", True),
        (b"GET /\x80", True),
        (b"GET /\x01", False),
        (b"G\x01T", False),
        (b"<html>", False),
        (b"<a /", False),
        (b"A" * 33, False),
        (b"A" * 33 + b" /", False),
        (b" GET", False),
    ],
)
def test_a_part_may_become_a_start_line_until_a_byte_says_no(part: bytes, expected: bool) -> None:
    assert may_become_start_line(part) is expected


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"x-y http://a/ HTTP/1.0\n",
        b"PUT a HTTP/1.1\n",
    ],
)
def test_every_part_of_a_start_line_may_become_one(line: bytes) -> None:
    assert all(may_become_start_line(line[:at]) for at in range(len(line) - 1))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.1\r", True),
        (b"GET / HTTP/1.", False),
        (b"HTTP/1.1 200 O", True),
        (b"HTTP/1.1 2", True),
        (b"HTTP/1.1 20\r", True),
        (b"HTTP/1.1 ", True),
        (b"HTTP/1.", False),
    ],
)
def test_a_cut_start_line_needs_its_version(part: bytes, expected: bool) -> None:
    assert is_cut_start_line(part) is expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"HTTP/1.1 200\r", True),
        (b"HTTP/1.1 200\n", True),
        (b"HTTP/1.1 200 OK", True),
        (b"HTTP/2.0 204 ", True),
        (b"HTTP/1.1 2000", False),
        (b"HTTP/1.1 2x", False),
        (b"HTTP/1 200 OK", False),
        (b"http/1.1 200 ", False),
        (b"<html>", False),
        (b"HTTP/1.1 200", None),
        (b"HTTP/1.", None),
        (b"", None),
    ],
)
def test_a_strict_status_line_is_told_by_its_first_13_bytes(
    part: bytes, expected: bool | None
) -> None:
    assert begins_with_status_line(part) is expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"HTTP/", True),
        (b"GET /secret", True),
        (b"CONNECT http", True),
        (b"PROPFIND /", True),
        (b"GET x", False),
        (b"GIT /", False),
        (b"HTTP", False),
    ],
)
def test_a_cut_part_is_likely_http_when_its_method_is_well_known(
    part: bytes, expected: bool
) -> None:
    assert is_cut_http(part) is expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"HTTP/", True),
        (b"HTTP/1", True),
        (b"HTTP/1.", True),
        (b"HTTP/1.1", True),
        (b"HTTP/1.1 \r", True),
        (b"GET /a?b", True),
        (b"GET http://a.example/", True),
        (b"GET /a ", True),
        (b"GET /a HTT", True),
        (b"GET /a HTTP/1.", True),
        (b"HTTP/ is a protocol", False),
        (b"HTTP/1.1x", False),
        (b"GET /a and then some text", False),
        (b"GET /a\x01", False),
    ],
)
def test_content_is_told_from_a_cut_start_line(part: bytes, expected: bool) -> None:
    assert is_nothing_but_cut_line(part) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"Host: a\r\n", (b"host", b"a"), id="9112-5"),
        pytest.param(b"Host:a\n", (b"host", b"a"), id="no-white-space-and-bare-lf"),
        pytest.param(b"HOST: \t a \t\r\n", (b"host", b"a"), id="9112-5.1-white-space"),
        pytest.param(b"Content-Length : 5\r\n", (b"content-length", b"5"), id="before-colon"),
        pytest.param(b" a: b\r\n", (b"a", b"b"), id="folded-first-line"),
        pytest.param(b": b\r\n", (b"", b"b"), id="empty-name"),
        pytest.param(b"a b: c\r\n", (b"a b", b"c"), id="name-with-a-space"),
        pytest.param(b"\xe9: \xe9\r\n", (b"\xe9", b"\xe9"), id="8-bit"),
        pytest.param(b"a: b:c\r\n", (b"a", b"b:c"), id="colon-in-value"),
        pytest.param(b"a:\r\n", (b"a", b""), id="empty-value"),
        pytest.param(b"a: b\r", (b"a", b"b"), id="bare-cr"),
        pytest.param(b"no colon\r\n", None, id="no-colon"),
        pytest.param(b"\r\n", None, id="blank"),
        pytest.param(b"\r", None, id="lone-cr"),
    ],
)
def test_a_line_with_a_colon_is_a_field(line: bytes, expected: tuple[bytes, bytes] | None) -> None:
    assert field_line(line) == expected


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (b"", True),
        (b"Content-Le", True),
        (b"Host\r", True),
        (b"Host: a b", True),
        (b"any thing: x\r", True),
        (b"two words", False),
        (b"\x00", False),
        (b"a: b\rc", False),
    ],
)
def test_a_cut_field_is_a_part_of_a_name_or_has_a_colon(part: bytes, expected: bool) -> None:
    assert is_cut_field_line(part) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(b"0\r\n", 0, id="last"),
        pytest.param(b"1a\r\n", 26, id="hexadecimal"),
        pytest.param(b"FF\n", 255, id="upper-case-and-bare-lf"),
        pytest.param(b"000005\r\n", 5, id="leading-zeros"),
        pytest.param(b"5;a=b;c\r\n", 5, id="9112-7.1.1-extension"),
        pytest.param(b" 5 ;a\r\n", 5, id="white-space"),
        pytest.param(b"5;a\rb\r\n", 5, id="cr-in-extension"),
        pytest.param(b"f" * 15 + b"\r\n", 16**15 - 1, id="largest"),
        pytest.param(b"f" * 16 + b"\r\n", None, id="too-large"),
        pytest.param(b"\r\n", None, id="empty"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"0x5\r\n", None, id="prefix"),
        pytest.param(b"-5\r\n", None, id="sign"),
        pytest.param(b"5 a\r\n", None, id="no-semicolon"),
        pytest.param(b"5", None, id="no-end"),
    ],
)
def test_a_chunk_line_is_hexadecimal_and_perhaps_an_extension(
    line: bytes, expected: int | None
) -> None:
    assert chunk_size(line) == expected


GET = RequestLine(b"GET", b"1.1")
OK = StatusLine(200, b"1.1")
NONE, CHUNKED, CLOSE = Body(BodyKind.NONE), Body(BodyKind.CHUNKED), Body(BodyKind.CLOSE)
TUNNEL, UNKNOWN = Body(BodyKind.TUNNEL), Body(BodyKind.UNKNOWN)
FIVE = Body(BodyKind.LENGTH, 5)


def _length(*values: bytes) -> Fields:
    return [(b"content-length", value) for value in values]


def _coded(*values: bytes) -> Fields:
    return [(b"transfer-encoding", value) for value in values]


def _status(code: int | None) -> StatusLine:
    return StatusLine(code, b"1.1")


@pytest.mark.parametrize(
    ("line", "fields", "method", "expected"),
    [
        pytest.param(OK, _length(b"5"), b"HEAD", NONE, id="6.3-1-head"),
        pytest.param(OK, _coded(b"chunked"), b"HEAD", NONE, id="6.3-1-head-chunked"),
        pytest.param(_status(100), _length(b"5"), b"GET", NONE, id="6.3-1-interim"),
        pytest.param(_status(199), [], None, NONE, id="6.3-1-any-interim"),
        pytest.param(_status(204), _length(b"5"), b"GET", NONE, id="6.3-1-no-content"),
        pytest.param(_status(304), _length(b"5"), b"GET", NONE, id="6.3-1-not-modified"),
        pytest.param(_status(101), _length(b"5"), b"GET", TUNNEL, id="9110-15.2.2-switching"),
        pytest.param(_status(101), [], None, TUNNEL, id="9110-15.2.2-switching-unpaired"),
        pytest.param(OK, _length(b"5"), b"CONNECT", TUNNEL, id="6.3-2-connect"),
        pytest.param(_status(299), [], b"CONNECT", TUNNEL, id="6.3-2-connect-any-2xx"),
        pytest.param(_status(204), [], b"CONNECT", NONE, id="6.3-1-before-2"),
        pytest.param(_status(407), _length(b"5"), b"CONNECT", FIVE, id="6.3-2-connect-refused"),
        pytest.param(
            OK, [*_length(b"5"), *_coded(b"chunked")], b"GET", CHUNKED, id="6.3-3-coding-overrides"
        ),
        pytest.param(OK, _coded(b"gzip, chunked"), b"GET", CHUNKED, id="6.3-4-chunked-last"),
        pytest.param(OK, _coded(b"gzip", b"Chunked"), b"GET", CHUNKED, id="6.3-4-two-fields"),
        pytest.param(OK, _coded(b"chunked, gzip"), b"GET", CLOSE, id="6.3-4-chunked-not-last"),
        pytest.param(OK, _coded(b"gzip"), b"GET", CLOSE, id="6.3-4-not-chunked"),
        pytest.param(OK, _coded(b"chunked, chunked"), b"GET", CLOSE, id="6.3-4-chunked-twice"),
        pytest.param(GET, _coded(b"chunked"), None, CHUNKED, id="6.3-4-request"),
        pytest.param(GET, _coded(b"gzip"), None, UNKNOWN, id="6.3-4-request-not-chunked"),
        pytest.param(
            GET,
            [*_coded(b"gzip"), *_length(b"5")],
            None,
            UNKNOWN,
            id="6.3-4-request-with-a-length-too",
        ),
        pytest.param(OK, _coded(b"identity, chunked"), b"GET", CHUNKED, id="identity-is-none"),
        pytest.param(
            OK, [*_coded(b"identity"), *_length(b"5")], b"GET", FIVE, id="identity-and-length"
        ),
        pytest.param(OK, [*_coded(b" , "), *_length(b"5")], b"GET", FIVE, id="empty-coding"),
        pytest.param(OK, _length(b"5", b"5"), b"GET", FIVE, id="6.3-5-equal"),
        pytest.param(OK, _length(b"5, 5"), b"GET", FIVE, id="6.3-5-equal-in-a-list"),
        pytest.param(OK, _length(b"5", b"05"), b"GET", FIVE, id="6.3-5-equal-in-value"),
        pytest.param(OK, _length(b"5", b"6"), b"GET", UNKNOWN, id="6.3-5-different"),
        pytest.param(GET, _length(b"5, 6"), None, UNKNOWN, id="6.3-5-different-in-a-list"),
        pytest.param(OK, _length(b"-5"), b"GET", UNKNOWN, id="6.3-5-negative"),
        pytest.param(OK, _length(b""), b"GET", UNKNOWN, id="6.3-5-empty"),
        pytest.param(OK, _length(b"5", b"x"), b"GET", UNKNOWN, id="6.3-5-one-invalid"),
        pytest.param(OK, _length(b"9" * 19), b"GET", UNKNOWN, id="6.3-5-too-large"),
        pytest.param(OK, _length(b"5"), b"GET", FIVE, id="6.3-6-response"),
        pytest.param(GET, _length(b"5"), None, FIVE, id="6.3-6-request"),
        pytest.param(GET, [(b"host", b"a")], None, NONE, id="6.3-7-request-without"),
        pytest.param(OK, [], b"GET", CLOSE, id="6.3-8-response-without"),
        pytest.param(OK, [], None, CLOSE, id="6.3-8-response-unpaired"),
        pytest.param(_status(None), _length(b"5"), b"GET", UNKNOWN, id="no-code"),
    ],
)
def test_the_ladder_of_rfc_9112_section_6_3_is_climbed_in_order(
    line: StartLine, fields: Fields, method: bytes | None, expected: Body
) -> None:
    assert body_of(line, fields, method) == expected
