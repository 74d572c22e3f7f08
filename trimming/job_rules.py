"""Decisions about jobs: plain values and times in, a decision out.  No database, no clock."""

from __future__ import annotations

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


def delay_after_fault_seconds(
    faults: int, age_seconds: float, outage_seconds: float
) -> float | None:
    """Return when to begin a job anew that a fault around it stopped, 2, 4, 8 ... 60 s later.

    ``faults`` is how often that happened, from 1.  None when the job is so old that it is given up.
    """
    delay = min(60.0, 2.0 ** min(faults, 6))
    return delay if age_seconds + delay <= outage_seconds else None


def attempts_left(attempt: int, forgiven: int, max_attempts: int) -> int:
    """Return how often a job may still be begun; attempts that were given back do not count."""
    return max(0, max_attempts - (attempt - forgiven))
