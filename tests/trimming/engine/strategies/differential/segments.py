"""From turns to TCP segments, in the order in which a capture shows them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace

from tests.trimming.engine.strategies.differential.dialogues import CLIENT, SERVER, Turn
from tests.trimming.engine.strategies.differential.dice import Dice

MOST_PIECES = 7
MOST_SEGMENTS = 12
OVERLAPS = (
    ("overlap with the same bytes", 0.15),
    ("overlap with other bytes", 0.08),
    ("overlap that begins before the stream", 0.03),
    ("segment far away", 0.03),
)
_TELLING = re.compile(rb"HTTP/|GET |POST |\r\n|\n|0\r\n\r\n")


@dataclass(frozen=True)
class Segment:
    """``data`` at ``offset`` of a side's stream, which counts from the byte behind the SYN."""

    side: int
    offset: int
    data: bytes
    flags: str = "PA"
    options: bytes = b""


def segments(dice: Dice, turns: list[Turn]) -> list[Segment]:
    """Return the segments of a connection: cut, lost, doubled, mixed up."""
    streams = _streams(turns)
    opening = _opening(dice, streams)
    early = [0, 0]
    if dice.hits("data on a SYN is not sent again", 0.5):
        for segment in opening:
            early[segment.side] = max(early[segment.side], len(segment.data))
    found = [*opening, *_sent(dice, turns, early), *_closing(dice, streams)]
    _lose(dice, found)
    _repeat(dice, found, streams)
    _overlap(dice, found, streams)
    _mix_up(dice, found)
    return [_with_options(dice, segment) for segment in found]


def _streams(turns: list[Turn]) -> tuple[bytes, bytes]:
    return (
        b"".join(data for side, data in turns if side == CLIENT),
        b"".join(data for side, data in turns if side == SERVER),
    )


# --- as it should be ---------------------------------------------------------------------------


def _opening(dice: Dice, streams: tuple[bytes, bytes]) -> list[Segment]:
    if dice.hits("no handshake", 0.25):
        return []
    data = [b"", b""]
    for side in (CLIENT, SERVER):
        if streams[side] and dice.hits("data on a SYN", 0.06):
            data[side] = streams[side][: dice.randrange(1, min(len(streams[side]), 60) + 1)]
    opening = [
        Segment(CLIENT, -1, data[CLIENT], "S"),
        Segment(SERVER, -1, data[SERVER], "SA"),
        Segment(CLIENT, 0, b"", "A"),
    ]
    if dice.hits("a SYN twice", 0.05):
        opening.insert(dice.randrange(4), opening[dice.randrange(2)])
    return opening


def _sent(dice: Dice, turns: list[Turn], early: list[int]) -> list[Segment]:
    """Return the segments of all turns behind what was ``early`` on the SYN of each side."""
    sent = [0, 0]
    found: list[Segment] = []
    for side, data in turns:
        whole = [(0, len(data))] if data else []
        for start, end in _cuts(dice, data) if len(found) < MOST_SEGMENTS else whole:
            start = max(start, early[side] - sent[side])
            if start < end:
                found.append(Segment(side, sent[side] + start, data[start:end]))
            if dice.hits("bare acknowledgements", 0.05):
                other = 1 - side
                found.append(Segment(other, sent[other], b"", "A"))
        sent[side] += len(data)
    return found


def _cuts(dice: Dice, data: bytes) -> list[tuple[int, int]]:
    """Cut a turn into at most about MOST_PIECES ranges."""
    if not data:
        return []
    cuts = {0, len(data)}
    if dice.hits("segments of few bytes", 0.15):
        size = dice.choice((1, 1, 2, 3, 5))
        first = dice.randrange(len(data))
        cuts |= {first + size * n for n in range(MOST_PIECES)}
    if dice.hits("segments cut at random", 0.3):
        cuts |= {dice.randrange(len(data)) for _ in range(dice.randrange(1, 6))}
    if dice.hits("segments cut around lines", 0.2):
        places = [match.start() for match in _TELLING.finditer(data)]
        for at in dice.sample(places, min(len(places), dice.randrange(1, 6))):
            cuts.add(at + dice.choice((0, 0, 1, 2, -1)))
    if dice.hits("segments of one size", 0.15):
        size = max(dice.choice((20, 40, 100, 536)), len(data) // MOST_PIECES + 1)
        cuts |= set(range(0, len(data), size))
    places = sorted(at for at in cuts if 0 <= at <= len(data))
    return list(itertools.pairwise(places))


def _closing(dice: Dice, streams: tuple[bytes, bytes]) -> list[Segment]:
    ends = [len(stream) for stream in streams]
    if dice.hits("RST", 0.12):
        side = dice.randrange(2)
        text = b"reset by fuzz" if dice.hits("RST with a text", 0.3) else b""
        return [Segment(side, ends[side], text, "RA")]
    if not dice.hits("FIN", 0.3):
        return []
    closing = [
        Segment(CLIENT, ends[CLIENT], b"", "FA"),
        Segment(SERVER, ends[SERVER], b"", "FA"),
        Segment(CLIENT, ends[CLIENT] + 1, b"", "A"),
    ]
    if dice.hits("data behind a FIN", 0.1):
        side = dice.randrange(2)
        closing.append(Segment(side, ends[side] + 1, b"late words", "PA"))
    if dice.hits("data on a FIN", 0.3):
        for at, segment in enumerate(closing[:2]):
            last = streams[segment.side][-dice.randrange(1, 20) :]
            closing[at] = replace(segment, offset=segment.offset - len(last), data=last)
    return closing


# --- as it comes -------------------------------------------------------------------------------


def _lose(dice: Dice, found: list[Segment]) -> None:
    if dice.hits("loss", 0.2):
        for _ in range(min(len(found), dice.choice((1, 1, 2, 4)))):
            del found[dice.randrange(len(found))]
    if dice.hits("loss of a range", 0.06) and found:
        at = dice.randrange(len(found))
        del found[at : at + dice.randrange(2, 8)]
    if dice.hits("loss of a head", 0.08):
        heads = [at for at, segment in enumerate(found) if b"HTTP/1.1" in segment.data]
        if heads:
            at = dice.choice(heads)
            del found[at : at + dice.choice((1, 1, 2))]
    if dice.hits("capture that starts in mid-stream", 0.08):
        del found[: dice.randrange(1, 8)]
    if dice.hits("one direction only", 0.06):
        side = dice.randrange(2)
        found[:] = [segment for segment in found if segment.side == side]


def _repeat(dice: Dice, found: list[Segment], streams: tuple[bytes, bytes]) -> None:
    if not found:
        return
    if dice.hits("segments twice", 0.2):
        for _ in range(dice.choice((1, 1, 2, 5))):
            at = dice.randrange(len(found))
            found.insert(dice.randrange(at, len(found)) + 1, found[at])
    if dice.hits("ranges sent again in other pieces", 0.06):
        _send_again(dice, found, streams)
    if dice.hits("keep-alive probes", 0.06):
        for _ in range(dice.choice((1, 2))):
            at = dice.randrange(len(found))
            side, offset = found[at].side, found[at].offset - 1
            byte = streams[side][offset : offset + 1] if offset >= 0 else b"\0"
            data = dice.choice((byte, byte, b"\0", b"x", b""))
            found.insert(at + 1, Segment(side, offset, data, "A"))


def _send_again(dice: Dice, found: list[Segment], streams: tuple[bytes, bytes]) -> None:
    side = dice.randrange(2)
    stream = streams[side]
    if not stream:
        return
    start = dice.randrange(len(stream))
    end = min(len(stream), start + dice.choice((20, 100, 400)))
    length = max(dice.choice((1, 7, 30, 90)), (end - start) // MOST_PIECES + 1)
    again = [
        Segment(side, at, stream[at : min(at + length, end)]) for at in range(start, end, length)
    ]
    if dice.random() < 0.3:
        again.reverse()
    at = dice.randrange(len(found) + 1)
    found[at:at] = again


def _overlap(dice: Dice, found: list[Segment], streams: tuple[bytes, bytes]) -> None:
    """Add copies of ranges, early or late, the same or not."""
    for feature, probability in OVERLAPS:
        if not dice.hits(feature, probability):
            continue
        for _ in range(dice.choice((1, 1, 2, 4))):
            side = dice.randrange(2)
            stream = streams[side]
            if not stream:
                continue
            low = dice.randrange(len(stream))
            data = stream[low : low + dice.choice((1, 3, 10, 40, 200))]
            if feature == "overlap with other bytes":
                data = _changed(dice, data)
            elif feature == "overlap that begins before the stream":
                before = dice.randrange(1, 20)
                low, data = -before, dice.randbytes(before) + stream[: dice.randrange(20)]
            elif feature == "segment far away":
                low += dice.choice((-(1 << 31), -70000, 3000, 70000, 1 << 21, 1 << 30))
            found.insert(dice.randrange(len(found) + 1), Segment(side, low, data))


def _changed(dice: Dice, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 3))):
        changed[dice.randrange(len(changed))] = dice.choice(b"\0x\r\n :H")
    return bytes(changed) + (b"and more" if dice.random() < 0.2 else b"")


def _mix_up(dice: Dice, found: list[Segment]) -> None:
    if len(found) > 1 and dice.hits("segments out of order", 0.2):
        for _ in range(dice.choice((1, 1, 2, 4))):
            at = dice.randrange(len(found))
            to = at + dice.choice((-3, -2, -1, 1, 1, 2, 6))
            found.insert(max(0, min(to, len(found))), found.pop(at))
    if dice.hits("segments in any order", 0.03):
        dice.shuffle(found)
    if found and dice.hits("odd flags", 0.03):
        at = dice.randrange(len(found))
        flags = dice.choice(("S", "SA", "F", "R", "RA", "FSRPAUEC", "U", "", "SF"))
        found[at] = replace(found[at], flags=flags)


def _with_options(dice: Dice, segment: Segment) -> Segment:
    if dice.hits("TCP options", 0.2):
        return replace(segment, options=b"\1\1\x08\x0a" + bytes(8))
    return segment
