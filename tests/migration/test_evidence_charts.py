"""The charts of a rollout as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from migration.evidence_charts import (
    STEPS,
    Axis,
    Counted,
    Look,
    ShareMark,
    axis_of,
    evidence_figure,
    in_steps,
    look_of,
    rate_figure,
)
from migration.gates.evidence import tally_as_json
from migration.gates.tally import ArmCount, StepCount, Tally

START = datetime(2026, 3, 4, 12, tzinfo=UTC)
AXIS = Axis(START, 60, 5)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def look(minutes: float = 0, **values: Any) -> Look:
    given: dict[str, Any] = {
        "evidence": {"errors": 2.0},
        "limit": 822.5,
        "control": Counted(100, 1),
        "treatment": Counted(20, 2),
    }
    return Look(at(minutes), **{**given, **values})


def test_a_look_has_the_evidence_of_harm_and_what_all_steps_counted() -> None:
    counted = {
        "small_ab_test:0": StepCount(ArmCount(90, 1), ArmCount(10, 0)),
        "gradual_rollout:0": StepCount(ArmCount(10, 0), ArmCount(10, 2)),
    }
    results: list[dict[str, Any]] = [
        {"rule": "errors", "value": 2.0, "limit": 822.5},
        {"rule": "errors_against_baseline", "value": None, "limit": None},
        {"rule": "dwell", "value": 60.0, "limit": 3600.0},
    ]
    found = look_of(START, results, tally_as_json(Tally(steps=counted))["steps"])
    assert found == look()


def test_counts_are_read_however_a_pair_is_stored() -> None:
    by_name = {
        "control": {"finished": 100, "failed": 1},
        "treatment": {"finished": 20, "failed": 2},
    }
    assert look_of(START, [], {"a": by_name}).treatment == Counted(20, 2)
    assert look_of(START, [], {"a": [[100, 1], [20, 2]]}).control == Counted(100, 1)


def test_a_look_without_evidence_has_no_limit() -> None:
    found = look_of(START, [], None)
    assert (found.evidence, found.limit, found.control) == ({}, None, Counted(0, 0))


def test_an_axis_has_whole_seconds_and_few_steps() -> None:
    for span in (0, 1, 239, 241, 86_400, 30 * 86_400):
        axis = axis_of(START, START + timedelta(seconds=span))
        assert axis.size <= STEPS + 1
        assert axis.size * axis.step_seconds > span


def test_a_step_shows_its_last_look_and_holds_it_while_somebody_looks() -> None:
    axis = Axis(START, 60, 6)
    first, second = look(0.1), look(0.9)
    steps = in_steps([look(-1), first, second, look(5), look(99)], axis)
    # 90 s are two steps of a minute; for longer than that nobody has looked
    assert steps == [second, second, second, None, None, look(5)]


def test_evidence_is_drawn_with_the_limit_that_it_was_held_to() -> None:
    steps = [look(), None, look(evidence={"errors": 3.0, "pairs_latency": 1.0}, limit=3290.0)]
    found = evidence_figure(steps, AXIS, [ShareMark(at(1), "5 %")])
    assert [(line["role"], line["values"]) for line in found["lines"]] == [
        ("process-1", [2.0, None, 3.0]),
        ("process-4", [None, None, 1.0]),
        ("limit", [822.5, None, 3290.0]),
    ]
    assert found["is_log"]
    assert found["marks"] == [{"at": at(1).isoformat(), "label": "5 %"}]


def test_without_evidence_there_are_no_lines() -> None:
    assert evidence_figure([None, look(evidence={}, limit=None)], AXIS, [])["lines"] == []


def test_rates_have_their_confidence_around_them() -> None:
    (control, treatment) = rate_figure([None, look()], AXIS, [], 0.02)["lines"]
    assert (control["role"], control["values"]) == ("control", [None, 1.0])
    assert treatment["values"] == [None, 10.0]
    for line in (control, treatment):
        assert line["low"][0] is line["high"][0] is None
        assert line["low"][1] < line["values"][1] < line["high"][1]


def test_an_arm_without_runs_is_not_drawn() -> None:
    lines = rate_figure([look(treatment=Counted(0, 0))], AXIS, [], 0.02)["lines"]
    assert [line["role"] for line in lines] == ["control"]


def test_the_axis_of_rates_goes_by_the_newest_and_not_by_the_widest() -> None:
    wide = look(control=Counted(1, 0), treatment=Counted(0, 0))
    narrow = look(control=Counted(10_000, 10), treatment=Counted(0, 0))
    found = rate_figure([wide, narrow], AXIS, [], 0.02)
    assert found["lines"][0]["high"][0] > 90
    assert found["top"] == 2.5
    assert rate_figure([], AXIS, [], 0.02)["top"] == 2.5
