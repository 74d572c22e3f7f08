"""A made month of work, measures, checks, alerts and changes, drawn from a seed."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime, timedelta
from typing import Any

from config.choices import VersionKind
from config.models import ConfigVersion
from monitoring.alerts.models import Alert
from monitoring.choices import Dimension, Verdict
from monitoring.models import HealthReport, MetricRollup
from tests.factories import make_user, standard
from tests.monitoring.measured import finding, histograms_at
from trimming.choices import CaptureOrigin, RunOutcome
from trimming.models import Capture, RoutingPolicy, Shadow, TrimJob, TrimRun
from trimming.routing_choices import LeakState, Mode, Origin, ShadowOutcome, ShadowState

OUTCOMES = (
    *(RunOutcome.DONE,) * 16,
    *(RunOutcome.FAILED, RunOutcome.UNVERIFIED, RunOutcome.REFUSED, RunOutcome.BROKEN),
)
HOUR = timedelta(hours=1)
CAPTURES = 120
EPISODE_CHECKS = 12


def make_work(begin: datetime, end: datetime, runs: int = 600, seed: int = 4) -> None:
    """Make runs that end from ``begin`` to ``end``, of captures that come again and again."""
    draw = random.Random(seed)
    owner, profile = make_user(), standard()
    captures = [
        Capture(
            owner=owner,
            name=f"edge-fra{number}-0255.pcap",
            origin=CaptureOrigin.UPLOAD,
            size_bytes=1000,
            sha256=hashlib.sha256(f"{seed} {number}".encode()).hexdigest(),
            file_format="pcap",
            uploaded_at=begin,
        )
        for number in range(CAPTURES)
    ]
    Capture.objects.bulk_create(captures)
    seconds = (end - begin).total_seconds()
    jobs: list[TrimJob] = []
    made: list[TrimRun] = []
    for _ in range(runs):
        ended = begin + timedelta(seconds=draw.uniform(0, seconds - 1))
        strategy = draw.choice(("legacy", "legacy", "scanning"))
        job = TrimJob(
            capture=draw.choice(captures),
            profile=profile,
            requested_by=owner,
            created_at=ended - timedelta(seconds=9),
            queued_at=ended - timedelta(seconds=9),
            failed_on="scanning" if strategy == "legacy" and draw.random() < 0.05 else "",
        )
        jobs.append(job)
        made.append(
            TrimRun(
                job=job,
                attempt=1,
                strategy=strategy,
                worker="w",
                outcome=draw.choice(OUTCOMES),
                started_at=ended - timedelta(seconds=1),
                finished_at=ended,
                input_bytes=draw.randrange(10**3, 10**8),
                duration_ms=draw.lognormvariate(7 if strategy == "legacy" else 3, 1),
                messages=draw.randrange(0, 300),
                masked_bytes=draw.randrange(10**6),
            )
        )
    TrimJob.objects.bulk_create(jobs)
    TrimRun.objects.bulk_create(made)
    _make_shadows(draw, jobs[::3], made[::3])


def _make_shadows(draw: random.Random, jobs: list[TrimJob], runs: list[TrimRun]) -> None:
    Shadow.objects.bulk_create(
        Shadow(
            job=job,
            digest=job.capture.sha256,
            policy_version=1,
            fence_epoch=1,
            state=ShadowState.DONE,
            outcome=draw.choice(
                (*(ShadowOutcome.MATCHED,) * 8, ShadowOutcome.MISMATCHED, ShadowOutcome.IGNORED)
            ),
            leak=LeakState.CONFIRMED if draw.random() < 0.03 else LeakState.NONE,
            queued_at=run.started_at,
            finished_at=run.finished_at,
            control_ms=draw.lognormvariate(5, 0.3),
            treatment_ms=draw.lognormvariate(3, 0.3),
        )
        for job, run in zip(jobs, runs, strict=True)
    )


def make_measures(
    begin: datetime, end: datetime, gap: tuple[datetime, datetime] | None = None
) -> None:
    """Make a rollup of each hour and each day, but of those in ``gap``; the disk fills up."""
    made = []
    for seconds in (3600, 86_400):
        at = datetime.fromtimestamp(begin.timestamp() // seconds * seconds, begin.tzinfo)
        number = 0
        while at < end:
            if gap is None or not gap[0] <= at < gap[1]:
                made.append(_rollup(at, seconds, number))
            at += timedelta(seconds=seconds)
            number += 1
    MetricRollup.objects.bulk_create(made)


def _rollup(at: datetime, seconds: int, number: int) -> MetricRollup:
    days = number * seconds / 86_400
    samples = seconds // 5
    values = {
        "cpu_percent": 40 + 15 * (number % 24) / 24,
        "memory_percent": 61.0,
        "disk_percent": 50 + 0.5 * days,
        "oldest_waiting_seconds": 30.0 + number % 5,
    }
    return MetricRollup(
        resolution_seconds=seconds,
        at=at,
        samples=samples,
        covers_seconds=seconds,
        values={key: [samples, each * samples, each, each] for key, each in values.items()},
        histograms=histograms_at(number),
    )


def make_checks(begin: datetime, end: datetime, every: timedelta, bad_from: datetime) -> None:
    """Make health checks; EPISODE_CHECKS from ``bad_from`` on fail because of the resources."""
    bad_until = bad_from + EPISODE_CHECKS * every
    made = []
    at = begin
    while at < end:
        is_bad = bad_from <= at < bad_until
        verdict = Verdict.FAIL if is_bad else Verdict.OK
        score = 0.2 if is_bad else 0.97
        made.append(
            HealthReport(
                at=at,
                verdict=verdict,
                score=score,
                mean=score,
                sentence="CPU is at 95 %, the limit is 90 %." if is_bad else "All is well.",
                dimensions=[
                    finding(each, verdict if each is Dimension.RESOURCES else Verdict.OK, score)
                    for each in (Dimension if is_bad else ())
                ],
            )
        )
        at += every
    HealthReport.objects.bulk_create(made)


def make_alerts(begin: datetime, end: datetime, count: int = 20, seed: int = 5) -> None:
    """Make alerts that fired at any time, most of them acknowledged and over."""
    draw = random.Random(seed)
    for number in range(count):
        fired = begin + timedelta(seconds=draw.uniform(0, (end - begin).total_seconds() - 1))
        answered = fired + timedelta(minutes=draw.uniform(1, 30))
        Alert.objects.create(
            key=f"{begin:%Y%m%d}-{number}",
            fingerprint=f"{number:016x}",
            rule=draw.choice(("disk", "queue_age")),
            severity=draw.choice(("low", "high", "critical")),
            state="resolved",
            title="The disk is filling up",
            sentence="81 % of the disk are in use; the limit is 80 %.",
            since=fired,
            seen_at=answered,
            fired_at=fired,
            acknowledged_at=answered if number % 4 else None,
            resolved_at=answered + timedelta(hours=1),
        )


def make_changes(at: datetime) -> None:
    """Make a version of the configuration and two policies, the second one a rollback."""
    newest = ConfigVersion.objects.order_by("-number").first()
    ConfigVersion.objects.create(
        number=1 if newest is None else newest.number + 1,
        at=at,
        kind=VersionKind.CONSOLE,
        author_name="operator-2",
        reason="more patience for the queue",
        changes=[{"setting": "health.queue_age_seconds_warn", "before": 120, "after": 180}],
    )
    before: Any = RoutingPolicy.objects.order_by("-version").first()
    number = 0 if before is None else before.version
    for step, (mode, origin) in enumerate(
        ((Mode.AB_TEST, Origin.OPERATOR), (Mode.LEGACY, Origin.ROLLBACK)), 1
    ):
        RoutingPolicy.objects.create(
            version=number + step,
            fence_epoch=number + step,
            mode=mode,
            treatment_share=0.2 if mode == Mode.AB_TEST else 0.0,
            salt="s",
            origin=origin,
            actor_name="operator-2",
            reason="a trial",
            at=at + step * HOUR,
        )


def make_month(begin: datetime, end: datetime, runs: int = 600) -> None:
    """Make all of it; for six hours of the tenth day nothing is measured."""
    gap = begin + timedelta(days=9)
    make_work(begin, end, runs)
    make_measures(begin, end, (gap, gap + 6 * HOUR))
    make_checks(begin, end, timedelta(minutes=30), begin + timedelta(days=4))
    make_alerts(begin, end)
    make_changes(begin + timedelta(days=3))
