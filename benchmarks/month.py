"""Thirty days of samples, and how fast trends are over them.

Usage: python -m benchmarks.month [--days 30] [--json FILE]

Makes a database of its own (SQLite, in a temporary folder) with one sample every 5 s and their
rollups, and measures each query of the page Trends, the page itself, and /metrics.  Values are
drawn from a seed.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

SEED = 7
INTERVAL_SECONDS = 5
END = datetime(2026, 1, 31, tzinfo=UTC)
AT_ONCE = 2_000
ROUNDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the month, measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.month", description=__doc__)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PKTMASK_DATA_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pktmask_site.settings")
        result = _measure(options.days, Path(folder))
    print(as_table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1))
    return 0


def _measure(days: float, folder: Path) -> dict[str, Any]:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    empty = _bytes_of_database(folder)
    from monitoring.models import MetricRollup, MetricSample

    begun = time.perf_counter()
    rows = make_samples(days)
    made = time.perf_counter() - begun
    rollups, rolled = make_rollups()
    return {
        "days": days,
        "seed": SEED,
        "samples": MetricSample.objects.count(),
        "rollups": MetricRollup.objects.count(),
        "make_seconds": round(made, 1),
        "rows": rows,
        "roll_up_seconds": round(rolled, 1),
        "rolled_up": rollups,
        "database_bytes": _bytes_of_database(folder) - empty,
        "queries_ms": measure_queries(),
        "pages_ms": measure_pages(),
        "metrics_ms": measure_metrics(),
    }


def make_samples(days: float) -> int:
    """Insert the samples of so many days before END; return how many there are."""
    from monitoring.models import MetricSample

    count = round(days * 86_400 / INTERVAL_SECONDS)
    batch: list[MetricSample] = []
    for sample in samples(count):
        batch.append(sample)
        if len(batch) == AT_ONCE:
            MetricSample.objects.bulk_create(batch)
            batch = []
    MetricSample.objects.bulk_create(batch)
    return count


def samples(count: int) -> Iterator[Any]:
    """Make samples like those of a service that trims about two captures a second."""
    import numpy as np

    from monitoring.metrics.histograms import of_values
    from monitoring.metrics.registry import Kind, registry
    from monitoring.models import MetricSample

    draw = np.random.default_rng(SEED)
    counters = [
        key
        for metric in registry.metrics.values()
        if metric.kind is Kind.COUNTER
        for key in metric.sample_keys()
    ]
    gauges = [
        key
        for metric in registry.metrics.values()
        if metric.kind is Kind.GAUGE
        for key in metric.sample_keys()
    ]
    shapes = [
        key
        for metric in registry.metrics.values()
        if metric.kind is Kind.HISTOGRAM
        for key in metric.sample_keys()
    ]
    start = END - timedelta(seconds=count * INTERVAL_SECONDS)
    for number in range(count):
        values = dict(zip(counters, draw.poisson(5, len(counters)).tolist(), strict=True))
        values |= dict(zip(gauges, draw.uniform(0, 80, len(gauges)).round(2).tolist(), strict=True))
        yield MetricSample(
            at=start + timedelta(seconds=(number + 1) * INTERVAL_SECONDS),
            covers_seconds=INTERVAL_SECONDS,
            late_ms=0.3,
            values=values,
            histograms={
                key: of_values(draw.lognormal(1, 1, 5).tolist()).as_json() for key in shapes
            },
        )


def make_rollups() -> tuple[int, float]:
    """Roll up everything; return how many rollups were written, and the seconds it took."""
    from monitoring.metrics.rollups import LEVELS, roll_up

    begun, written = time.perf_counter(), 0
    while True:
        now = roll_up(END + timedelta(seconds=1))
        written += now
        if now <= len(LEVELS):  # the newest of each level is always made anew
            return written, time.perf_counter() - begun


def measure_queries() -> dict[str, float]:
    """Return the median of ROUNDS, in ms, of each metric over each period; the slowest of each."""
    from monitoring.metrics.registry import registry
    from monitoring.metrics.series import PERIODS, series

    slowest: dict[str, float] = {}
    for period in PERIODS.values():
        start = END - timedelta(seconds=period.seconds)
        for metric in registry.metrics.values():
            times = []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                series(metric.sample_keys(), start, END, period.step_seconds)
                times.append((time.perf_counter() - begun) * 1000)
            slowest[period.name] = max(slowest.get(period.name, 0.0), round(median(times), 1))
    return slowest


def measure_pages() -> dict[str, float]:
    """Return the median of ROUNDS, in ms, that the page takes for each period, as at END."""
    from unittest.mock import patch

    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.create_superuser("bench"))
    result: dict[str, float] = {}
    with patch("django.utils.timezone.now", return_value=END):
        for period in ("24h", "7d", "30d"):
            times = []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                answer = client.get(f"/trends/?period={period}")
                times.append((time.perf_counter() - begun) * 1000)
                assert answer.status_code == 200, answer.status_code
            result[period] = round(median(times), 1)
    return result


def measure_metrics() -> dict[str, float]:
    """Return what a web process takes for /metrics, in ms: at first, and the median of ROUNDS."""
    from unittest.mock import patch

    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    times = []
    with patch("django.utils.timezone.now", return_value=END):
        for _ in range(1 + ROUNDS):
            begun = time.perf_counter()
            answer = client.get("/metrics")
            times.append((time.perf_counter() - begun) * 1000)
            assert answer.status_code == 200, answer.status_code
    return {"first": round(times[0], 1), "later": round(median(times[1:]), 1)}


def _bytes_of_database(folder: Path) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return sum(path.stat().st_size for path in folder.glob("*.sqlite3*"))


def as_table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    rows = {
        "samples": f"{result['samples']:,}",
        "rollups": f"{result['rollups']:,}",
        "size of the database": f"{result['database_bytes'] / 1e6:,.0f} MB",
        "rolling all of it up": f"{result['roll_up_seconds']} s",
        **{
            f"slowest query, {period}": f"{each} ms"
            for period, each in result["queries_ms"].items()
        },
        **{
            f"the page with its comparison, {period}": f"{each} ms"
            for period, each in result["pages_ms"].items()
        },
        "/metrics, the first time in a process": f"{result['metrics_ms']['first']} ms",
        "/metrics, later": f"{result['metrics_ms']['later']} ms",
    }
    return "\n".join(
        [
            "| what | figure |",
            "| --- | --- |",
            *(f"| {key} | {each} |" for key, each in rows.items()),
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
