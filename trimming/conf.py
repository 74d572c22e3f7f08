"""The settings of this app, with their units; see config.environment for the variables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from config.environment import read_section


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimmingSettings:
    """How captures are taken in, worked on and kept."""

    # the largest capture that is taken in, as uploaded
    max_upload_bytes: int = 8_000_000_000
    # free space that an upload must leave on the storage
    reserve_bytes: int = 256 << 20
    # strategy of jobs without an override
    strategy: str = "legacy"
    # how often a job is begun before it counts as failed
    max_attempts: int = 3
    # a worker that is not heard of for so long has lost its job
    lease_seconds: float = 30.0
    # how often a worker renews its lease, tells its progress and looks for cancellation
    beat_seconds: float = 0.5
    # the least time that a job gets; see job_rules.deadline_seconds
    least_deadline_seconds: float = 120.0
    # taken as the rate of a strategy that has not been measured yet
    unmeasured_bytes_per_s: float = 500_000.0
    # a waiting job whose message to the workers seems lost is sent again after this
    resend_seconds: float = 20.0
    # originals are deleted after this; 0 keeps them
    keep_originals_days: float = 7.0


@cache
def trimming_settings() -> TrimmingSettings:
    """Return the settings of this process."""
    return read_section(TrimmingSettings, "trimming")
