"""The list as CSV: what it finds, in its order, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from config.models import AuditEvent
from config.roles import ADMINISTRATOR
from tests.factories import make_capture, make_job, make_user
from trimming import jobs, quarantine
from trimming.capture_exports import COLUMNS
from trimming.models import Capture

pytestmark = pytest.mark.django_db
EVIL = "=HYPERLINK(1).pcap"


@pytest.fixture(autouse=True)
def _send_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)


@pytest.fixture
def owner() -> User:
    owner = make_user()
    job = make_job(owner, name="done.pcap")
    run = jobs.claim(job.pk, "worker")
    assert run is not None
    assert jobs.publish(run, output="outputs/1", messages=6, masked_bytes=9, duration_ms=41.5)
    quarantine.put([run.pk], "a leak")
    make_capture(owner, name=EVIL)
    make_job(make_user(), name="theirs.pcap")
    return owner


async def content_of(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


def lines_of(user: User, query: str = "") -> list[dict[str, str]]:
    client = Client()
    client.force_login(user)
    answer: Any = client.get(f"/captures/export/{query}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    data = async_to_sync(content_of)(answer)
    assert len(data) == int(answer["Content-Length"])
    return list(csv.DictReader(io.StringIO(data.decode())))


def test_it_holds_what_the_list_finds(owner: User) -> None:
    lines = lines_of(owner, "?sort=name")
    assert [line["name"] for line in lines] == [f"'{EVIL}", "done.pcap"]
    assert tuple(lines[0]) == COLUMNS
    done = lines[1]
    assert (done["state"], done["strategy"], done["messages"]) == ("done", "legacy", "6")
    assert (done["masked_bytes"], done["duration_ms"]) == ("9", "41.5")
    assert (done["quarantine"], done["owner"]) == ("yes", owner.username)
    assert done["uploaded_utc"].endswith("Z")
    bare = lines[0]
    assert (bare["state"], bare["started_utc"], bare["messages"]) == ("", "", "")
    assert bare["id"] == str((Capture.objects.get(name=EVIL)).pk)


def test_it_is_narrowed_as_the_list_is_and_noted(owner: User) -> None:
    assert [line["name"] for line in lines_of(owner, "?q=done")] == ["done.pcap"]
    event = AuditEvent.objects.get(action="captures_exported")
    assert event.details["captures"] == 1
    assert event.details["filter"]["search"] == "done"


def test_administrators_get_those_of_everybody(owner: User) -> None:
    assert len(lines_of(make_user(ADMINISTRATOR))) == 3
