"""What rollouts add to reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from migration.choices import Move, PhaseName
from migration.drills import hold_drill
from migration.report_parts import drills, rollouts
from monitoring.reports.choices import ReportKind
from monitoring.reports.parts import Part
from monitoring.reports.periods import before, period_of
from monitoring.reports.sections import Span
from tests.migration.traffic import Service, in_phase, move

pytestmark = pytest.mark.django_db


def span_at(service: Service) -> Span:
    period = period_of(ReportKind.DAY, service.now, ZoneInfo("UTC"))
    return Span(period, service.now + timedelta(seconds=1))


def rows(part: Part, number: int = 0) -> list[list[Any]]:
    return [[value.value for value in row] for row in part.tables[number].rows]


def test_a_rollout_stands_as_it_did_at_the_end_of_the_time() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    span = span_at(service)
    service.pass_time(10)
    move(service, rollout, Move.PAUSE)
    [part] = rollouts(span)
    [row] = rows(part)
    assert (row[0], row[2], row[3]) == (rollout.name, "Running", "Gradual rollout")
    assert row[4] == 100 * rollout.attempt.phase.step.share
    [later] = rollouts(span_at(service))
    assert rows(later)[0][2] == "Paused"
    assert later.permission == "migration.view_rollout"


def test_each_decision_of_the_time_is_there_with_who_and_why() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.PAUSE)
    [part] = rollouts(span_at(service))
    found = rows(part, 1)
    stored = rollout.decisions.all()
    assert [row[4:] for row in found] == [[each.actor_name, each.reason] for each in stored]
    assert found[0][2] == "paused"


def test_a_time_before_any_rollout_says_so() -> None:
    service, _rollout = in_phase(PhaseName.BASELINE)
    earlier = before(span_at(service).period)
    [part] = rollouts(Span(earlier, earlier.end))
    assert (part.said, part.tables) == ("No rollout was under way.", [])


def test_drills_are_told_with_their_outcome() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    [nothing] = drills(span_at(service))
    assert (nothing.said, nothing.tables) == ("No rollback was rehearsed.", [])
    drill = hold_drill(rollout, None, "a test", service.now)
    [part] = drills(span_at(service))
    assert part.said == "1 rollback was rehearsed; 1 passed."
    assert rows(part) == [[drill.at.isoformat(), "passed", drill.took_ms, "system", drill.sentence]]
