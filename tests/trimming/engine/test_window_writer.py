"""Windows written in place are, byte for byte, what is written record by record."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.captures import (
    custom,
    enhanced,
    interface,
    names,
    pcapng,
    secrets,
    section_header,
    simple,
)
from tests.trimming.engine.strategies.differential.traffic import traffic
from trimming.engine.byte_classes import ByteClass
from trimming.engine.errors import InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet
from trimming.engine.options import PROFILES, TrimOptions
from trimming.engine.plan import FieldKind, MaskPlan
from trimming.engine.report import Tally
from trimming.engine.window_writer import masked_windows
from trimming.engine.writer import masked_records

OPTIONS = (
    TrimOptions(),
    PROFILES["share_safe"],
    TrimOptions(slice=True),
    TrimOptions(uncertain="keep"),
    replace(PROFILES["share_safe"], slice=True),
)


def _random_plan(rng: random.Random, packets: list[Packet], plan: MaskPlan) -> None:
    """Plan spans, checksums and frame checks at random places of random packets."""
    for packet in packets:
        if packet.captured_len < 8 or rng.random() < 0.3:
            continue
        at = rng.randrange(packet.captured_len - 4)
        while at < packet.captured_len and rng.random() < 0.7:
            end = rng.randint(at + 1, packet.captured_len)
            byte_class = rng.choice(list(ByteClass))
            plan.add_span(packet.number, at, end, byte_class)
            if at >= 4:
                kind = rng.choice(list(FieldKind))
                delta = rng.randrange(0xFFFF)
                plan.add_change(packet.number, rng.choice((0, 2)), kind, delta, byte_class)
            at = end
        if rng.random() < 0.2:
            plan.add_frame_check(packet.number, 0, packet.captured_len - 4)


def _both_ways(path: Path, options: TrimOptions, seed: int) -> tuple[bytes, bytes, Tally, Tally]:
    with CaptureFile(path, options.limits) as capture, MaskPlan(options) as plan:
        packets = [record.packet for record in capture.records() if record.packet]
        _random_plan(random.Random(seed), packets, plan)
        one, other = Tally(), Tally()
        expected = b"".join(masked_records(capture.records(), plan, one))
        found = b"".join(
            bytes(piece)
            for pieces in masked_windows(capture.batches(), plan, other)
            for piece in pieces
        )
    return expected, found, one, other


@pytest.mark.parametrize("seed", range(60))
def test_windows_and_records_give_the_same_bytes_and_counts(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(traffic(seed))
    try:
        expected, found, one, other = _both_ways(path, OPTIONS[seed % len(OPTIONS)], seed)
    except InputError:
        return
    assert found == expected
    assert +one.bytes_by_class == +other.bytes_by_class
    one.bytes_by_class = other.bytes_by_class
    assert one == other


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.name)
def test_metadata_stays_in_its_place_between_packets(options: TrimOptions, tmp_path: Path) -> None:
    hashed = enhanced(bytes(range(61)), options=((3, b"\x02" + bytes(20)), (1, b"a comment")))
    blocks = [
        section_header(length=400),
        interface(),
        secrets(),
        enhanced(bytes(range(63))),
        names(),
        custom(),
        hashed,
        hashed,
        simple(bytes(range(50))),
        custom(),
        section_header(),
        interface(fcs_len=4),
        enhanced(bytes(range(40))),
    ]
    path = tmp_path / "in.pcapng"
    path.write_bytes(pcapng(blocks))
    for seed in range(20):
        expected, found, one, other = _both_ways(path, options, seed)
        assert found == expected
        assert one.warnings == other.warnings
        assert one.dropped_metadata == other.dropped_metadata
