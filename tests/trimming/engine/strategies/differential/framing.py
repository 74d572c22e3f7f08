"""How messages say where they end: rightly, wrongly, and so that recipients disagree.

Source of the oddities: RFC 9112 sections 6 and 7.1, and what is known of request smuggling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.trimming.engine.strategies.differential.contents import changed
from tests.trimming.engine.strategies.differential.dice import Dice


@dataclass(frozen=True)
class Framed:
    """Field lines (without line ends) that tell of a body, and the body as it is sent."""

    lines: tuple[bytes, ...]
    body: bytes


LENGTHS: Mapping[str, Callable[[bytes], tuple[bytes, ...]]] = {
    "equal duplicate lengths": lambda n: (b"Content-Length: " + n, b"Content-Length: " + n),
    "unequal duplicate lengths": lambda n: (b"Content-Length: " + n, b"content-length: 1" + n),
    "lengths in one list": lambda n: (b"Content-Length: " + n + b", " + n,),
    "unequal lengths in one list": lambda n: (b"Content-Length: " + n + b",0" + n + b"1",),
    "length with a plus": lambda n: (b"Content-Length: +" + n,),
    "length with a minus": lambda n: (b"Content-Length: -" + n,),
    "length with white space around": lambda n: (b"Content-Length:\t " + n + b" \t",),
    "length with white space inside": lambda n: (b"Content-Length: " + n + b" " + n,),
    "length in hexadecimal": lambda n: (b"Content-Length: 0x" + n,),
    "length with zeros in front": lambda n: (b"Content-Length: 000" + n,),
    "no digits as length": lambda n: (b"Content-Length: ",),
    "length of too many digits": lambda n: (b"Content-Length: " + n.rjust(19, b"0"),),
    "length of eighteen digits": lambda n: (b"Content-Length: " + n.rjust(18, b"0"),),
    "enormous length": lambda n: (b"Content-Length: 999999999999999999",),
    "length behind a fold": lambda n: (b"Content-Length:", b" " + n),
    "length before a fold": lambda n: (b"Content-Length: " + n, b"  " + n),
    "length with a space before the colon": lambda n: (b"Content-Length : " + n,),
    "length with a tab before the colon": lambda n: (b"Content-Length\t: " + n,),
    "length in a line that starts with a space": lambda n: (b" Content-Length: " + n,),
    "length under another name": lambda n: (b"Content_Length: " + n,),
    "length in odd letters": lambda n: (b"cOnTeNt-LENGTH:" + n,),
    "length with a comma at the end": lambda n: (b"Content-Length: " + n + b",",),
    "length behind a bare carriage return": lambda n: (b"X: y\rContent-Length: " + n,),
    "length with a vertical tab": lambda n: (b"Content-Length: \x0b" + n,),
    "length with a null byte": lambda n: (b"Content-Length: " + n + b"\x00",),
    "length in other digits": lambda n: (b"Content-Length: \xb2" + n,),
}

CODINGS: Mapping[str, tuple[bytes, ...]] = {
    "coding in odd letters": (b"transfer-ENCODING:cHuNkEd",),
    "coding with white space around": (b"Transfer-Encoding: \t chunked \t",),
    "coding with a vertical tab": (b"Transfer-Encoding: \x0bchunked",),
    "coding with a form feed behind": (b"Transfer-Encoding: chunked\x0c",),
    "coding with a null byte": (b"Transfer-Encoding: chunked\x00",),
    "coding in quotes": (b'Transfer-Encoding: "chunked"',),
    "coding with parameters": (b"Transfer-Encoding: chunked;q=1",),
    "coding of another name": (b"Transfer-Encoding: xchunked",),
    "identity as coding": (b"Transfer-Encoding: identity",),
    "identity before chunked": (b"Transfer-Encoding: identity, chunked",),
    "identity behind chunked": (b"Transfer-Encoding: chunked, identity",),
    "gzip before chunked": (b"Transfer-Encoding: gzip, chunked",),
    "gzip behind chunked": (b"Transfer-Encoding: chunked, gzip",),
    "chunked twice": (b"Transfer-Encoding: chunked, chunked",),
    "two coding fields": (b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"),
    "two coding fields, chunked first": (b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"),
    "empty codings": (b"Transfer-Encoding: , ,chunked,",),
    "no coding at all": (b"Transfer-Encoding:",),
    "coding with a space before the colon": (b"Transfer-Encoding : chunked",),
    "coding with a tab before the colon": (b"Transfer-Encoding\t: chunked",),
    "coding in a line that starts with a space": (b" Transfer-Encoding: chunked",),
    "coding behind a fold": (b"Transfer-Encoding:", b"\tchunked"),
    "coding behind a fold and gzip": (b"Transfer-Encoding: gzip,", b" chunked"),
    "coding before a fold": (b"Transfer-Encoding: chunked", b" , identity"),
    "coding behind a bare carriage return": (b"X: y\rTransfer-Encoding: chunked",),
    "coding behind a bare line feed": (b"X: y\nTransfer-Encoding: chunked",),
    "coding under another name": (b"Transfer_Encoding: chunked",),
    "coding with a byte in front": (b"\x01Transfer-Encoding: chunked",),
    "coding with two colons": (b"Transfer-Encoding:: chunked",),
    "coding without a colon": (b"Transfer-Encoding chunked",),
}

SIZES_OF_CHUNKS: Mapping[str, Callable[[bytes], bytes]] = {
    "chunk size with zeros in front": lambda n: b"000" + n,
    "chunk size with 0x": lambda n: b"0x" + n,
    "chunk size with a plus": lambda n: b"+" + n,
    "chunk size with a minus": lambda n: b"-" + n,
    "chunk size with a space behind": lambda n: n + b" ",
    "chunk size with a tab in front": lambda n: b"\t" + n,
    "chunk size in capitals": lambda n: n.upper(),
    "chunk size with white space and extension": lambda n: n + b" \t; a=b",
    "chunk size with an empty extension": lambda n: n + b";",
    "chunk size with a quoted line end": lambda n: n + b';a="x\r\ny"',
    "chunk size with a bare carriage return": lambda n: n + b";a\rb",
    "chunk size with a carriage return more": lambda n: n + b"\r",
    "chunk size of fifteen digits": lambda n: n.rjust(15, b"0"),
    "chunk size of sixteen digits": lambda n: n.rjust(16, b"0"),
    "chunk size that is enormous": lambda n: b"fffffffffffffff",
    "chunk size without digits": lambda n: b"",
    "chunk size with an underscore": lambda n: n + b"_0",
    "chunk size with a dot": lambda n: n + b".0",
    "chunk size with a vertical tab": lambda n: b"\x0b" + n,
}

ENDS_OF_CHUNKS: Mapping[str, bytes] = {
    "chunk that ends with a bare line feed": b"\n",
    "chunk without an end": b"",
    "chunk that ends with a bare carriage return": b"\r",
    "chunk with a byte more": b"x\r\n",
    "chunk with an empty line more": b"\r\n\r\n",
}

TRAILERS: Mapping[str, bytes] = {
    "trailers": b"Sum: 1\r\nCookie: a=b\r\n",
    "folded trailers": b"Sum: 1\r\n 2\r\n",
    "trailers with bare line feeds": b"Sum: 1\nOther: 2\n",
    "malformed trailers": b"no colon here\r\n",
    "a length in the trailers": b"Content-Length: 7\r\n",
    "a long trailer": b"Sum: " + b"9" * 90 + b"\r\n",
    "a start line in the trailers": b"HTTP/1.1 200 OK\r\n",
    "a fold that opens the trailers": b" folded: 1\r\n",
}


def framed(dice: Dice, content: bytes, *, closes: bool) -> Framed:
    """Frame ``content``; ``closes`` allows content that ends with the connection."""
    if closes and dice.hits("content up to the end", 0.15):
        return Framed((), content)
    if dice.hits("chunked", 0.35):
        return _in_chunks(dice, content)
    length = str(len(content)).encode()
    if dice.hits("odd length", 0.2):
        return Framed(dice.named(LENGTHS)(length), content)
    if dice.hits("wrong length", 0.06):
        length = str(max(0, len(content) + dice.choice((-3, -1, 1, 4, 30)))).encode()
    if dice.hits("coding and length", 0.08):
        return _in_both(dice, content, length)
    if not content and dice.hits("no length for no content", 0.3):
        return Framed((), b"")
    return Framed((b"Content-Length: " + length,), content)


def _in_both(dice: Dice, content: bytes, length: bytes) -> Framed:
    coded = _in_chunks(dice, content)
    lines = [b"Content-Length: " + length, *coded.lines]
    if dice.random() < 0.5:
        lines = [*coded.lines, b"Content-Length: " + length]
    return Framed(tuple(lines), coded.body if dice.random() < 0.7 else content)


def _in_chunks(dice: Dice, content: bytes) -> Framed:
    lines: tuple[bytes, ...] = (b"Transfer-Encoding: chunked",)
    if dice.hits("odd coding", 0.25):
        lines = dice.named(CODINGS)
        if dice.random() < 0.3:
            return Framed((*lines, b"Content-Length: %d" % len(content)), content)
    return Framed(lines, chunks(dice, content))


def chunks(dice: Dice, content: bytes) -> bytes:
    """Return chunked content, now and then with oddities."""
    pieces: list[bytes] = []
    at = 0
    while at < len(content):
        length = dice.choice((1, 2, 5, 9, 16, 40, 200, 5000))
        chunk = content[at : at + length]
        at += length
        pieces.append(_size_line(dice, len(chunk)) + chunk + _end(dice))
    if dice.hits("no last chunk", 0.05):
        return b"".join(pieces)
    last = b"00" if dice.hits("last chunk of two zeros", 0.05) else b"0"
    pieces.append(last + _extension(dice) + _eol(dice))
    if dice.hits("trailers of any kind", 0.25):
        pieces.append(dice.named(TRAILERS))
    if not dice.hits("no line behind the trailers", 0.03):
        pieces.append(_eol(dice))
    if dice.hits("chunk framing with other bytes", 0.06):
        at = dice.randrange(len(pieces))
        pieces[at] = changed(dice, pieces[at])
    return b"".join(pieces)


def _size_line(dice: Dice, length: int) -> bytes:
    digits = b"%x" % length
    if dice.hits("odd chunk size", 0.06):
        digits = dice.named(SIZES_OF_CHUNKS)(digits)
    return digits + _extension(dice) + _eol(dice)


def _extension(dice: Dice) -> bytes:
    if dice.hits("chunk line that is too long", 0.004):
        return b";x=" + b"y" * dice.choice((4085, 4090, 4091, 4092, 4100, 4200))
    return b';a=b;c="d"' if dice.hits("chunk extensions", 0.15) else b""


def _eol(dice: Dice) -> bytes:
    return b"\n" if dice.hits("bare line feeds between chunks", 0.05) else b"\r\n"


def _end(dice: Dice) -> bytes:
    return dice.named(ENDS_OF_CHUNKS) if dice.hits("odd end of a chunk", 0.04) else b"\r\n"
