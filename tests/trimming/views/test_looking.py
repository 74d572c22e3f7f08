"""Pages that look into a capture: who may, what is noted, what is said when there is nothing."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from tests.factories import make_job, make_user
from tests.trimming.results import finish
from trimming import quarantine
from trimming.looking.asking import LookError, Why
from trimming.looking.words import LookedAt, Message, Messages
from trimming.models import Capture, Profile
from trimming.views import looking

pytestmark = pytest.mark.django_db
SCRIPT = "<script>alert(1)</script>"
HEAD = Message(
    packet=4,
    timestamp_ns=1_700_000_000_000_000_000,
    source="10.0.0.1:40000",
    destination="10.0.0.2:80",
    start=f"GET /{SCRIPT} HTTP/1.1",
    fields=[("X-Evil", f'"><img src=x onerror=1>{SCRIPT}')],
    left_out=2,
    bytes=90,
    is_whole=False,
)
FOUND = Messages(messages=[HEAD], left_out=1, origin_ns=0, next_packet=9)
LOOKED = LookedAt(
    origin_ns=1_700_000_000_000_000_000,
    timestamp_ns=1_700_000_000_004_000_000,
    captured_len=5000,
    original_len=5000,
    link_type=1,
    before=b"HEAD<b>secret".hex(),
    after=(b"HEAD" + bytes(9)).hex(),
    spans=[(0, 4, "header"), (4, 13, "body")],
)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], list[str]]]:
    """The tasks that would be given to a process, with the names of the files."""
    tasks: list[tuple[dict[str, Any], list[str]]] = []

    def look(task: dict[str, Any], files: dict[str, Any]) -> Messages | LookedAt:
        tasks.append((task, sorted(files)))
        return FOUND if task["look"] == "messages" else LOOKED

    monkeypatch.setattr(looking, "look", look)
    return tasks


@pytest.fixture
def owner() -> User:
    return make_user()


def done(owner: User) -> Capture:
    job = make_job(owner)
    finish(job)
    return Capture.objects.get(pk=job.capture_id)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def looks() -> list[tuple[str, str, dict[str, Any]]]:
    events = AuditEvent.objects.filter(action__startswith="look_at_").order_by("pk")
    return [(each.action, each.actor_name, each.details) for each in events]


def test_messages_are_shown_as_text_and_the_look_is_noted(
    owner: User, asked: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    capture = done(owner)
    with caplog.at_level(logging.DEBUG):
        answer = client_of(owner).get(f"/captures/{capture.pk}/messages/?packet=4&read=1")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert SCRIPT not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert "?packet=9" in page
    assert asked[0][0]["packet"] == 4
    assert asked[0][1] == ["result"]
    assert looks() == [("look_at_messages", owner.username, {"packet": 4})]
    assert "X-Evil" not in caplog.text


@pytest.mark.parametrize("part", ["messages", "packets"])
def test_a_page_is_there_at_once_and_asks_for_what_is_read_itself(
    owner: User, asked: list[Any], part: str
) -> None:
    answer = client_of(owner).get(f"/captures/{done(owner).pk}/{part}/?packet=4&start=0")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'data-reading="?packet=4&amp;start=0&amp;read=1"' in page
    assert 'value="4"' in page
    # whoever only opened the page has not looked yet
    assert asked == looks() == []


def test_a_packet_is_shown_before_and_after_and_the_look_is_noted(
    owner: User, asked: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    capture = done(owner)
    with caplog.at_level(logging.DEBUG):
        answer = client_of(owner).get(
            f"/captures/{capture.pk}/packets/?packet=1,005&start=2100&read=1"
        )
    page = answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "HEAD" in page
    assert "&lt;b&gt;secret" in page
    assert "0.004000" in page
    assert asked[0][0]["start"] == 2048
    assert asked[0][1] == ["original", "result"]
    assert looks() == [("look_at_packet", owner.username, {"packet": 1005, "start": 2048})]
    assert "secret" not in caplog.text
    assert "packet=1004" in page
    assert "start=4096" in page


@pytest.mark.parametrize("part", ["messages", "packets"])
@pytest.mark.parametrize(
    ("role", "status"),
    [(VIEWER, 403), (APPROVER, 403), (OPERATOR, 404), (ADMINISTRATOR, 200)],
)
def test_of_others_administrators_alone_may_look(
    owner: User, asked: list[Any], part: str, role: str, status: int
) -> None:
    address = f"/captures/{done(owner).pk}/{part}/?read=1"
    assert client_of(make_user(role)).get(address).status_code == status
    assert len(asked) == len(looks()) == (status == 200)
    assert Client().get(address).status_code == 302
    assert client_of(owner).post(address).status_code == 405


def test_an_owner_without_the_permission_may_not_look(owner: User, asked: list[Any]) -> None:
    capture = done(owner)
    owner.groups.clear()
    assert client_of(owner).get(f"/captures/{capture.pk}/packets/?read=1").status_code == 403
    assert asked == []


def test_without_the_original_the_page_says_so_and_messages_are_there(
    owner: User, asked: list[Any]
) -> None:
    capture = done(owner)
    capture.original = ""
    capture.save()
    client = client_of(owner)
    gone = client.get(f"/captures/{capture.pk}/packets/?read=1")
    assert gone.status_code == 409
    assert b"The original is not kept any more" in gone.content
    assert client.get(f"/captures/{capture.pk}/messages/?read=1").status_code == 200
    assert [action for action, *_ in looks()] == ["look_at_messages"]


def test_without_a_result_a_packet_is_shown_as_it_was(owner: User, asked: list[Any]) -> None:
    job = make_job(owner)
    client = client_of(owner)
    refused = client.get(f"/captures/{job.capture_id}/messages/?read=1")
    assert refused.status_code == 409
    assert b"There is no result" in refused.content
    assert client.get(f"/captures/{job.capture_id}/packets/?read=1").status_code == 200
    assert [files for _, files in asked] == [["original"]]


def test_a_result_in_quarantine_is_not_read(owner: User, asked: list[Any]) -> None:
    job = make_job(owner)
    run = finish(job)
    quarantine.put([run.pk], "It may leak.", actor=make_user(APPROVER))
    client = client_of(owner)
    assert client.get(f"/captures/{job.capture_id}/messages/?read=1").status_code == 409
    page = client.get(f"/captures/{job.capture_id}/packets/?read=1")
    assert b"The result is in quarantine" in page.content
    assert [files for _, files in asked] == [["original"]]


@pytest.mark.parametrize("part", ["messages", "packets"])
@pytest.mark.parametrize("typed", ["0", "-1", "x", "<b>", "9" * 30])
def test_what_is_no_packet_is_said_beside_what_was_typed(
    owner: User, asked: list[Any], part: str, typed: str
) -> None:
    answer = client_of(owner).get(
        f"/captures/{done(owner).pk}/{part}/", {"packet": typed, "read": "1"}
    )
    assert answer.status_code == 400
    assert "Packets are counted from 1" in answer.content.decode()
    assert f'value="{typed.replace("<", "&lt;").replace(">", "&gt;")}"' in answer.content.decode()
    assert asked == looks() == []


@pytest.mark.parametrize("why", list(Why))
@pytest.mark.parametrize("part", ["messages", "packets"])
def test_each_reason_has_its_sentence(
    owner: User, monkeypatch: pytest.MonkeyPatch, part: str, why: Why
) -> None:
    def refuse(*_: object) -> None:
        raise LookError(why)

    monkeypatch.setattr(looking, "look", refuse)
    answer = client_of(owner).get(f"/captures/{done(owner).pk}/{part}/?read=1")
    empty = looking.PROBLEMS[why]
    assert answer.status_code == empty.status
    assert str(empty.title) in answer.content.decode()
    assert len(looks()) == 1


@pytest.mark.parametrize("part", ["messages", "packets"])
def test_a_damaged_profile_is_said(owner: User, asked: list[Any], part: str) -> None:
    capture = done(owner)
    Profile.objects.all().update(options={"base": "nothing"})
    answer = client_of(owner).get(f"/captures/{capture.pk}/{part}/?read=1")
    assert answer.status_code == 409
    assert b"The profile cannot be read" in answer.content
