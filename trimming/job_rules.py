"""Decisions about jobs: plain values and times in, a decision out.  No database, no clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from trimming.choices import JobStage

DEADLINE_FACTOR: Final = 4.0

# the share of a job's work that each stage takes, in order; they add up to 100
STAGE_PERCENT: Final[dict[JobStage, int]] = {
    JobStage.COPY: 2,
    JobStage.READ: 55,
    JobStage.WRITE: 13,
    JobStage.VERIFY: 28,
    JobStage.STORE: 2,
}


def deadline_seconds(size_bytes: int, bytes_per_s: float, least_seconds: float) -> float:
    """Return how long a job may run: four times what its strategy needs by measurement."""
    return max(least_seconds, DEADLINE_FACTOR * size_bytes / bytes_per_s)


def percent(stage: str, done_bytes: int, total_bytes: int) -> int:
    """Return how much of a running job is done, from 0 to 99: only a published result is 100."""
    before = 0
    for each, share in STAGE_PERCENT.items():
        if each == stage:
            part = min(done_bytes / total_bytes, 1.0) if total_bytes > 0 else 0.0
            return min(99, int(before + share * part))
        before += share
    return 0


def attempts_left(attempt: int, forgiven: int, max_attempts: int) -> int:
    """Return how often a job may still be begun; attempts that were given back do not count."""
    return max(0, max_attempts - (attempt - forgiven))


def message_is_lost(
    *,
    queued_at: datetime,
    now: datetime,
    resend_after: timedelta,
    newest_claimed_queued_at: datetime | None,
    last_claim_at: datetime | None,
    busy_workers: int,
    workers: int,
) -> bool:
    """Tell whether the message that should bring a waiting job to a worker seems to be lost.

    Brokers lose messages when a worker or the broker dies.  Sending one twice does no harm (the
    second finds the job claimed), sending all of a long queue again and again would.  So a message
    counts as lost when the job was overtaken by one that was queued clearly later, or when nothing
    was claimed for a while although a worker is free.
    """
    if now - queued_at < resend_after:
        return False
    if newest_claimed_queued_at is not None:
        overtaken = newest_claimed_queued_at - queued_at >= resend_after
        if overtaken:
            return True
    quiet = last_claim_at is None or now - last_claim_at >= resend_after
    return quiet and busy_workers < workers
