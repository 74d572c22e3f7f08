"""A stored decision is asked again: the same answer, or each difference."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from migration import approvals, operations
from migration.choices import Move, PhaseName, RolloutState
from migration.models import Approval, Decision, Rollout
from migration.replay import replay
from migration.situation import load
from tests.factories import make_user
from tests.migration.traffic import Service as Traffic
from tests.migration.traffic import in_gate, in_phase, situation_in, start, walk
from trimming.choices import RunOutcome
from trimming.policy import emergency_rollback
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db


def rolled_back() -> Decision:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    return rollout.decisions.get(move=Move.ROLL_BACK)


def changed(decision: Decision, **values: Any) -> list[str]:
    """Change a stored decision by hand, and return the names of what is shown as different."""
    for name, value in values.items():
        setattr(decision, name, value)
    found = replay(decision)
    assert found.same is not bool(found.differences)
    return [name for name, _stored, _now in found.differences]


def test_every_decision_of_a_walk_is_the_same() -> None:
    service = Traffic()
    rollout = start(service)
    walk(service, rollout, PhaseName.CLEANUP)
    assert Decision.objects.count() > 6
    assert all(replay(each).same for each in Decision.objects.all())


def test_what_people_wanted_is_the_same() -> None:
    service, rollout = in_gate(approve="full_migration")
    operations.pause(rollout, None, "lunch", service.now)
    operations.resume(rollout, make_user(), "back", service.now)
    operations.promote(rollout, make_user(), "reviewed", service.now)
    approvals.approve(
        Approval.objects.get(), load(rollout, service.now), make_user("approver"), "good"
    )
    service.pass_time(5)
    service.look()
    rollout.refresh_from_db()
    operations.abort(rollout, None, "enough", service.now)
    operations.abort(rollout, None, "really", service.now)
    assert all(replay(each).same for each in Decision.objects.all())


def test_a_rollback_and_all_that_follows_are_the_same() -> None:
    found = rolled_back()
    operations.restart(Rollout.objects.get(), None, "mended", found.at)
    assert all(replay(each).same for each in Decision.objects.all())


def test_an_emergency_rollback_is_the_same() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    emergency_rollback(reason="by hand")
    service.look()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.ROLLED_BACK
    assert all(replay(each).same for each in Decision.objects.all())


def test_the_language_of_whoever_asks_does_not_matter() -> None:
    found = rolled_back()
    with translation.override("de"):
        assert replay(found).same


def test_a_changed_situation_is_shown_as_a_difference() -> None:
    found = rolled_back()
    situation = situation_in(found)
    situation["evidence"]["tally"]["most_in_a_row"] = 0
    assert changed(found, situation=situation) == ["move", "rule", "reason", "failures_in_a_row"]


def test_a_changed_limit_is_shown_as_a_difference() -> None:
    found = rolled_back()
    situation = situation_in(found)
    situation["limits"]["failures_in_a_row"] = 4
    assert "failures_in_a_row" in changed(found, situation=situation)


def test_a_changed_result_is_shown_as_a_difference() -> None:
    found = rolled_back()
    results = found.results
    [leak] = [each for each in results if each["rule"] == "leak"]
    leak["verdict"] = "failed"
    assert changed(found, results=results) == ["leak"]


def test_a_result_that_is_missing_is_shown_as_a_difference() -> None:
    found = rolled_back()
    first = found.results[0]["rule"]
    assert changed(found, results=found.results[1:]) == [first]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("move", Move.ABORT, ["state", "move"]),
        ("rule", "leak", ["rule"]),
        ("reason", "because", ["reason"]),
        ("state_after", RolloutState.RUNNING, ["state"]),
        ("state_before", RolloutState.DRAFT, ["table"]),
        ("phase_after", "passed", ["phase"]),
    ],
)
def test_whatever_else_is_changed_is_shown(name: str, value: str, shown: list[str]) -> None:
    assert changed(rolled_back(), **{name: value}) == shown


def test_a_difference_has_what_is_stored_and_what_it_is_now() -> None:
    found = rolled_back()
    found.rule = "leak"
    assert replay(found).differences == (("rule", "leak", "failures_in_a_row"),)
