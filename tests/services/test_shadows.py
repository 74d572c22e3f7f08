"""Comparisons in the background beside the whole service as real processes."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from benchmarks.datasets import write_web
from tests.services.console import QUICK, ROOT, Console, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.long]

# one worker is reserved for serving
WORKERS = 2
CAPTURE_BYTES = 400_000
ROUNDS = 3
JOBS_A_ROUND = 20
# a little slower than one worker takes to serve one
PACE_SECONDS = 1.5
# slower than a worker that replaced another one takes to load a strategy and serve
COLD_PACE_SECONDS = 5.0
WORSE = 1.10
PUBLISH = """
import django
django.setup()
from trimming.policy import Wish, publish
from trimming.routing_choices import Mode, Origin
publish(Wish(Mode.COMPARISON, shadow_share={share}), origin=Origin.OPERATOR, reason="a test")
"""


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """Give a console with its own data, as it is installed."""
    console = Console(tmp_path / "console", {"PKTMASK_WORKERS": str(WORKERS)})
    console.folder.mkdir()
    try:
        yield console
    finally:
        console.kill_everything()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a capture of the web."""
    folder = tmp_path_factory.mktemp("web")
    write_web(folder / "web.pcap", folder / "expected.pcap", CAPTURE_BYTES, seed=5)
    return (folder / "web.pcap").read_bytes()


def publish(console: Console, share: float) -> None:
    subprocess.run(
        [sys.executable, "-c", PUBLISH.format(share=share)],
        env=console.environ,
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


def another(data: bytes, number: int) -> bytes:
    """Return the capture with another time in its first packet: the same bytes count as known."""
    return data[:24] + (1_700_000_000 + number).to_bytes(4, "little") + data[28:]


def is_done(console: Console, capture: uuid.UUID) -> bool:
    return console.job_of(capture)[0] == "done"


def serve(
    console: Console, web: bytes, numbers: range, pace_seconds: float = PACE_SECONDS
) -> list[uuid.UUID]:
    """Upload captures at an even pace and wait until all are served."""
    captures = []
    began = time.monotonic()
    for at, number in enumerate(numbers):
        time.sleep(max(0.0, began + at * pace_seconds - time.monotonic()))
        captures.append(console.upload("web.pcap", another(web, number)))
    for capture in captures:
        wait_until(partial(is_done, console, capture), 60, "a result")
    return captures


def latencies(console: Console, captures: list[uuid.UUID]) -> list[float]:
    """Return how long each job took from its upload to its result, in seconds."""
    query = "SELECT created_at, finished_at FROM trimming_trimjob WHERE capture_id = ?"
    pairs = (console.rows(query, capture.hex)[0] for capture in captures)
    return [
        (datetime.fromisoformat(ended) - datetime.fromisoformat(asked)).total_seconds()
        for asked, ended in pairs
    ]


def p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def states(console: Console) -> dict[tuple[str, str], int]:
    query = "SELECT state, outcome, count(*) FROM trimming_shadow GROUP BY state, outcome"
    return {(state, outcome): count for state, outcome, count in console.rows(query)}


def test_served_jobs_are_as_quick_with_all_captures_compared(console: Console, web: bytes) -> None:
    console.start()
    console.whole_cluster()
    serve(console, web, range(1_000, 1_004))  # the strategies are loaded
    found: dict[float, list[float]] = {0.0: [], 1.0: []}
    for round_ in range(2 * ROUNDS):
        share = float(round_ % 2)
        publish(console, share)
        first = round_ * JOBS_A_ROUND
        captures = serve(console, web, range(first, first + JOBS_A_ROUND))
        found[share] += latencies(console, captures)
        wait_until(lambda: ("waiting", "") not in states(console), 120, "the comparisons")
    without, with_shadows = p95(found[0.0]), p95(found[1.0])
    print(f"p95 {without:.3f} s without, {with_shadows:.3f} s with")  # noqa: T201 - a measurement
    assert states(console)["done", "matched"] >= ROUNDS * JOBS_A_ROUND - 1
    assert with_shadows <= WORSE * without


def test_a_comparison_that_hangs_keeps_no_job_waiting_and_its_worker_goes_on(
    tmp_path: Path, web: bytes
) -> None:
    hanging = {
        **QUICK,
        "DJANGO_SETTINGS_MODULE": "tests.services.shadows.settings",
        "PYTHONPATH": str(ROOT),
    }
    console = Console(tmp_path, hanging)
    try:
        console.start()
        workers = {each.pid for each in console.whole_cluster()["worker"]}
        publish(console, 1.0)
        quick = max(latencies(console, serve(console, web, range(2))))
        wait_until(lambda: ("broken", "ignored") in states(console), 120, "its end")
        served = latencies(console, serve(console, web, range(2, 8), COLD_PACE_SECONDS))
        # none of them waited for a worker that hung: that would have taken its lease
        assert max(served) < quick + float(QUICK["PKTMASK_TRIMMING__LEASE_SECONDS"])
        assert {each.pid for each in console.children()["worker"]} >= workers
        assert "workers_stuck" not in console.said()
    finally:
        console.kill_everything()
