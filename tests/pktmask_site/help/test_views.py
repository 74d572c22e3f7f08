"""Pages of the documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from config import documents
from config.roles import VIEWER
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(VIEWER))
    return client


@pytest.mark.parametrize("name", documents.names())
def test_every_document_is_shown(client: Client, name: str) -> None:
    said = client.get(f"/help/{name}/").content.decode()
    found = documents.document(name)
    assert found is not None
    assert f"Version {found.version}, kept by the {found.owner}" in said


def test_the_start_is_the_start_page_of_the_documents(client: Client) -> None:
    said = client.get("/help/").content.decode()
    assert "<h1>Documentation</h1>" in said
    assert 'href="/help/operations/HTTP_SCANNING_OPERATIONS_MANUAL/"' in said


def test_a_review_that_is_overdue_is_said(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for year, is_said in ((2026, False), (2037, True)):
        clock = SimpleNamespace(now=lambda year=year: datetime(year, 1, 1, tzinfo=UTC))
        monkeypatch.setattr("pktmask_site.help.views.timezone", clock)
        said = client.get("/help/alerts/").content.decode()
        assert ("That review is overdue." in said) is is_said


@pytest.mark.parametrize(
    "path",
    ["nothing/", "../manage/", "alerts.md/", "zh-hans/alerts/", "pictures/nothing.svg"],
)
def test_what_is_no_document_is_not_found(client: Client, path: str) -> None:
    assert client.get(f"/help/{path}").status_code == 404


def test_a_picture_is_given_and_nothing_beside_pictures(client: Client) -> None:
    answer: Any = client.get("/help/pictures/cost-against-size.svg")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
    assert client.get("/help/pictures/captures/").status_code == 404


def test_the_runbook_is_a_document_and_links_of_messages_lead_there(client: Client) -> None:
    answer: Any = client.get("/alerts/runbook/")
    assert (answer.status_code, answer["Location"]) == (302, "/help/runbook/")


def test_who_is_not_signed_in_is_led_to_the_sign_in() -> None:
    assert Client().get("/help/").headers["Location"].startswith("/sign-in/")
