"""Requests and responses, most of them as they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.trimming.engine.strategies.differential.contents import changed, content
from tests.trimming.engine.strategies.differential.dice import Dice
from tests.trimming.engine.strategies.differential.framing import framed

METHODS = (b"GET", b"GET", b"GET", b"POST", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH")
TARGETS = (
    b"/",
    b"/",
    b"/index.html",
    b"/a?b=c&d=e;f#g",
    b"/a?token&x=",
    b"http://user:secret@example.org/x?y=z",
    b"http://example.org?y=z@w",
    b"//user@host/x",
    b"/#fragment?x=y",
    b"/" + b"p" * 50,
)
FIELD_LINES = (
    b"Host: example.org",
    b"Host: example.org",
    b"User-Agent: fuzz/1.0",
    b"Accept: */*",
    b"Cookie: session=0123456789; theme=dark",
    b"cookie:a=b",
    b"Authorization: Basic c2VjcmV0",
    b"Proxy-Authorization:\t  Bearer x.y.z  ",
    b"Referer: http://u:p@example.org/path?q=1&r=2#frag",
    b"referer: /only?path",
    b"Set-Cookie: id=1; Path=/; Secure",
    b"Location: https://example.org/next?code=42&state=ok",
    b"Link: <http://a/?x=1>; rel=next, <//u@b/?y=2>; rel=prev",
    b"Refresh: 5; url=/later?id=7",
    b"Content-Type: text/html",
    b"Connection: keep-alive",
    b"Empty:",
    b"X-Colons: a:b:c",
)
ODD_FIELD_LINES: Mapping[str, bytes] = {
    "field with a fold": b"X-Folded: a\r\n b",
    "secret with a fold": b"Cookie: a=b\r\n\tc=d",
    "referer with a fold": b"Referer: http://a/?b=c\r\n  ?d=e",
    "fold of nothing but white space": b"X-Folded: a\r\n   ",
    "space before the colon": b"X-Spaced : a",
    "secret with a space before the colon": b"Cookie : a=b",
    "name that is no token": b"X(y)z: a",
    "name with a space in front": b" X-Leading: a",
    "name with a control byte": b"\x02Cookie: a=b",
    "no name": b": nothing",
    "no colon": b"this is no field",
    "null byte in a field": b"X-Null: a\x00b",
    "bytes above ascii in a field": "X-Name: ä".encode(),
    "bare carriage return in a field": b"X-Return: a\rb: c",
    "bare line feed in a field": b"X-Feed: a\nb: c",
    "carriage return at the end of a field": b"X-Return: a\r",
    "a long field": b"X-Long: " + b"v" * 120,
    "a blank line of white space": b"  ",
}
START_LINES: Mapping[str, tuple[bytes, bytes]] = {
    # what is replaced in a start line, and by what
    "two spaces in the start line": (b" ", b"  "),
    "a tab in the start line": (b" ", b"\t"),
    "version 1.0": (b"HTTP/1.1", b"HTTP/1.0"),
    "version 2.0": (b"HTTP/1.1", b"HTTP/2.0"),
    "version of two digits": (b"HTTP/1.1", b"HTTP/1.10"),
    "version in small letters": (b"HTTP/1.1", b"http/1.1"),
    "white space behind the version": (b"HTTP/1.1", b"HTTP/1.1 \t"),
    "method in small letters": (b"GET", b"get"),
    "method of many letters": (b"GET", b"M" * 33),
    "method of as many letters as may be": (b"GET", b"M" * 32),
    "unknown method": (b"GET", b"X-PURGE_ALL"),
    "method that is no token": (b"GET", b"G(T"),
    "rubbish before the method": (b"GET", b"fooGET"),
    "target with spaces": (b"/", b"/a b c"),
    "target with control bytes": (b"/", b"/\x01\x02"),
    "target with bytes above ascii": (b"/", b"/\xff\xfe"),
    "no target": (b" /", b""),
    "code of two digits": (b"200", b"20"),
    "code of four digits": (b"200", b"2000"),
    "code of letters": (b"200", b"abc"),
    "code that is high": (b"200", b"999"),
    "no reason": (b" OK", b""),
    "no code": (b" 200 OK", b""),
    "a long target": (b"/", b"/" + b"q" * 100),
}
EOLS: Mapping[str, bytes] = {"bare line feeds": b"\n", "bare carriage returns": b"\r"}
BLANKS = (b"\r\n", b"\n", b"\r\n\r\n", b"\r", b"\r\n\n\r\n", b"\n\n\n\n\n", b"\r\n" * 30)
STATUSES = (
    (200, b"OK"),
    (200, b"OK"),
    (200, b"OK"),
    (201, b"Created"),
    (206, b"Partial Content"),
    (204, b"No Content"),
    (304, b"Not Modified"),
    (301, b"Moved"),
    (400, b"Bad Request"),
    (404, b"Not Found"),
    (500, b"Error"),
)


def _reference(dice: Dice) -> bytes:
    """Return what may be a URI, without white space."""
    parts = (b"/", b"//", b"?", b"#", b"@", b"&", b";", b"=", b":", b"a", b"bc", b"%20", b"http://")
    return b"".join(dice.choice(parts) for _ in range(dice.randrange(1, 14)))


def head(dice: Dice, start: bytes, lines: Sequence[bytes]) -> bytes:
    """Return a start line and field lines up to the blank line, now and then with oddities."""
    if dice.hits("odd start line", 0.08):
        old, new = dice.named(START_LINES)
        start = start.replace(old, new, 1)
    before = [dice.choice(FIELD_LINES) for _ in range(dice.choice((0, 1, 1, 2, 4)))]
    mixed = [*before, *lines]
    if dice.hits("odd field line", 0.15):
        mixed.insert(dice.randrange(len(mixed) + 1), dice.named(ODD_FIELD_LINES))
    if dice.hits("URIs of any form", 0.1):
        names = (b"Referer: ", b"Location: ", b"X-Uri: <", b"Cookie: ", b'Link: a "')
        mixed.append(dice.choice(names) + _reference(dice) + dice.choice((b"", b"> x", b' "?y=z')))
    if dice.hits("many fields", 0.03):
        mixed += [b"X-Many: %d" % n for n in range(20)]
    eol = dice.named(EOLS) if dice.hits("other line ends", 0.06) else b"\r\n"
    ends = [eol] * (len(mixed) + 2)
    if dice.hits("mixed line ends", 0.04):
        ends = [dice.choice((b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r")) for _ in ends]
    if dice.hits("head without an end", 0.02):
        ends[-1] = b""
    blank = dice.choice(BLANKS) if dice.hits("blank lines before a start line", 0.04) else b""
    whole = blank + b"".join(a + b for a, b in zip((start, *mixed, b""), ends, strict=True))
    return changed(dice, whole) if dice.hits("a head with other bytes", 0.08) else whole


def question(dice: Dice, method: bytes) -> bytes:
    """Return a request with its content."""
    target = b"example.org:443" if method == b"CONNECT" else dice.choice(TARGETS)
    if dice.hits("targets of any form", 0.08):
        target = _reference(dice)
    start = method + b" " + target + b" HTTP/1.1"
    has_content = method in (b"POST", b"PUT", b"PATCH") or dice.hits("content of a GET", 0.05)
    if not has_content:
        return head(dice, start, ())
    coded = framed(dice, content(dice), closes=False)
    return head(dice, start, coded.lines) + coded.body


def interim(dice: Dice) -> bytes:
    """Return a response that announces another."""
    status = dice.choice((b"100 Continue", b"102 Processing", b"103 Early Hints"))
    lines = [b"Content-Length: 9"] if dice.hits("length of an interim response", 0.1) else []
    return head(dice, b"HTTP/1.1 " + status, lines)


def answer(dice: Dice, method: bytes) -> bytes:
    """Return a final response; one to HEAD, 204 and 304 tells of content that does not come."""
    code, reason = dice.choice(STATUSES)
    start = b"HTTP/1.1 %d " % code + reason
    coded = framed(dice, content(dice), closes=True)
    without = method == b"HEAD" or code in (204, 304)
    if without and not dice.hits("content where none may be", 0.06):
        dice.note("response that has no content")
        return head(dice, start, coded.lines)
    return head(dice, start, coded.lines) + coded.body
