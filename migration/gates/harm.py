"""The rules of harm: what fails rolls back.  Pure.  The letters are those of the design.

Rules over chances are e-processes, valid at every look: each fires at ``alpha`` divided by how many
of them there are, so that together they fire without cause with probability ``alpha`` at most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _

from migration.choices import GateVerdict
from migration.conf import RolloutLimits
from migration.gates.evidence import Evidence
from migration.gates.results import Judged, passed, unknown
from monitoring.choices import Dimension
from monitoring.eprocesses import Harm

# what treatment can be to blame for; a machine that is short of something is not its fault
CAUSED: Final = frozenset(
    {
        Dimension.STRATEGY_SELECTION.value,
        Dimension.PERFORMANCE.value,
        Dimension.ERROR_RATE.value,
        Dimension.BUSINESS.value,
    }
)
# an e-value beyond says no more
LARGEST_LOG_E: Final = math.log(1e12)


def _process(name: str, words: Callable[[], str]) -> Callable[[Evidence, RolloutLimits], Judged]:
    def judge(evidence: Evidence, limits: RolloutLimits) -> Judged:
        process: Harm | None = getattr(evidence.tally, name)
        if process is None:
            return unknown(_("There is no frozen baseline to compare with."))
        limit = CHANCE_RULES / limits.alpha
        e = math.exp(min(process.max_log_e, LARGEST_LOG_E))
        fires = process.max_log_e >= math.log(limit)
        message = _("%(what)s: evidence %(e).3g, it rolls back at %(limit).0f.") % {
            "what": words(),
            "e": e,
            "limit": limit,
        }
        return Judged(GateVerdict.FAILED if fires else GateVerdict.PASSED, message, e, limit)

    return judge


errors = _process("errors", lambda: _("More failures on scanning than on legacy"))
slow = _process("slow", lambda: _("More slow runs on scanning than on legacy"))
discordant = _process(
    "discordant", lambda: _("Captures on which only scanning fails, in comparisons")
)
paired = _process("paired", lambda: _("Scanning slower on the same capture, in comparisons"))
errors_alone = _process("errors_alone", lambda: _("More failures than the frozen baseline allows"))
# alpha is shared among these; slow_alone in gates.conditions holds and is not one of them
CHANCE_RULES: Final = 5


def leak(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (d): no statistics.  One confirmed leak is too many."""
    found = evidence.tally.leaks
    message = _("%(n)d leaks are confirmed, 0 must be.") % {"n": found}
    return Judged(GateVerdict.FAILED if found else GateVerdict.PASSED, message, found, 0)


def in_a_row(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (g): failures of treatment on distinct captures, one after the other."""
    found, limit = evidence.tally.most_in_a_row, limits.failures_in_a_row
    message = _("%(n)d failures of scanning came in a row, it rolls back at %(limit)d.") % {
        "n": found,
        "limit": limit,
    }
    verdict = GateVerdict.FAILED if found >= limit else GateVerdict.PASSED
    return Judged(verdict, message, found, limit)


def error_rate(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (g): the newest runs of both arms together."""
    recent, least = evidence.recent, limits.error_rate_runs
    if recent.finished < least:
        return passed(
            _("The rate of failures is judged from %(least)d recent runs on, there are %(n)d.")
            % {"least": least, "n": recent.finished}
        )
    message = _(
        "%(rate).1f %% of the last %(n)d runs failed, it rolls back above %(limit).1f %%."
    ) % {
        "rate": 100 * recent.rate,
        "n": recent.finished,
        "limit": 100 * limits.error_rate,
    }
    verdict = GateVerdict.FAILED if recent.rate > limits.error_rate else GateVerdict.PASSED
    return Judged(verdict, message, recent.rate, limits.error_rate)


def health(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (g): a low score, where a dimension fails that treatment can be to blame for.

    At little traffic a score is low by chance: two failures of twenty runs are enough.  So it rolls
    back only together with some evidence against treatment, and holds without (ADR 13).
    """
    report = evidence.health
    if report is None or report.score is None:
        return passed(_("There is no health score, and what is unknown never rolls back."))
    if report.age_seconds > limits.health_age_seconds:
        return passed(_("The newest health report is too old to say anything."))
    at_once = report.score < limits.health_floor
    lasting = report.low_in_a_row >= limits.health_low_reports
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
    if not (at_once or lasting):
        return Judged(GateVerdict.PASSED, message, report.score, limits.health_floor)
    if not CAUSED & set(report.failing):
        message += " " + _("Scanning is not to blame for what fails, so it holds.")
        return Judged(GateVerdict.INCONCLUSIVE, message, report.score, limits.health_floor)
    most = _most_evidence(evidence)
    message += " " + _("Evidence against scanning is %(e).3g, it rolls back from %(limit).0f.") % {
        "e": math.exp(min(most, LARGEST_LOG_E)),
        "limit": 1 / limits.promotion_alpha,
    }
    is_blamed = most >= -math.log(limits.promotion_alpha)
    verdict = GateVerdict.FAILED if is_blamed else GateVerdict.INCONCLUSIVE
    return Judged(verdict, message, report.score, limits.health_floor)


def _most_evidence(evidence: Evidence) -> float:
    tally = evidence.tally
    processes = (tally.errors, tally.slow, tally.discordant, tally.paired, tally.errors_alone)
    return max(each.max_log_e for each in processes if each is not None)


def critical(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (g): memory or latency above its critical threshold for the whole hold time.

    Latency is not held against treatment while the machine is busy: then everything is slow.
    """
    hold = limits.critical_hold_seconds
    found = max(evidence.critical_seconds.values(), default=0.0)
    message = _(
        "Memory or latency is above its critical threshold for %(found).0f s, it rolls back at "
        "%(hold).0f s."
    ) % {"found": found, "hold": hold}
    over = {name for name, seconds in evidence.critical_seconds.items() if seconds >= hold}
    if not over:
        return Judged(GateVerdict.PASSED, message, found, hold)
    if over == {"latency"} and evidence.is_machine_busy:
        message += " " + _("The machine is busy, so it holds.")
        return Judged(GateVerdict.INCONCLUSIVE, message, found, hold)
    return Judged(GateVerdict.FAILED, message, found, hold)


def stale(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (g): samples that stopped.  That there never was one never rolls back."""
    age = evidence.sample_age_seconds
    if age is None:
        return unknown(_("There is no sample yet, so nothing is known."))
    message = _(
        "The newest sample is %(age).0f s old; it holds from %(hold).0f s and rolls back from "
        "%(limit).0f s."
    ) % {"age": age, "hold": limits.stale_seconds, "limit": limits.stale_rollback_seconds}
    if age >= limits.stale_rollback_seconds:
        verdict = GateVerdict.FAILED
    elif age >= limits.stale_seconds:
        verdict = GateVerdict.INCONCLUSIVE
    else:
        verdict = GateVerdict.PASSED
    return Judged(verdict, message, age, limits.stale_rollback_seconds)
