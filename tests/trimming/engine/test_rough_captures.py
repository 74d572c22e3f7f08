"""Whatever comes in: a clear error, or an output that passed its verification."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.trimming.engine.rough_captures import rough_capture
from trimming.engine.errors import InputError
from trimming.engine.options import PROFILES
from trimming.engine.pipeline import trim
from trimming.engine.strategies.registry import load_strategy

SHORT_CASES = 300
LONG_CASES = 20_000
BLOCKS = 10


def assert_refused_or_verified(seed: int, folder: Path) -> None:
    source, target = folder / "in.pcap", folder / "out.pcap"
    source.write_bytes(rough_capture(seed))
    profile = PROFILES["share_safe" if seed % 4 == 0 else "standard"]
    try:
        report = trim(
            source,
            target,
            lambda: load_strategy("legacy"),
            profile,
            clock=time.perf_counter,
            peak_rss_bytes=lambda: 0,
        )
    except InputError:
        assert not target.exists(), seed
        return
    assert report.verification is not None
    assert report.verification.passed, seed
    target.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_rough_captures_are_refused_or_verified(block: int, tmp_path: Path) -> None:
    for seed in range(block * SHORT_CASES // BLOCKS, (block + 1) * SHORT_CASES // BLOCKS):
        assert_refused_or_verified(seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("block", range(BLOCKS))
def test_twenty_thousand_rough_captures_are_refused_or_verified(block: int, tmp_path: Path) -> None:
    for seed in range(block * LONG_CASES // BLOCKS, (block + 1) * LONG_CASES // BLOCKS):
        assert_refused_or_verified(seed, tmp_path)
