"""Every figure of the overview is what the raw runs say."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from monitoring import lease
from monitoring.metrics.sampler import take_sample
from monitoring.overview import last_hour, tiles_of
from tests.factories import make_job, make_user
from trimming.choices import RunOutcome
from trimming.models import TrimRun

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OUTCOMES = (
    RunOutcome.DONE,
    RunOutcome.DONE,
    RunOutcome.DONE,
    RunOutcome.FAILED,
    RunOutcome.REFUSED,
)
STRATEGIES = {"control": "legacy", "treatment": "scanning"}


def make_runs(draw: random.Random, count: int) -> list[TrimRun]:
    owner = make_user()
    job = make_job(owner)
    made = []
    for number in range(count):
        ended = NOON + timedelta(seconds=draw.uniform(1, 595))
        made.append(
            TrimRun(
                job=job,
                attempt=number + 1,
                strategy=draw.choice(list(STRATEGIES.values())),
                worker="w",
                outcome=draw.choice(OUTCOMES),
                started_at=ended - timedelta(seconds=1),
                finished_at=ended,
                input_bytes=draw.randrange(10**6),
                duration_ms=draw.lognormvariate(3, 1),
                messages=draw.randrange(1, 30),
                masked_bytes=draw.randrange(10**5),
            )
        )
    return made


def exact_p95(values: list[float]) -> float:
    return sorted(values)[math.floor(0.95 * (len(values) - 1))]


@pytest.mark.parametrize("seed", [1, 2])
def test_figures_equal_those_of_the_raw_runs_though_ticks_are_missed_and_runs_come_late(
    seed: int,
) -> None:
    draw = random.Random(seed)
    runs = sorted(make_runs(draw, 150), key=lambda run: run.finished_at or NOON)
    assert lease.take_or_renew("me", timedelta(hours=1))
    waiting = list(runs)
    for tick in range(0, 605, 5):
        now = NOON + timedelta(seconds=tick)
        due = [run for run in waiting if run.finished_at is not None and run.finished_at <= now]
        # some are committed only after the sample of their time was taken
        kept = [run for run in due if draw.random() < 0.8 or tick >= 600]
        with transaction.atomic():
            TrimRun.objects.bulk_create(kept)
        waiting = [run for run in waiting if run not in kept]
        if draw.random() < 0.9 or tick >= 600:
            take_sample(now, 5, "me")
    tiles = tiles_of(last_hour(NOON + timedelta(seconds=600)))
    assert TrimRun.objects.count() == 150
    seconds = 605.0  # from the tick before the first sample to the last one
    for number, strategy in enumerate(STRATEGIES.values()):
        rows = TrimRun.objects.filter(strategy=strategy)
        done = list(rows.filter(outcome=RunOutcome.DONE))
        failed = rows.filter(outcome=RunOutcome.FAILED).count()
        rate = tiles.arms_throughput[number].value
        assert rate == pytest.approx(sum(run.input_bytes for run in done) / seconds, rel=0.01)
        errors = tiles.errors[number]
        assert (errors.n, errors.failed) == (len(done) + failed, failed)
        assert errors.value == pytest.approx(100 * failed / (len(done) + failed))
        times = [(run.duration_ms or 0) / max(1, run.messages or 0) for run in done]
        assert tiles.latency[number].value == pytest.approx(exact_p95(times), rel=0.0101)
