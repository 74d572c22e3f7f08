"""The facts of one check: what samples, rollups and jobs say up to now.

Rates and quantiles are of the window just past (health.window_minutes), burn rates of their own
windows.  A gauge is the mean over the window, so that one moment does not decide; signs of life
and the queue are as the newest sample has them.  Each comes with the age of the newest sample that
held it: a source that fails must not leave its last value standing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from monitoring.conf import HealthSettings, Targets
from monitoring.health.arms import compare_arms, compare_times
from monitoring.health.baseline import baselines
from monitoring.health.burns import burns
from monitoring.health.inputs import ArmFacts, Facts, Limits
from monitoring.metrics.histograms import Histogram, from_json, merge
from monitoring.models import MetricSample
from trimming.models import RoutingPolicy

# what is judged as it is or was, not counted
GAUGES: Final = (
    "breakers_open",
    "cpu_percent",
    "memory_percent",
    "disk_percent",
    "worker_rss_bytes",
    "oldest_waiting_seconds",
    "workers_answer",
)
ARMS: Final = ("control", "treatment")


def limits_of(health: HealthSettings, targets: Targets) -> Limits:
    """Return the thresholds in force as rules take them."""
    return Limits(
        stale_seconds=health.stale_seconds,
        least_runs=health.least_runs,
        least_failures=health.least_failures,
        error_rate=(health.error_rate_warn, health.error_rate_fail),
        fallback_rate=(health.fallback_rate_warn, health.fallback_rate_fail),
        success_target=health.success_share,
        cpu_percent=(health.cpu_percent_warn, health.cpu_percent_fail),
        memory_percent=(health.memory_percent_warn, health.memory_percent_fail),
        disk_percent=(health.disk_percent_warn, health.disk_percent_fail),
        worker_rss_bytes=(
            health.worker_rss_bytes_warn,
            health.worker_rss_bytes_fail,
        ),
        queue_age_seconds=(health.queue_age_seconds_warn, health.queue_age_seconds_fail),
        message_p95_ms=targets.message_p95_ms,
        promised_seconds=targets.promised_seconds,
        accuracy=targets.accuracy_share,
    )


def load(now: datetime, window: timedelta) -> Facts:
    """Return the facts at ``now``; about ten queries, whatever the history."""
    # a monitor whose clock runs ahead must not make the newest sample invisible
    rows = list(MetricSample.objects.filter(at__gt=now - window).order_by("at"))
    newest = rows[-1] if rows else MetricSample.objects.first()
    if newest is None:
        return Facts()
    age = max(0.0, (now - newest.at).total_seconds())
    policy = RoutingPolicy.objects.order_by("-version").first()
    arms, times = compare_arms(policy), compare_times(policy)
    return Facts(
        age_seconds=age,
        window_seconds=window.total_seconds(),
        ages=_ages(now, rows or [newest]),
        control=_arm("legacy", "control", rows),
        treatment=_arm("scanning", "treatment", rows),
        fallbacks=_total(rows, "fallbacks"),
        breakers_open=_whole(newest.values.get("breakers_open")),
        assigned=arms.assigned,
        assigned_to_treatment=arms.assigned_to_treatment,
        assigned_share=arms.expected_share,
        changed_arm=arms.changed_arm,
        treatment_share=newest.values.get("treatment_share"),
        sample_ratio_e=arms.sample_ratio_e,
        harm_e=arms.harm_e,
        pairs=times.pairs,
        slower_e=times.slower_e,
        baseline_bytes_per_second=baselines.bytes_per_second(),
        bytes_per_second=_bytes_per_second(rows),
        cpu_percent=_mean(rows, "cpu_percent"),
        memory_percent=_mean(rows, "memory_percent"),
        disk_percent=_mean(rows, "disk_percent"),
        worker_rss_bytes=_mean(rows, "worker_rss_bytes"),
        oldest_waiting_seconds=newest.values.get("oldest_waiting_seconds"),
        workers_answer=_truth(newest.values.get("workers_answer")),
        shadows=_total(rows, "shadows_matched") + _total(rows, "shadows_mismatched"),
        mismatched=_total(rows, "shadows_mismatched"),
        leaks=_total(rows, "leaks"),
        verification_failures=_total(rows, "verification_failures"),
        compared_bytes=_total(rows, "compared_bytes"),
        disagreeing_bytes=_total(rows, "disagreeing_bytes"),
        messages=sum(_total(rows, f"messages:{arm}") for arm in ARMS),
        masked_bytes=_masked_bytes(rows),
        finished=sum(_total(rows, f"runs_succeeded:{arm}") for arm in ARMS),
        finished_late=_total(rows, "finished_late"),
        burns=burns(now),
    )


def _arm(name: str, arm: str, rows: Sequence[MetricSample]) -> ArmFacts:
    return ArmFacts(
        name=name,
        succeeded=_total(rows, f"runs_succeeded:{arm}"),
        failed=_total(rows, f"runs_failed:{arm}"),
        message_p95_ms=_merged(rows, f"message_ms:{arm}").quantile(0.95),
    )


def _merged(rows: Iterable[MetricSample], key: str) -> Histogram:
    return merge(from_json(row.histograms.get(key, {})) for row in rows)


def _ages(now: datetime, rows: Sequence[MetricSample]) -> Mapping[str, float]:
    """Return seconds since the newest of ``rows``, oldest first, that held each gauge."""
    newest = {key: row.at for row in rows for key in GAUGES if key in row.values}
    return {key: max(0.0, (now - at).total_seconds()) for key, at in newest.items()}


def _bytes_per_second(rows: Sequence[MetricSample]) -> float | None:
    """Return bytes for each second of work, whoever did it; idle time is no lost throughput."""
    worked_ms = sum(_merged(rows, f"run_ms:{arm}").total for arm in ARMS)
    trimmed = sum(_total(rows, f"input_bytes:{arm}") for arm in ARMS)
    return 1000 * trimmed / worked_ms if worked_ms else None


def _masked_bytes(rows: Sequence[MetricSample]) -> int | None:
    keys = [f"masked_bytes:{arm}" for arm in ARMS]
    if not any(key in row.values for row in rows for key in keys):
        return None
    return sum(_total(rows, key) for key in keys)


def _total(rows: Iterable[MetricSample], key: str) -> int:
    return int(sum(row.values.get(key, 0) for row in rows))


def _mean(rows: Iterable[MetricSample], key: str) -> float | None:
    known = [row.values[key] for row in rows if key in row.values]
    return math.fsum(known) / len(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _truth(value: float | None) -> bool | None:
    return None if value is None else bool(value)
