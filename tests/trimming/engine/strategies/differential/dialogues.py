"""What the two ends of a connection say to each other, in turns."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from tests.trimming.engine.strategies.differential.contents import content
from tests.trimming.engine.strategies.differential.dice import Dice
from tests.trimming.engine.strategies.differential.messages import (
    METHODS,
    answer,
    head,
    interim,
    question,
)

CLIENT, SERVER = 0, 1
# who speaks, and what
Turn = tuple[int, bytes]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def dialogue(dice: Dice) -> list[Turn]:
    """Return the turns of one connection, most often HTTP."""
    if dice.random() < 0.12:
        return dice.named(STRANGE)(dice)
    return _http(dice)


def _http(dice: Dice) -> list[Turn]:
    exchanges = [_exchange(dice) for _ in range(dice.choice((1, 1, 1, 2, 2, 4)))]
    if dice.hits("pipelining", 0.2) and len(exchanges) > 1:
        asked: list[Turn] = [turn for turns in exchanges for turn in turns if turn[0] == CLIENT]
        told: list[Turn] = [turn for turns in exchanges for turn in turns if turn[0] == SERVER]
        if dice.random() < 0.7:
            asked = [(CLIENT, b"".join(data for _, data in asked))]
            told = [(SERVER, b"".join(data for _, data in told))]
        turns = [*asked, *told]
    else:
        turns = [turn for some in exchanges for turn in some]
    if dice.hits("responses before their requests", 0.06):
        turns = [t for t in turns if t[0] == SERVER] + [t for t in turns if t[0] == CLIENT]
    if dice.hits("response that nobody asked for", 0.06):
        turns.insert(dice.randrange(len(turns) + 1), (SERVER, answer(dice, b"GET")))
    if dice.hits("both ends ask and answer", 0.04):
        turns = [(dice.randrange(2), data) for _, data in turns]
    if dice.hits("rubbish between messages", 0.06):
        turns.insert(dice.randrange(len(turns) + 1), (dice.randrange(2), content(dice)))
    return turns


def _exchange(dice: Dice) -> list[Turn]:
    if dice.hits("CONNECT", 0.06):
        return _connect(dice)
    if dice.hits("Upgrade", 0.06):
        return _upgrade(dice)
    method = b"HEAD" if dice.hits("HEAD", 0.12) else dice.choice(METHODS)
    turns: list[Turn] = [(CLIENT, question(dice, method))]
    if dice.hits("interim responses", 0.12):
        turns += [(SERVER, interim(dice)) for _ in range(dice.choice((1, 1, 2)))]
    turns.append((SERVER, answer(dice, method)))
    return turns


def _tunnel(dice: Dice) -> list[Turn]:
    spoken: list[Turn] = []
    for _ in range(dice.choice((0, 1, 2, 3))):
        spoken.append((dice.randrange(2), content(dice)))
    if dice.hits("HTTP in a tunnel", 0.3):
        spoken += [(CLIENT, question(dice, b"GET")), (SERVER, answer(dice, b"GET"))]
    return spoken


def _connect(dice: Dice) -> list[Turn]:
    if dice.hits("CONNECT that is refused", 0.3):
        return [(CLIENT, question(dice, b"CONNECT")), (SERVER, answer(dice, b"CONNECT"))]
    lines = [b"Content-Length: 5"] if dice.hits("length in the answer to CONNECT", 0.2) else []
    agreed = head(dice, b"HTTP/1.1 200 Connection established", lines)
    early = question(dice, b"CONNECT")
    if dice.hits("tunnel data behind CONNECT at once", 0.2):
        early += content(dice)
    return [(CLIENT, early), (SERVER, agreed), *_tunnel(dice)]


def _upgrade(dice: Dice) -> list[Turn]:
    asked = head(dice, b"GET /chat HTTP/1.1", [b"Upgrade: websocket", b"Connection: Upgrade"])
    agreed = head(dice, b"HTTP/1.1 101 Switching Protocols", [b"Upgrade: websocket"])
    if dice.hits("upgrade to HTTP/2", 0.2):
        return [(CLIENT, asked), (SERVER, agreed), (CLIENT, PREFACE), *_tunnel(dice)]
    return [(CLIENT, asked), (SERVER, agreed), *_tunnel(dice)]


def _record(kind: int, payload: bytes, version: int = 0x0303) -> bytes:
    return struct.pack(">BHH", kind, version, len(payload)) + payload


def _tls(dice: Dice) -> list[Turn]:
    turns: list[Turn] = [
        (CLIENT, _record(22, b"\1" + dice.randbytes(dice.randrange(60)), 0x0301)),
        (SERVER, _record(22, b"\2" + dice.randbytes(dice.randrange(60)))),
        (SERVER, _record(20, b"\1")),
    ]
    for _ in range(dice.randrange(5)):
        kind = dice.choice((20, 21, 22, 23, 23, 23, 24))
        records = _record(kind, content(dice) or b"x")
        turns.append((dice.randrange(2), records * dice.choice((1, 1, 2))))
    return turns


def _tls_with_http(dice: Dice) -> list[Turn]:
    turns = _tls(dice)
    turns.insert(dice.randrange(len(turns) + 1), (CLIENT, question(dice, b"GET")))
    return turns


def _broken_tls(dice: Dice) -> list[Turn]:
    turns = []
    for side, data in _tls(dice):
        broken = bytearray(data)
        for _ in range(dice.choice((0, 1, 1, 3))):
            broken[dice.randrange(min(len(broken), 9))] = dice.choice((0, 1, 3, 22, 23, 25, 255))
        turns.append((side, bytes(broken)))
    return turns


def _other(dice: Dice) -> list[Turn]:
    lines = (
        b"220 mail.example.org ESMTP\r\n",
        b"EHLO example.org\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"GETTING started\r\n",
        b"HELO / HTTP\r\n",
        b"HTTPS rules\r\n",
        b"\x16\x03",
        b"\0\0\0\x05hello",
    )
    return [
        (dice.randrange(2), dice.choice(lines) if dice.random() < 0.5 else content(dice))
        for _ in range(dice.randrange(1, 6))
    ]


def _http2(dice: Dice) -> list[Turn]:
    cut = PREFACE[: dice.choice((24, 24, 24, 18, 16, 14, 12, 5))]
    turns: list[Turn] = [(CLIENT, cut + content(dice))]
    turns += [(dice.randrange(2), content(dice)) for _ in range(dice.randrange(5))]
    if dice.hits("HTTP/1.1 behind HTTP/2", 0.3):
        turns.append((dice.randrange(2), question(dice, b"GET")))
    return turns


def _simple(dice: Dice) -> list[Turn]:
    lines = (b"GET /\r\n", b"GET /a\n", b"GET / \r\n", b"GET  /x\r\n", b"GET x\r\n", b"get /\r\n")
    return [(CLIENT, dice.choice(lines)), (SERVER, content(dice)), (SERVER, content(dice))]


def _rubbish_and_http(dice: Dice) -> list[Turn]:
    turns = _http(dice)
    for _ in range(dice.choice((1, 1, 2, 3))):
        turns.insert(dice.randrange(len(turns) + 1), (dice.randrange(2), content(dice)))
    return turns


def _cut_start_lines(dice: Dice) -> list[Turn]:
    line = dice.choice(
        (
            b"HTTP/1.1 200 OK\r\n",
            b"GET / HTTP/1.1\r\n",
            b"PROPFIND /dav HTTP/1.1\r\n",
            b"POST http://a/b?c=d HTTP/1.1\r\n",
            b"X-YZ /?q=1 HTTP/1.0\r\n",
            b"foo /?q=1 HTTP/1.0\r\n",
            b"GET / nothing of this kind",
            b"HTTP/9 what",
        )
    )
    turns: list[Turn] = [(dice.randrange(2), line[: dice.randrange(1, len(line) + 1)])]
    if dice.random() < 0.4:
        turns.append((dice.randrange(2), content(dice)))
    return turns


def _half(dice: Dice) -> list[Turn]:
    spoken = dice.randrange(2)
    return [(side, data if side == spoken else content(dice)) for side, data in _http(dice)]


STRANGE: Mapping[str, Callable[[Dice], list[Turn]]] = {
    "TLS": _tls,
    "other TCP": _other,
    "HTTP/2 with prior knowledge": _http2,
    "HTTP/0.9": _simple,
    "rubbish and HTTP": _rubbish_and_http,
    "TLS that is broken": _broken_tls,
    "TLS with HTTP in it": _tls_with_http,
    "cut start lines": _cut_start_lines,
    "HTTP in one direction, rubbish in the other": _half,
}
