"""Which rule is judged in which phase, and all verdicts of one look.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from migration import texts
from migration.choices import PHASES, GateVerdict, PhaseName, RuleKind
from migration.conf import RolloutLimits
from migration.gates import conditions, harm
from migration.gates.evidence import Evidence
from migration.gates.results import Judged, Result

B, A, G, F, C = PHASES
HARM, GATE = RuleKind.HARM, RuleKind.GATE


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule by name."""

    name: str
    kind: RuleKind
    phases: frozenset[PhaseName]
    judge: Callable[[Evidence, RolloutLimits], Judged]


def _rule(
    name: str,
    kind: RuleKind,
    judge: Callable[[Evidence, RolloutLimits], Judged],
    *phases: PhaseName,
) -> Rule:
    return Rule(name, kind, frozenset(phases), judge)


RULES: Final = (
    _rule("leak", HARM, harm.leak, B, A, G, F, C),
    _rule("failures_in_a_row", HARM, harm.in_a_row, A, G, F, C),
    _rule("overall_error_rate", HARM, harm.error_rate, A, G, F, C),
    _rule("errors", HARM, harm.errors, A, G),
    _rule("slow_runs", HARM, harm.slow, A, G),
    _rule("pairs_errors", HARM, harm.discordant, B, A, G, F, C),
    _rule("pairs_latency", HARM, harm.paired, B, A, G, F, C),
    _rule("errors_against_baseline", HARM, harm.errors_alone, F, C),
    _rule("critical", HARM, harm.critical, A, G, F, C),
    _rule("stale", HARM, harm.stale, A, G, F, C),
    _rule("routing", GATE, conditions.routing, B, A, G, F, C),
    _rule("arms", GATE, conditions.arms, B, A, G, F, C),
    _rule("build", GATE, conditions.build, B, A, G, F, C),
    _rule("dwell", GATE, conditions.dwell, B, A, G, F, C),
    _rule("enough", GATE, conditions.enough, B, A, G, F),
    _rule("legacy_success", GATE, conditions.legacy_success, B),
    _rule("overall_success", GATE, conditions.overall_success, A),
    _rule("treatment_success", GATE, conditions.treatment_success, A, F),
    _rule("error_rate", GATE, conditions.error_rate, G),
    _rule("refused_outputs", GATE, conditions.refused, A, G, F, C),
    _rule("degradation", GATE, conditions.degradation, A),
    _rule("sample_ratio", GATE, conditions.sample_ratio, A, G),
    _rule("health", GATE, conditions.health, G, F),
    _rule("health_low", GATE, conditions.health_low, A, G, F, C),
    _rule("slow_against_baseline", GATE, conditions.slow_alone, F, C),
    _rule("mismatch", GATE, conditions.mismatch, B, A, G, F, C),
    _rule("legacy_unused", GATE, conditions.legacy_unused, C),
    _rule("drill", GATE, conditions.drill, C),
    _rule("archive", GATE, conditions.archived, C),
    # last: it is frozen when all others pass
    _rule("baseline", GATE, conditions.frozen, B, A, G, F, C),
)
NAMES: Final = frozenset(rule.name for rule in RULES)
# without these nothing else means anything
NEVER_DRY: Final = frozenset({"leak", "routing", "arms", "build", "baseline"})


def rule_names(text: str) -> frozenset[str]:
    """Return the rules that a text names; raises ValueError for one that cannot be dry."""
    wrong = [each for each in texts.names(text) if each not in NAMES - NEVER_DRY]
    if wrong:
        known = ", ".join(sorted(NAMES - NEVER_DRY))
        raise ValueError(f"{wrong[0][:40]!r} is no rule that can be dry; expected some of: {known}")
    return frozenset(texts.names(text))


def judge(evidence: Evidence, limits: RolloutLimits) -> tuple[Result, ...]:
    """Return what each rule of the present phase says."""
    dry = frozenset(texts.names(limits.dry_run)) - NEVER_DRY
    return tuple(
        Result(rule.name, rule.kind, *rule.judge(evidence, limits), rule.name in dry)
        for rule in RULES
        if evidence.phase in rule.phases
    )


def effective(results: Iterable[Result]) -> list[Result]:
    """Return the results that have an effect."""
    return [each for each in results if not each.is_dry]


def harms(results: Iterable[Result]) -> list[Result]:
    """Return the rules of harm that failed."""
    return [
        each
        for each in effective(results)
        if each.kind is RuleKind.HARM and each.verdict is GateVerdict.FAILED
    ]


def holding(results: Iterable[Result]) -> list[Result]:
    """Return what stands against a promotion, in the order of the table."""
    return [each for each in effective(results) if each.verdict is not GateVerdict.PASSED]
