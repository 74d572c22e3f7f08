"""What is said when a page could not be made, and how tabs say the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.test import RequestFactory

from config.roles import VIEWER
from monitoring.choices import VERDICT_LOOKS
from pktmask_site.errors import server_error
from tests.factories import make_user
from tests.migration.console_pages import client_of, read


def test_the_page_of_a_failure_names_the_request_as_logs_do() -> None:
    request = RequestFactory().get("/")
    assert b"In the log it is" not in server_error(request).content
    request.request_id = "e1b2c3d4"  # type: ignore[attr-defined]  # the middleware has set it
    answer = server_error(request)
    assert answer.status_code == 500
    assert b"<code>e1b2c3d4</code>" in answer.content


@pytest.mark.django_db
def test_who_may_not_is_told_who_they_are() -> None:
    person = make_user(VIEWER)
    text = read(client_of(person).get("/audit/"))
    assert f"You are signed in as {person.get_username()}, viewer." in text
    person.groups.clear()
    assert "without a role" in read(client_of(person).get("/audit/"))


@pytest.mark.django_db
def test_title_and_icon_say_the_verdict() -> None:
    page = client_of(make_user(VIEWER)).get("/captures/").content.decode()
    assert "<title>Not known · Captures · PktMask</title>" in page
    assert 'href="/static/icons/unknown.svg" data-icon' in page


def test_each_verdict_has_an_icon() -> None:
    for look in VERDICT_LOOKS.values():
        assert Path(settings.BASE_DIR, "static/icons", f"{look.tone}.svg").exists()
