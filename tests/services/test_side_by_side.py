"""Workers side by side give what each capture gives alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.datasets import write_web
from tests.services.console import Console, wait_until

pytestmark = pytest.mark.slow

CAPTURES = 8


@pytest.mark.parametrize(
    ("strategy", "size_bytes"),
    [
        ("legacy", 300_000),
        ("scanning", 2_000_000),
        pytest.param("scanning", 100_000_000, marks=pytest.mark.long),
    ],
)
def test_eight_captures_in_two_workers_give_what_they_must(
    console: Console, tmp_path: Path, strategy: str, size_bytes: int
) -> None:
    console.start()
    console.whole_cluster()
    expected = {}
    for seed in range(CAPTURES):
        capture, masked = tmp_path / "capture.pcap", tmp_path / f"{seed}.pcap"
        write_web(capture, masked, size_bytes + seed, seed=seed)
        uploaded = console.upload(f"{strategy}-{seed}.pcap", capture.read_bytes(), strategy)
        expected[uploaded] = masked
    for uploaded, masked in expected.items():
        ended = ("done", "failed", "refused")
        wait_until(lambda: console.job_of(uploaded)[0] in ended, 300, "a job")  # noqa: B023 - used at once
        assert console.job_of(uploaded)[0] == "done"
        assert console.result_of(uploaded) == masked.read_bytes()
    ran = console.rows("SELECT strategy, worker FROM trimming_trimrun WHERE input_bytes > 200000")
    assert {name for name, _ in ran[-CAPTURES:]} == {strategy}
    assert len({worker for _, worker in ran[-CAPTURES:]}) == 2
