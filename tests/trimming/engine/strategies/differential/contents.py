"""What messages carry: noise, text, and all that looks like HTTP and is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.trimming.engine.strategies.differential.dice import Dice

# what tells one line, field, target or chunk from another
TELLING = b"\r\n\t :;,=?&#@/\"'<>0189aHGx+-_()\x00\x0b\x0c\x1f\x7f\x85\xa0\xff"
SIZES = (0, 1, 2, 3, 7, 20, 20, 60, 60, 150, 400)
WORDS = (b"lorem", b"ipsum", b"dolor", b"HTTP", b"GET", b"Host:", b"a=b", b"\r\n", b"\n", b"0\r\n")
LIKE_HEADS = (
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /x HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd",
    b"Content-Length: 7\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n",
    b"Cookie: secret=1\r\n",
    b"\r\n\r\n",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/",
    b"HTTP/1.1 ",
    b"HTTP/1.1 20",
    b"GET /a",
    b"GET / HTTP/1.",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"foo",
    b"\r",
    b"\x01\x02",
)


def _noise(dice: Dice, size: int) -> bytes:
    return dice.randbytes(size)


def _text(dice: Dice, size: int) -> bytes:
    return b" ".join(dice.choice(WORDS) for _ in range(size // 5 + 1))[:size]


def _like_heads(dice: Dice, size: int) -> bytes:
    return b"".join(dice.choice(LIKE_HEADS) for _ in range(size // 20 + 1))


def _letters(dice: Dice, size: int) -> bytes:
    return bytes(dice.choice(b"abcxyz 0123456789") for _ in range(size))


def _line_ends(dice: Dice, size: int) -> bytes:
    return bytes(dice.choice(b"\r\n\r\n a") for _ in range(min(size, 30)))


def _status_first(dice: Dice, size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n"[: dice.choice((17, 17, 12, 13, 9, 5))] + dice.randbytes(size)


def _zeros(_: Dice, size: int) -> bytes:
    return bytes(size)


KINDS: Mapping[str, Callable[[Dice, int], bytes]] = {
    "noise as content": _noise,
    "text as content": _text,
    "letters as content": _letters,
    "heads inside content": _like_heads,
    "line ends as content": _line_ends,
    "content that begins like a status line": _status_first,
    "zeros as content": _zeros,
}


def content(dice: Dice) -> bytes:
    """Return the content of a message, mostly short; it may be empty."""
    size = dice.choice(SIZES)
    if dice.hits("a long body", 0.04):
        size = dice.randrange(1000, 3000)
    return dice.named(KINDS)(dice, size)


def changed(dice: Dice, data: bytes) -> bytes:
    """Return bytes of which one or two are others, more, or gone."""
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.randrange(len(found) + 1)
        match dice.randrange(3):
            case 0:
                found[at : at + 1] = bytes([dice.choice(TELLING)])
            case 1:
                found.insert(at, dice.choice(TELLING))
            case _:
                del found[at : at + dice.choice((1, 1, 2))]
    return bytes(found)
