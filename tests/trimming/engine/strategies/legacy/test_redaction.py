"""Which bytes of a header line a profile hides."""

from __future__ import annotations

import pytest

from tests.trimming.engine.strategies.legacy.classing import LETTERS
from trimming.engine.options import TrimOptions, built_in_profile
from trimming.engine.strategies.legacy.redaction import Redactor, Run

SHARE_SAFE = Redactor(built_in_profile("share_safe"))
STANDARD = Redactor(TrimOptions())
NAMES_ONLY = Redactor(TrimOptions(redact_fields=("x-key",)))
TARGETS_ONLY = Redactor(TrimOptions(redact_targets=True))


def _marked(line: bytes, found: list[Run]) -> str:
    """Return the line with every hidden byte as "_"."""
    assert sum(length for length, _ in found) == len(line)
    text, at = "", 0
    for length, byte_class in found:
        part = line[at : at + length].decode("latin-1")
        letter = LETTERS[byte_class]
        assert letter in "HR"
        text += "_" * length if letter == "R" else part
        at += length
    return text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n"),
        ("GET /a?b=secret HTTP/1.1\r\n", "GET /a?b=______ HTTP/1.1\r\n"),
        ("GET /a?b=cc&d=ee;f=gg HTTP/1.1\r\n", "GET /a?b=__&d=__;f=__ HTTP/1.1\r\n"),
        ("GET /a?secret HTTP/1.1\r\n", "GET /a?______ HTTP/1.1\r\n"),
        ("GET /a?b=&c HTTP/1.1\r\n", "GET /a?b=&_ HTTP/1.1\r\n"),
        ("GET /a?b=c=d HTTP/1.1\r\n", "GET /a?b=___ HTTP/1.1\r\n"),
        ("GET /a? HTTP/1.1\r\n", "GET /a? HTTP/1.1\r\n"),
        ("GET /a?b=c?d HTTP/1.1\r\n", "GET /a?b=___ HTTP/1.1\r\n"),
        ("GET /a#frag HTTP/1.1\r\n", "GET /a#____ HTTP/1.1\r\n"),
        ("GET /a?b=c#frag HTTP/1.1\r\n", "GET /a?b=_#____ HTTP/1.1\r\n"),
        ("GET /a#b?c=d HTTP/1.1\r\n", "GET /a#_____ HTTP/1.1\r\n"),
        ("GET http://u:p@h/a HTTP/1.1\r\n", "GET http://___@h/a HTTP/1.1\r\n"),
        ("GET http://u@v@h/ HTTP/1.1\r\n", "GET http://___@h/ HTTP/1.1\r\n"),
        ("GET http://u@h?q=1 HTTP/1.1\r\n", "GET http://_@h?q=_ HTTP/1.1\r\n"),
        ("GET http://h/u@v HTTP/1.1\r\n", "GET http://h/u@v HTTP/1.1\r\n"),
        ("GET /?a=http://u@h HTTP/1.1\r\n", "GET /?a=__________ HTTP/1.1\r\n"),
        ("GET /a?b=c d HTTP/1.1\r\n", "GET /a?b=___ HTTP/1.1\r\n"),
        ("GET /a?b= HTTP/1.1 HTTP/1.1\r\n", "GET /a?b=_________ HTTP/1.1\r\n"),
        ("GET  /a?b=cc  HTTP/1.1 \t\r\n", "GET  /a?b=__  HTTP/1.1 \t\r\n"),
        ("GET /a?b=cc", "GET /a?b=__"),
        ("GET /a?b=cc HTTP/1.", "GET /a?b=__________"),
        ("GET /a?b=cc\r", "GET /a?b=__\r"),
        ("GET", "GET"),
        ("HTTP/1.1 200 a?b=c\r\n", "HTTP/1.1 200 a?b=c\r\n"),
    ],
)
def test_values_in_a_target_are_hidden_and_nothing_else(line: str, expected: str) -> None:
    found = SHARE_SAFE.start_line(line.encode())
    assert _marked(line.encode(), found) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Authorization: Basic abc\r\n", "Authorization: _________\r\n"),
        ("AUTHORIZATION:abc\n", "AUTHORIZATION:___\n"),
        ("Cookie : \t a=b \r\n", "Cookie : \t ____\r\n"),
        ("Set-Cookie: a:b\r\n", "Set-Cookie: ___\r\n"),
        ("Proxy-Authorization: x", "Proxy-Authorization: _"),
        ("Cookie:\r\n", "Cookie:\r\n"),
        ("Cookie", "Cookie"),
        ("Cookies: a\r\n", "Cookies: a\r\n"),
        ("Host: a\r\n", "Host: a\r\n"),
        ("\r\n", "\r\n"),
        ("Referer: http://u:p@h/a?b=c#d\r\n", "Referer: http://___@h/a?b=_#_\r\n"),
        ("referer: /a?b", "referer: /a?_"),
    ],
)
def test_values_of_the_named_fields_are_hidden(line: str, expected: str) -> None:
    found = SHARE_SAFE.field_line(line.encode())
    assert _marked(line.encode(), found) == expected


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        (b"cookie", " a=b\r\n", " ___\r\n"),
        (b"cookie", "\t  a:b", "\t  ___"),
        (b"cookie", "abc", "___"),
        (b"referer", " /x\r\n", " __\r\n"),
        (b"host", " a\r\n", " a\r\n"),
    ],
)
def test_a_folded_line_is_hidden_with_the_field_that_it_continues(
    name: bytes, line: str, expected: str
) -> None:
    assert _marked(line.encode(), SHARE_SAFE.field_line(line.encode(), name)) == expected


@pytest.mark.parametrize(
    ("redactor", "line", "expected"),
    [
        (STANDARD, "Cookie: a\r\n", "Cookie: a\r\n"),
        (STANDARD, "Referer: /?a=b\r\n", "Referer: /?a=b\r\n"),
        (NAMES_ONLY, "X-Key: a\r\n", "X-Key: _\r\n"),
        (NAMES_ONLY, "Referer: /?a=b\r\n", "Referer: /?a=b\r\n"),
        (TARGETS_ONLY, "Cookie: a\r\n", "Cookie: a\r\n"),
        (TARGETS_ONLY, "Referer: /?a=b\r\n", "Referer: /?a=_\r\n"),
    ],
)
def test_a_profile_hides_what_it_names(redactor: Redactor, line: str, expected: str) -> None:
    assert _marked(line.encode(), redactor.field_line(line.encode())) == expected


def test_targets_are_kept_unless_the_profile_hides_them() -> None:
    line = b"GET /?a=b HTTP/1.1\r\n"
    assert _marked(line, NAMES_ONLY.start_line(line)) == line.decode()


def test_a_line_of_a_quarter_million_spaces_is_split_like_any_other() -> None:
    # a pattern that tries every space would take minutes here
    line = b"GET a?b=" + b" " * (1 << 18) + b"c HTTP/1.1\r\n"
    kept, hidden, end = SHARE_SAFE.start_line(line)
    assert (kept[0], hidden[0], end[0]) == (8, (1 << 18) + 1, 11)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Location: http://u:p@h/a?b=c#d\r\n", "Location: http://___@h/a?b=_#_\r\n"),
        ("Location: /a?b=c\r\n", "Location: /a?b=_\r\n"),
        ("Link: <//h/a?b=c>; rel=next\r\n", "Link: <//h/a?b=_>; rel=next\r\n"),
        ('Link: "//u@h", <//v@i?w>\r\n', 'Link: "//_@h", <//_@i?_>\r\n'),
        ("X: is it so? yes\r\n", "X: is it so? yes\r\n"),
        ("X: /a?b=http://u@h c?d\r\n", "X: /a?b=__________ c?d\r\n"),
        ("X: 1", "X: 1"),
    ],
)
def test_addresses_in_any_other_field_lose_their_secrets(line: str, expected: str) -> None:
    assert _marked(line.encode(), SHARE_SAFE.field_line(line.encode())) == expected


def test_a_folded_line_of_another_field_loses_the_secrets_of_addresses_too() -> None:
    line = b" //h?a=bb\r\n"
    assert _marked(line, SHARE_SAFE.field_line(line, b"location")) == " //h?a=__\r\n"
