"""The gates: what must be met before the share grows.  What is not met holds.  Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _

from migration.choices import GateVerdict, PhaseName
from migration.conf import RolloutLimits
from migration.gates.evidence import Evidence
from migration.gates.results import Judged, at_least, passed, share_of, unknown
from migration.gates.tally import ArmCount
from migration.spans import long_span
from monitoring.choices import Dimension

# rule (e) alerts here, as an e-value
RATIO_LIMIT: Final = 1000.0
# what treatment can be to blame for; a machine that is short of something is not its fault
CAUSED: Final = frozenset(
    {
        Dimension.STRATEGY_SELECTION.value,
        Dimension.PERFORMANCE.value,
        Dimension.ERROR_RATE.value,
        Dimension.BUSINESS.value,
    }
)
LEAST_OF: Final[Mapping[PhaseName, tuple[str, str]]] = {
    # phase: the settings of its least time, and of how much must be counted in it
    PhaseName.BASELINE: ("baseline_dwell_seconds", "baseline_pairs"),
    PhaseName.AB_TEST: ("ab_dwell_seconds", "ab_runs"),
    PhaseName.GRADUAL: ("step_dwell_seconds", "step_runs"),
    PhaseName.FULL: ("full_dwell_seconds", "full_runs"),
    PhaseName.CLEANUP: ("cleanup_dwell_seconds", ""),
}


def routing(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """The policy in force is the one that the rollout published."""
    if evidence.overtaken:
        return Judged(GateVerdict.ERROR, evidence.overtaken)
    return passed(_("The policy in force is that of the rollout."))


def arms(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Each capture is on the arm that its digest draws: arms that are swapped prove nothing."""
    found = evidence.tally.misplaced
    if not found:
        return passed(_("Every capture is on the arm that its digest draws."))
    message = _(
        "%(found)d captures are on another arm than their digest draws, so nothing that is counted "
        "can be believed: abort, and have the routing mended."
    ) % {"found": found}
    return Judged(GateVerdict.ERROR, message, found, 0)


def build(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Evidence is of one version of each strategy."""
    if evidence.new_build:
        return Judged(
            GateVerdict.INCONCLUSIVE,
            _("%(build)s is new: evidence begins anew, restart the rollout at phase 1.")
            % {"build": evidence.new_build},
        )
    return passed(_("Both strategies are of the versions that the attempt began with."))


def dwell(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """The least time at the present share, without pauses."""
    limit = float(getattr(limits, LEAST_OF[evidence.phase][0]))
    found = evidence.step_seconds
    message = _("%(found)s passed at this share, at least %(limit)s must.") % {
        "found": long_span(found),
        "limit": long_span(limit),
    }
    return at_least(message, found, limit)


def enough(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Enough was counted: pairs in phase 1, runs of treatment in the others."""
    limit = int(getattr(limits, LEAST_OF[evidence.phase][1]))
    if evidence.phase is PhaseName.BASELINE:
        found = evidence.tally.pairs
        text = _("%(found)d captures were compared, at least %(limit)d must be.")
    else:
        found = evidence.counted.treatment.finished
        text = _("%(found)d captures were finished on scanning here, at least %(limit)d must be.")
    return at_least(text % {"found": found, "limit": limit}, found, limit, limit - found)


def legacy_success(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 1: legacy itself is in order."""
    return _success(_("legacy"), evidence.counted.control, limits.baseline_success)


def overall_success(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 2: both arms together."""
    return _success(_("both strategies"), evidence.counted.both, limits.ab_success)


def treatment_success(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phases 2 and 4: treatment alone."""
    is_ab = evidence.phase is PhaseName.AB_TEST
    limit = limits.ab_treatment_success if is_ab else limits.full_success
    return _success(_("scanning"), evidence.counted.treatment, limit)


def _success(who: str, count: ArmCount, limit: float) -> Judged:
    n = count.finished
    if not n:
        return unknown(_("No run of %(who)s is finished yet.") % {"who": who})
    # not 1 - rate: 93 of 100 would be less than 0.93
    found = (n - count.failed) / n
    message = _("%(found).2f %% of %(n)d runs of %(who)s succeeded, %(limit).2f %% must.") % {
        "found": 100 * found,
        "n": n,
        "who": who,
        "limit": 100 * limit,
    }
    return share_of(found, limit, message, is_most=False)


def error_rate(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 3: the failures of treatment at this share."""
    count, limit = evidence.counted.treatment, limits.gradual_error_rate
    if not count.finished:
        return unknown(_("No run of scanning is finished at this share yet."))
    message = _("%(found).2f %% of %(n)d runs of scanning failed, at most %(limit).2f %% may.") % {
        "found": 100 * count.rate,
        "n": count.finished,
        "limit": 100 * limit,
    }
    return share_of(count.rate, limit, message, is_most=True)


def refused(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """What is not known of scanning is not healthy: its refused outputs until legacy has told.

    Some may wait at any time, or whoever makes odd captures would hold it.
    """
    found = evidence.undecided
    most = math.floor(limits.gradual_error_rate * evidence.counted.treatment.finished)
    message = _(
        "%(found)d refused outputs of scanning wait for what legacy makes of them, at most "
        "%(most)d may; %(odd)d captures were refused whoever made the output, and count for nobody."
    ) % {"found": found, "most": most, "odd": evidence.tally.odd}
    verdict = GateVerdict.INCONCLUSIVE if found > most else GateVerdict.PASSED
    return Judged(verdict, message, found, most)


def degradation(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 2: the median of treatment's time to control's on the same captures."""
    median = evidence.tally.ratios.quantile(0.5)
    if median is None:
        return unknown(_("No capture was timed on both strategies yet."))
    message = _(
        "Scanning takes %(found).3f times as long as legacy (median of %(n)d captures), at most "
        "%(limit).3f times."
    ) % {"found": median, "n": evidence.tally.ratios.count, "limit": 1 + limits.degradation}
    return share_of(median, 1 + limits.degradation, message, is_most=True)


def mismatch(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (c).  What was tested elsewhere counts for half of what is needed at most."""
    tally, alpha = evidence.tally, limits.promotion_alpha
    whole = tally.mismatch_bound(limits.mismatch_budget)
    without = type(whole)(limits.mismatch_budget).runs_needed(alpha)
    imported = 0
    if not evidence.imported_mismatched:
        imported = min(evidence.imported_matched, without // 2)
    bound = tally.mismatch_bound(limits.mismatch_budget, imported)
    e, limit = math.exp(min(bound.log_e, 27.0)), 1 / alpha
    needed = bound.runs_needed(alpha)
    message = _(
        "%(differ)d of %(n)d captures differ (budget %(budget).2f %%, %(imported)d more tested "
        "elsewhere): evidence %(e).3g, needed %(limit).0f."
    ) % {
        "differ": tally.mismatched,
        "n": tally.pairs,
        "budget": 100 * limits.mismatch_budget,
        "imported": imported,
        "e": e,
        "limit": limit,
    }
    if needed:
        message += " " + _("%(needed)d more without a difference would do.") % {"needed": needed}
    return at_least(message, e, limit if needed else min(e, limit), needed)


def frozen(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 1: the baseline is stored."""
    if evidence.baseline is None and evidence.phase is PhaseName.BASELINE:
        return unknown(_("The baseline is frozen when everything else is met."))
    if evidence.baseline is None:
        return unknown(_("There is no frozen baseline: restart the rollout at phase 1."))
    return passed(
        _("The baseline is frozen: %(failed)d of %(runs)d runs failed.")
        % {"failed": evidence.baseline.failed, "runs": evidence.baseline.runs}
    )


def sample_ratio(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (e), when captures are given to an arm and again when their time is over."""
    worst = max(evidence.tally.assigned.log_e, evidence.tally.completed.log_e)
    e = math.exp(min(worst, 27.0))
    message = _(
        "Evidence that captures went to the arms in another ratio than they were to: %(e).3g, "
        "it holds from %(limit).0f."
    ) % {"e": e, "limit": RATIO_LIMIT}
    verdict = GateVerdict.ERROR if e >= RATIO_LIMIT else GateVerdict.PASSED
    return Judged(verdict, message, e, RATIO_LIMIT)


def health(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """The score of the newest report; without one nothing is known."""
    report = evidence.health
    if report is None or report.score is None:
        return unknown(_("There is no health score, so nothing is known."))
    if report.age_seconds > limits.health_age_seconds:
        return unknown(
            _("The newest health report is %(age).0f s old, at most %(limit).0f s are allowed.")
            % {"age": report.age_seconds, "limit": limits.health_age_seconds}
        )
    message = _("The health score is %(score).2f, at least %(limit).2f must be.") % {
        "score": report.score,
        "limit": limits.least_health,
    }
    return at_least(message, report.score, limits.least_health)


def health_low(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (g) on health: it holds and does not roll back.

    At little traffic a score is low by chance every day: two failures of twenty runs are enough,
    and what they are evidence of is in the processes of harm already (ADR 13).
    """
    report = evidence.health
    if report is None or report.score is None or report.age_seconds > limits.health_age_seconds:
        return passed(_("There is no health report that says anything."))
    message = _(
        "The health score is %(score).2f (limit %(floor).2f), %(low)d reports in a row were below "
        "%(limit).2f (limit %(times)d)."
    ) % {
        "score": report.score,
        "floor": limits.health_floor,
        "low": report.low_in_a_row,
        "limit": limits.health_low,
        "times": limits.health_low_reports,
    }
    is_low = report.score < limits.health_floor
    is_lasting = report.low_in_a_row >= limits.health_low_reports
    verdict = GateVerdict.INCONCLUSIVE if is_low or is_lasting else GateVerdict.PASSED
    return Judged(verdict, message, report.score, limits.health_floor)


def slow_alone(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (a') on slow runs, where there is no control.

    It holds and does not roll back: a slow machine looks the same, and only comparisons on the
    same machine at the same time can tell (ADR 13).
    """
    process, baseline = evidence.tally.slow_alone, evidence.baseline
    if process is None or baseline is None or not baseline.slow_alone.p95_ms:
        return passed(_("No size of captures has a frozen limit that holds without a control."))
    limit = 1 / limits.alpha
    e = math.exp(min(process.log_e, 27.0))
    message = _(
        "%(slow)d of %(n)d runs were slower than the frozen limits of their size: evidence "
        "%(e).3g, it holds from %(limit).0f."
    ) % {
        "slow": process.failed,
        "n": process.failed + process.succeeded,
        "e": e,
        "limit": limit,
    }
    verdict = GateVerdict.INCONCLUSIVE if e >= limit else GateVerdict.PASSED
    return Judged(verdict, message, e, limit)


def legacy_unused(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 5: nothing was served by legacy for the time of the phase."""
    found, limit = evidence.cleanup.legacy_unused_seconds, limits.cleanup_dwell_seconds
    if found is None:
        return unknown(_("It is not known when legacy served last."))
    message = _("Legacy served nothing for %(found)s, %(limit)s must pass.") % {
        "found": long_span(found),
        "limit": long_span(limit),
    }
    return at_least(message, found, limit)


def drill(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 5: rolling back was rehearsed lately."""
    age = evidence.cleanup.drill_age_seconds
    if age is None:
        return unknown(_("No rollback drill has passed; one is held by schedule."))
    limit = limits.drill_days * 86_400
    message = _("The newest drill that passed is %(age)s old, at most %(limit)s.") % {
        "age": long_span(age),
        "limit": long_span(limit),
    }
    verdict = GateVerdict.PASSED if age <= limit else GateVerdict.INCONCLUSIVE
    return Judged(verdict, message, age, limit)


def archived(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Phase 5: baseline and evidence are stored for good."""
    if evidence.cleanup.is_archived:
        return passed(_("Baseline and evidence are archived."))
    return unknown(_("Baseline and evidence are not archived yet."))
