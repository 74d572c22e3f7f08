"""The history of rollouts in the admin: it is read, leads from one to the next, and stays cheap."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext

from config.roles import ADMINISTRATOR, VIEWER
from migration import drills, importing, limits_changes
from migration.choices import Move, PhaseName
from migration.models import (
    Attempt,
    Decision,
    Evaluation,
    EvidenceArchive,
    FinalReport,
    ImportedEvidence,
    LimitsVersion,
    Phase,
    RollbackDrill,
    Rollout,
    Step,
    Suspect,
)
from migration.suspects import list_suspects
from tests.factories import make_user
from tests.migration.console_pages import admin_address, at_the_time_of, client_of, read, staff
from tests.migration.test_importing import offline
from tests.migration.traffic import Service, in_phase, move
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db

HISTORY: tuple[type[Model], ...] = (
    Rollout,
    Attempt,
    Phase,
    Step,
    Decision,
    Evaluation,
    LimitsVersion,
    ImportedEvidence,
    EvidenceArchive,
    RollbackDrill,
    FinalReport,
    Suspect,
)


def name_of(model: type[Model]) -> str:
    return str(model._meta.model_name)


def history() -> tuple[Service, Rollout]:
    """Return a rollout that has rows of each kind."""
    service, rollout = in_phase(PhaseName.CLEANUP)
    service.compare(1)
    more(service, rollout)
    FinalReport.objects.create(rollout=rollout, at=service.now, text="# It went well")
    return service, rollout


def more(service: Service, rollout: Rollout) -> None:
    """Add one row to each list that grows while a rollout runs."""
    service.pass_time(61)
    service.look()
    drills.hold_drill(rollout, None, "a test", service.now)
    limits_changes.propose(rollout, {"full_runs": 12}, None, "a test", service.now)
    importing.import_test(rollout, offline(service, "matched").pk, None, service.now)


def with_suspects(service: Service, rollout: Rollout, count: int = 1) -> None:
    service.serve_on(TREATMENT, count)
    rollout.refresh_from_db()
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    list_suspects()


@pytest.mark.parametrize("model", HISTORY, ids=name_of)
def test_each_list_and_each_row_can_be_read_and_not_changed(model: type[Any]) -> None:
    service, rollout = history()
    with_suspects(service, rollout)
    row = model.objects.order_by("pk").first()
    client, name = client_of(staff(ADMINISTRATOR)), name_of(model)
    change = admin_address(name, "change", row.pk)
    with at_the_time_of(service):
        assert client.get(admin_address(name)).status_code == 200
        assert client.get(change).status_code == 200
        assert client.post(change, {"name": "x"}).status_code == 403
        assert client.get(admin_address(name, "add")).status_code == 403
        assert (
            client.post(admin_address(name, "delete", row.pk), {"post": "yes"}).status_code == 403
        )


@pytest.mark.parametrize("model", HISTORY, ids=name_of)
def test_those_who_are_not_staff_are_kept_out(model: type[Model]) -> None:
    response = client_of(make_user(ADMINISTRATOR)).get(admin_address(name_of(model)))
    assert response.status_code == 302


@pytest.mark.parametrize(
    "name", ["decision", "evaluation", "rollbackdrill", "limitsversion", "importedevidence"]
)
def test_lists_take_the_same_number_of_queries_for_any_number_of_rows(name: str) -> None:
    service, rollout = history()
    client = client_of(staff(VIEWER))
    counts = []
    for _ in range(2):
        with at_the_time_of(service), CaptureQueriesContext(connection) as queries:
            assert client.get(admin_address(name)).status_code == 200
        counts.append(len(queries))
        for _each in range(3):
            more(service, rollout)
    assert counts[0] == counts[1]


def test_a_list_of_suspects_takes_the_same_number_of_queries_for_any_number_of_rows() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    with_suspects(service, rollout, 4)
    client = client_of(staff(VIEWER))
    counts = []
    for _ in range(2):
        with at_the_time_of(service), CaptureQueriesContext(connection) as queries:
            client.get(admin_address("suspect"))
        counts.append(len(queries))
        Suspect.objects.filter(pk__gt=Suspect.objects.order_by("pk")[0].pk).delete()
    assert counts[0] == counts[1]


def test_a_decision_is_asked_again() -> None:
    _service, rollout = history()
    decision = rollout.decisions.get(move=Move.FREEZE)
    client = client_of(staff(VIEWER))
    page = read(client.get(admin_address("decision", "change", decision.pk)))
    assert "Same answer" in page


def test_a_decision_that_would_be_another_one_says_what_differs() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.look()
    decision = Decision.objects.filter(rollout=rollout, move=Move.START).get()
    # somebody has got at the database
    QuerySet(Decision).filter(pk=decision.pk).update(state_after="completed")
    page = read(client_of(staff(VIEWER)).get(admin_address("decision", "change", decision.pk)))
    assert "Another answer" in page
    assert "state completed running" in page


def test_a_rollout_leads_to_what_belongs_to_it() -> None:
    service, rollout = history()
    with_suspects(service, rollout)
    client = client_of(staff(VIEWER))
    with at_the_time_of(service):
        page = client.get(admin_address("rollout", "change", rollout.pk)).content.decode()
        for name, lookup in (
            ("attempt", "rollout__id__exact"),
            ("decision", "rollout__id__exact"),
            ("evaluation", "attempt__rollout__id__exact"),
            ("limitsversion", "rollout__id__exact"),
            ("suspect", "attempt__rollout__id__exact"),
            ("rollbackdrill", "attempt__rollout__id__exact"),
        ):
            address = f"{admin_address(name)}?{lookup}={rollout.pk}"
            assert address in page
            listed = client.get(address)
            assert listed.status_code == 200
            assert listed.context["cl"].result_count > 0
