"""The limits of rollouts, with their units: defaults, that each rollout may change for itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from config.current import current
from config.sections import Accepts, Ordered, Section, registry
from migration import texts
from monitoring import conf as _of_samples  # noqa: F401 - a rule below names one of its settings

HOUR = 3600.0
DAY = 24 * HOUR
LONG = 3650 * DAY


def _read_by(reader: Callable[[str], Any]) -> AfterValidator:
    """Accept the texts that ``reader`` can read."""

    def check(text: str) -> str:
        reader(text)
        return text

    return AfterValidator(check)


def _can_be_dry(text: str) -> None:
    """Read the names of rules; which there are is known where they are judged, and not before."""
    if text:
        from migration.gates.table import rule_names

        rule_names(text)


Percents = Annotated[
    str, _read_by(texts.shares), Accepts(_("growing percents, as in 5, 10, 25, 50, 75"))
]
PhaseNames = Annotated[str, _read_by(texts.phases), Accepts(_("names of phases, or nothing"))]
Days = Annotated[str, _read_by(texts.days), Accepts(_("days, as in mon, tue, or nothing"))]
Hours = Annotated[str, _read_by(texts.hours), Accepts(_("hours, as in 09:00-17:00, or nothing"))]
Zone = Annotated[str, _read_by(texts.zone), Accepts(_("a time zone, as in UTC or Europe/Berlin"))]
Freezes = Annotated[
    str, _read_by(texts.freezes), Accepts(_("days, as in 2026-12-20/2027-01-03, or nothing"))
]
DryRules = Annotated[
    str,
    _read_by(_can_be_dry),
    Accepts(_("names of rules but arms, baseline, build, leak and routing, or nothing")),
]


@registry.register
class RolloutLimits(Section):
    section: ClassVar = "rollout"
    title: ClassVar = _("Rollout")
    help: ClassVar = _("What a rollout is held to; a rollout may have limits of its own.")

    alpha: float = Field(
        0.01,
        gt=0,
        lt=0.5,
        description=_(
            "chance that the rules of chance roll back without cause, in a whole attempt"
        ),
    )
    evidence_seconds: float = Field(
        DAY,
        ge=60,
        le=LONG,
        description=_(
            "evidence of harm begins anew with each step, and so often within one: a long "
            "good time must not hide what turns bad"
        ),
    )
    promotion_alpha: float = Field(
        0.05, gt=0, lt=0.5, description=_("chance of a proof of few mismatches that is wrong")
    )
    mismatch_budget: float = Field(
        0.01,
        gt=0,
        lt=0.5,
        description=_("share of captures that may differ between the strategies"),
    )
    slower_by: float = Field(
        0.10, ge=0, le=10, description=_("a pair counts as slower from this share on")
    )
    baseline_shadow_share: float = Field(1.0, ge=0, le=1, description=_("compared in phase 1"))
    ab_shadow_share: float = Field(0.2, ge=0, le=1, description=_("compared in phase 2"))
    gradual_shadow_share: float = Field(0.1, ge=0, le=1, description=_("compared in phase 3"))
    full_shadow_share: float = Field(0.05, ge=0, le=1, description=_("compared in phase 4"))
    cleanup_shadow_share: float = Field(0.01, ge=0, le=1, description=_("compared in phase 5"))
    ab_share: float = Field(0.01, gt=0, lt=1, description=_("share to scanning in phase 2"))
    gradual_percents: Percents = Field(
        "5, 10, 25, 50, 75",
        description=_("shares to scanning in phase 3, in % and growing, separated by commas"),
    )
    baseline_dwell_seconds: float = Field(
        DAY, ge=0, le=LONG, description=_("least time in phase 1")
    )
    ab_dwell_seconds: float = Field(DAY, ge=0, le=LONG, description=_("least time in phase 2"))
    step_dwell_seconds: float = Field(
        12 * HOUR, ge=0, le=LONG, description=_("least time at each share of phase 3")
    )
    full_dwell_seconds: float = Field(
        72 * HOUR, ge=0, le=LONG, description=_("least time in phase 4")
    )
    cleanup_dwell_seconds: float = Field(
        14 * DAY, ge=0, le=LONG, description=_("least time in phase 5, without legacy in use")
    )
    baseline_pairs: int = Field(500, ge=1, le=10**9, description=_("least comparisons in phase 1"))
    ab_runs: int = Field(100, ge=1, le=10**9, description=_("least runs of scanning in phase 2"))
    step_runs: int = Field(
        200, ge=1, le=10**9, description=_("least runs of scanning at each share of phase 3")
    )
    full_runs: int = Field(1_000, ge=1, le=10**9, description=_("least runs in phase 4"))
    slow_limit_runs: int = Field(
        2_000,
        ge=100,
        le=10**9,
        description=_(
            # xgettext:no-python-format
            "so many runs of one size freeze a limit for slow runs without a control; "
            "with fewer, 11 % of rollouts would be held without cause"
        ),
    )
    baseline_success: float = Field(
        0.95, ge=0, le=1, description=_("share of legacy's runs that succeed, in phase 1")
    )
    ab_success: float = Field(0.95, ge=0, le=1, description=_("of all runs, in phase 2"))
    ab_treatment_success: float = Field(0.90, ge=0, le=1, description=_("of scanning, in phase 2"))
    degradation: float = Field(
        0.10,
        ge=0,
        le=10,
        description=_("so much longer scanning may take in the median, in phase 2"),
    )
    gradual_error_rate: float = Field(0.02, ge=0, le=1, description=_("of scanning, in phase 3"))
    full_success: float = Field(0.95, ge=0, le=1, description=_("of scanning, in phase 4"))
    least_health: float = Field(0.8, ge=0, le=1, description=_("score of the newest health report"))
    failures_in_a_row: int = Field(
        3,
        ge=1,
        le=1000,
        description=_(
            "so many failures of scanning in a row roll back; more where legacy fails "
            "often, so that they are no chance"
        ),
    )
    error_rate: float = Field(
        0.10, gt=0, le=1, description=_("a higher rate of all runs rolls back")
    )
    error_rate_runs: int = Field(
        100, ge=1, le=10**6, description=_("the rate of all runs is judged from so many on")
    )
    health_floor: float = Field(0.3, ge=0, le=1, description=_("a rollout holds at a lower score"))
    health_low: float = Field(
        0.6, ge=0, le=1, description=_("the same, for reports in a row below this score")
    )
    health_age_seconds: float = Field(
        300.0, ge=5, le=DAY, description=_("an older health report says nothing any more")
    )
    health_low_reports: int = Field(3, ge=1, le=1000, description=_("so many reports in a row"))
    critical_hold_seconds: float = Field(
        600.0,
        ge=1,
        le=LONG,
        description=_("memory or latency above its critical threshold for so long rolls back"),
    )
    stale_seconds: float = Field(
        30.0, ge=2, le=HOUR, description=_("without a newer sample everything goes to legacy")
    )
    stale_rollback_seconds: float = Field(
        300.0, ge=2, le=DAY, description=_("still without a sample after this, it is rolled back")
    )
    approve: PhaseNames = Field(
        "small_ab_test, gradual_rollout, full_migration, legacy_cleanup",
        description=_("phases that begin with an approval only, separated by commas"),
    )
    approval_seconds: float = Field(DAY, ge=1, le=LONG, description=_("an approval holds so long"))
    window_days: Days = Field(
        "", description=_("days of promotions, as in mon, tue, wed; empty for every day")
    )
    window_hours: Hours = Field(
        "", description=_("hours of promotions, as in 09:00-17:00; empty for all of the day")
    )
    window_zone: Zone = Field("UTC", description=_("time zone of days and hours"))
    freezes: Freezes = Field(
        "", description=_("no promotions then, as in 2026-12-20/2027-01-03, separated by commas")
    )
    baseline_days: float = Field(
        14.0, gt=0, le=3650, description=_("an older baseline is made anew at a restart")
    )
    drill_days: float = Field(
        30.0, gt=0, le=3650, description=_("the newest rollback drill may be so old in phase 5")
    )
    dry_run: DryRules = Field(
        "", description=_("rules that are shown and have no effect, separated by commas")
    )


registry.rule(
    Ordered(
        "rollout.stale_seconds",
        "rollout.stale_rollback_seconds",
        _("a rollout holds before it is rolled back"),
    ),
    Ordered("rollout.health_floor", "rollout.health_low", _("or the lower one says nothing more")),
    Ordered(
        "metrics.sample_seconds",
        "rollout.stale_seconds",
        _("or every sample would be taken for stale"),
    ),
)


def rollout_limits() -> RolloutLimits:
    """Return the limits in force for a rollout that has none of its own."""
    return current().of(RolloutLimits)
