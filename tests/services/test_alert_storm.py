"""Ten thousand alerts in a minute while the service runs: samples and pages go on."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.services.alerts.apps import write
from tests.services.console import Console, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.long]

COUNT: Final = 10_000
STORM_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 20.0
# what a page may take while other work takes most of the machine
PAGE_SECONDS: Final = 3.0
# a sample that is later than its interval makes the next one miss its tick
LATE_MS: Final = 5_000.0
PAGES: Final = ("/", "/alerts/", "/alerts/data/", "/health/")
SAMPLES: Final = """SELECT late_ms, missed FROM monitoring_metricsample
    WHERE unixepoch(at) > ? ORDER BY at"""
FIRING: Final = "SELECT count(*) FROM monitoring_alert WHERE state = 'firing' AND rule = 'written'"
LOG: Final = """SELECT count(*), sum(severity = 'critical'), sum(state = 'sent')
    FROM monitoring_notification WHERE channel = 'log'"""
TELLINGS: Final = """SELECT state, why, count(*) FROM monitoring_alerttelling
    GROUP BY state, why"""


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    console = Console(
        tmp_path,
        {"DJANGO_SETTINGS_MODULE": "tests.services.alerts.settings", "PKTMASK_WORKERS": "2"},
    )
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


def visit(console: Console, seconds: float) -> dict[str, list[float]]:
    """Ask for each page again and again; return how long each answer took, in seconds."""
    took: dict[str, list[float]] = {page: [] for page in PAGES}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for page in PAGES:
            began = time.perf_counter()
            console.request(page)
            took[page].append(time.perf_counter() - began)
        time.sleep(0.5)
    return took


def summary(took: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        page: {
            "asked": len(found),
            "median_ms": round(1000 * statistics.median(found)),
            "longest_ms": round(1000 * max(found)),
        }
        for page, found in took.items()
    }


def samples(console: Console, since: float) -> dict[str, Any]:
    """Return how late samples were, and how many were missed."""
    found = console.rows(SAMPLES, since)
    late = [row[0] for row in found]
    return {
        "samples": len(found),
        "missed": sum(row[1] for row in found),
        "late_median_ms": round(statistics.median(late), 1),
        "late_longest_ms": round(max(late), 1),
    }


def test_a_storm_delays_neither_samples_nor_pages(console: Console) -> None:
    console.sign_in()
    sampled = "SELECT count(*) FROM monitoring_metricsample"
    wait_until(lambda: console.rows(sampled)[0][0] > 2, 60, "samples")
    quiet_began = time.time()
    quiet: dict[str, Any] = {
        "pages": summary(visit(console, QUIET_SECONDS)),
        **samples(console, quiet_began),
    }
    began = time.time()
    write(console.data_dir, count=COUNT, began=began, seconds=STORM_SECONDS)
    took = visit(console, STORM_SECONDS)
    wait_until(lambda: console.rows(FIRING) == [(COUNT,)], 120, "every alert to fire")
    fired = time.time() - began
    in_storm = samples(console, began)
    # the same minute again with all of them firing
    standing_began = time.time()
    standing: dict[str, Any] = {"pages": summary(visit(console, STORM_SECONDS))}
    standing |= samples(console, standing_began)
    storm: dict[str, Any] = {"pages": summary(took), **in_storm, "all_fired_s": round(fired, 1)}
    messages, critical, sent = console.rows(LOG)[0]
    told = [list(row) for row in console.rows(TELLINGS)]
    figures = {
        "quiet": quiet,
        "storm": storm,
        "standing": standing,
        "log": {"messages": messages, "critical": critical, "sent": sent},
        "tellings": told,
    }
    sys.stdout.write(f"{json.dumps(figures)}\n")
    for found in (storm, standing):
        assert found["missed"] == 0
        assert found["late_longest_ms"] < LATE_MS
        for page in found["pages"].values():
            assert page["longest_ms"] < 1000 * PAGE_SECONDS
    assert messages - critical <= 30
    assert all(state == "queued" or why for state, why, _count in told)
    assert sum(count for _state, _why, count in told) >= COUNT
