"""What the database says about each exercise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from config.models import AuditEvent
from migration.choices import Move
from migration.models import Approval, Decision, Phase
from monitoring.models import HealthReport
from pktmask_site.demo.player import REASON
from pktmask_site.exercises import judging
from pktmask_site.exercises.judging import LATELY_SECONDS, Decided, Judged
from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.durable import sha256_of_open
from pktmask_site.recovery.stored_files import Reference, references, storage
from trimming.intake import RESTORED
from trimming.models import TrimRun
from trimming.policy import newest_policy
from trimming.routing import TREATMENT
from trimming.routing_choices import Origin

Answers = Mapping[str, Any]


def read_the_overview(answers: Answers, now: datetime) -> Judged:
    """Exercise 1."""
    since = now - timedelta(seconds=LATELY_SECONDS)
    phases = Phase.objects.filter(started_at__isnull=False).filter(
        Q(finished_at=None) | Q(finished_at__gte=since)
    )
    reports = HealthReport.objects.filter(at__gte=since)
    # the one that stood when that time began
    before = HealthReport.objects.filter(at__lt=since).values_list("verdict", flat=True)[:1]
    return judging.read_the_overview(
        answers["phase"],
        answers["health"],
        set(phases.values_list("name", flat=True)),
        {*reports.values_list("verdict", flat=True), *before},
    )


def approve(answers: Answers, now: datetime) -> Judged:
    """Exercise 2."""
    rows = Approval.objects.exclude(decided_by=None).select_related("decided_by")
    decided = [
        Decided(each.state, each.decided_by.get_username(), each.reason)
        for each in rows.order_by("-decided_at")
        if each.decided_by is not None
    ]
    return judging.approve(decided, REASON)


def roll_back(answers: Answers, now: datetime) -> Judged:
    """Exercise 3."""
    policy = newest_policy()
    by_rules = Decision.objects.filter(
        policy_version=policy.version, move__in=(Move.ROLL_BACK, Move.FAIL), is_automatic=True
    )
    since = TrimRun.objects.filter(
        strategy=TREATMENT, published_for__isnull=False, finished_at__gt=policy.at
    )
    return judging.roll_back(
        "" if by_rules.exists() else policy.actor_name,
        stands=policy.stands_back and policy.origin == Origin.ROLLBACK,
        published_since=since.count(),
    )


def restore(answers: Answers, now: datetime) -> Judged:
    """Exercise 4."""
    outputs = references(FilesChoice.OUTPUTS)
    return judging.restore(
        is_restored=AuditEvent.objects.filter(action=RESTORED).exists(),
        files=len(outputs),
        damaged=[each.name for each in outputs if not _is_whole(each)],
    )


def _is_whole(each: Reference) -> bool:
    try:
        with storage().open(each.name) as file:
            return sha256_of_open(file) == (each.size_bytes, each.sha256)
    except FileNotFoundError:
        return False


EXERCISES: Final[Mapping[int, Callable[[Answers, datetime], Judged]]] = {
    1: read_the_overview,
    2: approve,
    3: roll_back,
    4: restore,
}
