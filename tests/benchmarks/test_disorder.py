from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.disorder import MAX_BURST_PACKETS, copy_some, cut_into_bursts, swap_some
from benchmarks.frames import Packet

randoms = st.integers(0, 2**32).map(Random)
counts = st.integers(1, 200)


def _packets(count: int) -> list[Packet]:
    return [Packet(bytes([index]), b"", False) for index in range(count)]


def _disordered(rng: Random, count: int) -> tuple[list[Packet], list[Packet]]:
    packets = _packets(count)
    swap_some(rng, packets)
    held = copy_some(rng, packets)
    return packets, held


@given(randoms, counts)
def test_swapping_loses_no_packet(rng: Random, count: int) -> None:
    packets = _packets(count)
    swap_some(rng, packets)
    assert sorted(packet.frame for packet in packets) == [bytes([i]) for i in range(count)]


@given(randoms, counts)
def test_a_settled_packet_has_nothing_missing_before_it(rng: Random, count: int) -> None:
    packets, _ = _disordered(rng, count)
    seen: set[int] = set()
    for packet in packets:
        seen.add(packet.frame[0])
        assert packet.unsettled == (len(seen) != max(seen) + 1)


@given(randoms, counts)
def test_a_copy_comes_after_its_original(rng: Random, count: int) -> None:
    packets, held = _disordered(rng, count)
    assert {packet.frame for packet in packets} >= {packet.frame for packet in held}
    assert len({packet.frame for packet in packets}) == count


@given(randoms, counts)
def test_bursts_keep_the_order_and_are_short(rng: Random, count: int) -> None:
    packets, _ = _disordered(rng, count)
    bursts = list(cut_into_bursts(rng, packets))
    assert [packet for burst in bursts for packet in burst] == packets
    assert all(1 <= len(burst) <= MAX_BURST_PACKETS for burst in bursts)


@given(randoms)
def test_a_swap_spans_two_bursts_at_most(rng: Random) -> None:
    packets = _packets(60)
    packets[20], packets[26] = packets[26], packets[20]
    packets[20:26] = [packet._replace(unsettled=True) for packet in packets[20:26]]
    bursts = list(cut_into_bursts(rng, packets))
    assert sum(burst[-1].unsettled for burst in bursts) <= 1


def test_half_a_percent_is_swapped_and_half_a_percent_copied() -> None:
    rng = Random(1)
    swaps, copies, windows = 0, 0, 3_000
    for _ in range(windows):
        packets, held = _disordered(rng, 48)
        copies += len(packets) + len(held) - 48
        swaps += sum(
            packet.unsettled and not before.unsettled
            for before, packet in pairwise([_packets(1)[0], *packets])
        )
    assert 0.0045 < copies / (windows * 48) < 0.0055
    assert 0.0045 < swaps / (windows * 48) < 0.0055
