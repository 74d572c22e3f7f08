"""Changing limits under a rollout: refused or accepted, back-tested, approved by another."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from config.models import AppendOnlyError, AuditEvent
from config.roles import APPROVER, OPERATOR, VIEWER
from migration import limits_changes
from migration.choices import Move, PhaseName
from migration.models import BackTest, LimitsApproval, LimitsVersion, Rollout
from migration.operations import RefusedError
from tests.factories import make_user
from tests.migration.traffic import QUICK, Service, all_rows, in_phase, move, situation_in
from trimming.choices import RunOutcome
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db

WHY = "too careful"


def propose(
    service: Service, rollout: Rollout, changes: dict[str, Any], actor: Any = None
) -> LimitsVersion:
    """Propose a change, and let the monitor look."""
    version = limits_changes.propose(rollout, changes, actor, WHY, service.now)
    limits_changes.back_test_waiting(service.now)
    return version


@pytest.mark.parametrize(
    ("changes", "why", "said"),
    [
        ({"ab_sahre": 0.1}, WHY, "'ab_sahre' is no limit; expected one of:.* ab_share"),
        ({"ab_share": 7.0}, WHY, "ab_share is 7; expected a number above 0 below 1"),
        ({"window_hours": "nine to five"}, WHY, "expected hours, as in 09:00-17:00"),
        ({"health_floor": 0.9}, WHY, r"health_floor \(0.9\) must be below rollout.health_low"),
        ({"ab_share": 0.1}, "  ", "needs a reason"),
    ],
)
def test_what_is_refused_says_what_is_accepted_and_changes_nothing(
    changes: dict[str, Any], why: str, said: str
) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    before = all_rows()
    with pytest.raises(RefusedError, match=said):
        limits_changes.propose(rollout, changes, None, why, service.now)
    assert all_rows() == before


def test_a_change_is_not_in_force_before_another_person_approved_it() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = propose(service, rollout, {"ab_runs": 7}, make_user(OPERATOR))
    assert rollout.limits().ab_runs == QUICK["ab_runs"]
    limits_changes.approve(version, make_user(APPROVER), service.now)
    assert rollout.limits().ab_runs == 7


def test_a_change_keeps_what_the_rollout_has_of_its_own() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = propose(service, rollout, {"ab_runs": 7})
    assert version.values == {**QUICK, "ab_runs": 7}
    assert version.number == 2


def test_its_author_does_not_approve_it() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    person = make_user(OPERATOR)
    person.groups.add(*make_user(APPROVER).groups.all())
    version = propose(service, rollout, {"ab_runs": 7}, person)
    with pytest.raises(RefusedError, match="another person"):
        limits_changes.approve(version, person, service.now)
    assert rollout.limits().ab_runs == QUICK["ab_runs"]


@pytest.mark.parametrize("role", [VIEWER, OPERATOR])
def test_without_the_permission_nobody_approves_it(role: str) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = propose(service, rollout, {"ab_runs": 7})
    with pytest.raises(RefusedError, match="approve_phase"):
        limits_changes.approve(version, make_user(role), service.now)
    assert LimitsApproval.objects.count() == 1


def test_what_was_approved_is_not_approved_again() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = propose(service, rollout, {"ab_runs": 7})
    limits_changes.approve(version, make_user(APPROVER), service.now)
    before = all_rows()
    with pytest.raises(RefusedError, match="approved before"):
        limits_changes.approve(version, make_user(APPROVER), service.now)
    assert all_rows() == before


def test_an_older_proposal_does_not_undo_a_newer_one() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    older = propose(service, rollout, {"ab_runs": 7})
    newer = propose(service, rollout, {"ab_runs": 8})
    limits_changes.approve(newer, make_user(APPROVER), service.now)
    with pytest.raises(RefusedError, match="Version 3 is in force already"):
        limits_changes.approve(older, make_user(APPROVER), service.now)
    assert rollout.limits().ab_runs == 8


def test_a_proposal_tells_what_it_would_have_done() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, failures_in_a_row=4)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    version = propose(service, rollout, {"failures_in_a_row": 3})
    found = version.back_test.result
    assert found["stored"] == found["looks"] == 1
    assert found["differ"] == 1
    assert found["first"]["hold -> roll_back"]["rule"] == "failures_in_a_row"


def test_what_was_approved_decides_from_then_on() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, failures_in_a_row=4)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    version = propose(service, rollout, {"failures_in_a_row": 3})
    limits_changes.approve(version, make_user(APPROVER), service.now)
    service.pass_time(5)
    service.look()
    assert rollout.attempt.cause == "failures_in_a_row"


def test_both_steps_are_in_the_audit_log() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    author, approver = make_user(OPERATOR), make_user(APPROVER)
    version = propose(service, rollout, {"ab_runs": 7}, author)
    limits_changes.approve(version, approver, service.now)
    events = AuditEvent.objects.filter(action__startswith="limits_").order_by("pk")
    proposed, approved = events
    assert (proposed.action, proposed.actor) == ("limits_proposed", author)
    assert proposed.details == {"number": 2, "ab_runs": 7}
    assert (approved.action, approved.actor) == ("limits_approved", approver)
    assert approved.details == {"number": 2}


def test_versions_are_never_changed() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = propose(service, rollout, {"ab_runs": 7})
    version.values = {}
    with pytest.raises(AppendOnlyError):
        version.save()


def test_a_decision_keeps_the_limits_that_it_went_by() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    version = propose(service, rollout, {"step_runs": 9})
    limits_changes.approve(version, make_user(APPROVER), service.now)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    found = rollout.decisions.get(move=Move.ROLL_BACK)
    assert situation_in(found)["limits"]["step_runs"] == 9


def test_limits_of_a_rollout_that_rests_may_be_changed_before_it_begins_again() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    move(service, rollout, Move.ROLL_BACK)
    version = propose(service, rollout, {"ab_share": 0.5})
    limits_changes.approve(version, make_user(APPROVER), service.now)
    move(service, rollout, Move.RESTART)
    assert rollout.attempt.phase.step.share == 0.5


# --- the back-test in the background --------------------------------------------------------------


def test_a_proposal_does_not_wait_for_its_back_test(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    monkeypatch.setattr(limits_changes, "over_stored", None)
    limits_changes.propose(rollout, {"ab_runs": 7}, None, WHY, service.now)
    assert not BackTest.objects.exists()


def test_without_its_back_test_nobody_approves_it() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = limits_changes.propose(rollout, {"ab_runs": 7}, None, WHY, service.now)
    before = all_rows()
    with pytest.raises(RefusedError, match="back-test is not there yet"):
        limits_changes.approve(version, make_user(APPROVER), service.now)
    assert all_rows() == before


def test_each_back_test_is_made_once() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    for runs in (7, 8):
        limits_changes.propose(rollout, {"ab_runs": runs}, None, WHY, service.now)
    assert limits_changes.back_test_waiting(service.now) == 2
    assert limits_changes.back_test_waiting(service.now) == 0
    assert BackTest.objects.count() == 2


def test_of_two_monitors_the_first_one_stores_it() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = limits_changes.propose(rollout, {"ab_runs": 7}, None, WHY, service.now)
    first = limits_changes.back_test(version, service.now)
    service.pass_time(1)
    assert limits_changes.back_test(version, service.now).at == first.at


def test_what_cannot_be_back_tested_says_why_and_keeps_no_other_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    version = limits_changes.propose(rollout, {"ab_runs": 7}, None, WHY, service.now)

    def fail(*_: Any) -> dict[str, Any]:
        raise ValueError("a look of another version")

    with monkeypatch.context() as patch:
        patch.setattr(limits_changes, "over_stored", fail)
        assert limits_changes.back_test_waiting(service.now) == 1
    with pytest.raises(RefusedError, match="propose it again: a look of another version"):
        limits_changes.approve(version, make_user(APPROVER), service.now)
    limits_changes.propose(rollout, {"ab_runs": 8}, None, WHY, service.now)
    assert limits_changes.back_test_waiting(service.now) == 1


@pytest.mark.parametrize("role", [VIEWER, APPROVER])
def test_without_the_permission_nobody_proposes(role: str) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    person = make_user(role)
    before = all_rows()
    with pytest.raises(RefusedError, match="operate_rollout"):
        limits_changes.propose(rollout, {"ab_runs": 7}, person, WHY, service.now)
    assert all_rows() == before


@pytest.mark.django_db(transaction=True)
def test_a_back_test_holds_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    seen: list[bool] = []

    def look(*_: Any) -> dict[str, Any]:
        seen.append(connection.in_atomic_block)
        return {}

    monkeypatch.setattr(limits_changes, "over_stored", look)
    propose(service, rollout, {"ab_runs": 7})
    assert seen == [False]
