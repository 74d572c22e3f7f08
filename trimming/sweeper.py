"""What the monitor does every few seconds so that no job is forgotten.  Each step is idempotent."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from trimming import jobs, shadow_queue, waiting
from trimming.capacity import workers
from trimming.choices import JobState, RunOutcome
from trimming.conf import trimming_settings
from trimming.models import TrimJob
from trimming.moves import Move
from trimming.outcomes import end_without_result
from trimming.turns import calls_owed

log = structlog.get_logger("pktmask.sweeper")
# more than the time between two looks
JUST_NOW = timedelta(seconds=5)


def sweep() -> None:
    """Take jobs from workers that are gone or late."""
    for run in jobs.open_runs(Q(lease_until__lt=Now())):
        reason = _("The worker stopped answering, and the job was begun too often.")
        if jobs.lose(run, RunOutcome.LOST, reason):
            log.warning("lease_expired", job_id=str(run.job_id), attempt=run.attempt)
    for run in jobs.open_runs(Q(deadline_at__lt=Now())):
        reason = late_reason(run.job.deadline_seconds)
        if end_without_result(run, Move.FAIL, RunOutcome.LATE, reason):
            log.warning("deadline_passed", job_id=str(run.job_id), attempt=run.attempt)

    _call_due()


def _call_due() -> None:
    """Call workers to jobs that were put off, when their time has come."""
    came = TrimJob.objects.filter(
        state=JobState.WAITING, not_before__lte=Now(), not_before__gte=Now() - JUST_NOW
    )
    for job_id in came.values_list("pk", flat=True):
        jobs.call(job_id)


def late_reason(seconds: float | None) -> str:
    """Say that a job ran longer than it may."""
    return _("Took longer than the %(seconds).0f s that it may take; stopped.") % {
        "seconds": seconds or 0.0
    }


def take_back(worker_prefix: str, *, forgiven: bool) -> int:
    """Take the jobs from workers that are known to be gone: those whose name starts so.

    ``forgiven`` attempts, after an orderly stop, do not count against the job.  Returns how many.
    """
    outcome = RunOutcome.GIVEN_BACK if forgiven else RunOutcome.LOST
    reason = _("The worker was stopped, and the job was begun too often.")
    shadow_queue.take_back(worker_prefix, forgiven=forgiven)
    runs = jobs.open_runs(Q(lease_owner__startswith=worker_prefix))
    return sum(jobs.lose(run, outcome, reason, forgiven=forgiven) for run in runs)


def resend() -> int:
    """Call workers where messages to them seem to be lost; return how many."""
    now = timezone.now()
    claimed = TrimJob.objects.exclude(claimed_at=None).order_by("-claimed_at")
    owed = calls_owed(
        waiting=TrimJob.objects.filter(state=JobState.WAITING).count(),
        oldest=waiting.oldest(),
        last_claim_at=claimed.values_list("claimed_at", flat=True).first(),
        now=now,
        patience=timedelta(seconds=trimming_settings().resend_seconds),
        busy_workers=TrimJob.objects.filter(state=JobState.RUNNING).count()
        + shadow_queue.comparing(),
        workers=workers(),
    )
    sent = _call(owed)
    if sent:
        log.warning("workers_called_again", count=sent)
    return sent


def call_all() -> int:
    """Call all workers of this machine, as far as jobs wait: after their broker has been emptied.

    Return how many jobs wait.
    """
    _call(settings.Q_CLUSTER["workers"])
    return TrimJob.objects.filter(state=JobState.WAITING).count()


def _call(count: int) -> int:
    oldest = TrimJob.objects.filter(state=JobState.WAITING).order_by("queued_at")
    return sum(jobs.call(job_id) for job_id in oldest.values_list("pk", flat=True)[:count])
