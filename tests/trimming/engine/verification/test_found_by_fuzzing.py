"""Odd captures whose outputs were refused, or broke the verification, and are in order."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.trimming.engine.strategies.differential.raw_files import raw_file
from trimming.engine.options import PROFILES
from trimming.engine.pipeline import trim
from trimming.engine.strategies.registry import load_strategy


@pytest.mark.parametrize(
    ("seed", "profile"),
    [
        pytest.param(5, "standard", id="a length of zero reaches over a check sequence that fits"),
        pytest.param(60, "share_safe", id="the same in IPv4"),
        pytest.param(214, "share_safe", id="a tunnel reaches over a declared check sequence"),
        pytest.param(2702, "standard", id="a length of zero reaches over a declared one"),
        pytest.param(79, "standard", id="segments half of all sequence numbers apart"),
    ],
)
@pytest.mark.parametrize("strategy", ["legacy", "scanning"])
def test_an_output_that_is_in_order_passes(
    seed: int, profile: str, strategy: str, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(raw_file(seed))
    report = trim(
        tmp_path / "in",
        tmp_path / "out",
        lambda: load_strategy(strategy),
        PROFILES[profile],
        clock=time.perf_counter,
        peak_rss_bytes=lambda: 0,
    )
    assert report.verification is not None
    assert report.verification.passed
