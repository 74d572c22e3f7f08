"""How health is judged: plain facts and limits in, findings out.  No database, no clock.

A dimension is judged by parts, and the worst part decides: a good average must not hide a bad
part.  In the order of badness: not applicable, ok, warn, unknown, fail.  What is unknown is never
healthy, and never as bad as what is known to be broken: a failure stays one beside it, a warning
does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.choices import Dimension, Verdict
from monitoring.health.findings import ORDER, Evidence, Finding, Part, worst
from monitoring.health.inputs import ArmFacts, Facts, Limits
from monitoring.health.parts import (
    SCORE_AT_FAIL,
    against_chance,
    held_to,
    is_fresh,
    none_of,
    not_applicable,
    not_known,
    too_few,
)

# from the Site Reliability Workbook (Beyer et al., 2018), chapter 5: long window and short window
# in seconds, how many times faster than it may the budget of failures is used up, and the verdict
BURNS: Final = (
    (3600, 300, 14.4, Verdict.FAIL),
    (6 * 3600, 1800, 6.0, Verdict.FAIL),
    (3 * 86_400, 6 * 3600, 1.0, Verdict.WARN),
)
BURN_WINDOWS: Final = tuple(sorted({seconds for each in BURNS for seconds in each[:2]}))
# evidence against the promised split, as an e-value (migration design, rule (e))
SAMPLE_RATIO_LIMIT: Final = 1000.0
# and for more failures on the treatment, or for a slower one, at alpha 0.01 (rules (a) and (b))
HARM_LIMIT: Final = 100.0
# share of the baseline's throughput that is lost: a warning and a failure
LOST_THROUGHPUT: Final = (0.1, 0.3)


def judge(facts: Facts, limits: Limits) -> tuple[Finding, ...]:
    """Return a finding for each dimension."""
    missing = _missing(facts, limits)
    if missing is not None:
        return tuple(Finding(each, Verdict.UNKNOWN, None, *missing) for each in Dimension)
    return tuple(_finding(each, RULES[each], facts, limits) for each in Dimension)


def _missing(facts: Facts, limits: Limits) -> tuple[str, tuple[Evidence, ...]] | None:
    if facts.age_seconds is None:
        said = _("There is no sample yet, so nothing is known; one is due every few seconds.")
        evidence = Evidence(_("age of the newest sample"), None, limits.stale_seconds, "s")
        return said, (evidence,)
    if facts.age_seconds > limits.stale_seconds:
        said = _("The newest sample is %(age).0f s old, at most %(limit).0f s are allowed.") % {
            "age": facts.age_seconds,
            "limit": limits.stale_seconds,
        }
        evidence = Evidence(
            _("age of the newest sample"), facts.age_seconds, limits.stale_seconds, "s"
        )
        return said, (evidence,)
    return None


Rule = Callable[[Facts, Limits], Part]


def _finding(dimension: Dimension, rules: Sequence[Rule], facts: Facts, limits: Limits) -> Finding:
    parts = [rule(facts, limits) for rule in rules]
    verdict = worst(part.verdict for part in parts)
    applicable = [part for part in parts if part.verdict is not Verdict.NOT_APPLICABLE]
    scores = [part.score for part in applicable if part.score is not None]
    is_known = verdict not in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE)
    # what decided comes first
    said = sorted(applicable or parts, key=lambda part: -ORDER.index(part.verdict))
    sentence = " ".join(dict.fromkeys(part.sentence for part in said))
    # what has no age of its own is as old as the newest sample
    evidence = tuple(
        each if each.age_seconds is not None else replace(each, age_seconds=facts.age_seconds)
        for part in said
        for each in part.evidence
    )
    score = min(scores) if is_known and scores else None
    reasons = tuple(part.sentence for part in said if part.verdict is verdict)
    return Finding(dimension, verdict, score, sentence, evidence, reasons)


# --- strategy selection ---------------------------------------------------------------------------


def _breakers(facts: Facts, limits: Limits) -> Part:
    name, found = _("Number of open breakers"), facts.breakers_open
    if found is None or not is_fresh(facts, limits, "breakers_open"):
        return not_known(facts, "breakers_open", name, 0)
    said = ngettext(
        "%(n)d breaker is open, 0 must be.", "%(n)d breakers are open, 0 must be.", found
    ) % {"n": found}
    evidence = Evidence(name, found, 0, age_seconds=facts.ages["breakers_open"])
    verdict = Verdict.FAIL if found else Verdict.OK
    return Part(verdict, said, (evidence,), 0.0 if found else 1.0)


def _fallbacks(facts: Facts, limits: Limits) -> Part:
    n = facts.treatment.ended
    if n < limits.least_runs:
        return too_few(n, limits)
    rate = min(1.0, facts.fallbacks / n)
    return held_to(_("Share of fallbacks to legacy"), rate, limits.fallback_rate, "share", n)


def _sample_ratio(facts: Facts, limits: Limits) -> Part:
    share, e = facts.assigned_share, facts.sample_ratio_e
    if not _are_shared_out(facts) or share is None or e is None:
        return not_applicable(_("Captures are not shared out between two arms."))
    said = _(
        "%(found).2f %% of %(n)d captures went to scanning, %(share).2f %% were to; "
        "evidence against chance %(e).3g, must be below %(limit).0f."
    ) % {
        "found": 100 * facts.assigned_to_treatment / facts.assigned,
        "n": facts.assigned,
        "share": 100 * share,
        "e": e,
        "limit": SAMPLE_RATIO_LIMIT,
    }
    name = _("Evidence against the share")
    return against_chance(SAMPLE_RATIO_LIMIT, e, said, name, facts.assigned)


def _changed_arm(facts: Facts, limits: Limits) -> Part:
    if not _are_shared_out(facts):
        return not_applicable(_("Captures are not shared out between two arms."))
    name = _("Captures that changed arm against their share")
    return none_of(name, facts.changed_arm, facts.assigned)


def _are_shared_out(facts: Facts) -> bool:
    share = facts.treatment_share
    return share is not None and 0 < share < 1 and facts.assigned > 0


# --- performance ----------------------------------------------------------------------------------


def _latency(arm: ArmFacts, limits: Limits) -> Part:
    if arm.succeeded < limits.least_runs:
        return too_few(arm.succeeded, limits)
    name = _("Time per message (p95) of %(strategy)s") % {"strategy": arm.name}
    limit = limits.message_p95_ms
    return held_to(name, arm.message_p95_ms, (limit, 2 * limit), "ms", arm.succeeded)


def _control_latency(facts: Facts, limits: Limits) -> Part:
    return _latency(facts.control, limits)


def _treatment_latency(facts: Facts, limits: Limits) -> Part:
    return _latency(facts.treatment, limits)


def _paired_latency(facts: Facts, limits: Limits) -> Part:
    if facts.slower_e is None:
        return not_applicable(_("No capture was trimmed by both strategies to compare times."))
    said = _(
        "Evidence for slower scanning is %(e).3g over %(n)d pairs, must be below %(limit).0f."
    ) % {"e": facts.slower_e, "n": facts.pairs, "limit": HARM_LIMIT}
    name = _("Evidence for slower scanning")
    return against_chance(HARM_LIMIT, facts.slower_e, said, name, facts.pairs)


def _throughput(facts: Facts, limits: Limits) -> Part:
    baseline, found = facts.baseline_bytes_per_second, facts.bytes_per_second
    if not baseline:
        return not_applicable(_("There is no frozen baseline to hold the throughput to."))
    if facts.ended < limits.least_runs:
        return too_few(facts.ended, limits)
    lost = None if found is None else max(0.0, 1 - found / baseline)
    name = _("Throughput lost against the baseline")
    return held_to(name, lost, LOST_THROUGHPUT, "share", facts.ended)


# --- error rate -----------------------------------------------------------------------------------


def _error_rate(facts: Facts, limits: Limits) -> Part:
    if facts.ended < limits.least_runs:
        return too_few(facts.ended, limits)
    failed = facts.control.failed + facts.treatment.failed
    rate = failed / facts.ended
    return held_to(_("Error rate"), rate, limits.error_rate, "share", facts.ended)


def _harm(facts: Facts, limits: Limits) -> Part:
    if facts.harm_e is None:
        return not_applicable(_("There are no two arms to compare errors of."))
    said = _(
        "Evidence for more errors on scanning is %(e).3g over %(n)d captures, "
        "must be below %(limit).0f."
    ) % {"e": facts.harm_e, "n": facts.assigned, "limit": HARM_LIMIT}
    name = _("Evidence for more errors on scanning")
    return against_chance(HARM_LIMIT, facts.harm_e, said, name, facts.assigned)


def _burn_rate(facts: Facts, limits: Limits) -> Part:
    if not facts.burns:
        return not_applicable(_("No run ended within three days."))
    budget = 1 - limits.success_target
    parts = []
    for long, short, limit, verdict in BURNS:
        failed, ended = facts.burns.get(long, (0, 0))
        rates = [_rate(facts.burns.get(each, (0, 0))) / budget for each in (long, short)]
        used = min(rates)
        is_met = failed >= limits.least_failures and used >= limit
        name = _("Burn rate over %(hours)g h") % {"hours": long / 3600}
        said = _("%(name)s is %(used).1f, must be below %(limit).1f.") % {
            "name": name,
            "used": used,
            "limit": limit,
        }
        score = 1.0 if not is_met else SCORE_AT_FAIL if verdict is Verdict.WARN else 0.0
        evidence = Evidence(name, used, limit, "", ended)
        parts.append(Part(verdict if is_met else Verdict.OK, said, (evidence,), score))
    return max(parts, key=lambda part: ORDER.index(part.verdict))


def _rate(counts: tuple[int, int]) -> float:
    failed, ended = counts
    return failed / ended if ended else 0.0


# --- resources ------------------------------------------------------------------------------------


def _resource(name: Callable[[], str], fact: str, limit: str, unit: str) -> Rule:
    def rule(facts: Facts, limits: Limits) -> Part:
        levels = getattr(limits, limit)
        value = getattr(facts, fact)
        if value is None or not is_fresh(facts, limits, fact):
            return not_known(facts, fact, name(), levels[0], unit)
        part = held_to(name(), value, levels, unit)
        age = facts.ages[fact]
        return replace(part, evidence=tuple(replace(e, age_seconds=age) for e in part.evidence))

    return rule


def _workers(facts: Facts, limits: Limits) -> Part:
    name, answer = _("Answer of the workers"), facts.workers_answer
    if answer is None or not is_fresh(facts, limits, "workers_answer"):
        return not_known(facts, "workers_answer", name, 1)
    evidence = Evidence(name, float(answer), 1, age_seconds=facts.ages["workers_answer"])
    if not answer:
        said = _("The workers do not answer: 0 signs, 1 is due.")
        return Part(Verdict.FAIL, said, (evidence,), 0.0)
    return Part(Verdict.OK, _("The workers answer: 1 sign of 1."), (evidence,), 1.0)


# --- business -------------------------------------------------------------------------------------


def _leaks(facts: Facts, limits: Limits) -> Part:
    return none_of(_("Confirmed leaks"), facts.leaks, facts.shadows)


def _verification(facts: Facts, limits: Limits) -> Part:
    return none_of(_("Outputs that failed verification"), facts.verification_failures, facts.ended)


def _accuracy(facts: Facts, limits: Limits) -> Part:
    if facts.shadows < limits.least_runs or not facts.compared_bytes:
        return not_applicable(_("There are too few comparisons to judge accuracy."))
    wrong = facts.disagreeing_bytes / facts.compared_bytes
    allowed = max(1e-9, 1 - limits.accuracy)
    name = _("Share of bytes that both strategies take for different things")
    return held_to(name, wrong, (allowed, 2 * allowed), "share", facts.shadows)


def _mismatches(facts: Facts, limits: Limits) -> Part:
    """Judge how many comparisons differ: a warning at most, for leaks are judged by themselves."""
    if facts.shadows < limits.least_runs:
        return not_applicable(_("There are too few comparisons to judge differences."))
    share = facts.mismatched / facts.shadows
    name = _("Share of comparisons with a difference")
    # the second limit is out of reach
    return held_to(name, share, (max(1e-9, 1 - limits.accuracy), 2.0), "share", facts.shadows)


def _masked(facts: Facts, limits: Limits) -> Part:
    """Judge that something is masked at all: messages without one masked byte are suspicious."""
    if facts.masked_bytes is None or facts.messages < limits.least_runs:
        return not_applicable(_("There are too few HTTP messages to judge masking."))
    said = _("%(found)s bytes were masked in %(n)s HTTP messages, at least 1 must be.") % {
        "found": f"{facts.masked_bytes:,}",
        "n": f"{facts.messages:,}",
    }
    evidence = Evidence(_("Bytes masked"), facts.masked_bytes, 1, "bytes", facts.messages)
    if facts.masked_bytes:
        return Part(Verdict.OK, said, (evidence,), 1.0)
    return Part(Verdict.WARN, said, (evidence,), SCORE_AT_FAIL)


def _promise(facts: Facts, limits: Limits) -> Part:
    if facts.finished < limits.least_runs:
        return too_few(facts.finished, limits)
    late = facts.finished_late / facts.finished
    name = _("Share of captures later than %(seconds).0f s") % {"seconds": limits.promised_seconds}
    return held_to(name, late, (0.05, 0.2), "share", facts.finished)


RULES: Final[Mapping[Dimension, tuple[Rule, ...]]] = {
    Dimension.STRATEGY_SELECTION: (_breakers, _fallbacks, _sample_ratio, _changed_arm),
    Dimension.PERFORMANCE: (
        _control_latency,
        _treatment_latency,
        _paired_latency,
        _throughput,
    ),
    Dimension.ERROR_RATE: (_error_rate, _harm, _burn_rate),
    Dimension.RESOURCES: (
        _resource(lambda: _("CPU"), "cpu_percent", "cpu_percent", "%"),
        _resource(lambda: _("Memory"), "memory_percent", "memory_percent", "%"),
        _resource(lambda: _("Disk"), "disk_percent", "disk_percent", "%"),
        _resource(
            lambda: _("Memory of the largest process"),
            "worker_rss_bytes",
            "worker_rss_bytes",
            "bytes",
        ),
        _resource(
            lambda: _("Age of the oldest waiting capture"),
            "oldest_waiting_seconds",
            "queue_age_seconds",
            "s",
        ),
        _workers,
    ),
    Dimension.BUSINESS: (
        _leaks,
        _verification,
        _accuracy,
        _mismatches,
        _masked,
        _promise,
    ),
}
