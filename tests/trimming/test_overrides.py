"""Choosing a strategy by hand, and when it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from config.roles import ADMINISTRATOR
from tests.factories import capture_bytes, make_job, make_user, standard
from tests.trimming.results import finish
from tests.upload_forms import CONTENT_TYPE, form_body
from trimming import jobs
from trimming.forms import upload_choices
from trimming.models import Capture, TrimJob
from trimming.overrides import Refusal, refusal_among, refusal_of
from trimming.policy import Wish, emergency_rollback, publish
from trimming.profiles import mirror_built_in_profiles
from trimming.routing_choices import Mode, Origin, Why

pytestmark = pytest.mark.django_db
REFUSAL = "A rollback stands, so only legacy can be chosen."


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()


def upload(user: User, strategy: str) -> Any:
    client = Client()
    client.force_login(user)
    fields = {"profile": standard().pk, "strategy": strategy}
    body = form_body([("edge.pcap", capture_bytes())], fields)
    return client.post(
        reverse("trimming:upload"),
        body,
        content_type=CONTENT_TYPE,
        headers={"Accept": "application/json"},
    )


def run_again(user: User, capture: Capture, strategy: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(
        reverse("trimming:run_again", args=[capture.pk]),
        {"profile": standard().pk, "strategy": strategy},
        headers={"Accept": "application/json"},
    )


def test_anything_can_be_chosen_while_no_rollback_stands() -> None:
    assert refusal_among(["legacy", "scanning"]) == Refusal()
    assert refusal_of("scanning") == ""


def test_while_a_rollback_stands_only_legacy_can_be_chosen() -> None:
    emergency_rollback(reason="leak")
    assert refusal_of("scanning") == refusal_of("a-third-one") == REFUSAL
    assert refusal_of("legacy") == refusal_of("") == ""
    publish(Wish(Mode.LEGACY, lift=True), origin=Origin.OPERATOR, reason="mended")
    assert refusal_of("scanning") == ""


def test_an_upload_to_scanning_is_refused_and_nothing_is_stored() -> None:
    emergency_rollback(reason="leak")
    response = upload(make_user(ADMINISTRATOR), "scanning")
    assert response.status_code == 422
    assert response.json()["refused"] == [
        {"name": "edge.pcap", "reason": f"{REFUSAL} Nothing was stored."}
    ]
    assert not Capture.objects.exists()


@pytest.mark.parametrize("strategy", ["", "legacy"])
def test_an_upload_to_legacy_or_without_a_choice_is_taken(strategy: str) -> None:
    emergency_rollback(reason="leak")
    assert upload(make_user(ADMINISTRATOR), strategy).status_code == 200
    assert TrimJob.objects.get().strategy_override == strategy


def test_running_again_on_scanning_is_refused_and_changes_nothing() -> None:
    user = make_user(ADMINISTRATOR)
    capture = finish(make_job(user)).job.capture
    emergency_rollback(reason="leak")
    response = run_again(user, capture, "scanning")
    assert (response.status_code, response.json()["message"]) == (409, REFUSAL)
    assert TrimJob.objects.count() == 1
    assert run_again(user, capture, "legacy").status_code == 200


def test_what_was_chosen_before_the_rollback_goes_to_legacy_and_says_why() -> None:
    user = make_user(ADMINISTRATOR)
    job = make_job(user)
    TrimJob.objects.update(strategy_override="scanning")
    emergency_rollback(reason="leak")
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    job.refresh_from_db()
    assert (run.strategy, job.why) == ("legacy", Why.OVERRIDE_REFUSED)


def test_forms_say_what_cannot_be_chosen() -> None:
    user = make_user(ADMINISTRATOR)
    capture = finish(make_job(user)).job.capture
    client = Client()
    client.force_login(user)
    pages = (reverse("trimming:captures"), capture.get_absolute_url())
    for page in pages:
        shown = client.get(page).content.decode()
        assert "<option>scanning</option>" in shown
        assert REFUSAL not in shown
    emergency_rollback(reason="leak")
    for page in pages:
        shown = client.get(page).content.decode()
        assert "<option disabled>scanning</option>" in shown
        assert "<option>legacy</option>" in shown
        assert REFUSAL in shown


def test_who_may_not_choose_is_not_told_what_cannot_be_chosen() -> None:
    emergency_rollback(reason="leak")
    choices = upload_choices(make_user())
    assert choices is not None
    assert choices.refusal == Refusal()


RETIRED = "Legacy is retired, so it cannot be chosen."


def retire_legacy() -> None:
    wish = Wish(Mode.SCANNING, legacy_retired=True)
    publish(wish, origin=Origin.ROLLOUT, reason="completed")


def test_while_legacy_is_retired_only_legacy_cannot_be_chosen() -> None:
    retire_legacy()
    assert refusal_of("legacy") == RETIRED
    assert refusal_of("scanning") == refusal_of("a-third-one") == refusal_of("") == ""
    assert upload(make_user(ADMINISTRATOR), "legacy").status_code == 422
    assert not Capture.objects.exists()


def test_forms_say_that_retired_legacy_cannot_be_chosen() -> None:
    user = make_user(ADMINISTRATOR)
    capture = finish(make_job(user)).job.capture
    retire_legacy()
    client = Client()
    client.force_login(user)
    for page in (reverse("trimming:captures"), capture.get_absolute_url()):
        shown = client.get(page).content.decode()
        assert "<option disabled>legacy</option>" in shown
        assert "<option>scanning</option>" in shown
        assert RETIRED in shown


def test_legacy_that_was_chosen_before_it_was_retired_goes_to_scanning_and_says_why() -> None:
    job = make_job(make_user(ADMINISTRATOR))
    TrimJob.objects.update(strategy_override="legacy")
    retire_legacy()
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    job.refresh_from_db()
    assert (run.strategy, job.why) == ("scanning", Why.RETIRED_OVERRIDE)
