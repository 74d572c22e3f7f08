"""The page of suspects: what it shows to whom, second runs, and releases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from migration.choices import Move, PhaseName, SuspectState
from migration.models import Rollout, Suspect
from migration.suspects import begin_reruns, list_suspects
from tests.factories import make_user
from tests.migration.console_pages import client_of, read
from tests.migration.test_suspects import kept_back, rolled_back
from tests.migration.traffic import in_phase, move, moved_rows
from trimming.models import Download, TrimJob
from trimming.routing import CONTROL

pytestmark = pytest.mark.django_db

# session, user, permissions (2), the rollout, the counts, the list and its downloads, its number,
# which captures are visible, three for the strip, one for the role
PAGE_QUERIES = 16


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


def address(rollout: Rollout, name: str = "suspects", *more: int) -> str:
    return reverse(f"migration:{name}", args=[rollout.pk, *more])


def get(rollout: Rollout, role: str = VIEWER, user: User | None = None, **query: str) -> Any:
    response = client_of(user or make_user(role)).get(address(rollout), query)
    assert response.status_code == 200
    return response


def post(where: str, role: str, **data: Any) -> Any:
    return client_of(make_user(role)).post(where, data, follow=True)


# --- what it shows --------------------------------------------------------------------------------


def test_without_suspects_it_says_when_there_are_some() -> None:
    _service, rollout = in_phase(PhaseName.GRADUAL)
    assert "Outputs are listed here after a rollback." in read(get(rollout))


def test_after_a_rollback_of_nothing_it_says_so() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    list_suspects()
    assert "Scanning had served nothing" in read(get(rollout))


def test_it_tells_why_an_output_is_in_quarantine() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    page = read(get(rollout))
    assert "In quarantine, because: Scanning was rolled back (a rollout, rule leak)" in page
    assert "Not looked at" in page


def test_it_tells_how_many_bytes_differ_and_where_first() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    Suspect.objects.update(state=SuspectState.DIFFERENT, differing_bytes=1284, first_difference=77)
    page = read(get(rollout))
    assert "Different" in page
    assert "1,284" in page
    assert "77" in page


@pytest.mark.parametrize("role", [OPERATOR, APPROVER, ADMINISTRATOR])
def test_those_who_act_on_it_read_who_has_taken_what_away(role: str) -> None:
    service, rollout, runs = rolled_back("leak", served=1)
    person = make_user()
    Download.objects.create(run=runs[0], user=person, at=service.now)
    assert f"{person.username}, 4 Mar 12:00" in read(get(rollout, role))


def test_others_read_how_often_only() -> None:
    service, rollout, runs = rolled_back("leak", served=1)
    person = make_user()
    Download.objects.create(run=runs[0], user=person, at=service.now)
    page = read(get(rollout))
    assert "1 time" in page
    assert person.username not in page


def test_names_of_captures_are_for_those_who_may_know_of_them() -> None:
    service, rollout, _runs = rolled_back("leak", served=1)
    assert "edge.pcap" in read(get(rollout, user=service.owner))
    assert "edge.pcap" in read(get(rollout, ADMINISTRATOR))
    assert "edge.pcap" not in read(get(rollout, APPROVER))


def test_it_is_narrowed_to_a_state() -> None:
    _service, rollout, runs = rolled_back("leak", served=3)
    Suspect.objects.filter(run=runs[0]).update(state=SuspectState.DIFFERENT)
    rows = get(rollout, state="different").context["rows"]
    assert [row.suspect.run_id for row in rows] == [runs[0].pk]
    assert len(get(rollout, state="no-such-state").context["rows"]) == 3
    assert "No suspect is in this state" in read(get(rollout, state="same"))


def test_a_list_has_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("migration.suspect_rows.PAGE_SIZE", 2)
    _service, rollout, _runs = rolled_back("leak", served=3)
    assert len(get(rollout).context["rows"]) == 2
    assert len(get(rollout, page="2").context["rows"]) == 1
    assert len(get(rollout, page="not a number").context["rows"]) == 2


def test_it_asks_the_database_equally_often_for_any_number_of_suspects() -> None:
    service, rollout, runs = rolled_back("leak", served=4)
    for run in runs:
        Download.objects.create(run=run, user=make_user(), at=service.now)
    client = client_of(make_user(APPROVER))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address(rollout)).status_code == 200
        counts.append(len(queries))
        Suspect.objects.exclude(run=runs[0]).delete()
    assert counts[0] == counts[1] <= PAGE_QUERIES


# --- again on legacy ------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [OPERATOR, ADMINISTRATOR])
def test_one_is_run_again(role: str) -> None:
    _service, rollout, runs = rolled_back("leak", served=2)
    wanted = Suspect.objects.get(run=runs[0])
    answer = post(address(rollout, "rerun"), role, ids=[wanted.pk])
    assert "1 output runs again on legacy" in read(answer)
    states = dict(Suspect.objects.values_list("run", "state"))
    assert states == {
        runs[0].pk: SuspectState.RERUNNING,
        runs[1].pk: SuspectState.LISTED,
    }


def test_all_of_them_are_run_again_in_the_background() -> None:
    _service, rollout, _runs = rolled_back("leak", served=3)
    post(address(rollout, "rerun"), OPERATOR, which="all")
    assert not TrimJob.objects.filter(strategy_override=CONTROL).exists()
    assert begin_reruns() == 3


def test_of_another_rollout_none_is_run_again() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    other = Rollout.objects.create(name="another", created_at=rollout.created_at)
    suspect = Suspect.objects.get()
    answer = post(address(other, "rerun"), OPERATOR, ids=[suspect.pk])
    assert answer.status_code == 422
    assert Suspect.objects.get().state == SuspectState.LISTED


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Tick the outputs that are to run again."),
        ({"ids": ["1; drop"]}, "Tick the outputs that are to run again."),
        ({"ids": ["4711"]}, "None of them can run again"),
    ],
)
def test_what_cannot_run_again_is_said_and_changes_nothing(data: dict[str, Any], said: str) -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    client = client_of(make_user(OPERATOR))
    before = moved_rows()
    answer = client.post(address(rollout, "rerun"), data)
    assert answer.status_code == 422
    assert said in read(answer)
    assert moved_rows() == before


def test_pressed_twice_it_is_run_again_once() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    client = client_of(make_user(OPERATOR))
    answers = [client.post(address(rollout, "rerun"), {"which": "all"}) for _ in range(2)]
    assert [each.status_code for each in answers] == [302, 422]
    assert begin_reruns() == 1


def test_the_state_that_was_chosen_stays_chosen() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    where = f"{address(rollout, 'rerun')}?state=listed"
    answer = client_of(make_user(OPERATOR)).post(where, {"which": "all"})
    assert answer["Location"] == f"{address(rollout)}?state=listed"


# --- releasing ------------------------------------------------------------------------------------


def test_an_approver_releases_one_with_a_reason() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    suspect = Suspect.objects.get()
    answer = post(address(rollout, "release", suspect.pk), APPROVER, reason="looked at it")
    assert "can be downloaded again" in read(answer)
    assert "Released looked at it" in read(answer)
    assert kept_back() == set()


@pytest.mark.parametrize(("reason", "said"), [("  ", "a release needs a reason")])
def test_without_a_reason_it_stays(reason: str, said: str) -> None:
    _service, rollout, runs = rolled_back("leak", served=1)
    answer = post(address(rollout, "release", Suspect.objects.get().pk), APPROVER, reason=reason)
    assert answer.status_code == 422
    assert said in read(answer)
    assert kept_back() == {runs[0].pk}


def test_released_twice_it_is_released_once() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    where = address(rollout, "release", Suspect.objects.get().pk)
    answers = [
        client_of(make_user(APPROVER)).post(where, {"reason": "looked at it"}) for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [302, 422]
    assert "It is not in quarantine." in read(answers[1])
    assert AuditEvent.objects.filter(action="quarantine_released").count() == 1


def test_one_of_another_rollout_is_not_found() -> None:
    _service, rollout, runs = rolled_back("leak", served=1)
    other = Rollout.objects.create(name="another", created_at=rollout.created_at)
    suspect = Suspect.objects.get()
    answer = post(address(other, "release", suspect.pk), APPROVER, reason="looked at it")
    assert answer.status_code == 404
    assert kept_back() == {runs[0].pk}
