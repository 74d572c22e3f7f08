"""A capture from a seed in which the rules of trimming meet each other.

Nothing here says what the right answer is; the same seed gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.captures import START_SECONDS
from tests.trimming.engine.strategies.differential.captures import Container, Sent, container
from tests.trimming.engine.strategies.differential.carriage import Carrier, Link, Route, link, route
from tests.trimming.engine.strategies.differential.dialogues import dialogue
from tests.trimming.engine.strategies.differential.dice import Dice
from tests.trimming.engine.strategies.differential.segments import segments
from tests.trimming.engine.strategies.differential.strangers import strangers

MS = 1_000_000
MOST_FRAMES = 48
SNAPLENS = (40, 54, 60, 68, 80, 96, 128, 200)
# link type, and the bytes of one frame
Framed = tuple[int, bytes]


@dataclass(frozen=True)
class Case:
    """The packets of a seed, and which features it has."""

    seed: int
    packets: tuple[Sent, ...]
    container: Container
    features: frozenset[str]

    def file(self) -> bytes:
        """Return the capture file."""
        return self.container.file(self.packets)


def case(seed: int) -> Case:
    """Return what a seed stands for."""
    dice = Dice(seed)
    fcs_len = None
    if dice.hits("declared frame check sequence", 0.06):
        fcs_len = dice.choice((0, 4, 4))
    links = [link(dice, fcs_len)]
    if dice.hits("several link types", 0.05):
        links += [link(dice, fcs_len) for _ in range(dice.choice((1, 2)))]
    frames = _frames(dice, links)
    _mix_up(dice, frames)
    del frames[MOST_FRAMES:]
    count = len({link_type for link_type, _ in frames})
    packets = _captured(dice, frames)
    kind = container(dice, links=count, fcs_len=fcs_len)
    return Case(seed, tuple(packets), kind, frozenset(dice.features))


def traffic(seed: int) -> bytes:
    """Return a capture file, pcap or pcapng."""
    return case(seed).file()


def _frames(dice: Dice, links: list[Link]) -> list[Framed]:
    carrier = Carrier(dice)
    count = dice.choice((1, 1, 1, 1, 2))
    if dice.hits("many connections", 0.04):
        count = dice.randrange(5, 12)
    lines = [_connection(dice, carrier, dice.choice(links), number) for number in range(count)]
    if dice.hits("packets that are not TCP", 0.2):
        below = dice.choice(links)
        other = strangers(dice, carrier, route(dice, 99, below))
        lines.append([(below.link_type, frame) for frame in other])
    return _interleaved(dice, lines)


def _connection(dice: Dice, carrier: Carrier, below: Link, number: int) -> list[Framed]:
    way = route(dice, number, below)
    found = _carried(dice, carrier, way)
    while dice.hits("ports used again", 0.06) and len(found) < MOST_FRAMES:
        again = route(dice, number, below)
        first = again.first if dice.random() < 0.7 else way.first
        way = Route(
            way.is_ipv6, way.addresses, way.ports, first, way.tunnels, below, again.checksum
        )
        found += _carried(dice, carrier, way)
    return found


def _carried(dice: Dice, carrier: Carrier, way: Route) -> list[Framed]:
    found = segments(dice, dialogue(dice))
    frames = [frame for segment in found for frame in carrier.frames(way, segment)]
    return [(way.link.link_type, frame) for frame in frames]


def _interleaved(dice: Dice, lines: list[list[Framed]]) -> list[Framed]:
    if dice.hits("one connection after the other", 0.3):
        return [frame for line in lines for frame in line]
    turns = [number for number, line in enumerate(lines) for _ in line]
    dice.shuffle(turns)
    ways = [iter(line) for line in lines]
    return [next(ways[number]) for number in turns]


def _mix_up(dice: Dice, frames: list[Framed]) -> None:
    if not frames:
        return
    if dice.hits("frames out of order", 0.06):
        for _ in range(dice.choice((1, 2, 4))):
            at = dice.randrange(len(frames))
            frames.insert(dice.randrange(len(frames)), frames.pop(at))
    if dice.hits("frames twice", 0.06):
        for _ in range(dice.choice((1, 2))):
            at = dice.randrange(len(frames))
            frames.insert(dice.randrange(len(frames) + 1), frames[at])
    if dice.hits("damaged bytes", 0.04):
        at = dice.randrange(len(frames))
        link_type, frame = frames[at]
        broken = bytearray(frame)
        for _ in range(dice.choice((1, 1, 4)) if broken else 0):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        frames[at] = (link_type, bytes(broken))


def _captured(dice: Dice, frames: list[Framed]) -> list[Sent]:
    snaplen = dice.choice(SNAPLENS) if dice.hits("snaplen", 0.08) else None
    now_ns = START_SECONDS * 1000 * MS
    packets = []
    for link_type, frame in frames:
        now_ns += MS
        if dice.hits("long pauses", 0.03):
            now_ns += dice.choice((2, 20, 4000)) * 1000 * MS
        if dice.hits("a clock that goes back", 0.02):
            now_ns -= dice.choice((1, 5000)) * 1000 * MS
        cut = snaplen
        if dice.hits("one packet cut", 0.03):
            cut = dice.randrange(len(frame) + 1)
        data = frame[:cut]
        original = len(frame)
        if dice.hits("original length that is wrong", 0.01):
            original = dice.choice((0, len(data), len(data) + 1, original + 9))
        packets.append(Sent(data, original, link_type, now_ns))
    return packets
