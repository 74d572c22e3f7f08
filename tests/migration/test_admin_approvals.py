"""Approvals in the admin: the queue, the evidence then and now, and who decides what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.models import AuditEvent
from config.roles import APPROVER, OPERATOR, VIEWER
from migration import operations
from migration.choices import ApprovalState, PhaseName
from migration.models import Approval, Rollout
from tests.migration.console_pages import admin_address, at_the_time_of, client_of, read, staff
from tests.migration.test_approvals import asked, goes_on
from tests.migration.traffic import Service, all_rows, moved_rows

pytestmark = pytest.mark.django_db

APPROVE = {"decide": "approve", "reason": "read all of it"}
REJECT = {"decide": "reject", "reason": "run the drill first"}
# savepoints, session, user, permissions, the request, the situation of its rollout (16), the queue,
# the strip and the role: whatever is in the queue
PAGE_QUERIES = 40


def page_of(approval: Approval) -> str:
    return admin_address("approval", "change", approval.pk)


def decide(service: Service, approval: Approval, user: User, data: dict[str, str]) -> Any:
    with at_the_time_of(service):
        return client_of(user).post(page_of(approval), data, follow=True)


def get(service: Service, address: str, role: str = APPROVER) -> str:
    with at_the_time_of(service):
        response = client_of(staff(role)).get(address)
    assert response.status_code == 200
    return read(response)


# --- the queue ------------------------------------------------------------------------------------


def test_the_queue_tells_what_waits_and_for_how_long_yet() -> None:
    service, _rollout, _approval = asked(by=staff(OPERATOR))
    service.pass_time(3600)
    service.sample()
    service.report()
    page = get(service, admin_address("approval"))
    assert "a rollout: Full migration" in page
    assert "operator-" in page
    assert "23 h 0 min" in page
    assert "Passed" in page


def test_those_that_wait_come_first() -> None:
    service, rollout, approval = asked()
    decide(service, approval, staff(APPROVER), REJECT)
    operations.promote(rollout, None, "looked at it", service.now)
    service.pass_time(1)
    with at_the_time_of(service):
        response = client_of(staff(APPROVER)).get(admin_address("approval"))
    states = [each.state for each in response.context["cl"].result_list]
    assert states == [ApprovalState.WAITING, ApprovalState.REJECTED]


# --- the page -------------------------------------------------------------------------------------


def test_the_page_shows_the_evidence_then_and_now() -> None:
    service, _rollout, approval = asked()
    service.pass_time(7)
    page = get(service, page_of(approval))
    assert "Approve Full migration?" in page
    assert "no verdict has turned" in page
    assert "Least time holds" in page
    assert "50 % → 100 %" in page
    assert "the same" in page


def test_what_has_turned_stands_first_and_cannot_be_approved() -> None:
    service, _rollout, approval = asked()
    service.pass_time(1)
    service.report(0.5)
    with at_the_time_of(service):
        response = client_of(staff(APPROVER)).get(page_of(approval))
    shown = response.context["shown"]
    assert shown.rules[0].rule == "health"
    assert shown.rules[0].has_turned
    assert "The evidence has turned: The health score is 0.50" in read(response)
    assert b"disabled aria-describedby" in response.content


def test_what_passes_as_before_is_folded_and_what_else_there_is_stands_open() -> None:
    service, _rollout, approval = asked()
    service.pass_time(1)
    service.report(0.5)
    with at_the_time_of(service):
        response = client_of(staff(APPROVER)).get(page_of(approval))
    shown = response.context["shown"]
    assert {row.rule for row in shown.to_read} >= {"health", "dwell"}
    assert {row.rule for row in shown.calm} >= {"leak", "baseline"}
    assert f"{len(shown.calm)} rules pass as at the request" in read(response)


def test_in_another_language_no_more_has_changed_than_in_the_one_of_the_record() -> None:
    service, _rollout, approval = asked()
    service.pass_time(1)
    service.report(0.5)
    client, kept = client_of(staff(APPROVER)), []
    for language in ("en", "zh-hans"):
        with at_the_time_of(service):
            answer = client.get(page_of(approval), headers={"accept-language": language})
        kept.append({row.rule for row in answer.context["shown"].to_read})
    assert kept[0] == kept[1]
    assert "The health score is" not in read(answer)


def test_looking_changes_nothing() -> None:
    service, _rollout, approval = asked()
    client = client_of(staff(APPROVER))
    before = all_rows()
    with at_the_time_of(service):
        client.get(page_of(approval))
        client.get(admin_address("approval"))
    assert all_rows() == before


def test_who_asked_reads_why_another_person_must_decide() -> None:
    person = both()
    service, _rollout, approval = asked(by=person)
    with at_the_time_of(service):
        response = client_of(person).get(page_of(approval))
    assert "You have asked for this yourself" in read(response)
    assert b'name="decide"' not in response.content


@pytest.mark.parametrize("role", [VIEWER, OPERATOR])
def test_others_read_it_and_find_nothing_to_press(role: str) -> None:
    service, _rollout, approval = asked()
    with at_the_time_of(service):
        response = client_of(staff(role)).get(page_of(approval))
    assert "Only who holds the permission" in read(response)
    assert b'name="decide"' not in response.content


def test_a_decided_request_shows_the_evidence_that_it_was_asked_with() -> None:
    service, _rollout, approval = asked()
    decide(service, approval, staff(APPROVER), REJECT)
    page = get(service, page_of(approval), VIEWER)
    assert "as it was at the request" in page
    assert "run the drill first" in page


def test_the_page_asks_the_database_equally_often_whatever_is_in_the_queue() -> None:
    service, rollout, approval = asked()
    client = client_of(staff(APPROVER))
    with at_the_time_of(service), CaptureQueriesContext(connection) as first:
        client.get(page_of(approval))
    for _ in range(3):
        newest = Approval.objects.get(state=ApprovalState.WAITING)
        decide(service, newest, staff(APPROVER), REJECT)
        operations.promote(rollout, None, "again", service.now)
    newest = Approval.objects.get(state=ApprovalState.WAITING)
    with at_the_time_of(service), CaptureQueriesContext(connection) as second:
        client.get(page_of(newest))
    assert len(second) == len(first) <= PAGE_QUERIES


# --- deciding -------------------------------------------------------------------------------------


def both() -> User:
    """Return somebody who is operator and approver at once."""
    person = staff(OPERATOR)
    person.groups.add(*staff(APPROVER).groups.all())
    return User.objects.get(pk=person.pk)


def test_an_approver_approves_with_a_reason_and_the_rollout_goes_on() -> None:
    service, rollout, approval = asked(by=staff(OPERATOR))
    person = staff(APPROVER)
    answer = decide(service, approval, person, APPROVE)
    assert answer.redirect_chain == [(page_of(approval), 302)]
    assert "Approved: Full migration." in read(answer)
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by) == (ApprovalState.APPROVED, person)
    assert approval.reason == APPROVE["reason"]
    assert goes_on(service, rollout) == PhaseName.FULL


def test_a_decision_is_in_the_audit_log_with_who_when_and_from_where() -> None:
    service, _rollout, approval = asked(by=staff(OPERATOR))
    person = staff(APPROVER)
    with at_the_time_of(service):
        client_of(person).post(page_of(approval), APPROVE, REMOTE_ADDR="192.0.2.7")
    event = AuditEvent.objects.get(action="approval_approved")
    assert (event.actor, event.at, event.address) == (person, service.now, "192.0.2.7")
    assert event.request_id


def test_an_approver_rejects_with_a_reason() -> None:
    service, rollout, approval = asked(by=staff(OPERATOR))
    answer = decide(service, approval, staff(APPROVER), REJECT)
    assert "Rejected: Full migration." in read(answer)
    assert goes_on(service, rollout) == PhaseName.GRADUAL


Setting = Callable[[], tuple[Service, Rollout, Approval, User]]


def own() -> tuple[Service, Rollout, Approval, User]:
    person = both()
    return (*asked(by=person), person)


def expired() -> tuple[Service, Rollout, Approval, User]:
    service, rollout, approval = asked()
    service.now = approval.expires_at
    service.sample()
    service.report()
    return service, rollout, approval, staff(APPROVER)


def turned() -> tuple[Service, Rollout, Approval, User]:
    service, rollout, approval = asked()
    service.pass_time(1)
    service.report(0.5)
    return service, rollout, approval, staff(APPROVER)


def waiting() -> tuple[Service, Rollout, Approval, User]:
    return (*asked(), staff(APPROVER))


@pytest.mark.parametrize(
    ("setting", "data", "said"),
    [
        (own, APPROVE, "You have asked for this yourself"),
        (own, REJECT, "You have asked for this yourself"),
        (expired, APPROVE, "The request has expired"),
        (turned, APPROVE, "The evidence has turned since the request: The health score is 0.50"),
        (waiting, {**APPROVE, "reason": "  "}, "an approval needs a reason"),
        (waiting, {**REJECT, "reason": ""}, "a rejection needs a reason"),
        (waiting, {"reason": "and now?"}, "Choose to approve or to reject"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(
    setting: Setting, data: dict[str, str], said: str
) -> None:
    service, _rollout, approval, person = setting()
    client = client_of(person)
    before = moved_rows()
    with at_the_time_of(service):
        answer = client.post(page_of(approval), data)
    assert answer.status_code == 422
    assert said in read(answer)
    assert "Nothing was changed." in read(answer)
    assert moved_rows() == before


def test_a_double_click_decides_once() -> None:
    service, _rollout, approval = asked()
    person = staff(APPROVER)
    client = client_of(person)
    with at_the_time_of(service):
        first = client.post(page_of(approval), APPROVE)
        second = client.post(page_of(approval), APPROVE)
    assert (first.status_code, second.status_code) == (302, 422)
    assert "It was decided before: Approved." in read(second)
    assert AuditEvent.objects.filter(action__startswith="approval_").count() == 1


def test_of_two_browsers_the_first_decides() -> None:
    service, _rollout, approval = asked()
    one, other = client_of(staff(APPROVER)), client_of(staff(APPROVER))
    with at_the_time_of(service):
        pages = [each.get(page_of(approval)) for each in (one, other)]
        assert all(b'value="approve"' in page.content for page in pages)
        one.post(page_of(approval), APPROVE)
        refused = other.post(page_of(approval), REJECT)
    assert refused.status_code == 422
    assert "It was decided before: Approved." in read(refused)
    assert Approval.objects.get().state == ApprovalState.APPROVED


def test_a_request_that_there_is_not_is_not_found() -> None:
    service, _rollout, _approval = asked()
    with at_the_time_of(service):
        answer = client_of(staff(APPROVER)).get(admin_address("approval", "change", 4711))
    assert answer.status_code == 404
