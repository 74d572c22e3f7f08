"""Four eyes: who may approve, what turns a request down, and what follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from pytest_django import DjangoCaptureOnCommitCallbacks

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from migration import approvals, operations
from migration.approvals import ApprovalRefusedError
from migration.choices import ApprovalState, Move, PhaseName, RolloutState
from migration.models import Approval, Rollout
from migration.signals import approval_changed
from migration.situation import load
from tests.factories import make_user
from tests.migration.traffic import Service, all_rows, in_gate, move
from trimming.choices import RunOutcome
from trimming.routing import TREATMENT
from trimming.routing_choices import ShadowOutcome

pytestmark = pytest.mark.django_db

WHY = "all in order"
Asked = tuple[Service, Rollout, Approval]


def asked(by: User | None = None, **limits: Any) -> Asked:
    """Return a rollout that waits for the approval of full migration."""
    service, rollout = in_gate(approve="full_migration", **limits)
    if by is None:
        service.look()
    else:
        operations.promote(rollout, by, "reviewed", service.now)
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.AWAITING
    return service, rollout, Approval.objects.get()


def approve(service: Service, rollout: Rollout, approval: Approval, actor: Any) -> None:
    approvals.approve(approval, load(rollout, service.now), actor, WHY)


def refused_to_approve(
    service: Service, rollout: Rollout, approval: Approval, actor: Any = None
) -> str:
    before = all_rows()
    with pytest.raises(ApprovalRefusedError) as found:
        approve(service, rollout, approval, actor or make_approver())
    after = all_rows()
    assert {name: rows for name, rows in after.items() if name != "AuditEvent"} == {
        name: rows for name, rows in before.items() if name != "AuditEvent"
    }
    return str(found.value)


def make_approver() -> User:
    return make_user(APPROVER)


def goes_on(service: Service, rollout: Rollout) -> str:
    """Let the evaluator look, and return the phase that the rollout is in."""
    service.pass_time(5)
    service.look()
    rollout.refresh_from_db()
    return str(rollout.attempt.phase.name)


# --- asking ---------------------------------------------------------------------------------------


def test_a_request_keeps_what_it_was_asked_with_and_until_when_it_holds() -> None:
    _service, rollout, approval = asked()
    assert approval.step == rollout.attempt.phase.step
    assert approval.requested_by is None
    assert approval.expires_at - approval.requested_at == timedelta(days=1)
    assert approval.situation["evidence"]["step"] == "gradual_rollout:1"
    assert {each["verdict"] for each in approval.results} == {"passed"}


def test_while_it_waits_nothing_goes_on() -> None:
    service, rollout, _approval = asked()
    assert goes_on(service, rollout) == PhaseName.GRADUAL
    assert Approval.objects.count() == 1


# --- deciding -------------------------------------------------------------------------------------


def test_what_was_approved_goes_on_at_the_next_look() -> None:
    service, rollout, approval = asked()
    person = make_approver()
    approve(service, rollout, approval, person)
    assert (approval.state, approval.decided_by) == (ApprovalState.APPROVED, person)
    assert (approval.decided_at, approval.reason) == (service.now, WHY)
    assert goes_on(service, rollout) == PhaseName.FULL


def test_who_asked_does_not_approve() -> None:
    person = make_user(OPERATOR)
    person.groups.add(*make_approver().groups.all())
    service, rollout, approval = asked(by=person)
    assert "another person" in refused_to_approve(service, rollout, approval, person)


def test_who_asked_does_not_reject() -> None:
    person = make_user(OPERATOR)
    person.groups.add(*make_approver().groups.all())
    service, _rollout, approval = asked(by=person)
    with pytest.raises(ApprovalRefusedError, match="another person"):
        approvals.reject(approval, person, WHY, service.now)


def test_another_person_approves_what_an_operator_asked_for() -> None:
    service, rollout, approval = asked(by=make_user(OPERATOR))
    approve(service, rollout, approval, make_approver())
    assert goes_on(service, rollout) == PhaseName.FULL


@pytest.mark.parametrize("role", [VIEWER, OPERATOR, ADMINISTRATOR])
def test_without_the_permission_nobody_approves(role: str) -> None:
    service, rollout, approval = asked()
    said = refused_to_approve(service, rollout, approval, make_user(role))
    assert "migration.approve_phase" in said


def test_nobody_who_is_not_known_approves() -> None:
    service, rollout, approval = asked()
    said = refused_to_approve(service, rollout, approval, AnonymousUser())
    assert "migration.approve_phase" in said


def test_an_expired_request_is_not_approved() -> None:
    service, rollout, approval = asked()
    service.now = approval.expires_at
    service.sample()
    service.report()
    assert "has expired" in refused_to_approve(service, rollout, approval)


def test_a_request_holds_until_the_moment_at_which_it_expires() -> None:
    service, rollout, approval = asked()
    service.now = approval.expires_at - timedelta(seconds=1)
    service.sample()
    service.report()
    approve(service, rollout, approval, make_approver())
    assert approval.state == ApprovalState.APPROVED


def test_what_has_turned_is_not_approved_and_what_turned_is_said() -> None:
    service, rollout, approval = asked()
    service.report(0.5)
    service.pass_time(1)
    service.report(0.5)
    said = refused_to_approve(service, rollout, approval)
    assert "has turned since the request: The health score is 0.50" in said


def test_of_two_who_decide_at_once_one_does() -> None:
    service, rollout, first = asked()
    second = Approval.objects.get()
    approve(service, rollout, first, make_approver())
    with pytest.raises(ApprovalRefusedError, match="decided before: Approved"):
        approvals.reject(second, make_approver(), WHY, service.now)
    assert Approval.objects.get().state == ApprovalState.APPROVED
    assert AuditEvent.objects.filter(action__startswith="approval_").count() == 1


def test_a_decision_is_in_the_audit_log_and_is_told(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    service, rollout, approval = asked()
    heard: list[int] = []

    def listen(approval_id: int, **_: Any) -> None:
        heard.append(approval_id)

    approval_changed.connect(listen)
    person = make_approver()
    with django_capture_on_commit_callbacks(execute=True):
        approve(service, rollout, approval, person)
    approval_changed.disconnect(listen)
    event = AuditEvent.objects.get(action="approval_approved")
    assert (event.actor, event.details["reason"]) == (person, WHY)
    assert heard == [approval.pk]


def test_an_approval_needs_a_reason() -> None:
    service, rollout, approval = asked()
    with pytest.raises(ApprovalRefusedError, match="needs a reason"):
        approvals.approve(approval, load(rollout, service.now), make_approver(), " ")
    assert Approval.objects.get().state == ApprovalState.WAITING


# --- rejecting ------------------------------------------------------------------------------------


def test_a_rejection_needs_a_reason() -> None:
    service, _rollout, approval = asked()
    with pytest.raises(ApprovalRefusedError, match="needs a reason"):
        approvals.reject(approval, make_approver(), " ", service.now)
    assert Approval.objects.get().state == ApprovalState.WAITING


def test_what_was_rejected_holds_until_somebody_asks_again() -> None:
    service, rollout, approval = asked()
    approvals.reject(approval, make_approver(), "not yet", service.now)
    for _ in range(3):
        assert goes_on(service, rollout) == PhaseName.GRADUAL
    assert Approval.objects.count() == 1
    operations.promote(rollout, None, "looked at it", service.now)
    newest = Approval.objects.order_by("-pk")[0]
    assert newest.state == ApprovalState.WAITING
    approve(service, rollout, newest, make_approver())
    assert goes_on(service, rollout) == PhaseName.FULL


# --- what turns -----------------------------------------------------------------------------------


def turn(service: Service) -> None:
    """Let a gate close that harms nobody."""
    service.compare(12, outcome=ShadowOutcome.MISMATCHED)


@pytest.mark.parametrize("is_approved", [False, True])
def test_a_request_is_withdrawn_when_its_evidence_turns(is_approved: bool) -> None:
    service, rollout, approval = asked()
    if is_approved:
        approve(service, rollout, approval, make_approver())
    turn(service)
    assert goes_on(service, rollout) == PhaseName.GRADUAL
    approval.refresh_from_db()
    assert approval.state == ApprovalState.WITHDRAWN
    assert "has turned" in approval.reason
    assert rollout.state == RolloutState.RUNNING
    assert rollout.attempt.phase.state == "running"


def test_what_was_withdrawn_is_asked_again_when_the_evidence_is_back() -> None:
    service, rollout, _approval = asked()
    service.report(0.5)
    service.pass_time(1)
    service.report(0.5)
    goes_on(service, rollout)
    service.report(0.95)
    service.pass_time(1)
    service.report(0.95)
    goes_on(service, rollout)
    assert rollout.state == RolloutState.AWAITING
    states = list(Approval.objects.order_by("pk").values_list("state", flat=True))
    assert states == [ApprovalState.WITHDRAWN, ApprovalState.WAITING]


def test_a_request_that_expired_is_noted_as_that_and_asked_again() -> None:
    service, rollout, approval = asked()
    service.now = approval.expires_at
    service.report()
    goes_on(service, rollout)
    approval.refresh_from_db()
    assert approval.state == ApprovalState.EXPIRED
    goes_on(service, rollout)
    assert Approval.objects.order_by("-pk")[0].state == ApprovalState.WAITING


def test_harm_withdraws_a_request() -> None:
    service, rollout, approval = asked()
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    goes_on(service, rollout)
    approval.refresh_from_db()
    assert (rollout.state, approval.state) == (RolloutState.ROLLED_BACK, ApprovalState.WITHDRAWN)


def test_a_pause_withdraws_a_request() -> None:
    service, rollout, approval = asked()
    move(service, rollout, Move.PAUSE)
    approval.refresh_from_db()
    assert approval.state == ApprovalState.WITHDRAWN
    assert "decided before" in refused_to_approve(service, rollout, approval)


# --- windows --------------------------------------------------------------------------------------


def test_what_was_approved_waits_for_its_window() -> None:
    service, rollout, approval = asked(window_days="thu", approval_seconds=7 * 86_400.0)
    approve(service, rollout, approval, make_approver())
    assert goes_on(service, rollout) == PhaseName.GRADUAL
    midnight = datetime(2026, 3, 5, tzinfo=UTC)
    service.now = midnight - timedelta(seconds=6)
    service.report()
    assert goes_on(service, rollout) == PhaseName.GRADUAL
    service.now = midnight
    service.report()
    assert goes_on(service, rollout) == PhaseName.FULL


def test_a_rollback_does_not_wait_for_a_window() -> None:
    service, rollout = in_gate(window_days="tue", window_hours="01:00-02:00")
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.ROLLED_BACK
