"""Rollouts in the admin: what can be done to them, with a reason, through the same operations."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from migration import operations
from migration.choices import Move, PhaseName, RolloutState
from migration.models import RollbackDrill, Rollout
from tests.migration.console_pages import admin_address, at_the_time_of, client_of, read, staff
from tests.migration.traffic import QUICK, Service, in_gate, in_phase, moved_rows

pytestmark = pytest.mark.django_db

WHY = {"reason": "the night watch wants it"}


def act_address(rollout: Rollout, name: str) -> str:
    return reverse("admin:migration_rollout_act", args=[rollout.pk, name])


def act(service: Service, rollout: Rollout, name: str, role: str = OPERATOR, **data: str) -> Any:
    client = client_of(staff(role))
    with at_the_time_of(service), service.same_draw():
        return client.post(act_address(rollout, name), {**WHY, **data}, follow=True)


def test_the_page_has_a_button_for_each_thing_that_can_be_done_now() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    with at_the_time_of(service):
        page = client_of(staff(OPERATOR)).get(admin_address("rollout", "change", rollout.pk))
    offered = {name for name in [*Move, "drill"] if act_address(rollout, name) in str(page.content)}
    assert offered == {"pause", "promote", "restart", "drill", "abort"}


@pytest.mark.parametrize(("role", "offered"), [(VIEWER, set()), (APPROVER, {"abort"})])
def test_nobody_is_offered_what_they_may_not_do(role: str, offered: set[str]) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    with at_the_time_of(service):
        page = client_of(staff(role)).get(admin_address("rollout", "change", rollout.pk))
    found = {name for name in [*Move, "drill"] if act_address(rollout, name) in str(page.content)}
    assert found == offered


def test_a_draft_is_started() -> None:
    service = Service()
    rollout = operations.create("a rollout", QUICK, None, service.now)
    answer = act(service, rollout, "start")
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.RUNNING
    assert "The rollout is running." in read(answer)


def test_it_is_paused_and_resumed_with_a_reason() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    act(service, rollout, "pause")
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.PAUSED
    assert rollout.decisions.all()[0].reason == WHY["reason"]
    service.pass_time(5)
    act(service, rollout, "resume")
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.RUNNING


def test_a_promotion_is_asked_for() -> None:
    service, rollout = in_gate(approve="full_migration")
    act(service, rollout, "promote")
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.AWAITING


@pytest.mark.parametrize("role", [OPERATOR, APPROVER, ADMINISTRATOR])
def test_an_abort_is_confirmed_by_a_word(role: str) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    answer = act(service, rollout, "abort", role, word="abrot")
    rollout.refresh_from_db()
    assert (answer.status_code, rollout.state) == (422, RolloutState.RUNNING)
    assert "Type the word abort to confirm." in read(answer)
    act(service, rollout, "abort", role, word=" Abort ")
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.ABORTED


def test_a_drill_is_held() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    act(service, rollout, "drill")
    assert RollbackDrill.objects.get().passed


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("resume", {}, "“resumed” is not possible"),
        ("pause", {"reason": " "}, "needs a reason"),
        ("promote", {}, "must"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(
    name: str, data: dict[str, str], said: str
) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    client = client_of(staff(OPERATOR))
    before = moved_rows()
    with at_the_time_of(service):
        answer = client.post(act_address(rollout, name), {**WHY, **data})
    assert answer.status_code == 422
    assert said in read(answer)
    assert moved_rows() == before


def test_what_is_not_possible_now_says_so_before_it_is_pressed() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    with at_the_time_of(service):
        page = client_of(staff(OPERATOR)).get(act_address(rollout, "resume"))
    assert "“resumed” is not possible; possible is:" in read(page)
    assert b"<textarea" not in page.content


def test_an_action_of_the_list_leads_to_the_page_that_asks_why() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    data = {"action": "pause", "_selected_action": [str(rollout.pk)]}
    with at_the_time_of(service):
        answer = client_of(staff(OPERATOR)).post(admin_address("rollout"), data)
    assert answer["Location"] == act_address(rollout, "pause")


def test_an_action_is_for_one_rollout() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    other = operations.create("another", QUICK, None, service.now)
    data = {"action": "pause", "_selected_action": [str(rollout.pk), str(other.pk)]}
    with at_the_time_of(service):
        answer = client_of(staff(OPERATOR)).post(admin_address("rollout"), data, follow=True)
    assert "Choose one rollout. Nothing was changed." in read(answer)


def test_pressed_twice_it_is_done_once() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    client = client_of(staff(OPERATOR))
    with at_the_time_of(service):
        answers = [client.post(act_address(rollout, "pause"), WHY) for _ in range(2)]
    assert [each.status_code for each in answers] == [302, 422]
    assert AuditEvent.objects.filter(action="rollout_pause").count() == 1


@pytest.mark.parametrize("name", ["destroy", "freeze_baseline", "roll_back"])
def test_there_is_nothing_else_to_do(name: str) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    assert act(service, rollout, name).status_code == 404
