"""What the network does to the packets of one window: order, copies, and how they come in bursts.

All of it stays among packets of one direction that follow each other, so a response is never
captured before its request and nothing passes a SYN or FIN; only a copy may come a little later.
"""

from collections.abc import Iterator
from random import Random

from benchmarks.frames import Packet

OUT_OF_ORDER_SHARE = 0.005
RETRANSMITTED_SHARE = 0.005
MAX_BURST_PACKETS = 12

_MAX_SWAP_DISTANCE = 6
_MAX_COPY_DISTANCE = 12


def swap_some(rng: Random, packets: list[Packet]) -> None:
    """Swap some packets in place with one a little later; the stream is unsettled in between."""
    position = 0
    while position < len(packets) - 1:
        if rng.random() >= OUT_OF_ORDER_SHARE:
            position += 1
            continue
        later = min(position + rng.randint(1, _MAX_SWAP_DISTANCE), len(packets) - 1)
        settled = packets[later].unsettled
        packets[position], packets[later] = packets[later], packets[position]
        for index in range(position, later):
            packets[index] = packets[index]._replace(unsettled=True)
        packets[later] = packets[later]._replace(unsettled=settled)
        position = later + 1


def copy_some(rng: Random, packets: list[Packet]) -> list[Packet]:
    """Insert copies of some packets in place, and return those due only behind the last packet."""
    copies = [
        (position + rng.randint(1, _MAX_COPY_DISTANCE), packet)
        for position, packet in enumerate(packets)
        if rng.random() < RETRANSMITTED_SHARE
    ]
    held = [
        copy._replace(unsettled=packets[-1].unsettled)
        for due, copy in copies
        if due >= len(packets)
    ]
    for due, copy in sorted(copies, key=lambda due_copy: due_copy[0], reverse=True):
        if due < len(packets):
            packets.insert(due, copy._replace(unsettled=packets[due - 1].unsettled))
    return held


def cut_into_bursts(rng: Random, packets: list[Packet]) -> Iterator[list[Packet]]:
    """Yield the packets in bursts; two swapped packets are in one burst or in neighbours."""
    start = 0
    while start < len(packets):
        end = min(start + rng.randint(1, MAX_BURST_PACKETS), len(packets))
        if start and packets[start - 1].unsettled:
            limit = min(start + MAX_BURST_PACKETS, len(packets))
            while end < limit and packets[end - 1].unsettled:
                end += 1
        yield packets[start:end]
        start = end
