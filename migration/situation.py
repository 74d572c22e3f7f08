"""Loading all that a decision looks at.  Nothing is decided here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

from migration.choices import ApprovalState, PhaseName, PhaseState, RolloutState
from migration.conf import RolloutLimits
from migration.decision import Request, Situation, step_name
from migration.gates.conditions import CAUSED
from migration.gates.evidence import (
    Cleanup,
    Evidence,
    Health,
    baseline_from_json,
    tally_from_json,
)
from migration.gates.tally import ArmCount
from migration.models import (
    Attempt,
    Phase,
    RollbackDrill,
    Rollout,
    ServedCapture,
    Step,
    StepPolicy,
)
from monitoring.choices import Verdict
from monitoring.conf import health_settings, targets
from monitoring.metrics.histograms import from_json, merge
from monitoring.models import HealthReport, MetricSample
from trimming.choices import OPEN_STATES, Blame, RunOutcome
from trimming.models import RoutingPolicy, TrimRun
from trimming.routing import CONTROL
from trimming.routing_choices import Origin

# the newest runs that the overall rate of failures is of, and how old they may be
RECENT_TIMES: Final = 2
RECENT: Final = timedelta(hours=1)
BUSY_OVER: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What samples and health reports say; it changes with each sample, and is kept until then."""

    newest_sample_at: datetime | None
    health: HealthReport | None
    low_in_a_row: int
    critical_seconds: dict[str, float]


def load(rollout: Rollout, now: datetime) -> Situation:
    """Return the situation of an active rollout; its attempt was counted before."""
    attempt, limits = rollout.attempt, rollout.limits()
    return situation_of(rollout, attempt, limits, surroundings(attempt, limits, now), now)


def situation_of(
    rollout: Rollout,
    attempt: Attempt,
    limits: RolloutLimits,
    around: Surroundings,
    now: datetime,
) -> Situation:
    """Return the situation of a rollout whose attempt, limits and surroundings are known."""
    phase = attempt.phase
    step = phase.step
    return Situation(
        state=RolloutState(rollout.state),
        limits=limits,
        evidence=evidence_of(attempt, phase, step, limits, around, now),
        request=_request(step),
    )


def evidence_of(
    attempt: Attempt,
    phase: Phase,
    step: Step,
    limits: RolloutLimits,
    around: Surroundings,
    now: datetime,
) -> Evidence:
    """Return what is known at ``now``."""
    overtaken, was_rolled_back = _overtaken(step)
    matched, mismatched = _imported(attempt)
    name = PhaseName(phase.name)
    return Evidence(
        now=now,
        phase=name,
        step=step_name(name, step.number),
        share=step.share,
        step_seconds=step_seconds(step, now),
        tally=tally_from_json(attempt.tally),
        baseline=baseline_from_json(attempt.baseline),
        overtaken=overtaken,
        was_rolled_back=was_rolled_back,
        new_build=attempt.new_build,
        sample_age_seconds=(
            None
            if around.newest_sample_at is None
            else max(0.0, (now - around.newest_sample_at).total_seconds())
        ),
        recent=_recent(attempt, limits, now),
        undecided=_undecided(attempt),
        health=_health(around, now),
        critical_seconds=around.critical_seconds,
        imported_matched=matched,
        imported_mismatched=mismatched,
        cleanup=_cleanup(attempt, phase, now) if name is PhaseName.CLEANUP else Cleanup(),
    )


def step_seconds(step: Step, now: datetime) -> float:
    """Return the time that a step has had, without pauses."""
    # a step that ended while it was paused has not gone on
    end = step.paused_at or step.ended_at or now
    return max(0.0, (end - step.began_at).total_seconds() - step.paused_seconds)


def _request(step: Step) -> Request | None:
    newest = step.approvals.order_by("-requested_at", "-pk").first()
    if newest is None:
        return None
    return Request(ApprovalState(newest.state), newest.expires_at)


def _overtaken(step: Step) -> tuple[str, bool]:
    """Return why the policy in force is not that of the step, and whether it was a rollback."""
    newer = list(RoutingPolicy.objects.filter(version__gt=step.policy_version).order_by("version"))
    rollback = next((each for each in newer if each.origin == Origin.ROLLBACK), None)
    if rollback is not None:
        words = {"name": rollback.actor_name, "reason": rollback.reason}
        return _("%(name)s rolled back: %(reason)s") % words, True
    if not newer:
        return "", False
    newest = newer[-1]
    words = {"version": newest.version, "name": newest.actor_name}
    said = _(
        "Policy %(version)d by %(name)s is in force and not that of the rollout: pause and resume "
        "the rollout to put its own back, or abort it."
    )
    return said % words, False


def _imported(attempt: Attempt) -> tuple[int, int]:
    found = attempt.imported.aggregate(matched=Sum("matched"), mismatched=Sum("mismatched"))
    return found["matched"] or 0, found["mismatched"] or 0


def _recent(attempt: Attempt, limits: RolloutLimits, now: datetime) -> ArmCount:
    """Return the newest captures of both arms; one that is tried again and again counts once."""
    failed = list(
        ServedCapture.objects.filter(attempt=attempt, run__finished_at__gte=now - RECENT)
        .exclude(run__blame__in=(Blame.UNDECIDED, Blame.CAPTURE))
        .order_by("-run__finished_at")
        .values_list("failed", flat=True)[: RECENT_TIMES * limits.error_rate_runs]
    )
    return ArmCount(len(failed), sum(failed))


def _undecided(attempt: Attempt) -> int:
    """Count refused outputs that legacy still has to tell of; a job that was stopped never does."""
    return ServedCapture.objects.filter(
        attempt=attempt, is_undecided=True, run__job__state__in=OPEN_STATES
    ).count()


def _health(around: Surroundings, now: datetime) -> Health | None:
    report = around.health
    if report is None:
        return None
    return Health(
        report.score,
        max(0.0, (now - report.at).total_seconds()),
        failing(report),
        around.low_in_a_row,
    )


def failing(report: HealthReport) -> tuple[str, ...]:
    """Return the dimensions of a report that fail."""
    return tuple(each["dimension"] for each in report.dimensions if each["verdict"] == Verdict.FAIL)


def _cleanup(attempt: Attempt, phase: Phase, now: datetime) -> Cleanup:
    assert phase.started_at is not None  # it is in this phase
    drills = list(
        StepPolicy.objects.filter(is_drill=True, step__phase=phase).values_list(
            "policy_version", flat=True
        )
    )
    # what a drill sent to legacy was no use of it, nor was what legacy made nothing of
    used = TrimRun.objects.filter(
        strategy=CONTROL,
        started_at__gte=phase.started_at,
        outcome__in=(RunOutcome.RUNNING, RunOutcome.DONE),
    ).exclude(policy_version__in=drills)
    newest = used.order_by("-started_at").values_list("started_at", flat=True).first()
    drill = RollbackDrill.objects.filter(attempt=attempt, passed=True).first()
    return Cleanup(
        legacy_unused_seconds=(now - (newest or phase.started_at)).total_seconds(),
        drill_age_seconds=None if drill is None else (now - drill.at).total_seconds(),
        is_archived=hasattr(attempt, "archive"),
    )


# --- samples and health ---------------------------------------------------------------------------


def surroundings(attempt: Attempt, limits: RolloutLimits, now: datetime) -> Surroundings:
    """Read samples and reports."""
    hold = timedelta(seconds=2 * limits.critical_hold_seconds)
    since = max(attempt.started_at, now - max(hold, BUSY_OVER))
    samples = list(MetricSample.objects.filter(at__gt=since).order_by("-at"))
    newest = samples[0].at if samples else _newest_sample()
    reports = _reports(attempt)
    scored = reports.filter(score__isnull=False)[: limits.health_low_reports]
    return Surroundings(
        newest_sample_at=newest,
        health=reports.first(),
        low_in_a_row=_low_in_a_row(scored, limits),
        critical_seconds=dict(_critical(samples)),
    )


def _newest_sample() -> datetime | None:
    return MetricSample.objects.order_by("-at").values_list("at", flat=True).first()


def _reports(attempt: Attempt) -> QuerySet[HealthReport]:
    """Return the reports since treatment serves, newest first; others say nothing of it."""
    treated = attempt.phases.filter(number=2).exclude(state=PhaseState.PENDING).first()
    since = attempt.started_at if treated is None else treated.started_at
    return HealthReport.objects.filter(at__gte=since).order_by("-at", "-pk")


def _low_in_a_row(scored: Iterable[HealthReport], limits: RolloutLimits) -> int:
    count = 0
    for report in scored:
        if (report.score or 0.0) >= limits.health_low or not CAUSED & set(failing(report)):
            break
        count += 1
    return count


def _critical(samples: Sequence[MetricSample]) -> Iterator[tuple[str, float]]:
    """Give for how long memory and latency are above their critical threshold, without a break.

    Samples come newest first.  A time goes to the last sample that tells of it: where nothing is
    measured nothing grows.  Of latency it begins after the machine was busy: then all is slow.
    """
    limits = health_settings()
    memory = [
        (each.at, each.values["worker_rss_bytes"])
        for each in samples
        if "worker_rss_bytes" in each.values
    ]
    if since := _since(memory, limits.worker_rss_bytes_fail):
        yield "memory", (memory[0][0] - since).total_seconds()
    limit, calm = 2 * targets().message_p95_ms, list(_calm(samples))
    latency = [(each.at, p95) for each in calm if (p95 := _p95(each, "treatment")) is not None]
    since = _since(latency, limit)
    if since is None:
        return
    within = [each for each in calm if each.at >= since]
    if _values(within, "treatment") < limits.least_runs:
        return
    control = _merged_p95(within, "control")
    # what is slow for both is not treatment's
    if control is None or control <= limit:
        yield "latency", (latency[0][0] - since).total_seconds()


def _calm(samples: Sequence[MetricSample]) -> Iterator[MetricSample]:
    """Give the samples since the machine was busy the last time; newest first."""
    for each in samples:
        if _is_busy(samples, each.at):
            break
        yield each


def _since(values: Sequence[tuple[datetime, float]], limit: float) -> datetime | None:
    """Return the oldest of the newest values that are all from ``limit`` on; newest first."""
    since = None
    for at, value in values:
        if value < limit:
            break
        since = at
    return since


def _p95(sample: MetricSample, arm: str) -> float | None:
    return from_json(sample.histograms.get(f"message_ms:{arm}", {})).quantile(0.95)


def _merged_p95(samples: Sequence[MetricSample], arm: str) -> float | None:
    found = (from_json(each.histograms.get(f"message_ms:{arm}", {})) for each in samples)
    return merge(found).quantile(0.95)


def _values(samples: Sequence[MetricSample], arm: str) -> int:
    return sum(sum(each.histograms.get(f"message_ms:{arm}", {}).values()) for each in samples)


def _is_busy(samples: Sequence[MetricSample], at: datetime) -> bool:
    known: list[Any] = [
        each.values["cpu_percent"]
        for each in samples
        if at - BUSY_OVER < each.at <= at and "cpu_percent" in each.values
    ]
    return bool(known) and math.fsum(known) / len(known) >= health_settings().cpu_percent_fail
