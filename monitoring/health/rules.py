"""How health is judged: plain facts and limits in, findings out.  No database, no clock.

A dimension is judged by parts, and the worst part decides: a good average must not hide a bad
part.  In the order of badness: not applicable, ok, warn, unknown, fail.  What is unknown is never
healthy, and never as bad as what is known to be broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.choices import Dimension, Verdict

ORDER: Final = (Verdict.NOT_APPLICABLE, Verdict.OK, Verdict.WARN, Verdict.UNKNOWN, Verdict.FAIL)
WEIGHTS: Final[Mapping[Dimension, float]] = {
    Dimension.STRATEGY_SELECTION: 0.25,
    Dimension.PERFORMANCE: 0.25,
    Dimension.ERROR_RATE: 0.30,
    Dimension.RESOURCES: 0.15,
    Dimension.BUSINESS: 0.05,
}
# a failure or a warning anywhere holds the score below what people take for good
CAPS: Final = ((Verdict.FAIL, 0.29), (Verdict.WARN, 0.79))
SCORE_AT_WARN: Final = 0.8
SCORE_AT_FAIL: Final = 0.3
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
# and for more failures on the treatment, at alpha 0.01 (rule (a))
HARM_LIMIT: Final = 100.0


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
    """What one check goes by.  None is what is not known."""

    age_seconds: float | None = None
    control: ArmFacts = ArmFacts("legacy")
    treatment: ArmFacts = ArmFacts("scanning")
    fallbacks: int = 0
    breakers_open: int | None = None
    # over distinct captures of the policy in force
    assigned: int = 0
    assigned_to_treatment: int = 0
    treatment_share: float | None = None
    sample_ratio_e: float | None = None
    harm_e: float | None = None
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk_percent: float | None = None
    worker_rss_bytes: float | None = None
    oldest_waiting_seconds: float | None = None
    workers_answer: bool | None = None
    shadows: int = 0
    leaks: int = 0
    verification_failures: int = 0
    compared_bytes: int = 0
    disagreeing_bytes: int = 0
    finished: int = 0
    finished_late: int = 0
    # seconds of a window: failed runs, ended runs
    burns: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """Runs of both arms."""
        return self.control.ended + self.treatment.ended


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that a verdict rests on, with the limit that it is held to."""

    name: str
    value: float | None
    limit: float | None
    unit: str = ""
    n: int | None = None
    age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule says."""

    verdict: Verdict
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one dimension.  ``score`` is from 0 to 1."""

    dimension: Dimension
    verdict: Verdict
    score: float | None
    sentence: str
    evidence: tuple[Evidence, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what a report keeps."""
        return {
            "dimension": self.dimension.value,
            "verdict": self.verdict.value,
            "score": self.score,
            "weight": WEIGHTS[self.dimension],
            "sentence": self.sentence,
            "evidence": [asdict(each) for each in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Overall:
    """What is said of the whole.  ``mean`` is the weighted mean before it was capped."""

    verdict: Verdict
    score: float | None
    mean: float | None
    sentence: str


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; not applicable when there is none."""
    return max(verdicts, key=ORDER.index, default=Verdict.NOT_APPLICABLE)


def judge(facts: Facts, limits: Limits) -> tuple[Finding, ...]:
    """Return a finding for each dimension."""
    missing = _missing(facts, limits)
    if missing is not None:
        return tuple(Finding(each, Verdict.UNKNOWN, None, *missing) for each in Dimension)
    return tuple(_finding(each, RULES[each], facts, limits) for each in Dimension)


def overall(findings: Sequence[Finding]) -> Overall:
    """Return the whole: the worst dimension decides, whatever the mean."""
    verdict = worst(each.verdict for each in findings)
    scored = [each for each in findings if each.score is not None]
    weight = sum(WEIGHTS[each.dimension] for each in scored)
    mean = (
        sum(WEIGHTS[each.dimension] * (each.score or 0.0) for each in scored) / weight
        if weight
        else None
    )
    is_unknown = any(each.verdict is Verdict.UNKNOWN for each in findings)
    score = None if is_unknown or mean is None else _capped(mean, verdict)
    if verdict is Verdict.NOT_APPLICABLE:
        verdict = Verdict.UNKNOWN  # nothing was judged
    deciding = [each.sentence for each in findings if each.verdict is verdict]
    sentence = (
        _("Nothing is wrong.") if verdict is Verdict.OK else " ".join(dict.fromkeys(deciding))
    )
    return Overall(verdict, score, mean, sentence or _("Nothing could be judged yet."))


def _capped(mean: float, verdict: Verdict) -> float:
    return min(mean, dict(CAPS).get(verdict, 1.0))


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
    evidence = tuple(each for part in said for each in part.evidence)
    score = min(scores) if is_known and scores else None
    return Finding(dimension, verdict, score, sentence, evidence)


def score_between(value: float, warn: float, fail: float) -> float:
    """Return 1 at nothing, 0.8 at ``warn``, 0.3 at ``fail`` and 0 at twice that."""
    if value < warn:
        return 1 - (1 - SCORE_AT_WARN) * max(0.0, value) / warn
    if value < fail:
        return SCORE_AT_WARN - (SCORE_AT_WARN - SCORE_AT_FAIL) * (value - warn) / (fail - warn)
    return max(0.0, SCORE_AT_FAIL * (2 - value / fail))


def _held_to(
    name: str, value: float | None, limits: tuple[float, float], unit: str, n: int | None = None
) -> Part:
    """Judge ``value`` by a warning and a failure limit; below the first is ok."""
    warn, fail = limits
    if value is None:
        said = _("%(name)s is not known, %(limit)s is the limit.") % {
            "name": name,
            "limit": _figure(warn, unit),
        }
        return Part(Verdict.UNKNOWN, said, (Evidence(name, None, warn, unit, n),))
    verdict = Verdict.OK if value < warn else Verdict.WARN if value < fail else Verdict.FAIL
    limit = fail if verdict is Verdict.FAIL else warn
    values = {"name": name, "value": _figure(value, unit), "limit": _figure(limit, unit)}
    if n is None:
        said = _("%(name)s is %(value)s, must be below %(limit)s.") % values
    else:
        said = _("%(name)s is %(value)s of %(n)d, must be below %(limit)s.") % {**values, "n": n}
    score = score_between(value, warn, fail)
    return Part(verdict, said, (Evidence(name, value, limit, unit, n),), score)


def _figure(value: float, unit: str) -> str:
    match unit:
        case "share":
            return f"{value * 100:.2f} %"
        case "bytes":
            return f"{value / 1e6:,.0f} MB"
        case "%" | "s":
            return f"{value:,.0f} {unit}"
        case _:
            return f"{value:,.3g} {unit}".strip()


def _not_applicable(sentence: str) -> Part:
    return Part(Verdict.NOT_APPLICABLE, sentence)


def _too_few(n: int, limits: Limits) -> Part:
    return _not_applicable(
        ngettext(
            "%(n)d run ended, at least %(least)d are needed to judge.",
            "%(n)d runs ended, at least %(least)d are needed to judge.",
            n,
        )
        % {"n": n, "least": limits.least_runs}
    )


# --- strategy selection ---------------------------------------------------------------------------


def _breakers(facts: Facts, limits: Limits) -> Part:
    if facts.breakers_open is None:
        return _held_to(_("Number of open breakers"), None, (1, 1), "")
    verdict = Verdict.FAIL if facts.breakers_open else Verdict.OK
    said = _("%(n)d breakers are open, 0 must be.") % {"n": facts.breakers_open}
    evidence = (Evidence(_("open breakers"), facts.breakers_open, 0),)
    return Part(verdict, said, evidence, 0.0 if facts.breakers_open else 1.0)


def _fallbacks(facts: Facts, limits: Limits) -> Part:
    n = facts.treatment.ended
    if n < limits.least_runs:
        return _too_few(n, limits)
    rate = min(1.0, facts.fallbacks / n)
    return _held_to(_("Share of fallbacks to legacy"), rate, limits.fallback_rate, "share", n)


def _sample_ratio(facts: Facts, limits: Limits) -> Part:
    share = facts.treatment_share
    if share is None or not 0 < share < 1 or facts.sample_ratio_e is None or not facts.assigned:
        return _not_applicable(_("Captures are not shared out between two arms."))
    said = _(
        "%(found).2f %% of %(n)d captures went to scanning, %(share).2f %% were to; "
        "evidence against chance %(e).3g, must be below %(limit).0f."
    ) % {
        "found": 100 * facts.assigned_to_treatment / facts.assigned,
        "n": facts.assigned,
        "share": 100 * share,
        "e": facts.sample_ratio_e,
        "limit": SAMPLE_RATIO_LIMIT,
    }
    is_wrong = facts.sample_ratio_e >= SAMPLE_RATIO_LIMIT
    evidence = Evidence(
        _("evidence against the share"),
        facts.sample_ratio_e,
        SAMPLE_RATIO_LIMIT,
        "",
        facts.assigned,
    )
    verdict = Verdict.FAIL if is_wrong else Verdict.OK
    return Part(verdict, said, (evidence,), 0.0 if is_wrong else 1.0)


# --- performance ----------------------------------------------------------------------------------


def _latency(arm: ArmFacts, limits: Limits) -> Part:
    if arm.succeeded < limits.least_runs:
        return _too_few(arm.succeeded, limits)
    name = _("Time per message (p95) of %(strategy)s") % {"strategy": arm.name}
    limit = limits.message_p95_ms
    return _held_to(name, arm.message_p95_ms, (limit, 2 * limit), "ms", arm.succeeded)


def _control_latency(facts: Facts, limits: Limits) -> Part:
    return _latency(facts.control, limits)


def _treatment_latency(facts: Facts, limits: Limits) -> Part:
    return _latency(facts.treatment, limits)


# --- error rate -----------------------------------------------------------------------------------


def _error_rate(facts: Facts, limits: Limits) -> Part:
    if facts.ended < limits.least_runs:
        return _too_few(facts.ended, limits)
    failed = facts.control.failed + facts.treatment.failed
    rate = failed / facts.ended
    return _held_to(_("Error rate"), rate, limits.error_rate, "share", facts.ended)


def _harm(facts: Facts, limits: Limits) -> Part:
    if facts.harm_e is None:
        return _not_applicable(_("There are no two arms to compare errors of."))
    is_harm = facts.harm_e >= HARM_LIMIT
    said = _("Evidence for more errors on scanning is %(e).3g, must be below %(limit).0f.") % {
        "e": facts.harm_e,
        "limit": HARM_LIMIT,
    }
    evidence = Evidence(_("evidence for more errors on scanning"), facts.harm_e, HARM_LIMIT)
    verdict = Verdict.FAIL if is_harm else Verdict.OK
    return Part(verdict, said, (evidence,), 0.0 if is_harm else 1.0)


def _burn_rate(facts: Facts, limits: Limits) -> Part:
    if not facts.burns:
        return _not_applicable(_("No run ended within three days."))
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


def _resource(name: Any, fact: str, limit: str, unit: str) -> Rule:
    def rule(facts: Facts, limits: Limits) -> Part:
        return _held_to(str(name()), getattr(facts, fact), getattr(limits, limit), unit)

    return rule


def _workers(facts: Facts, limits: Limits) -> Part:
    answer = facts.workers_answer
    evidence = (Evidence(_("workers answer"), None if answer is None else float(answer), 1),)
    if answer is None:
        said = _("It is not known whether the workers answer; 1 sign is due every few seconds.")
        return Part(Verdict.UNKNOWN, said, evidence)
    if not answer:
        return Part(Verdict.FAIL, _("The workers do not answer: 0 signs, 1 is due."), evidence, 0.0)
    return Part(Verdict.OK, _("The workers answer: 1 sign of 1."), evidence, 1.0)


# --- business -------------------------------------------------------------------------------------


def _leaks(facts: Facts, limits: Limits) -> Part:
    return _none_of(_("Confirmed leaks"), facts.leaks, facts.shadows)


def _verification(facts: Facts, limits: Limits) -> Part:
    return _none_of(_("Outputs that failed verification"), facts.verification_failures, facts.ended)


def _none_of(name: str, found: int, n: int) -> Part:
    if not found and not n:
        return _not_applicable(_("%(name)s: nothing to look at.") % {"name": name})
    said = _("%(name)s: %(found)d of %(n)d, must be 0.") % {"name": name, "found": found, "n": n}
    verdict = Verdict.FAIL if found else Verdict.OK
    return Part(verdict, said, (Evidence(name, found, 0, "", n),), 0.0 if found else 1.0)


def _accuracy(facts: Facts, limits: Limits) -> Part:
    if facts.shadows < limits.least_runs or not facts.compared_bytes:
        return _not_applicable(_("There are too few comparisons to judge accuracy."))
    wrong = facts.disagreeing_bytes / facts.compared_bytes
    allowed = max(1e-9, 1 - limits.accuracy)
    name = _("Share of bytes that both strategies take for different things")
    return _held_to(name, wrong, (allowed, 2 * allowed), "share", facts.shadows)


def _promise(facts: Facts, limits: Limits) -> Part:
    if facts.finished < limits.least_runs:
        return _too_few(facts.finished, limits)
    late = facts.finished_late / facts.finished
    name = _("Share of captures later than %(seconds).0f s") % {"seconds": limits.promised_seconds}
    return _held_to(name, late, (0.05, 0.2), "share", facts.finished)


RULES: Final[Mapping[Dimension, tuple[Rule, ...]]] = {
    Dimension.STRATEGY_SELECTION: (_breakers, _fallbacks, _sample_ratio),
    Dimension.PERFORMANCE: (_control_latency, _treatment_latency),
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
    Dimension.BUSINESS: (_leaks, _verification, _accuracy, _promise),
}
