from collections import Counter
from random import Random

from benchmarks.bodies import BodyPool
from benchmarks.connections import Connection, four_tuple
from tests.benchmarks.reading import FIN, SYN, parse


def test_four_tuples_are_distinct() -> None:
    indexes = [*range(100_000), *range(2**32 - 1_000, 2**32)]
    assert len({four_tuple(index)[:2] for index in indexes}) == len(indexes)


def test_a_connection_begins_with_a_handshake_and_ends_with_fins() -> None:
    rng = Random(3)
    bursts = Connection(0, rng, BodyPool(rng), Counter()).bursts()
    segments = [parse(packet.frame) for burst in bursts for packet in burst]
    assert [bool(segment.flags & SYN) for segment in segments[:4]] == [True, True, False, False]
    assert [bool(segment.flags & FIN) for segment in segments[-3:]] == [True, True, False]
    assert not any(segment.payload for segment in [segments[2], *segments[-3:]])
