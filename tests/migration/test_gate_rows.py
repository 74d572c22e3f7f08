"""The gates as the page lists them."""

from __future__ import annotations

from typing import Any

import pytest

from migration.choices import GateVerdict, RuleKind
from migration.gate_rows import (
    PATIENT,
    RULES,
    GateRow,
    count_text,
    gate_rows,
    longest_wait,
)
from migration.gates.table import NAMES
from migration.traffic import OF_PAIRS_IN_BASELINE, Traffic

TRAFFIC = Traffic(captures=1.0, runs=0.5, pairs=0.1)
PASSED, WAITS, ERROR, FAILED = GateVerdict


def result(rule: str = "health", **values: Any) -> dict[str, Any]:
    given = {"kind": RuleKind.GATE, "verdict": PASSED, "message": "a sentence"}
    return {"rule": rule, **given, **values}


def row(rule: str = "health", traffic: Traffic = TRAFFIC, **values: Any) -> GateRow:
    (found,) = gate_rows([result(rule, **values)], traffic)
    return found


def test_every_rule_has_a_title() -> None:
    assert set(RULES) == NAMES


def test_a_rule_of_another_version_keeps_its_name() -> None:
    assert row("of_tomorrow", value=3.5).title == "of_tomorrow"
    assert row("of_tomorrow", value=3.5).value == "3.5"


def test_the_worst_come_first_and_harm_before_gates() -> None:
    rows = gate_rows(
        [
            result("health"),
            result("enough", verdict=WAITS),
            result("errors", kind=RuleKind.HARM),
            result("routing", verdict=ERROR),
            result("error_rate", verdict=FAILED),
            result("leak", kind=RuleKind.HARM, verdict=FAILED),
        ],
        TRAFFIC,
    )
    assert [each.rule for each in rows] == [
        *("leak", "error_rate", "routing", "enough", "errors", "health")
    ]


def test_dry_rules_come_last_and_stand_against_nothing() -> None:
    rows = gate_rows(
        [result("errors", kind=RuleKind.HARM, verdict=FAILED, is_dry=True), result()], TRAFFIC
    )
    assert [(each.rule, each.stands) for each in rows] == [("health", False), ("errors", False)]
    assert count_text(rows) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "verdict", "label", "edge"),
    [
        (RuleKind.HARM, FAILED, "Failed", "breaks"),
        (RuleKind.GATE, FAILED, "Holds", "holds"),
        (RuleKind.GATE, ERROR, "Error", "holds"),
        (RuleKind.GATE, WAITS, "Waits", ""),
        (RuleKind.HARM, PASSED, "Passed", ""),
    ],
)
def test_only_what_rolls_back_is_red(
    kind: RuleKind, verdict: GateVerdict, label: str, edge: str
) -> None:
    found = row(kind=kind, verdict=verdict)
    assert (found.label, found.edge) == (label, edge)
    assert (found.look.tone == "fail") is (edge == "breaks")


@pytest.mark.parametrize(
    ("rule", "value", "shown"),
    [
        ("dwell", 5400.0, "90 min"),
        ("error_rate", 0.0882, "8.82 %"),
        ("enough", 1846, "1,846"),
        ("errors", 0.0612, "0.0612"),
        ("errors", 20561.7, "20,562"),
        ("degradation", 1.0521, "1.052"),
        ("health", 0.79, "0.79"),
        ("health", None, ""),
    ],
)
def test_values_have_the_units_of_their_rule(rule: str, value: float | None, shown: str) -> None:
    found = row(rule, value=value, limit=value)
    assert (found.value, found.limit) == (shown, shown)


def test_what_is_missing_comes_with_the_time_that_it_takes() -> None:
    found = row("enough", verdict=WAITS, value=146, limit=200, needed=54)
    assert (found.needed, found.seconds, found.width) == (54, 108.0, "73.0%")
    assert row("mismatch", verdict=WAITS, needed=54).seconds == pytest.approx(540.0)
    assert row("dwell", verdict=WAITS, value=50.0, limit=200.0).seconds == 150.0


def test_without_traffic_nobody_knows_how_long_it_takes() -> None:
    found = row("enough", Traffic(0.0, 0.0, 0.0), verdict=WAITS, value=146, limit=200, needed=54)
    assert (found.needed, found.seconds) == (54, None)


@pytest.mark.parametrize(
    ("waiting", "said"),
    [
        (
            1,
            "1 comparison waits, as workers do jobs first: more workers or less load let it begin.",
        ),
        (
            1200,
            "1,200 comparisons wait, as workers do jobs first: more workers or less load let "
            "them begin.",
        ),
    ],
)
def test_where_comparisons_do_not_begin_it_is_said_why_and_what_helps(
    waiting: int, said: str
) -> None:
    stuck = Traffic(1.0, 0.5, 0.0, waiting, OF_PAIRS_IN_BASELINE)
    found = row("enough", stuck, verdict=WAITS, value=0, limit=20, needed=20)
    assert (found.seconds, found.held_up) == (None, said)


def test_comparisons_hold_up_only_what_needs_them() -> None:
    stuck = Traffic(1.0, 0.5, 0.0, held_up=7)
    assert row("mismatch", stuck, verdict=WAITS, needed=54).held_up
    assert not row("mismatch", stuck).held_up
    # runs of scanning are served like all others
    assert not row("enough", stuck, verdict=WAITS, value=0, limit=20, needed=20).held_up
    assert not row("dwell", stuck, verdict=WAITS, value=0.0, limit=20.0).held_up


def test_what_passed_needs_nothing() -> None:
    found = row("enough", value=300, limit=200, needed=0)
    assert (found.needed, found.seconds, found.width) == (None, None, "100.0%")


@pytest.mark.parametrize("verdict", GateVerdict)
def test_only_what_passed_may_be_folded_away(verdict: GateVerdict) -> None:
    assert row(verdict=verdict).is_passed == (verdict is PASSED)


@pytest.mark.parametrize("values", [{"value": 1.0}, {"limit": 0.0, "value": 1.0}, {"limit": 2.0}])
def test_a_part_is_shown_only_of_a_whole(values: dict[str, Any]) -> None:
    assert row("dwell", **values).width == ""
    assert row("health", value=0.5, limit=1.0).width == ""


def test_the_longest_wait_decides() -> None:
    waits = [
        result("dwell", verdict=WAITS, value=0.0, limit=60.0),
        result("enough", verdict=WAITS, value=0, limit=50, needed=50),
        result(),
    ]
    assert longest_wait(gate_rows(waits, TRAFFIC)) == 100.0
    assert longest_wait(gate_rows([*waits, result("archive", verdict=WAITS)], TRAFFIC)) is None
    assert longest_wait(gate_rows([result()], TRAFFIC)) == 0.0
    # it is frozen as soon as all others are met
    frozen = [*waits, result("baseline", verdict=WAITS)]
    assert longest_wait(gate_rows(frozen, TRAFFIC)) == 100.0


def test_time_and_captures_come_by_themselves_and_health_does_not() -> None:
    assert row("dwell", verdict=WAITS).comes_by_itself
    assert not row("dwell", verdict=ERROR).comes_by_itself
    assert not row("health", verdict=WAITS).comes_by_itself
    assert set(PATIENT) <= NAMES
