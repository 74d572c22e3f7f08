"""The facts of one check: what samples, rollups and jobs say up to now.

Rates and quantiles are of the window just past (health.window_minutes), burn rates of their own
windows.  A gauge is the mean over the window, so that one moment does not decide; signs of life
and the queue are as the newest sample has them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from monitoring.conf import HealthSettings, Targets
from monitoring.health.arms import compare_arms
from monitoring.health.rules import BURN_WINDOWS, ArmFacts, Facts, Limits
from monitoring.metrics.histograms import from_json, merge
from monitoring.metrics.rollups import HOUR, MINUTE
from monitoring.metrics.series import series
from monitoring.models import MetricSample

# of the window of a burn rate: the step in which rollups or samples are read
BURN_STEPS: Final = ((1800, 10), (6 * HOUR, MINUTE), (math.inf, HOUR))


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
    """Return the facts at ``now``; about five queries, whatever the history."""
    # a monitor whose clock runs ahead must not make the newest sample invisible
    rows = list(MetricSample.objects.filter(at__gt=now - window).order_by("at"))
    newest = rows[-1] if rows else MetricSample.objects.first()
    if newest is None:
        return Facts()
    age = max(0.0, (now - newest.at).total_seconds())
    arms = compare_arms()
    return Facts(
        age_seconds=age,
        control=_arm("legacy", "control", rows),
        treatment=_arm("scanning", "treatment", rows),
        fallbacks=_total(rows, "fallbacks"),
        breakers_open=_whole(newest.values.get("breakers_open")),
        assigned=arms.assigned,
        assigned_to_treatment=arms.assigned_to_treatment,
        treatment_share=newest.values.get("treatment_share"),
        sample_ratio_e=arms.sample_ratio_e,
        harm_e=arms.harm_e,
        cpu_percent=_mean(rows, "cpu_percent"),
        memory_percent=_mean(rows, "memory_percent"),
        disk_percent=_mean(rows, "disk_percent"),
        worker_rss_bytes=_mean(rows, "worker_rss_bytes"),
        oldest_waiting_seconds=newest.values.get("oldest_waiting_seconds"),
        workers_answer=_truth(newest.values.get("workers_answer")),
        shadows=_total(rows, "shadows_matched") + _total(rows, "shadows_mismatched"),
        leaks=_total(rows, "leaks"),
        verification_failures=_total(rows, "verification_failures"),
        compared_bytes=_total(rows, "compared_bytes"),
        disagreeing_bytes=_total(rows, "disagreeing_bytes"),
        finished=sum(_total(rows, f"runs_succeeded:{arm}") for arm in ("control", "treatment")),
        finished_late=_total(rows, "finished_late"),
        burns=_burns(now),
    )


def _arm(name: str, arm: str, rows: Sequence[MetricSample]) -> ArmFacts:
    times = merge(from_json(row.histograms.get(f"message_ms:{arm}", {})) for row in rows)
    return ArmFacts(
        name=name,
        succeeded=_total(rows, f"runs_succeeded:{arm}"),
        failed=_total(rows, f"runs_failed:{arm}"),
        message_p95_ms=times.quantile(0.95),
    )


def _total(rows: Iterable[MetricSample], key: str) -> int:
    return int(sum(row.values.get(key, 0) for row in rows))


def _mean(rows: Iterable[MetricSample], key: str) -> float | None:
    known = [row.values[key] for row in rows if key in row.values]
    return math.fsum(known) / len(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _truth(value: float | None) -> bool | None:
    return None if value is None else bool(value)


def _burns(now: datetime) -> Mapping[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for seconds in BURN_WINDOWS:
        step = next(step for longest, step in BURN_STEPS if seconds <= longest)
        failed, succeeded = _counts(now, seconds, step)
        found[seconds] = (failed, failed + succeeded)
    return found if any(ended for _, ended in found.values()) else {}


def _counts(now: datetime, seconds: int, step: int) -> tuple[int, int]:
    names = ("runs_failed", "runs_succeeded")
    keys = [f"{name}:{arm}" for name in names for arm in ("control", "treatment")]
    lines = series(keys, now - timedelta(seconds=seconds), now, step).lines
    amounts = [lines[key].amount or 0.0 for key in keys]
    return round(amounts[0] + amounts[1]), round(amounts[2] + amounts[3])
