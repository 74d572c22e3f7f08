"""The settings of this app, with their units."""

from __future__ import annotations

from typing import Annotated, ClassVar

from django.conf import settings
from pydantic import Field

from config.current import current
from config.sections import Choices, Ordered, Section, registry
from trimming.engine.strategies.registry import available

TERABYTE = 10**12
DAY_SECONDS = 24 * 3600.0


def _strategies() -> dict[str, str]:
    return available(settings.TRIMMING_STRATEGIES)


@registry.register
class TrimmingSettings(Section):
    """How captures are taken in, worked on and kept."""

    section: ClassVar = "trimming"
    title: ClassVar = "Trimming"

    max_upload_bytes: int = Field(
        8_000_000_000,
        ge=1_000,
        le=TERABYTE,
        description="the largest capture that is taken in, as uploaded",
    )
    reserve_bytes: int = Field(
        256 << 20,
        ge=0,
        le=TERABYTE,
        description="free space that an upload must leave on the disk",
    )
    strategy: Annotated[str, Choices(_strategies)] = Field(
        "legacy",
        description="the strategy of jobs without an override: `legacy`, `scanning`, or one that "
        "is installed beside them",
    )
    max_attempts: int = Field(
        3,
        ge=1,
        le=100,
        description="how often a job is begun before it counts as failed; attempts ended by an "
        "orderly stop are not counted",
    )
    lease_seconds: float = Field(
        30.0,
        ge=1,
        le=3600,
        description="a worker that is not heard of for so long has lost its job",
    )
    beat_seconds: float = Field(
        0.5,
        ge=0.05,
        le=60,
        description="how often a worker renews its lease, tells its progress and looks for "
        "cancellation",
    )
    least_deadline_seconds: float = Field(
        120.0,
        ge=1,
        le=DAY_SECONDS,
        description="the least time that a job gets; beyond, it gets four times what its strategy "
        "needs by measurement",
    )
    unmeasured_bytes_per_s: float = Field(
        500_000.0,
        ge=1_000,
        le=1e10,
        description="taken as the rate of a strategy that has not run here yet",
    )
    resend_seconds: float = Field(
        20.0,
        ge=1,
        le=3600,
        description="a waiting job whose message to the workers seems lost is sent again after "
        "this",
    )
    keep_originals_days: float = Field(
        7.0,
        ge=0,
        le=36_500,
        description="uploaded captures are deleted after this, results are kept; 0 keeps them",
    )


@registry.register
class WorkerSettings(Section):
    """What one worker process may use; what needs more fails, and the service goes on."""

    section: ClassVar = "workers"
    title: ClassVar = "Workers"

    memory_bytes: int = Field(
        4_000_000_000,
        ge=1_500_000_000,  # measured: 1.28 GB for 100,000 connections in a capture, 0.93 GB for few
        le=TERABYTE,
        description="address space of a worker; a job that needs more fails and says so",
    )
    cpu_seconds: float = Field(
        6 * 3600.0,
        ge=10,
        le=7 * DAY_SECONDS,
        description="CPU time that one attempt at a job may take",
    )
    open_files: int = Field(
        1024,
        ge=64,
        le=1_000_000,
        description="files and connections that a worker has open at the same time",
    )


registry.rule(
    Ordered(
        "trimming.beat_seconds",
        "trimming.lease_seconds",
        "a lease must be renewed before it runs out",
    ),
    Ordered(
        "trimming.lease_seconds",
        "trimming.least_deadline_seconds",
        "a lost worker must be noticed before its job is late",
        or_equal=True,
    ),
    Ordered(
        "trimming.least_deadline_seconds",
        "workers.cpu_seconds",
        "a worker must not be out of CPU time before its job is late",
        or_equal=True,
    ),
    Ordered(
        "trimming.resend_seconds",
        "trimming.least_deadline_seconds",
        "a lost message must be noticed before a job would be late",
        or_equal=True,
    ),
)


def trimming_settings() -> TrimmingSettings:
    """Return the settings in force."""
    return current().of(TrimmingSettings)


def worker_settings() -> WorkerSettings:
    """Return the settings in force."""
    return current().of(WorkerSettings)
