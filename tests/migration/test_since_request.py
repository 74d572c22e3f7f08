"""What became of the evidence of a request: pure comparisons."""

from __future__ import annotations

from datetime import UTC, datetime

from migration.choices import GateVerdict, PhaseName, RuleKind
from migration.gates.evidence import Evidence, Health
from migration.gates.results import Result
from migration.gates.tally import Tally
from migration.since_request import compared, figures, results_of

PASSED, WAITS, FAILED = GateVerdict.PASSED, GateVerdict.INCONCLUSIVE, GateVerdict.FAILED


def result(
    rule: str, verdict: GateVerdict = PASSED, message: str = "5 of 5", **more: bool
) -> Result:
    return Result(rule, RuleKind.GATE, verdict, message, **more)


def test_stored_results_come_back_as_they_were() -> None:
    kept = [result("dwell", WAITS), result("health", is_dry=True)]
    assert list(results_of([each._asdict() for each in kept])) == kept


def test_what_is_as_before_is_not_marked() -> None:
    [row] = compared([result("dwell")], [result("dwell")])
    assert (row.is_changed, row.holds_now, row.has_turned) == (False, False, False)


def test_another_sentence_is_a_change_that_has_not_turned() -> None:
    [row] = compared([result("dwell")], [result("dwell", message="6 of 5")])
    assert (row.is_changed, row.holds_now, row.has_turned) == (True, False, False)


def test_a_rule_that_holds_now_and_passed_before_has_turned() -> None:
    [row] = compared([result("health")], [result("health", FAILED, "0.5 of 0.8")])
    assert (row.is_changed, row.holds_now, row.has_turned) == (True, True, True)


def test_a_rule_that_held_before_has_not_turned() -> None:
    [row] = compared([result("health", WAITS)], [result("health", FAILED)])
    assert (row.holds_now, row.has_turned) == (True, False)


def test_a_dry_rule_holds_nothing() -> None:
    [row] = compared([result("health")], [result("health", FAILED, is_dry=True)])
    assert (row.is_changed, row.holds_now, row.has_turned) == (True, False, False)


def test_rules_that_came_and_went_are_changes() -> None:
    rows = compared([result("dwell"), result("health")], [result("dwell"), result("drill", WAITS)])
    found = {row.rule: (row.is_changed, row.has_turned) for row in rows}
    assert found == {"drill": (True, True), "health": (True, False), "dwell": (False, False)}


def test_what_holds_comes_first_then_what_changed() -> None:
    before = [result(name) for name in ("leak", "dwell", "enough", "health")]
    after = [
        result("leak"),
        result("dwell", message="6 of 5"),
        result("enough"),
        result("health", FAILED),
    ]
    assert [row.rule for row in compared(before, after)] == ["health", "dwell", "leak", "enough"]


def test_a_request_that_is_decided_is_not_compared() -> None:
    rows = compared([result("health"), result("dwell")], None)
    assert [(row.rule, row.is_changed) for row in rows] == [("health", False), ("dwell", False)]


def test_figures_of_both_times_stand_side_by_side() -> None:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    health = Health(0.94, 5.0)
    before = Evidence(at, PhaseName.GRADUAL, "gradual_rollout:1", 0.5, 60.0, Tally())
    now = Evidence(at, PhaseName.GRADUAL, "gradual_rollout:1", 0.5, 60.0, Tally(), health=health)
    found = {each.label: (each.then, each.now) for each in figures(before, now)}
    assert found["Captures finished on scanning"] == (0, 0)
    assert found["Health"] == (None, 0.94)


def test_what_is_not_known_has_no_figures() -> None:
    assert {(each.then, each.now) for each in figures(None, None)} == {(None, None)}
