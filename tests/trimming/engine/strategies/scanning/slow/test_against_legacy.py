"""The slow path and the legacy strategy find the same in every packet, however odd."""

from __future__ import annotations

import random
from ipaddress import ip_address

import pytest

from tests.trimming.engine.strategies.scanning.slow.odd_packets import odd_packets
from trimming.engine.byte_classes import ByteClass
from trimming.engine.formats.records import Packet
from trimming.engine.options import Limits, TrimOptions
from trimming.engine.plan import FieldKind, MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.layers import Found as LegacyFound
from trimming.engine.strategies.legacy.layers import LayerWalk, Segment
from trimming.engine.strategies.legacy.strategy import _Run
from trimming.engine.strategies.legacy.tables import is_known as is_known_to_legacy
from trimming.engine.strategies.legacy.views import Planner
from trimming.engine.strategies.scanning.slow.views import entries
from trimming.engine.strategies.scanning.slow.walk import Found, SlowPath, TcpSegment, is_known

CASES = 4000
BLOCKS = 8

Told = tuple[object, ...]


class Recorder(MaskPlan):
    """Keeps what a plan is told."""

    def __init__(self, options: TrimOptions) -> None:
        super().__init__(options)
        self.told: list[Told] = []

    def add_span(self, packet: int, start: int, end: int, *_: object, **__: object) -> None:
        self.told.append((packet, start, end))

    def add_change(
        self, packet: int, offset: int, kind: FieldKind, delta: int, *_: object, **__: object
    ) -> None:
        self.told.append((packet, offset, kind, delta))

    def add_frame_check(self, packet: int, start: int, end: int) -> None:
        self.told.append((packet, start, end))


def _options(rng: random.Random) -> TrimOptions:
    limits = Limits(
        max_open_datagrams=rng.choice((1, 2, 1024, 1024)),
        max_tunnel_depth=rng.choice((1, 2, 16, 16, 16)),
    )
    return TrimOptions(
        uncertain=rng.choice(("mask", "keep")),
        other_payload=rng.choice(("mask", "keep")),
        limits=limits,
    )


def _of_legacy(found: LegacyFound, options: TrimOptions, seed: int) -> Told:
    payload = found.view.data[found.start : found.end]
    start, end, byte_class, tentative = _range(seed, found.start, found.end)
    plan = Recorder(options)
    Planner(plan).add(found.view, start, end, byte_class, tentative=tentative)
    told = sorted(plan.told, key=str)
    if isinstance(found, Segment):
        ends = [(ip_address(a).packed, port) for a, port in (found.source, found.destination)]
        return *ends, found.sequence, found.flags, found.wire_len, payload, told
    return found.what, payload, told


def _of_slow_path(found: Found, options: TrimOptions, seed: int) -> Told:
    payload = found.view.data[found.start : found.end]
    start, end, byte_class, tentative = _range(seed, found.start, found.end)
    spans, changes = entries(found.view, start, end, byte_class, options, tentative=tentative)
    told = sorted([*spans, *changes], key=str)
    if isinstance(found, TcpSegment):
        ends = [
            (found.source, found.source_port),
            (found.destination, found.destination_port),
        ]
        return *ends, found.sequence, found.flags, found.wire_len, payload, told
    return found.what, payload, told


def _range(seed: int, start: int, end: int) -> tuple[int, int, ByteClass, bool]:
    rng = random.Random(seed)
    a = rng.randint(0, end - start)
    b = rng.randint(a, end - start)
    if rng.random() < 0.3:
        a, b = 0, end - start
    return start + a, start + b, rng.choice(list(ByteClass)), rng.random() < 0.5


def difference(seed: int) -> str:
    """Return what is not the same in a seed's packets, "" for nothing."""
    packets, options = odd_packets(seed), _options(random.Random(seed))
    tallies = Tally(), Tally()
    legacy, slow = LayerWalk(options, tallies[0]), SlowPath(options, tallies[1])
    for packet in packets:
        expected = [_of_legacy(found, options, seed) for found in legacy.packet(packet)]
        given = [_of_slow_path(found, options, seed) for found in slow.packet(packet)]
        if given != expected:
            return f"seed {seed}, packet {packet.number}: {given} for {expected}"
        if slow.frame_check(packet) != _frame_check_of_legacy(packet, options):
            return f"seed {seed}, packet {packet.number}: another frame check"
    expected = [_of_legacy(found, options, seed) for found in legacy.flush()]
    given = [_of_slow_path(found, options, seed) for found in slow.flush()]
    if given != expected:
        return f"seed {seed}, at the end: {given} for {expected}"
    if tallies[0] != tallies[1]:
        return f"seed {seed}: met {tallies[1].limits_met} for {tallies[0].limits_met}"
    return ""


def _frame_check_of_legacy(packet: Packet, options: TrimOptions) -> Told | None:
    plan = Recorder(options)
    _Run(plan, Tally())._frame_check(packet)
    return plan.told[0][1:] if plan.told else None


@pytest.mark.parametrize("block", range(BLOCKS))
def test_both_find_the_same_in_odd_packets(block: int) -> None:
    size = CASES // BLOCKS
    found = (difference(seed) for seed in range(block * size, (block + 1) * size))
    assert not next(filter(None, found), "")


def test_both_know_the_same_link_types() -> None:
    for link_type in range(1024):
        assert is_known(link_type) == is_known_to_legacy(link_type)
