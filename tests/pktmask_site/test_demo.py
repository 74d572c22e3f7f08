"""The guided demo: what it does by itself, what its page says, and faults that are switched."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from config.current import forget
from config.roles import APPROVER, OPERATOR, VIEWER
from migration import operations
from migration.choices import PHASES, Move, PhaseName, RolloutState
from migration.models import Approval, Rollout
from pktmask_site.demo import player, story
from pktmask_site.demo.acts import (
    APPROVE_AFTER_SECONDS,
    FIRST_CAPTURES,
    Act,
    Seen,
    next_act,
)
from pktmask_site.demo.people import PEOPLE, make_people, person
from pktmask_site.processes import lock_folder
from tests.factories import make_user
from tests.migration.traffic import in_gate, in_phase, move
from trimming.models import Drill
from trimming.routing_choices import FaultKind


@pytest.fixture
def permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let drills be permitted, as the settings of a demo do."""
    monkeypatch.setenv("PKTMASK_DRILLS__PERMITTED", "true")
    forget()


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


# --- what it does by itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "act"),
    [
        (Seen(None, FIRST_CAPTURES - 1), None),
        (Seen(None, FIRST_CAPTURES), Act.START),
        (Seen(RolloutState.RUNNING, 0), None),
        (Seen(RolloutState.AWAITING, 0, APPROVE_AFTER_SECONDS - 0.1), None),
        (Seen(RolloutState.AWAITING, 0, APPROVE_AFTER_SECONDS), Act.APPROVE),
        # somebody has approved, and the rollout goes on at its next look
        (Seen(RolloutState.AWAITING, 0, None), None),
        (Seen(RolloutState.ROLLED_BACK, 0), None),
        (Seen(RolloutState.COMPLETED, 0), None),
    ],
)
def test_it_starts_after_some_traffic_and_approves_what_nobody_else_does(
    seen: Seen, act: Act | None
) -> None:
    assert next_act(seen) is act


@pytest.mark.django_db
def test_a_request_is_approved_by_somebody_who_did_not_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_people()
    service, rollout = in_gate(approve="full_migration")
    monkeypatch.setattr("django.utils.timezone.now", lambda: service.now)
    operations.promote(rollout, None, "reviewed", service.now)
    assert player.turn() is None
    service.pass_time(APPROVE_AFTER_SECONDS)
    service.sample()
    service.report()
    assert player.turn() is Act.APPROVE
    assert Approval.objects.get().decided_by == person("anton")


@pytest.mark.django_db
def test_what_is_refused_is_left_for_the_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    make_people()
    in_phase(PhaseName.AB_TEST)
    # it has looked before somebody else has started one
    monkeypatch.setattr(player, "look", lambda: Seen(None, FIRST_CAPTURES))
    assert player.turn() is None
    assert Rollout.objects.count() == 1


@pytest.mark.django_db
def test_people_have_one_role_each_and_a_new_password_at_each_start() -> None:
    first, second = make_people(), make_people()
    assert first != second
    for name, role in PEOPLE.items():
        assert [group.name for group in person(name).groups.all()] == [role]
        assert person(name).check_password(second)


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_where_faults_are_not_permitted_the_page_says_how_to_start_a_demo() -> None:
    client = signed_in(OPERATOR)
    page = client.get("/demo/")
    assert page.status_code == 200
    assert "make demo" in page.content.decode()
    assert "faults/" not in page.content.decode()
    assert client.get("/demo/data/").status_code == 404


@pytest.mark.django_db
@pytest.mark.usefixtures("permitted")
def test_before_the_rollout_the_page_says_when_it_begins() -> None:
    said = signed_in(VIEWER).get("/demo/").content.decode()
    assert f"after {FIRST_CAPTURES} captures the rollout starts by itself" in said
    assert "Only an operator or an administrator can switch faults." in said


@pytest.mark.django_db
@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize("phase", PHASES)
def test_the_page_tells_of_each_phase_and_marks_the_present_one(phase: PhaseName) -> None:
    in_phase(phase)
    parts = signed_in(OPERATOR).get("/demo/data/").json()["parts"]
    assert set(parts) == {"now", "phases", "faults"}
    here = parts["phases"].split('aria-current="step"')
    assert len(here) == 2
    assert here[1].index(str(phase.label)) < here[1].index("</h3>")
    for each in story.PHASES.values():
        assert str(each.happens) in parts["phases"]


@pytest.mark.django_db
@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ([Move.PAUSE], "Somebody paused it"),
        ([Move.ROLL_BACK], "Everything goes to legacy again"),
        ([Move.ABORT], "Somebody sent everything to legacy"),
    ],
)
def test_the_page_says_what_to_do_next(moves: list[Move], said: str) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, *moves)
    assert said in signed_in(VIEWER).get("/demo/").content.decode()


@pytest.mark.parametrize("state", list(RolloutState))
def test_every_state_has_a_sentence(state: RolloutState) -> None:
    assert story.now_sentence(state, "as the gates say").strip()


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.usefixtures("permitted")
def test_a_fault_is_switched_on_once_and_off_again() -> None:
    client = signed_in(OPERATOR)
    for _ in range(2):
        answer = client.post("/demo/faults/leaking/", {"switch": "on"}, follow=True)
        assert "Switched on: scanning masks nothing." in answer.content.decode()
    [drill] = Drill.objects.all()
    assert (drill.kind, drill.strategy, drill.share) == (FaultKind.LEAKING, "scanning", 1.0)
    assert "Switch off" in client.get("/demo/").content.decode()
    answer = client.post("/demo/faults/leaking/", {"switch": "off"}, follow=True)
    assert "as it should be again" in answer.content.decode()
    assert "Switch off" not in client.get("/demo/").content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize("role", [VIEWER, APPROVER])
def test_only_who_operates_rollouts_may_switch_faults(role: str) -> None:
    assert signed_in(role).post("/demo/faults/leaking/", {"switch": "on"}).status_code == 403
    assert not Drill.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize("kind", ["nonsense", "full-disk"])
def test_other_faults_are_not_of_the_demo(kind: str) -> None:
    assert signed_in(OPERATOR).post(f"/demo/faults/{kind}/", {"switch": "on"}).status_code == 404


# --- the command ----------------------------------------------------------------------------------


def refused() -> str:
    errors = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("demo", stderr=errors)
    assert ended.value.code == 2
    return errors.getvalue()


def test_it_plays_only_where_faults_are_permitted() -> None:
    assert "start it with `make demo`" in refused()


def test_with_settings_that_are_broken_it_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PKTMASK_DRILLS__PERMITTED", "perhaps")
    forget()
    assert "PKTMASK_DRILLS__PERMITTED" in refused()


@pytest.fixture
def installed_as_demo(settings: Any, tmp_path: Path, permitted: None) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def test_data_that_no_demo_made_are_left_alone(installed_as_demo: Path) -> None:
    (installed_as_demo / "pktmask.sqlite3").write_text("somebody's")
    assert "has data that no demo made" in refused()
    assert (installed_as_demo / "pktmask.sqlite3").read_text() == "somebody's"


def test_a_demo_that_runs_is_left_alone(installed_as_demo: Path) -> None:
    (installed_as_demo / ".demo").touch()
    (installed_as_demo / "pktmask.sqlite3").write_text("its own")
    with lock_folder(installed_as_demo):
        assert "A demo already runs" in refused()
    assert (installed_as_demo / "pktmask.sqlite3").exists()


@pytest.mark.parametrize("port", ["eighty", "0"])
def test_a_port_that_is_none_is_named(
    installed_as_demo: Path, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    monkeypatch.setenv("PORT", port)
    assert f"PORT is {port!r}" in refused()


@pytest.mark.django_db
def test_the_way_to_the_demo_is_shown_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(VIEWER)
    assert 'href="/demo/"' not in client.get("/").content.decode()
    monkeypatch.setenv("PKTMASK_DRILLS__PERMITTED", "true")
    forget()
    assert 'href="/demo/"' in client.get("/").content.decode()
