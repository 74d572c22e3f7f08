"""Samples, rollups and reports for tests, and what they are made of."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from monitoring.choices import Dimension, Verdict
from monitoring.metrics.histograms import of_values
from monitoring.metrics.rollups import roll_up
from monitoring.models import HealthReport, MetricRollup, MetricSample


def values_at(number: int) -> dict[str, float]:
    """Return what one sample holds; it waves, so that charts have something to show."""
    wave = math.sin(number / 40)
    return {
        "runs_succeeded:control": 3,
        "runs_failed:control": int(number % 50 == 0),
        "runs_succeeded:treatment": 2,
        "runs_failed:treatment": int(number % 90 == 0),
        "input_bytes:control": 33_000_000 + 4_000_000 * wave,
        "input_bytes:treatment": 13_000_000 - 2_000_000 * wave,
        "messages:control": 300,
        "messages:treatment": 200,
        "jobs_waiting": 8 + round(4 * wave),
        "oldest_waiting_seconds": 60 + 30 * wave,
        "cpu_percent": 55 + 10 * wave,
        "memory_percent": 61.0,
        "disk_percent": 70 + number / 2000,
        "monitor_open_files": 40,
    }


def histograms_at(number: int) -> dict[str, dict[str, int]]:
    """Return the histograms of one sample."""
    shift = 1 + 0.2 * math.sin(number / 25)
    return {
        "message_ms:control": of_values([1.7 * shift, 3.0, 6.4 * shift]).as_json(),
        "message_ms:treatment": of_values([0.06 * shift, 0.1, 0.28 * shift]).as_json(),
        "run_ms:control": of_values([400.0]).as_json(),
    }


def make_samples(end: datetime, count: int, every_seconds: int = 5, **values: Any) -> None:
    """Make ``count`` samples that end at ``end``; ``values`` stand in all of them."""
    MetricSample.objects.bulk_create(
        MetricSample(
            at=end - timedelta(seconds=every_seconds * (count - 1 - number)),
            covers_seconds=every_seconds,
            late_ms=1.0,
            values={**values_at(number), **values},
            histograms=histograms_at(number),
        )
        for number in range(count)
    )


def make_rollups(end: datetime, count: int, seconds: int) -> None:
    """Make ``count`` rollups of so many seconds up to ``end``, each of all its samples."""
    samples = seconds // 5
    MetricRollup.objects.bulk_create(
        MetricRollup(
            resolution_seconds=seconds,
            at=end - timedelta(seconds=seconds * (count - number)),
            samples=samples,
            covers_seconds=seconds,
            values={
                key: [samples, value * samples, value, value]
                for key, value in values_at(number).items()
            },
            histograms=histograms_at(number),
        )
        for number in range(count)
    )


def roll_up_all(now: datetime) -> None:
    """Bring all rollups up to date, also those of a long time."""
    for _ in range(3):
        roll_up(now)


def finding(dimension: Dimension, verdict: Verdict, score: float | None) -> dict[str, Any]:
    """Return a dimension as a report keeps it."""
    evidence = {"value": 74.0, "limit": 70.0, "unit": "%", "n": 180, "age_seconds": 4.0}
    return {
        "dimension": dimension.value,
        "verdict": verdict.value,
        "score": score,
        "weight": 0.2,
        "sentence": f"{dimension.label} was looked at; it is {verdict.label}.",
        "evidence": [{"name": "CPU of the machine", **evidence}],
    }


def make_report(at: datetime, verdict: Verdict = Verdict.OK, score: float = 0.97) -> HealthReport:
    """Make one report with all five dimensions."""
    return HealthReport.objects.create(
        at=at,
        verdict=verdict.value,
        score=score,
        mean=score,
        sentence="CPU is at 74 %, the warning is at 70 %.",
        dimensions=[
            finding(each, verdict if each is Dimension.RESOURCES else Verdict.OK, score)
            for each in Dimension
        ],
    )
