"""What a check goes by: facts and limits, as plain values.  Whoever loads them fills these in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds; fractions from 0 to 1 unless the name has a unit."""

    stale_seconds: float
    least_runs: int
    least_failures: int
    error_rate: tuple[float, float]
    fallback_rate: tuple[float, float]
    success_target: float
    cpu_percent: tuple[float, float]
    memory_percent: tuple[float, float]
    disk_percent: tuple[float, float]
    worker_rss_bytes: tuple[float, float]
    queue_age_seconds: tuple[float, float]
    message_p95_ms: float
    promised_seconds: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """What one arm did in the window."""

    name: str
    succeeded: int = 0
    failed: int = 0
    message_p95_ms: float | None = None

    @property
    def ended(self) -> int:
        """Runs that say something of the strategy."""
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class Facts:
    """What one check goes by.  None is what is not known.

    ``ages`` has the seconds since a sample last held a fact; one that is missing was in none of
    ``window_seconds``.
    """

    age_seconds: float | None = None
    window_seconds: float = 0.0
    ages: Mapping[str, float] = field(default_factory=dict)
    control: ArmFacts = ArmFacts("legacy")
    treatment: ArmFacts = ArmFacts("scanning")
    fallbacks: int = 0
    breakers_open: int | None = None
    # over distinct captures of the policy in force; ``assigned_share`` is what chance expects
    assigned: int = 0
    assigned_to_treatment: int = 0
    assigned_share: float | None = None
    changed_arm: int = 0
    treatment_share: float | None = None
    sample_ratio_e: float | None = None
    harm_e: float | None = None
    # pairs of times for the same capture, and the evidence that scanning is slower
    pairs: int = 0
    slower_e: float | None = None
    # for each second of work; the baseline is frozen by a rollout, None before there is one
    baseline_bytes_per_second: float | None = None
    bytes_per_second: float | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk_percent: float | None = None
    worker_rss_bytes: float | None = None
    oldest_waiting_seconds: float | None = None
    workers_answer: bool | None = None
    shadows: int = 0
    mismatched: int = 0
    leaks: int = 0
    verification_failures: int = 0
    compared_bytes: int = 0
    disagreeing_bytes: int = 0
    messages: int = 0
    masked_bytes: int | None = None
    finished: int = 0
    finished_late: int = 0
    # seconds of a window: failed runs, ended runs
    burns: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """Runs of both arms."""
        return self.control.ended + self.treatment.ended
