"""The settings of this app, with their units."""

from __future__ import annotations

from typing import ClassVar, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from config.current import current
from config.sections import Ordered, Section, registry

TERABYTE = 10**12
DAY_SECONDS = 24 * 3600.0


@registry.register
class TrimmingSettings(Section):
    section: ClassVar = "trimming"
    title: ClassVar = _("Trimming")
    help: ClassVar = _("How captures are taken in, worked on and kept.")

    max_upload_bytes: int = Field(
        8_000_000_000,
        ge=1_000,
        le=TERABYTE,
        description=_("the largest capture that is taken in, as uploaded"),
    )
    reserve_bytes: int = Field(
        256 << 20,
        ge=0,
        le=TERABYTE,
        description=_("free space that an upload must leave on the disk"),
    )
    max_attempts: int = Field(
        3,
        ge=1,
        le=100,
        description=_(
            "how often a job is begun before it counts as failed; attempts ended by an "
            "orderly stop are not counted"
        ),
    )
    lease_seconds: float = Field(
        30.0,
        ge=1,
        le=3600,
        description=_("a worker that is not heard of for so long has lost its job"),
    )
    beat_seconds: float = Field(
        0.5,
        ge=0.05,
        le=60,
        description=_(
            "how often a worker renews its lease, tells its progress and looks for cancellation"
        ),
    )
    least_deadline_seconds: float = Field(
        120.0,
        ge=1,
        le=DAY_SECONDS,
        description=_(
            "the least time that a job gets; beyond, it gets four times what its strategy "
            "needs by measurement"
        ),
    )
    unmeasured_bytes_per_s: float = Field(
        500_000.0,
        ge=1_000,
        le=1e10,
        description=_("taken as the rate of a strategy that has not run here yet"),
    )
    resend_seconds: float = Field(
        20.0,
        ge=1,
        le=3600,
        description=_(
            "workers are called again when jobs have waited for so long although one is "
            "free: a message to them seems lost"
        ),
    )
    outage_seconds: float = Field(
        6 * 3600.0,
        ge=0,
        le=30 * DAY_SECONDS,
        description=_(
            "a job that was stopped by a fault of storage, disk or database is begun again "
            "for so long after it was asked for; then it fails"
        ),
    )
    long_seconds: float = Field(
        5.0,
        ge=0.1,
        le=3600,
        description=_(
            "jobs that need longer than this by measurement leave one worker free for shorter ones"
        ),
    )
    person_running_files: int = Field(
        0,
        ge=0,
        le=100_000,
        description=_(
            "so many jobs of one person run at the same time; 0 is as many as there are "
            "workers while nobody else waits"
        ),
    )
    person_waiting_files: int = Field(
        20_000,
        ge=1,
        le=10_000_000,
        description=_("so many captures of one person may wait; uploads beyond are refused"),
    )
    waiting_files: int = Field(
        100_000,
        ge=1,
        le=10_000_000,
        description=_("so many captures of all may wait; uploads beyond are refused"),
    )
    keep_originals_days: float = Field(
        7.0,
        ge=0,
        le=36_500,
        description=_("uploaded captures are deleted after this, results are kept; 0 keeps them"),
    )


@registry.register
class RoutingSettings(Section):
    section: ClassVar = "routing"
    title: ClassVar = _("Routing")
    help: ClassVar = _(
        "How jobs are shared out between the strategies. "
        "These say what is permitted and how it begins: no change of settings publishes a policy."
    )

    first_mode: Literal["legacy", "scanning", "auto"] = Field(
        "legacy",
        description=_("the mode of the very first policy; later ones are published in the console"),
    )
    permit_scanning: bool = Field(True, description=_("all captures may go to scanning"))
    permit_auto: bool = Field(
        True, description=_("all captures that scanning supports may go to it")
    )
    permit_ab_test: bool = Field(True, description=_("a share of the captures may go to scanning"))
    permit_comparison: bool = Field(
        True, description=_("scanning may be compared in the background while legacy serves")
    )
    guard_seconds: float = Field(
        30.0,
        ge=1,
        le=3600,
        description=_("a guarded trial gets no new captures when nobody has watched for so long"),
    )
    breaker_failures: int = Field(
        3,
        ge=1,
        le=1000,
        description=_("scanning gets no more work after failing on so many distinct captures"),
    )
    breaker_window_seconds: float = Field(
        300.0, ge=1, le=DAY_SECONDS, description=_("failures that are older do not count")
    )
    breaker_cooldown_seconds: float = Field(
        60.0,
        ge=1,
        le=900,
        description=_(
            "then a single job is tried after this, doubling to 15 minutes while it fails"
        ),
    )
    breaker_probe_seconds: float = Field(
        600.0, ge=1, le=DAY_SECONDS, description=_("a tried job that is not heard of is given up")
    )
    shadow_pending_files: int = Field(
        1_000,
        ge=1,
        le=1_000_000,
        description=_(
            "so many captures may wait for their comparison in the background; more are "
            "left out, and counted"
        ),
    )
    shadow_deadline_seconds: float = Field(
        900.0,
        ge=10,
        le=DAY_SECONDS,
        description=_("a comparison in the background may take so long, then it is ignored"),
    )


@registry.register
class WorkerSettings(Section):
    section: ClassVar = "workers"
    title: ClassVar = _("Workers")
    help: ClassVar = _(
        "What one worker process may use; what needs more fails, and the service goes on."
    )

    memory_bytes: int = Field(
        4_000_000_000,
        ge=1_500_000_000,  # measured: 1.28 GB for 100,000 connections in a capture, 0.93 GB for few
        le=TERABYTE,
        description=_("address space of a worker; a job that needs more fails and says so"),
    )
    cpu_seconds: float = Field(
        6 * 3600.0,
        ge=10,
        le=7 * DAY_SECONDS,
        description=_("CPU time that one attempt at a job may take"),
    )
    open_files: int = Field(
        1024,
        ge=64,
        le=1_000_000,
        description=_("files and connections that a worker has open at the same time"),
    )
    file_bytes: int = Field(
        50_000_000_000,
        ge=1_000_000,
        le=10 * TERABYTE,
        description=_(
            "largest file that a process which reads a capture may write; results are "
            "as large as what the capture unpacks to, at most"
        ),
    )


@registry.register
class DrillSettings(Section):
    section: ClassVar = "drills"
    title: ClassVar = _("Drills")
    help: ClassVar = _("Faults on purpose, for rehearsals; never on in production.")

    permitted: bool = Field(
        False,
        description=_(
            "whether a strategy may be given a fault on purpose (manage.py generate_load "
            "--fault); an output is verified all the same"
        ),
    )


registry.rule(
    Ordered(
        "trimming.beat_seconds",
        "trimming.lease_seconds",
        _("a lease must be renewed before it runs out"),
    ),
    Ordered(
        "trimming.lease_seconds",
        "trimming.least_deadline_seconds",
        _("a lost worker must be noticed before its job is late"),
        or_equal=True,
    ),
    Ordered(
        "trimming.least_deadline_seconds",
        "workers.cpu_seconds",
        _("a worker must not be out of CPU time before its job is late"),
        or_equal=True,
    ),
    Ordered(
        "trimming.resend_seconds",
        "trimming.least_deadline_seconds",
        _("a lost message must be noticed before a job would be late"),
        or_equal=True,
    ),
)


def trimming_settings() -> TrimmingSettings:
    """Return the settings in force."""
    return current().of(TrimmingSettings)


def routing_settings() -> RoutingSettings:
    """Return the settings in force."""
    return current().of(RoutingSettings)


def worker_settings() -> WorkerSettings:
    """Return the settings in force."""
    return current().of(WorkerSettings)


def drill_settings() -> DrillSettings:
    """Return the settings in force."""
    return current().of(DrillSettings)
