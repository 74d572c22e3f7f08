"""Uploads of scripts are judged before a byte of their body is read, by their token."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from config.roles import VIEWER
from pktmask_site.api.choices import Scope
from pktmask_site.api.models import ApiToken
from pktmask_site.asgi import application
from tests.factories import capture_bytes, make_job, make_user
from tests.pktmask_site.api.scripts import bearer, issued_to
from tests.pktmask_site.asgi_calls import Call, piece, scope_of
from tests.upload_forms import CONTENT_TYPE, form_body
from trimming import backpressure
from trimming.conf import TrimmingSettings
from trimming.models import Capture

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v1/captures"


class Staying(Call):
    """A client that waits for its answer."""

    async def receive(self) -> dict[str, Any]:
        if not self.events:
            await asyncio.Event().wait()
        return await super().receive()


@pytest.fixture
def operator() -> User:
    return make_user()


def sent(headers: dict[str, str], path: str = PATH, files: Any = None) -> Call:
    """Send an upload as a server hands it over."""
    body = form_body(files or [("edge.pcap", capture_bytes())], {"profile": "standard"})
    head = {**headers, "Content-Type": CONTENT_TYPE, "Content-Length": len(body)}
    made = Staying(deque([piece(body, more=False)]))
    asyncio.run(application(scope_of(path, headers=head.items()), made.receive, made.send))
    return made


def cookie_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    return {"Cookie": f"{name}={client.cookies[name].value}"}


def test_an_upload_with_a_token_is_taken_in(operator: User) -> None:
    done = sent(bearer(issued_to(operator)))
    assert done.status == 201, done.body
    assert Capture.objects.get().owner == operator


def test_a_refusal_before_the_body_reads_like_all_others(operator: User) -> None:
    done = sent(bearer(issued_to(operator, [Scope.READ])))
    assert done.status == 403
    assert done.headers["content-type"] == "application/problem+json"
    assert "`upload`" in done.body


def test_no_cookie_lets_an_upload_of_a_script_in(operator: User) -> None:
    done = sent(cookie_of(operator))
    assert done.status == 401
    assert done.headers["www-authenticate"].startswith("Bearer")


def test_no_token_lets_an_upload_of_a_page_in(operator: User) -> None:
    done = sent(bearer(issued_to(operator)), "/captures/upload/")
    assert done.status == 403


def test_a_role_that_may_not_upload_is_refused_before_the_body() -> None:
    assert sent(bearer(issued_to(make_user(VIEWER)))).status == 403


def test_where_too_many_wait_the_body_is_not_read(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = TrimmingSettings(person_waiting_files=1)
    monkeypatch.setattr(backpressure, "trimming_settings", lambda: limits)
    make_job(operator)
    done = sent(bearer(issued_to(operator)))
    assert done.status == 429
    assert done.headers["content-type"] == "application/problem+json"


def test_a_look_before_the_body_does_not_count_as_a_use(operator: User) -> None:
    text = issued_to(operator, [Scope.UPLOAD])
    sent({**bearer(text), "Transfer-Encoding": "chunked"})
    assert ApiToken.objects.get().last_used_at is None


def test_a_body_that_does_not_fit_on_the_disk_is_refused(
    operator: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = application.application_mapping["http"]
    monkeypatch.setattr(guard, "_free_bytes", lambda: 0)
    done = sent(bearer(issued_to(operator)))
    assert done.status == 507
    assert "free space" in done.body
