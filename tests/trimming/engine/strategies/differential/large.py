"""Captures that are large in one respect: what the small cases never fill.

Tables that grow, windows that end, lines and segments as long as they may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.captures import (
    chunked,
    ethernet,
    ipv4,
    pcap,
    request,
    response,
    tcp,
)
from tests.trimming.engine.strategies.differential.contents import changed
from tests.trimming.engine.strategies.differential.dice import Dice

MSS_BYTES = 1460


def _segment(
    number: int, side: int, offset: int, data: bytes, flags: str = "PA", *, offloaded: bool = False
) -> bytes:
    """Return a frame of connection ``number``; side 0 asks, side 1 answers."""
    ends = (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "192.168.0.1")
    ports = (1024 + number % 50000, 80)
    inner = tcp(
        data,
        sport=ports[side],
        dport=ports[1 - side],
        seq=number * 7919 + 1 + offset,
        flags=flags,
        checksum="zero" if offloaded else "right",
    )
    length = 0 if offloaded else None
    return ethernet(ipv4(inner, src=ends[side], dst=ends[1 - side], total_length=length))


def _pieces(number: int, side: int, data: bytes, size: int = MSS_BYTES) -> list[bytes]:
    return [_segment(number, side, at, data[at : at + size]) for at in range(0, len(data), size)]


def _crowd(dice: Dice) -> list[bytes]:
    """Very many connections at a time, each of few packets, some of which come back."""
    lines: list[list[bytes]] = []
    count = dice.choice((600, 1500, 3000))
    for number in range(count):
        body = dice.randbytes(dice.randrange(40))
        asked, told = request(target=f"/{number}"), response(body=body)
        cut = dice.randrange(len(told))
        line = [
            _segment(number, 0, 0, asked),
            _segment(number, 1, 0, told[:cut]),
            _segment(number, 1, cut, told[cut:], dice.choice(("PA", "FA", "RA"))),
        ]
        lines.append(line[: dice.randrange(1, 4)])
    order = [number for number, line in enumerate(lines) for _ in line]
    dice.shuffle(order)
    ways = [iter(line) for line in lines]
    frames = [next(ways[number]) for number in order]
    late = [frames[dice.randrange(len(frames))] for _ in range(count // 5)]
    return [*frames, *late]


def _long_lines(dice: Dice) -> list[bytes]:
    """Lines about as long as they may be, and chunk lines too."""
    about = dice.choice((4000, 70_000, (1 << 18) - dice.randrange(60), (1 << 18) + 20))
    value = "v" * about
    fields = [("X-Long", value), ("Cookie", "a=b")]
    if dice.random() < 0.5:
        asked = request(target=f"/{value}", fields=fields[1:])
    else:
        asked = request("POST", fields=fields, body=b"body of text")
    extension = b";x=" + b"y" * dice.choice((4080, 4088, 4089, 4090, 4091, 4092, 5000))
    coded = chunked([b"some content", b"and more"], extension=extension)
    told = response(fields=[("Transfer-Encoding", "chunked")], content_length=False) + coded
    frames = [*_pieces(1, 0, asked), *_pieces(1, 1, told, dice.choice((MSS_BYTES, 4090, 500)))]
    for _ in range(20):
        side = dice.randrange(2)
        stream = (asked, told)[side]
        at = dice.randrange(len(stream))
        again = stream[at : at + dice.choice((1, 40, 1460, 9000))]
        if dice.random() < 0.3:
            again = changed(dice, again)
        frames.append(_segment(1, side, at, again))
    return frames


def _long_bodies(dice: Dice) -> list[bytes]:
    """Bodies of many segments, some of them lost, late or of 64 KiB by offload."""
    body = dice.randbytes(300_000)
    asked = _pieces(1, 0, request("PUT", body=body[: dice.randrange(len(body))]))
    head = response(fields=[("Content-Length", str(len(body)))], content_length=False)
    told = _pieces(1, 1, head + body)
    big = [_segment(2, 0, 0, request()), _segment(2, 1, 0, head, offloaded=True)]
    big += [
        _segment(2, 1, len(head) + at, body[at : at + 66_000], offloaded=True)
        for at in range(0, len(body), 66_000)
    ]
    for _ in range(dice.randrange(20)):
        at = dice.randrange(len(told))
        told.insert(dice.randrange(len(told)), told.pop(at))
    for _ in range(dice.randrange(6)):
        del told[dice.randrange(len(told))]
    return [*asked, *told, *big, *_pieces(2, 1, response(body=b"next"))]


def _many_chunks(dice: Dice) -> list[bytes]:
    """More runs of one stream than are remembered, then copies of old and of new ones."""
    chunks = [dice.randbytes(dice.randrange(1, 6)) for _ in range(900)]
    coded = chunked(chunks)
    told = response(fields=[("Transfer-Encoding", "chunked")], content_length=False) + coded
    frames = [*_pieces(1, 0, request()), *_pieces(1, 1, told)]
    for _ in range(30):
        at = dice.randrange(len(told))
        frames.append(_segment(1, 1, at, told[at : at + dice.randrange(1, 900)]))
    return frames


def _far_out_of_order(dice: Dice) -> list[bytes]:
    """More segments that wait for an earlier one than may wait."""
    body = dice.randbytes(dice.choice((1100, 1600)))
    told = b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([body])
    late = _pieces(1, 1, told, 1)
    first = late.pop(dice.choice((0, 5, 60)))
    if dice.random() < 0.5:
        dice.shuffle(late)
    return [*_pieces(1, 0, request()), *late, first, *_pieces(1, 1, told)]


def _single_bytes(dice: Dice) -> list[bytes]:
    """Start lines that come byte by byte, more of them than places are remembered."""
    frames: list[bytes] = []
    for number in range(24):
        before = dice.choice((b"", b"x", b"foo", b"F" * 20, b"\r\n", b"GET ", b"HTTP/1.1 20"))
        line = b"GET /" + b"a" * dice.choice((3, 40, 58, 60, 61, 62, 63, 64, 65, 90))
        asked = before + line + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        first = dice.randrange(1, 40)
        pieces = [asked[:first], *(asked[at : at + 1] for at in range(first, len(asked)))]
        at = 0
        for piece in pieces:
            frames.append(_segment(number, 0, at, piece))
            at += len(piece)
        told = response(body=b"text")
        frames += _pieces(number, 1, told, dice.choice((1, MSS_BYTES)))
    return frames


KINDS: Mapping[str, Callable[[Dice], list[bytes]]] = {
    "crowd": _crowd,
    "long lines": _long_lines,
    "long bodies": _long_bodies,
    "many chunks": _many_chunks,
    "far out of order": _far_out_of_order,
    "single bytes": _single_bytes,
}


def large_capture(kind: str, seed: int) -> bytes:
    """Return a capture file of a kind named in KINDS."""
    frames = KINDS[kind](Dice(seed))
    return pcap(frames, snaplen=1 << 18)
