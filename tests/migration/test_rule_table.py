"""The table of rules: which are judged where, what they do together, and what dry ones do not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from migration.choices import GATE_LOOKS, PHASES, GateVerdict, PhaseName, RuleKind, worst
from migration.decision import steps_of
from migration.gates.evidence import Cleanup, Evidence, Health
from migration.gates.results import Judged, Result, at_least, passed, share_of, unknown
from migration.gates.table import (
    NAMES,
    NEVER_DRY,
    RULES,
    effective,
    harms,
    holding,
    judge,
    rule_names,
)
from migration.gates.tally import ArmCount, StepCount
from monitoring.metrics.histograms import of_values
from monitoring.statistics import (
    BaselineRateProcess,
    ErrorRateProcess,
    PairedLatencyProcess,
    SampleRatio,
    Shared,
)
from tests.migration.pure import EVIDENCE, LIMITS, limits, passing

V = GateVerdict
B, A, G, F, C = PHASES
# the rules of each phase, in the order in which they are judged
IN_PHASE = {
    B: "leak pairs_errors pairs_latency routing arms build dwell enough legacy_success mismatch "
    "baseline",
    A: "leak failures_in_a_row overall_error_rate errors slow_runs pairs_errors pairs_latency "
    "critical stale routing arms build dwell enough overall_success treatment_success "
    "refused_outputs degradation sample_ratio health_low mismatch baseline",
    G: "leak failures_in_a_row overall_error_rate errors slow_runs pairs_errors pairs_latency "
    "critical stale routing arms build dwell enough error_rate refused_outputs sample_ratio "
    "health health_low mismatch baseline",
    F: "leak failures_in_a_row overall_error_rate pairs_errors pairs_latency "
    "errors_against_baseline critical stale routing arms build dwell enough "
    "treatment_success refused_outputs health health_low slow_against_baseline mismatch baseline",
    C: "leak failures_in_a_row overall_error_rate pairs_errors pairs_latency "
    "errors_against_baseline critical stale routing arms build dwell refused_outputs health_low "
    "slow_against_baseline mismatch legacy_unused drill archive baseline",
}
HARM = ErrorRateProcess(max_log_e=50.0)
UNFAIR = SampleRatio((Shared(0.1, 500, 500),))
FEW = {"treatment": ArmCount(5, 0)}
# one rule, a phase of it, and what spoils it alone: of the evidence, the tally, and the step
SPOILED: list[tuple[str, PhaseName, V, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("leak", B, V.FAILED, {}, {"leaks": 1}, {}),
    ("failures_in_a_row", A, V.FAILED, {}, {"most_in_a_row": 4}, {}),
    ("overall_error_rate", F, V.FAILED, {"recent": ArmCount(100, 20)}, {}, {}),
    ("errors", G, V.FAILED, {}, {"errors": HARM}, {}),
    ("slow_runs", A, V.FAILED, {}, {"slow": HARM}, {}),
    ("pairs_errors", B, V.FAILED, {}, {"discordant": HARM}, {}),
    ("pairs_latency", C, V.FAILED, {}, {"paired": PairedLatencyProcess(max_log_e=50.0)}, {}),
    (
        *("errors_against_baseline", F, V.FAILED, {}),
        *({"errors_alone": BaselineRateProcess(0.1, max_log_e=50.0)}, {}),
    ),
    ("health_low", A, V.INCONCLUSIVE, {"health": Health(0.1, 1.0, ("business",))}, {}, {}),
    ("critical", G, V.FAILED, {"critical_seconds": {"memory": 900.0}}, {}, {}),
    ("stale", F, V.INCONCLUSIVE, {"sample_age_seconds": 60.0}, {}, {}),
    ("routing", B, V.ERROR, {"overtaken": "Somebody else."}, {}, {}),
    ("arms", G, V.ERROR, {}, {"misplaced": 1}, {}),
    ("build", C, V.INCONCLUSIVE, {"new_build": "scanning 2"}, {}, {}),
    ("dwell", F, V.INCONCLUSIVE, {"step_seconds": 0.0}, {}, {}),
    ("enough", G, V.INCONCLUSIVE, {}, {}, FEW),
    ("legacy_success", B, V.FAILED, {}, {}, {"control": ArmCount(100, 30)}),
    ("overall_success", A, V.FAILED, {}, {}, {"control": ArmCount(9_000, 3_000)}),
    ("treatment_success", F, V.FAILED, {}, {}, {"treatment": ArmCount(2_000, 500)}),
    ("error_rate", G, V.FAILED, {}, {}, {"treatment": ArmCount(2_000, 50)}),
    ("refused_outputs", C, V.INCONCLUSIVE, {"undecided": 41}, {}, {}),
    ("degradation", A, V.FAILED, {}, {"ratios": of_values([2.0])}, {}),
    ("sample_ratio", G, V.ERROR, {}, {"assigned": UNFAIR}, {}),
    ("health", G, V.INCONCLUSIVE, {"health": None}, {}, {}),
    (
        *("slow_against_baseline", C, V.INCONCLUSIVE, {}),
        *({"slow_alone": BaselineRateProcess(0.055).update(failed=99, succeeded=0)}, {}),
    ),
    ("mismatch", F, V.INCONCLUSIVE, {}, {"mismatched": 50}, {}),
    ("legacy_unused", C, V.INCONCLUSIVE, {"cleanup": Cleanup(1.0, 1.0, True)}, {}, {}),
    ("drill", C, V.INCONCLUSIVE, {"cleanup": Cleanup(1e9, None, True)}, {}, {}),
    ("archive", C, V.INCONCLUSIVE, {"cleanup": Cleanup(1e9, 1.0, False)}, {}, {}),
    ("baseline", B, V.INCONCLUSIVE, {"baseline": None}, {}, {}),
]


def spoil(
    phase: PhaseName, changes: dict[str, Any], of_tally: dict[str, Any], of_step: dict[str, Any]
) -> Evidence:
    found = passing(phase)
    counted = StepCount(**{**found.counted._asdict(), **of_step})
    tally = replace(found.tally, **{"steps": {found.step: counted}, **of_tally})
    return replace(found, **{"tally": tally, **changes})


def named(results: list[Result]) -> list[str]:
    return [each.rule for each in results]


# --- the table ------------------------------------------------------------------------------------


def test_every_rule_has_a_name_of_its_own() -> None:
    assert [name for name, times in Counter(rule.name for rule in RULES).items() if times > 1] == []
    assert len(NAMES) == len(RULES)


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_has_its_rules(phase: PhaseName) -> None:
    assert named(list(judge(passing(phase), LIMITS))) == IN_PHASE[phase].split()


@pytest.mark.parametrize(
    ("phase", "number"),
    [(phase, number) for phase in PHASES for number in range(len(steps_of(LIMITS, phase)))],
)
def test_when_all_goes_well_every_rule_passes_at_every_share(phase: PhaseName, number: int) -> None:
    results = judge(passing(phase, number), LIMITS)
    assert {each.verdict for each in results} == {V.PASSED}
    assert holding(results) == []


@pytest.mark.parametrize(
    ("name", "phase", "verdict", "changes", "of_tally", "of_step"),
    SPOILED,
    ids=[each[0] for each in SPOILED],
)
def test_one_rule_alone_stands_against_it(
    name: str,
    phase: PhaseName,
    verdict: GateVerdict,
    changes: dict[str, Any],
    of_tally: dict[str, Any],
    of_step: dict[str, Any],
) -> None:
    results = judge(spoil(phase, changes, of_tally, of_step), LIMITS)
    assert [(each.rule, each.verdict) for each in holding(results)] == [(name, verdict)]
    is_harm = verdict is V.FAILED and holding(results)[0].kind is RuleKind.HARM
    assert named(harms(results)) == ([name] if is_harm else [])


def test_every_rule_can_stand_against_it() -> None:
    assert {each[0] for each in SPOILED} == NAMES


def test_what_is_frozen_last_is_judged_last() -> None:
    assert RULES[-1].name == "baseline"


@pytest.mark.parametrize("name", ["leak", "pairs_errors", "pairs_latency", "routing", "mismatch"])
def test_what_comparisons_and_routing_show_counts_in_every_phase(name: str) -> None:
    (rule,) = [each for each in RULES if each.name == name]
    assert rule.phases == set(PHASES)


def test_where_there_is_no_control_no_rule_needs_one() -> None:
    between = {"errors", "slow_runs", "sample_ratio", "overall_success"}
    for phase in (F, C):
        assert not between & set(IN_PHASE[phase].split())


@given(EVIDENCE)
@settings(max_examples=60)
def test_whatever_is_known_each_rule_says_a_sentence_that_can_be_stored(
    evidence: Evidence,
) -> None:
    results = judge(evidence, LIMITS)
    assert named(list(results)) == IN_PHASE[evidence.phase].split()
    for each in results:
        assert each.message
        assert each.needed is None or each.needed > 0
    json.dumps([each._asdict() for each in results], allow_nan=False)


# --- harm, holding and dry runs -------------------------------------------------------------------


def result(rule: str, kind: RuleKind, verdict: GateVerdict, is_dry: bool = False) -> Result:
    return Result(rule, kind, verdict, "said", is_dry=is_dry)


SOME = [
    result("a", RuleKind.GATE, V.FAILED),
    result("b", RuleKind.HARM, V.FAILED),
    result("c", RuleKind.HARM, V.INCONCLUSIVE),
    result("d", RuleKind.HARM, V.ERROR),
    result("e", RuleKind.HARM, V.PASSED),
    result("f", RuleKind.GATE, V.INCONCLUSIVE),
    result("g", RuleKind.HARM, V.FAILED),
    result("h", RuleKind.HARM, V.FAILED, is_dry=True),
    result("i", RuleKind.GATE, V.ERROR, is_dry=True),
]


def test_harm_is_what_failed_among_the_rules_of_harm() -> None:
    assert named(harms(SOME)) == ["b", "g"]


def test_whatever_has_not_passed_holds_in_the_order_of_the_table() -> None:
    assert named(holding(SOME)) == list("abcdfg")


def test_dry_rules_have_no_effect() -> None:
    assert named(effective(SOME)) == list("abcdefg")


def test_a_dry_rule_is_judged_and_shown_and_has_no_effect() -> None:
    evidence = spoil(A, {}, {"leaks": 1, "most_in_a_row": 9}, {})
    wet = {each.rule: each for each in judge(evidence, LIMITS)}
    results = judge(evidence, limits(dry_run="failures_in_a_row, overall_error_rate"))
    dry = {each.rule: each for each in results}
    assert dry["failures_in_a_row"] == wet["failures_in_a_row"]._replace(is_dry=True)
    assert [name for name, each in dry.items() if each.is_dry] == [
        "failures_in_a_row",
        "overall_error_rate",
    ]
    assert named(harms(results)) == ["leak"]


@pytest.mark.parametrize("name", ["leek", "leak"])
def test_a_name_that_got_past_the_limits_makes_no_leak_dry(name: str) -> None:
    unchecked = LIMITS.model_copy(update={"dry_run": name})
    assert named(harms(judge(spoil(A, {}, {"leaks": 1}, {}), unchecked))) == ["leak"]


def test_rules_are_named_in_a_text() -> None:
    assert rule_names(" stale, errors,") == {"stale", "errors"}
    assert rule_names("") == frozenset()
    assert rule_names(", ".join(NAMES - NEVER_DRY)) == NAMES - NEVER_DRY


@pytest.mark.parametrize("name", sorted(NEVER_DRY))
def test_a_rule_that_all_others_need_is_never_dry(name: str) -> None:
    with pytest.raises(ValueError, match="is no rule that can be dry"):
        rule_names(name)


def test_a_name_that_is_no_rule_is_refused_and_told_which_there_are() -> None:
    with pytest.raises(ValueError, match="is no rule") as refused:
        rule_names("stale, " + "x" * 99)
    said = str(refused.value)
    assert said.startswith(f"'{'x' * 40}' is no rule that can be dry; expected some of: archive, ")
    assert all(name in said for name in NAMES - NEVER_DRY)


# --- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "found"),
    [
        ([], V.INCONCLUSIVE),
        ([V.PASSED, V.PASSED], V.PASSED),
        ([V.INCONCLUSIVE, V.PASSED], V.INCONCLUSIVE),
        ([V.INCONCLUSIVE, V.ERROR, V.PASSED], V.ERROR),
        ([V.ERROR, V.FAILED, V.INCONCLUSIVE], V.FAILED),
    ],
)
def test_the_worst_verdict_decides_and_without_any_nothing_passes(
    verdicts: list[GateVerdict], found: GateVerdict
) -> None:
    assert worst(verdicts) is found


def test_every_verdict_has_a_look() -> None:
    assert set(GATE_LOOKS) == set(GateVerdict)


def test_a_limit_that_is_met_needs_nothing_more() -> None:
    assert at_least("m", 5, 5, 3) == Judged(V.PASSED, "m", 5, 5, None)
    assert at_least("m", 4, 5, 1) == Judged(V.INCONCLUSIVE, "m", 4, 5, 1)


def test_a_share_that_misses_its_limit_fails() -> None:
    assert share_of(0.5, 0.5, "m", is_most=True).verdict is V.PASSED
    assert share_of(0.6, 0.5, "m", is_most=True).verdict is V.FAILED
    assert share_of(0.5, 0.5, "m", is_most=False).verdict is V.PASSED
    assert share_of(0.4, 0.5, "m", is_most=False).verdict is V.FAILED


def test_what_is_not_known_never_passes() -> None:
    assert unknown("m") == Judged(V.INCONCLUSIVE, "m")
    assert passed("m") == Judged(V.PASSED, "m")
