"""What the monitor does every few seconds so that no job is forgotten.  Each step is idempotent."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from trimming import job_rules, jobs, shadow_queue
from trimming.choices import JobState, RunOutcome
from trimming.conf import trimming_settings
from trimming.models import TrimJob
from trimming.moves import Move
from trimming.outcomes import end_without_result

log = structlog.get_logger("pktmask.sweeper")
# at most so many messages are sent again in one go
RESEND_BATCH = 200


def sweep() -> None:
    """Take jobs from workers that are gone or late."""
    now = timezone.now()
    for run in jobs.open_runs(Q(lease_until__lt=now)):
        reason = _("The worker stopped answering, and the job was begun too often.")
        if jobs.lose(run, RunOutcome.LOST, reason):
            log.warning("lease_expired", job_id=str(run.job_id), attempt=run.attempt)
    for run in jobs.open_runs(Q(deadline_at__lt=now)):
        reason = late_reason(run.job.deadline_seconds)
        if end_without_result(run, Move.FAIL, RunOutcome.LATE, reason):
            log.warning("deadline_passed", job_id=str(run.job_id), attempt=run.attempt)


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


def resend(workers: int) -> int:
    """Send the ids of waiting jobs again whose message seems to be lost; return how many."""
    now = timezone.now()
    patience = timedelta(seconds=trimming_settings().resend_seconds)
    waiting = TrimJob.objects.filter(state=JobState.WAITING, queued_at__lt=now - patience)
    claimed = TrimJob.objects.exclude(claimed_at=None)
    newest = claimed.order_by("-queued_at").values_list("queued_at", flat=True).first()
    last = claimed.order_by("-claimed_at").values_list("claimed_at", flat=True).first()
    busy = TrimJob.objects.filter(state=JobState.RUNNING).count() + shadow_queue.comparing(now)
    sent = 0
    for job_id, queued_at in waiting.order_by("queued_at").values_list("pk", "queued_at")[
        :RESEND_BATCH
    ]:
        if not job_rules.message_is_lost(
            queued_at=queued_at,
            now=now,
            resend_after=patience,
            newest_claimed_queued_at=newest,
            last_claim_at=last,
            busy_workers=busy,
            workers=workers,
        ):
            continue
        if TrimJob.objects.filter(pk=job_id, state=JobState.WAITING, queued_at=queued_at).update(
            queued_at=now
        ):
            jobs.send(job_id)
            sent += 1
    if sent:
        log.warning("messages_sent_again", count=sent)
    return sent


def send_all_again() -> int:
    """Send every waiting job again: after their broker has been emptied.  Return how many."""
    now = timezone.now()
    waiting = list(
        TrimJob.objects.filter(state=JobState.WAITING)
        .order_by("queued_at")
        .values_list("pk", flat=True)
    )
    TrimJob.objects.filter(pk__in=waiting, state=JobState.WAITING).update(queued_at=now)
    for job_id in waiting:
        jobs.send(job_id)
    return len(waiting)
