"""The sampler: one MetricSample for each tick, every run and comparison in exactly one of them.

Ticks are multiples of the interval since 1970.  A sample covers the time from the sample before
it.  Its counters are of the runs that ended and that no sample has counted yet (CountedRun, written
in the transaction of the sample): a run that was committed late comes with the next one, and a
process that is killed at any point loses nothing and counts nothing twice.  Ticks that passed
without a sample are said, not filled in.
"""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from config.faults import type_and_place
from monitoring import lease
from monitoring.metrics.facts import RunFact, ShadowFact
from monitoring.metrics.histograms import Histogram
from monitoring.metrics.registry import Registry, Values, Window
from monitoring.metrics.registry import registry as the_registry
from monitoring.models import CountedRun, CountedShadow, MetricSample
from monitoring.signals import sample_taken
from trimming.choices import Blame, OutcomeKind, RunOutcome
from trimming.models import Shadow, TrimRun
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState

log = structlog.get_logger("pktmask.sampler")

# a run is looked for so long before the last sample: no transaction commits later than that
LATE_COMMITS: Final = timedelta(minutes=2)
# so many are counted at once; what is left comes with the next sample
MOST_RUNS: Final = 5_000


def tick_of(now: datetime, interval_seconds: float) -> datetime:
    """Return the tick at or before ``now``."""
    ticks = math.floor(now.timestamp() / interval_seconds)
    return datetime.fromtimestamp(ticks * interval_seconds, UTC)


def take_sample(
    now: datetime,
    interval_seconds: float,
    owner: str,
    registry: Registry = the_registry,
) -> MetricSample | None:
    """Measure and store the sample of the tick before ``now``.

    Returns None when that tick has a sample, or when ``owner`` does not hold the monitor's lease.
    """
    began = time.thread_time()
    tick = tick_of(now, interval_seconds)
    last = MetricSample.objects.values_list("at", flat=True).first()
    if last is not None and last >= tick:
        return None
    start = tick - timedelta(seconds=interval_seconds) if last is None else last
    missed = round((tick - start).total_seconds() / interval_seconds) - 1
    runs = uncounted_runs(start, now)
    shadows = uncounted_shadows(start, now)
    values = measure(Window(start, tick, runs, shadows), registry)
    sample = MetricSample(
        at=tick,
        covers_seconds=(tick - start).total_seconds(),
        late_ms=(now - tick).total_seconds() * 1000,
        missed=max(0, missed),
        values={
            **{key: each for key, each in values.items() if not isinstance(each, Histogram)},
            "sampler_cpu_ms": round((time.thread_time() - began) * 1000, 3),
        },
        histograms={
            key: each.as_json() for key, each in values.items() if isinstance(each, Histogram)
        },
    )
    try:
        with transaction.atomic(durable=True):
            if not lease.is_held_by(owner):
                return None
            sample.save(force_insert=True)
            CountedRun.objects.bulk_create(CountedRun(run_id=run.pk, at=tick) for run in runs)
            CountedShadow.objects.bulk_create(
                CountedShadow(shadow_id=shadow.pk, at=tick) for shadow in shadows
            )
    except IntegrityError:
        return None  # another process was there first
    sample_taken.send_robust(MetricSample, at=tick)
    return sample


def measure(window: Window, registry: Registry = the_registry) -> Values:
    """Ask all sources; one that fails leaves its metrics out, and is logged."""
    values: dict[str, float | Histogram] = {}
    for source in registry.sources:
        try:
            values |= source(window)
        except Exception as error:  # a plug-in may fail in any way; the others go on
            name = getattr(source, "__name__", "source")
            log.error("source_failed", source=name, **type_and_place(error))
    return values


def uncounted_runs(start: datetime, now: datetime) -> list[RunFact]:
    """Return the runs that ended and that no sample has counted.

    One of which it is not known yet whose fault its end was comes when that is known.
    """
    since = start - LATE_COMMITS
    rows = (
        TrimRun.objects.filter(Q(finished_at__gte=since) | Q(blamed_at__gte=since))
        .filter(counted=None, finished_at__lte=now)
        .exclude(outcome=RunOutcome.RUNNING)
        .exclude(blame=Blame.UNDECIDED)
        .select_related("job")
        .defer("report")
        .order_by("finished_at")[:MOST_RUNS]
    )
    return [fact_of(run) for run in rows]


def fact_of(run: TrimRun) -> RunFact:
    """Return the plain values of a run that ended."""
    assert run.finished_at is not None  # it is asked for above
    is_done = run.outcome == RunOutcome.DONE
    return RunFact(
        pk=run.pk,
        strategy=run.strategy,
        kind=OutcomeKind(run.kind),
        is_verification_failure=run.outcome == RunOutcome.UNVERIFIED
        and run.kind is OutcomeKind.STRATEGY_FAILURE,
        is_fallback=bool(run.job.failed_on) and run.strategy != run.job.failed_on,
        finished_at=run.finished_at,
        duration_ms=run.duration_ms if is_done else None,
        input_bytes=run.input_bytes if is_done else 0,
        messages=(run.messages or 0) if is_done else 0,
        masked_bytes=(run.masked_bytes or 0) if is_done else 0,
        waited_seconds=(
            (run.finished_at - run.job.created_at).total_seconds() if is_done else None
        ),
    )


def uncounted_shadows(start: datetime, now: datetime) -> list[ShadowFact]:
    """Return the comparisons that came to an answer and that no sample has counted."""
    rows = Shadow.objects.filter(
        state=ShadowState.DONE,
        finished_at__gte=start - LATE_COMMITS,
        finished_at__lte=now,
        counted=None,
    ).order_by("finished_at")[:MOST_RUNS]
    return [shadow_fact(shadow) for shadow in rows]


def shadow_fact(shadow: Shadow) -> ShadowFact:
    """Return the plain values of a comparison."""
    report = shadow.report or {}
    disagreeing = int(report.get("mismatched_bytes", 0))
    return ShadowFact(
        pk=str(shadow.pk),
        outcome=ShadowOutcome(shadow.outcome),
        leak=LeakState(shadow.leak),
        disagreeing_bytes=disagreeing,
        compared_bytes=disagreeing + int(report.get("matched_bytes", 0)),
    )
