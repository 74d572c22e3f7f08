"""Comparisons in the background on the page of a capture, and in the admin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.roles import ADMINISTRATOR
from tests.factories import make_job, make_user
from tests.trimming.admin_pages import address, client_of, staff
from tests.trimming.results import finish
from tests.trimming.shadows import compare_all, make_shadow
from trimming.models import Capture
from trimming.profiles import mirror_built_in_profiles
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState

pytestmark = pytest.mark.django_db
TITLE = "Comparison of the two strategies"
LEAKING: dict[str, Any] = {
    "state": ShadowState.DONE,
    "outcome": ShadowOutcome.MISMATCHED,
    "leak": LeakState.CONFIRMED,
    "leaked_bytes": 32,
    "control_version": "1.2",
    "treatment_version": "1.0",
    "control_ms": 420.0,
    "treatment_ms": 21.0,
    "report": {"mismatched": [{"classes": ["body", "header"], "ranges": 2, "bytes": 32}]},
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()
    compare_all()


def page(user: User, capture: Capture) -> str:
    client = Client()
    client.force_login(user)
    response = client.get(capture.get_absolute_url())
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_capture_without_a_comparison_has_no_panel() -> None:
    user = make_user()
    assert TITLE not in page(user, finish(make_job(user)).job.capture)


def test_both_strategies_are_shown_side_by_side_with_what_leaks() -> None:
    shadow = make_shadow(**LEAKING)
    shown = page(shadow.job.capture.owner, shadow.job.capture)
    for words in (
        TITLE,
        "Mismatched",
        "Leak confirmed",
        "Only legacy masks 32 B, only scanning masks 0 B.",
        "0.42 s",
        "legacy says",
    ):
        assert words in shown


def test_one_that_was_ignored_says_why() -> None:
    shadow = make_shadow(
        state=ShadowState.DONE,
        outcome=ShadowOutcome.IGNORED,
        reason="Neither strategy could use the capture.",
    )
    shown = page(shadow.job.capture.owner, shadow.job.capture)
    assert "Neither strategy could use the capture." in shown
    assert "legacy says" not in shown


def test_comparisons_are_listed_and_read_in_the_admin_but_never_changed() -> None:
    shadow = make_shadow(**LEAKING)
    client = client_of(staff())
    listed = client.get(address("shadow")).content.decode()
    assert "edge.pcap" in listed
    assert "confirmed" in listed
    change = address("shadow", "change", shadow.pk)
    assert "Mismatched" in client.get(change).content.decode()
    assert client.post(change, {"state": "done"}).status_code == 403
    assert client.get(address("shadow", "add")).status_code == 403
    assert client.post(address("shadow", "delete", shadow.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("query", ["state=done", "outcome=mismatched", "leak=confirmed"])
def test_the_admin_finds_them_by_state_outcome_and_leak(query: str) -> None:
    make_shadow()
    make_shadow(**LEAKING)
    name, _, value = query.partition("=")
    answer = client_of(staff()).get(address("shadow"), {f"{name}__exact": value})
    listed = answer.content.decode()
    assert "1 comparison" in listed


def test_those_who_are_not_staff_are_kept_out_of_the_list() -> None:
    assert client_of(make_user(ADMINISTRATOR)).get(address("shadow")).status_code == 302
