"""What a person can do to a capture or its job: who may, when it is refused, what is noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from tests.factories import make_capture, make_job, make_user, standard
from tests.trimming.results import finish, reread
from trimming import jobs
from trimming.choices import JobState, RunOutcome
from trimming.models import Capture, TrimJob
from trimming.moves import Move
from trimming.profiles import add_version, latest, mirror_built_in_profiles

pytestmark = pytest.mark.django_db

ACTIONS = ("cancel", "retry", "run_again", "delete", "delete_original")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()


def post(user: User, action: str, capture: Any, as_json: bool = True, **data: Any) -> Any:
    client = Client()
    client.force_login(user)
    url = reverse(f"trimming:{action}", args=[getattr(capture, "pk", capture)])
    headers = {"Accept": "application/json"} if as_json else {"Accept": "text/html"}
    return client.post(url, data, headers=headers)


def ready_for(action: str, owner: User) -> tuple[Capture, dict[str, Any]]:
    """Return a capture of ``owner`` to which ``action`` can be done, and the form's data."""
    job = make_job(owner)
    capture = reread(job.capture)
    if action == "cancel":
        return capture, {}
    if action == "retry":
        jobs.cancel(job.pk)
    else:
        finish(job)
    return capture, {"profile": standard().pk} if action == "run_again" else {}


def state(capture: Capture) -> tuple[Any, ...]:
    kept = reread(capture)
    events = AuditEvent.objects.filter(target_id=str(capture.pk)).count()
    job = kept.current_job
    assert job is not None
    return job.pk, job.state, kept.has_original, kept.deleted_at, events


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("role", "may"), [(OPERATOR, True), (ADMINISTRATOR, True), (VIEWER, False), (APPROVER, False)]
)
def test_each_role_may_do_what_its_permissions_say(action: str, role: str, may: bool) -> None:
    user = make_user(role)
    capture, data = ready_for(action, user)
    before = state(capture)
    response = post(user, action, capture, **data)
    assert response.status_code == (200 if may else 403)
    assert response.json()["ok"] is may
    assert response.json()["message"]
    if may:
        event = AuditEvent.objects.get(target_id=str(capture.pk), action=action)
        assert event.actor == user
    else:
        assert state(capture) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_captures_of_others_do_not_exist(action: str) -> None:
    capture, data = ready_for(action, make_user())
    before = state(capture)
    for user in (make_user(), make_user(VIEWER)):
        assert post(user, action, capture, **data).status_code == 404
    assert post(make_user(), action, uuid4(), **data).status_code == 404
    assert state(capture) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_an_administrator_reaches_the_captures_of_everybody(action: str) -> None:
    capture, data = ready_for(action, make_user())
    assert post(make_user(ADMINISTRATOR), action, capture, **data).status_code == 200


@pytest.mark.parametrize("action", ACTIONS)
def test_only_post_does_anything(action: str) -> None:
    user = make_user()
    capture, _ = ready_for(action, user)
    before = state(capture)
    client = Client()
    client.force_login(user)
    assert client.get(reverse(f"trimming:{action}", args=[capture.pk])).status_code == 405
    assert state(capture) == before


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_done_without_a_login_or_a_token(action: str) -> None:
    capture, data = ready_for(action, make_user())
    before = state(capture)
    url = reverse(f"trimming:{action}", args=[capture.pk])
    assert Client().post(url, data).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(capture.owner)
    assert strict.post(url, data).status_code == 403
    assert state(capture) == before


def test_a_form_is_led_back_with_a_message() -> None:
    user = make_user()
    capture, _ = ready_for("cancel", user)
    response = post(user, "cancel", capture, as_json=False)
    assert response.headers["Location"] == capture.get_absolute_url()
    capture, _ = ready_for("delete", user)
    response = post(user, "delete", capture, as_json=False)
    assert response.headers["Location"] == reverse("trimming:captures")


def test_a_form_that_may_not_gets_the_page_of_a_refusal() -> None:
    viewer = make_user(VIEWER)
    capture, _ = ready_for("delete", viewer)
    assert post(viewer, "delete", capture, as_json=False).status_code == 403


def refused(response: Any, words: str) -> None:
    assert response.status_code == 409
    assert response.json()["ok"] is False
    assert words in response.json()["message"]


def test_a_waiting_job_is_cancelled_at_once() -> None:
    job = make_job(make_user())
    post(job.requested_by, "cancel", job.capture)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_running_job_is_asked_once_to_stop() -> None:
    user = make_user()
    job = make_job(user)
    jobs.claim(job.pk, "one/1")
    assert post(user, "cancel", job.capture).json()["ok"]
    refused(post(user, "cancel", job.capture), "already")
    assert AuditEvent.objects.filter(action="cancel").count() == 1


def test_a_job_that_has_ended_cannot_be_cancelled() -> None:
    user = make_user()
    capture, _ = ready_for("delete", user)
    refused(post(user, "cancel", capture), "already ended (Done)")


def test_a_capture_without_a_job_has_nothing_to_cancel_or_retry() -> None:
    user = make_user()
    capture = make_capture(user)
    refused(post(user, "cancel", capture), "no job")
    refused(post(user, "retry", capture), "Nothing to retry")


@pytest.mark.parametrize(
    ("move", "outcome"), [(Move.FAIL, RunOutcome.FAILED), (Move.REFUSE, RunOutcome.REFUSED)]
)
def test_a_job_that_ended_without_a_result_is_made_anew(move: Move, outcome: RunOutcome) -> None:
    user = make_user()
    job = make_job(user)
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    jobs.give_up(run, move, outcome, "odd")
    assert post(user, "retry", job.capture).json()["ok"]
    again = reread(job.capture).current_job
    assert again is not None
    assert (again.pk != job.pk, again.state, again.profile) == (True, "waiting", job.profile)


def test_a_job_that_is_open_or_done_is_not_retried() -> None:
    user = make_user()
    job = make_job(user)
    refused(post(user, "retry", job.capture), "Nothing to retry")
    finish(job)
    refused(post(user, "retry", job.capture), "Nothing to retry")
    assert TrimJob.objects.count() == 1


def test_nothing_runs_again_without_the_original() -> None:
    user = make_user()
    capture, _ = ready_for("retry", user)
    post(user, "delete_original", capture)
    refused(post(user, "retry", capture), "Upload the capture again")
    refused(post(user, "run_again", capture, profile=standard().pk), "Upload the capture again")
    refused(post(user, "delete_original", capture), "already")


def test_another_run_takes_the_profile_that_was_chosen() -> None:
    user = make_user()
    capture, _ = ready_for("run_again", user)
    profile = latest("share_safe")
    assert profile is not None
    assert post(user, "run_again", capture, profile=profile.pk).json()["ok"]
    job = reread(capture).current_job
    assert job is not None
    assert (job.profile, job.state, job.strategy_override) == (profile, "waiting", "")


@pytest.mark.parametrize("key", ["", "0", "x", "-1", "9" * 40, "٣"])
def test_a_profile_that_is_not_offered_is_refused(key: str) -> None:
    user = make_user()
    capture, _ = ready_for("run_again", user)
    refused(post(user, "run_again", capture, profile=key), "Choose one of the profiles")


def test_an_old_version_of_a_profile_is_refused() -> None:
    user = make_user()
    capture, _ = ready_for("run_again", user)
    old = add_version("own", {"slice": True})
    add_version("own", {"slice": False})
    refused(post(user, "run_again", capture, profile=old.pk), "Choose one of the profiles")


def test_a_second_job_waits_for_the_first() -> None:
    user = make_user()
    job = make_job(user)
    refused(post(user, "run_again", job.capture, profile=standard().pk), "still works")


def test_the_strategy_is_chosen_only_with_its_permission() -> None:
    operator, admin = make_user(), make_user(ADMINISTRATOR)
    data: dict[str, Any] = {"profile": standard().pk, "strategy": "legacy"}
    capture, _ = ready_for("run_again", operator)
    assert post(operator, "run_again", capture, **data).status_code == 403
    refused(post(admin, "run_again", capture, **{**data, "strategy": "x"}), "strategies")
    assert post(admin, "run_again", capture, **data).json()["ok"]
    job = reread(capture).current_job
    assert job is not None
    assert job.strategy_override == "legacy"


@pytest.mark.parametrize("action", ["delete", "delete_original"])
def test_nothing_is_deleted_while_a_job_is_open(action: str) -> None:
    user = make_user()
    job = make_job(user)
    before = state(job.capture)
    refused(post(user, action, job.capture), "Cancel it first")
    assert state(job.capture) == before


def test_a_deleted_capture_is_gone_for_everybody() -> None:
    user = make_user()
    capture, _ = ready_for("delete", user)
    assert post(user, "delete", capture).json()["message"] == "edge.pcap was deleted."
    assert post(user, "delete", capture).status_code == 404
    assert post(make_user(ADMINISTRATOR), "delete", capture).status_code == 404
