"""Why a capture went to its strategy, as its page and its row say it."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from config.roles import ADMINISTRATOR
from tests.factories import make_job, make_user
from tests.trimming.results import finish
from trimming import jobs
from trimming.choices import RunOutcome
from trimming.models import Capture, TrimJob, TrimRun
from trimming.moves import Move
from trimming.outcomes import end_without_result
from trimming.policy import Wish, emergency_rollback, publish
from trimming.profiles import mirror_built_in_profiles
from trimming.routing_choices import Mode, Origin, Why
from trimming.routing_words import NOTABLE

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()


def words(user: User, address: str) -> str:
    client = Client()
    client.force_login(user)
    text = client.get(address).content.decode()
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def page(capture: Capture) -> str:
    return words(capture.owner, capture.get_absolute_url())


def row(capture: Capture) -> str:
    return words(capture.owner, reverse("trimming:row", args=[capture.pk]))


def give(mode: Mode, **values: Any) -> None:
    publish(Wish(mode, **values), origin=Origin.OPERATOR, reason="a test")


def taken(job: TrimJob) -> TrimRun:
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    return run


@pytest.mark.parametrize("why", [why for why in Why if why])
def test_each_reason_is_told_on_the_page_and_in_the_row(why: Why) -> None:
    run = finish(make_job(make_user()))
    TrimJob.objects.filter(pk=run.job_id).update(why=why)
    assert str(why.label) in page(run.job.capture)
    # in the row for eyes where it differs from what the mode does, and for ears otherwise
    assert str(why.label) in row(run.job.capture)


@pytest.mark.parametrize("why", [Why.MODE_LEGACY, Why.UNWATCHED])
def test_a_row_shows_only_reasons_that_differ_from_what_the_mode_does(why: Why) -> None:
    run = finish(make_job(make_user()))
    TrimJob.objects.filter(pk=run.job_id).update(why=why)
    client = Client()
    client.force_login(run.job.requested_by)
    text = client.get(reverse("trimming:row", args=[run.job.capture_id])).content.decode()
    assert (f'<span class="note">{why.label}</span>' in text) is (why in NOTABLE)
    assert (f'title="{why.label}"' in text) is (why not in NOTABLE)


def test_policy_epoch_arm_and_configuration_are_told() -> None:
    give(Mode.SCANNING)
    run = finish(make_job(make_user()))
    TrimRun.objects.update(config_version=7)
    shown = page(run.job.capture)
    assert "Why scanning policy 2 , epoch 1 Everything goes to scanning." in shown
    assert "Arm treatment Strategy scanning" in shown
    assert "Configuration version 7" in shown
    assert "Bucket" not in shown


def test_before_the_first_version_of_the_configuration_there_are_defaults() -> None:
    run = finish(make_job(make_user()))
    assert "Configuration defaults and environment" in page(run.job.capture)


def test_the_draw_is_told_where_a_share_goes_to_scanning() -> None:
    give(Mode.AB_TEST, treatment_share=0.5)
    job = make_job(make_user())
    finish(job)
    job.refresh_from_db()
    assert job.bucket is not None
    assert f"Bucket {job.bucket:,} of 10,000; those below 5,000 go to scanning" in page(job.capture)


def test_a_choice_tells_who_chose_what() -> None:
    user = make_user(ADMINISTRATOR)
    job = make_job(user)
    TrimJob.objects.update(strategy_override="scanning")
    finish(job)
    shown = page(job.capture)
    assert "A person chose the strategy. Arm none, a person chose" in shown
    assert f"Chosen by a person scanning {user.username}" in shown


def test_a_waiting_job_is_not_decided() -> None:
    job = make_job(make_user())
    shown = page(job.capture)
    assert "Which strategy It is decided when a worker takes the job." in shown
    assert "policy 1" not in shown


def test_a_job_that_fell_back_tells_why_before_and_after_legacy_served_it() -> None:
    give(Mode.SCANNING)
    job = make_job(make_user())
    run = taken(job)
    assert end_without_result(run, Move.FAIL, RunOutcome.FAILED, "ValueError in reader.py")
    said = "Fell back from scanning: ValueError in reader.py"
    assert said in page(job.capture)
    assert said in row(job.capture)
    finish(TrimJob.objects.get(pk=job.pk))
    shown = page(job.capture)
    assert f"Why legacy policy 2 , epoch 1 {said} {Why.FALLBACK.label}" in shown
    assert "Arm treatment Strategy legacy" in shown
    assert said in row(job.capture)


def test_a_job_whose_result_was_discarded_by_a_rollback_says_so() -> None:
    give(Mode.SCANNING)
    job = make_job(make_user())
    run = taken(job)
    emergency_rollback(reason="leak")
    assert not jobs.publish(run)
    assert str(Why.ROLLED_BACK.label) in page(job.capture)
    assert str(Why.ROLLED_BACK.label) in row(job.capture)
    finish(TrimJob.objects.get(pk=job.pk))
    shown = page(job.capture)
    assert "Why legacy policy 3 , epoch 2 Everything goes to legacy." in shown
    assert "Discarded after a rollback" in shown


def test_hostile_reasons_are_only_text() -> None:
    give(Mode.SCANNING)
    job = make_job(make_user())
    run = taken(job)
    end_without_result(run, Move.FAIL, RunOutcome.FAILED, '<img src=x onerror="alert(1)">')
    client = Client()
    client.force_login(job.requested_by)
    for address in (job.capture.get_absolute_url(), reverse("trimming:row", args=[job.capture_id])):
        assert "<img" not in client.get(address).content.decode()


def test_a_capture_without_a_job_has_no_reason() -> None:
    job = make_job(make_user())
    Capture.objects.filter(pk=job.capture_id).update(current_job=None)
    assert "Which strategy" not in page(job.capture)
    assert "Arm" not in row(job.capture)
