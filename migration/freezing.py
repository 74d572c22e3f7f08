"""Freezing the baseline at the end of phase 1: what control was like, for good."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError
from django.db.models import Sum

from migration.conf import RolloutLimits
from migration.counting import control_runs, control_times
from migration.gates.evidence import baseline_as_json, tally_as_json, tally_from_json
from migration.gates.tally import Baseline, slow_limits
from migration.models import Attempt
from monitoring.metrics.rollups import MINUTE
from monitoring.metrics.series import series


def freeze(attempt: Attempt, limits: RolloutLimits, now: datetime) -> None:
    """Store the baseline of an attempt, and let its tally go by it.

    Raises IntegrityError when another process counted meanwhile; nothing is stored then.
    """
    tally = tally_from_json(attempt.tally)
    counts = [each.control for each in tally.steps.values()]
    slow, alone = slow_limits(control_times(attempt), limits.slow_limit_runs)
    found = series(("cpu_percent", "worker_rss_bytes"), attempt.started_at, now, MINUTE).lines
    baseline = Baseline(
        frozen_at=now,
        runs=sum(each.finished for each in counts),
        failed=sum(each.failed for each in counts),
        slow=slow,
        slow_alone=alone,
        bytes_per_second=_bytes_per_second(attempt),
        cpu_percent=found["cpu_percent"].whole,
        worker_rss_bytes=found["worker_rss_bytes"].whole,
    )
    stored = Attempt.objects.filter(pk=attempt.pk, revision=attempt.revision).update(
        baseline=baseline_as_json(baseline),
        tally=tally_as_json(tally.with_baseline(baseline)),
        revision=attempt.revision + 1,
    )
    if not stored:
        raise IntegrityError("another process has counted")


def _bytes_per_second(attempt: Attempt) -> float | None:
    """Return bytes for each second of work, as health measures throughput."""
    sums = control_runs(attempt).aggregate(size=Sum("input_bytes"), ms=Sum("duration_ms"))
    return 1000 * sums["size"] / sums["ms"] if sums["ms"] else None
