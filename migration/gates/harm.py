"""The rules of harm: what fails rolls back.  Pure.  The letters are those of the design.

Rules over chances are e-processes, valid at every look: each fires at its part of ``alpha``, by how
many of them there are and by rounds of evidence, so that all of them together, in all rounds of an
attempt, fire without cause with probability ``alpha`` at most.
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
from migration.gates.tally import Baseline
from monitoring.eprocesses import Harm
from monitoring.statistics import LEAST_BASELINE_RATE

# so many captures go to scanning in a rollout
RUNS: Final = 100_000
# an e-value beyond says no more
LARGEST_LOG_E: Final = math.log(1e12)


def _process(name: str, words: Callable[[], str]) -> Callable[[Evidence, RolloutLimits], Judged]:
    def judge(evidence: Evidence, limits: RolloutLimits) -> Judged:
        process: Harm | None = getattr(evidence.tally, name)
        if process is None:
            return unknown(_("There is no frozen baseline to compare with."))
        limit = CHANCE_RULES / (limits.alpha * evidence.tally.round_weight)
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
    """Rule (g): failures of treatment on distinct captures, one after the other.

    More are needed where control fails often: so many come by chance in RUNS runs with
    probability ``alpha`` at most.
    """
    found, limit = evidence.tally.most_in_a_row, least_in_a_row(evidence.baseline, limits)
    message = _("%(n)d failures of scanning came in a row, it rolls back at %(limit)d.") % {
        "n": found,
        "limit": limit,
    }
    verdict = GateVerdict.FAILED if found >= limit else GateVerdict.PASSED
    return Judged(verdict, message, found, limit)


def least_in_a_row(baseline: Baseline | None, limits: RolloutLimits) -> int:
    """Return how many failures in a row are no chance, by the failures of the baseline."""
    if baseline is None:
        return limits.failures_in_a_row
    rate = min(max(LEAST_BASELINE_RATE, baseline.failed / baseline.runs), 0.5)
    by_chance = math.ceil(math.log(limits.alpha / RUNS) / math.log(rate))
    return max(limits.failures_in_a_row, by_chance)


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


def critical(evidence: Evidence, limits: RolloutLimits) -> Judged:
    """Rule (g): memory or latency above its critical threshold for the whole hold time.

    Latency counts from when the machine was busy the last time: then everything is slow.
    """
    hold = limits.critical_hold_seconds
    found = max(evidence.critical_seconds.values(), default=0.0)
    message = _(
        "Memory or latency is above its critical threshold for %(found).0f s, it rolls back at "
        "%(hold).0f s."
    ) % {"found": found, "hold": hold}
    verdict = GateVerdict.FAILED if found >= hold else GateVerdict.PASSED
    return Judged(verdict, message, found, hold)


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
