"""The page of limits: proposing, what the back-test says, approving, versions and drills."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.roles import APPROVER, OPERATOR, VIEWER
from migration import drills, limits_changes, operations
from migration.choices import PhaseName
from migration.limits_page import differences, first_of
from migration.models import BackTest, LimitsApproval, LimitsVersion, Rollout
from tests.factories import make_user
from tests.migration.console_pages import at_the_time_of, client_of, read
from tests.migration.traffic import QUICK, Service, in_phase, moved_rows
from trimming.choices import RunOutcome
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db

WHY = {"reason": "fewer would do"}
# session, user, permissions (2), the rollout, its limits (2), the versions, the drills, four for
# the strip, one for the role
PAGE_QUERIES = 16


def address(rollout: Rollout) -> str:
    return reverse("migration:limits", args=[rollout.pk])


def get(service: Service, rollout: Rollout, who: str | User = VIEWER) -> str:
    user = who if isinstance(who, User) else make_user(who)
    with at_the_time_of(service):
        response = client_of(user).get(address(rollout))
    assert response.status_code == 200
    return read(response)


def propose(service: Service, rollout: Rollout, user: User, **data: str) -> Any:
    sent = {f"limit:{key}": value for key, value in data.items() if key != "reason"}
    with at_the_time_of(service):
        return client_of(user).post(
            address(rollout),
            {**WHY, **sent, **({"reason": data["reason"]} if "reason" in data else {})},
        )


def approve(service: Service, rollout: Rollout, number: int, user: User) -> Any:
    where = reverse("migration:approve_limits", args=[rollout.pk, number])
    with at_the_time_of(service):
        return client_of(user).post(where)


# --- proposing ------------------------------------------------------------------------------------


def test_a_change_is_proposed_without_waiting_for_its_back_test() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    person = make_user(OPERATOR)
    answer = propose(service, rollout, person, ab_runs="7")
    assert answer.status_code == 302
    version = LimitsVersion.objects.get(number=2)
    assert (version.values, version.author) == ({**QUICK, "ab_runs": 7}, person)
    assert not BackTest.objects.exists()
    page = get(service, rollout)
    assert "Version 2 is proposed" in page
    assert "The back-test is being made" in page
    assert "ab_runs 5 → 7" in page


def test_limits_that_stay_as_they_are_are_no_change() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    answer = propose(service, rollout, make_user(OPERATOR), ab_runs="7", step_runs="5")
    assert answer.status_code == 302
    assert limits_changes.back_test_waiting(service.now) == 1
    assert LimitsVersion.objects.get(number=2).values == {**QUICK, "ab_runs": 7}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"ab_runs": "many"}, "ab_runs"),
        ({"ab_share": "7"}, "a number above 0 below 1"),
        ({"health_floor": "0.9"}, "must be below rollout.health_low"),
        ({"ab_runs": "7", "reason": " "}, "needs a reason"),
        ({}, "Nothing would change"),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(data: dict[str, str], said: str) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    client_user = make_user(OPERATOR)
    with at_the_time_of(service):
        client = client_of(client_user)
        before = moved_rows()
        sent = {**WHY, **{key if key == "reason" else f"limit:{key}": v for key, v in data.items()}}
        answer = client.post(address(rollout), sent)
    assert answer.status_code == 422
    assert said in read(answer)
    for key, value in data.items():
        if key != "reason":
            assert f'name="limit:{key}"' in answer.content.decode()
            assert f'value="{value}"' in answer.content.decode()
    assert moved_rows() == before


# --- what it would have done ----------------------------------------------------------------------


def test_the_back_test_tells_what_would_have_come_out_otherwise() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, failures_in_a_row=4)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    limits_changes.propose(rollout, {"failures_in_a_row": 3}, None, "a test", service.now)
    limits_changes.back_test_waiting(service.now)
    page = get(service, rollout)
    assert "1 of 1 looks would have come out otherwise" in page
    assert "it holds rolled back Failures in a row" in page


def test_where_nothing_would_differ_it_says_so() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.look()
    limits_changes.propose(rollout, {"full_runs": 11}, None, "a test", service.now)
    limits_changes.back_test_waiting(service.now)
    assert "No difference 1 look would have come out as it did." in get(service, rollout)


def test_without_looks_nobody_knows() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    limits_changes.propose(rollout, {"full_runs": 11}, None, "a test", service.now)
    limits_changes.back_test_waiting(service.now)
    assert "No look is stored yet" in get(service, rollout)


def test_what_could_not_be_tried_says_why() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    version = limits_changes.propose(rollout, {"full_runs": 11}, None, "a test", service.now)
    BackTest.objects.create(version=version, at=service.now, result={"problem": "no such limit"})
    page = get(service, rollout, APPROVER)
    assert "It could not be back-tested no such limit" in page
    assert "propose it again" in page


def test_differences_are_those_to_what_is_in_force() -> None:
    found = differences({"a": 1, "b": 0.5, "c": ""}, {"a": 1, "b": 0.25, "c": "mon"})
    assert [tuple(each) for each in found] == [("b", "0.5", "0.25"), ("c", "empty", "mon")]


def test_the_first_look_of_each_kind_comes_in_the_order_of_time() -> None:
    look = {"verdict": "failed", "rule": "leak"}
    result = {
        "first": {
            "hold -> roll_back": {**look, "at": "2026-03-04T12:00:00+00:00"},
            "promote -> hold": {**look, "at": "2026-03-04T11:00:00+00:00"},
        }
    }
    assert [(each.before, each.after) for each in first_of(result)] == [
        ("promoted", "it holds"),
        ("it holds", "rolled back"),
    ]


# --- approving ------------------------------------------------------------------------------------


def proposed(by: User | None = None, *, is_tested: bool = True) -> tuple[Service, Rollout]:
    service, rollout = in_phase(PhaseName.AB_TEST)
    limits_changes.propose(rollout, {"ab_runs": 7}, by, "a test", service.now)
    if is_tested:
        limits_changes.back_test_waiting(service.now)
    return service, rollout


def test_another_person_approves_it() -> None:
    service, rollout = proposed(make_user(OPERATOR))
    person = make_user(APPROVER)
    assert "Approve version 2" in get(service, rollout, person)
    assert approve(service, rollout, 2, person).status_code == 302
    assert rollout.limits().ab_runs == 7
    page = get(service, rollout)
    assert "Nothing is proposed" in page
    assert person.username in page


def test_who_proposed_it_reads_why_another_must_approve() -> None:
    person = make_user(OPERATOR)
    person.groups.add(*make_user(APPROVER).groups.all())
    service, rollout = proposed(person)
    page = get(service, rollout, person)
    assert "You have proposed this yourself" in page
    assert "Approve version 2" not in page
    answer = approve(service, rollout, 2, person)
    assert answer.status_code == 422
    assert rollout.limits().ab_runs == QUICK["ab_runs"]


def test_before_its_back_test_is_there_nobody_approves_it() -> None:
    service, rollout = proposed(is_tested=False)
    person = make_user(APPROVER)
    assert "back-test is not there yet" in get(service, rollout, person)
    answer = approve(service, rollout, 2, person)
    assert answer.status_code == 422
    assert "back-test is not there yet" in read(answer)


def test_approved_twice_it_is_approved_once() -> None:
    service, rollout = proposed()
    answers = [approve(service, rollout, 2, make_user(APPROVER)) for _ in range(2)]
    assert [each.status_code for each in answers] == [302, 422]
    assert LimitsApproval.objects.filter(version__number=2).count() == 1


def test_a_version_that_there_is_not_is_not_found() -> None:
    service, rollout = proposed()
    assert approve(service, rollout, 47, make_user(APPROVER)).status_code == 404


# --- the rest of the page -------------------------------------------------------------------------


def test_a_viewer_reads_all_limits_and_can_press_nothing() -> None:
    service, rollout = proposed()
    with at_the_time_of(service):
        answer = client_of(make_user(VIEWER)).get(address(rollout))
    page = answer.content.decode()
    assert "mismatch_budget" in page
    assert 'name="limit:' not in page
    assert 'method="post"' not in page.partition("<main")[2].partition("</main>")[0]


def test_the_results_of_drills_are_listed() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    assert "None was held yet" in get(service, rollout)
    drills.hold_drill(rollout, None, "a test", service.now)
    assert "sent everything to legacy under epoch" in get(service, rollout)


def test_a_rollout_without_limits_of_its_own_has_those_of_the_configuration() -> None:
    service = Service()
    rollout = operations.create("a rollout", {}, None, service.now)
    assert "The limits are those of the configuration." in get(service, rollout)


def test_it_asks_the_database_equally_often_for_any_number_of_proposals() -> None:
    service, rollout = proposed()
    client = client_of(make_user(APPROVER))
    counts = []
    for _ in range(2):
        with at_the_time_of(service), CaptureQueriesContext(connection) as queries:
            assert client.get(address(rollout)).status_code == 200
        counts.append(len(queries))
        for runs in (8, 9, 10):
            limits_changes.propose(rollout, {"ab_runs": runs}, None, "a test", service.now)
        limits_changes.back_test_waiting(service.now)
    assert counts[0] == counts[1] <= PAGE_QUERIES
