"""Synthetic captures are captures: the engine masks their bodies and finds every message."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from trimming.engine.options import PROFILES
from trimming.engine.pipeline import trim
from trimming.engine.strategies.registry import load_strategy
from trimming.load.captures import SHAPES, Size, make_capture

LONG_HEX = re.compile(rb"[0-9a-f]{40}")


@pytest.mark.parametrize("strategy", ["legacy", "scanning"])
def test_every_message_is_found_and_every_body_masked(tmp_path: Path, strategy: str) -> None:
    source, target = tmp_path / "in.pcap", tmp_path / "out.pcap"
    source.write_bytes(make_capture(Size.SMALL, 7))
    report = trim(
        source,
        target,
        lambda: load_strategy(strategy),
        PROFILES["standard"],
        clock=time.perf_counter,
        peak_rss_bytes=lambda: 0,
    )
    connections, exchanges, _ = SHAPES[Size.SMALL]
    assert report.tally.requests == report.tally.responses == connections * exchanges
    assert report.tally.masked_bytes > 0
    assert target.stat().st_size == source.stat().st_size
    # bodies of answers are long rows of hexadecimal digits, and nothing else here is
    assert LONG_HEX.search(source.read_bytes())
    assert not LONG_HEX.search(target.read_bytes())
    assert not report.tally.left_bytes


def test_the_same_seed_makes_the_same_capture_and_another_another() -> None:
    assert make_capture(Size.SMALL, 1) == make_capture(Size.SMALL, 1)
    assert make_capture(Size.SMALL, 1) != make_capture(Size.SMALL, 2)


def test_sizes_grow() -> None:
    sizes = [len(make_capture(size, 1)) for size in (Size.BROKEN, Size.SMALL, Size.MEDIUM)]
    assert sizes == sorted(sizes)
