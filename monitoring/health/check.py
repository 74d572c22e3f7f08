"""One health check: facts, findings, a report."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from config.languages.told import in_record
from monitoring.choices import Verdict
from monitoring.conf import health_settings, targets
from monitoring.health.facts import limits_of, load
from monitoring.health.findings import overall
from monitoring.health.rules import judge
from monitoring.models import HealthReport
from monitoring.signals import health_checked

log = structlog.get_logger("pktmask.health")


def check_now(now: datetime, asked_by: Any = None) -> HealthReport:
    """Judge the health at ``now`` and store it; ``asked_by`` is the user who wanted it."""
    limits = health_settings()
    facts = load(now, timedelta(minutes=limits.window_minutes))
    with in_record():
        findings = judge(facts, limits_of(limits, targets()))
        whole = overall(findings)
    with transaction.atomic():
        report = HealthReport.objects.create(
            at=now,
            verdict=whole.verdict,
            score=whole.score,
            mean=whole.mean,
            sentence=whole.sentence,
            dimensions=[each.as_json() for each in findings],
            asked_by=asked_by,
        )
        transaction.on_commit(
            lambda: health_checked.send_robust(HealthReport, report_id=report.pk), robust=True
        )
    log.info(
        "health_checked",
        report=report.pk,
        verdict=report.verdict,
        score=report.score,
        sentence=report.sentence,
        failing=[each.dimension.value for each in findings if each.verdict is Verdict.FAIL],
    )
    return report
