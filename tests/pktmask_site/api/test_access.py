"""Who is let in by a token, for what, and how often."""

from __future__ import annotations

import json
import logging

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.models import AuditEvent
from config.roles import APPROVER, OPERATOR, VIEWER
from pktmask_site.api import access
from pktmask_site.api.choices import Scope
from pktmask_site.api.conf import ApiSettings
from pktmask_site.api.models import ApiToken
from pktmask_site.api.token_text import new_token
from pktmask_site.api.tokens import revoke
from tests.factories import capture_bytes, make_capture, make_user
from tests.pktmask_site.api.scripts import V1, bearer, get, issued_to, row_of, said, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    return make_user()


def test_a_token_lets_its_person_in_and_says_what_it_may_do(operator: User) -> None:
    text = issued_to(operator, [Scope.DOWNLOAD, Scope.READ])
    found = get(text).json()  # type: ignore[attr-defined]
    assert found["user"] == operator.username
    assert found["scopes"] == ["read", "download"]
    assert text.startswith(found["prefix"])
    assert len(found["prefix"]) < len(text) / 3


def test_of_a_token_only_a_digest_is_kept(operator: User) -> None:
    text = issued_to(operator)
    kept = json.dumps(list(ApiToken.objects.values()), default=str)
    told = json.dumps(list(AuditEvent.objects.values()), default=str)
    assert text not in kept
    assert text not in told
    assert row_of(text).prefix in told


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic cGt0bWFzazpwa3RtYXNr"},
        {"Authorization": f"Bearer {new_token()}"},
        {"Authorization": "Bearer pktmask_"},
        {"Authorization": "Bearer \x00"},
    ],
)
def test_without_a_valid_token_nobody_is_let_in(headers: dict[str, str]) -> None:
    answer = Client().get(V1 + "token", headers=headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert "page API tokens" in said(answer)


def test_who_is_signed_in_is_not_let_in_by_that(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert client.get(V1 + "captures").status_code == 401
    assert client.post(V1 + "captures", {"profile": "standard"}).status_code == 401


def test_with_a_token_the_cookie_of_somebody_else_says_nothing(operator: User) -> None:
    client = Client()
    client.force_login(make_user(VIEWER))
    answer = client.get(V1 + "token", headers=bearer(issued_to(operator)))
    assert answer.json()["user"] == operator.username


@pytest.mark.parametrize("how", ["revoked", "expired", "inactive"])
def test_a_token_that_is_over_lets_nobody_in(operator: User, how: str) -> None:
    text = issued_to(operator, days=-1 if how == "expired" else 1)
    if how == "revoked":
        assert revoke(ApiToken.objects.all(), timezone.now()) == 1
    if how == "inactive":
        User.objects.update(is_active=False)
    assert get(text).status_code == 401


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        (Scope.READ, "captures"),
        (Scope.UPLOAD, "profiles"),
        (Scope.ROLLOUT_READ, "rollout"),
    ],
)
def test_a_token_may_do_only_what_its_scopes_name(operator: User, scope: Scope, path: str) -> None:
    others = [each for each in Scope if each is not scope]
    assert get(issued_to(operator, [scope]), path).status_code == 200
    answer = get(issued_to(operator, others), path)
    assert answer.status_code == 403
    assert f"`{scope.value}`" in said(answer)


def test_a_token_may_do_only_what_its_person_may_do() -> None:
    text = issued_to(make_user(VIEWER))
    answer = upload(text, [("edge.pcap", capture_bytes())])
    assert answer.status_code == 403
    assert "Your role" in said(answer)


def test_a_role_that_is_taken_away_is_taken_from_tokens_too(operator: User) -> None:
    text = issued_to(operator)
    assert get(text, "captures").status_code == 200
    operator.groups.clear()
    assert get(text, "captures").status_code == 403


@pytest.mark.parametrize("what", ["", "/report", "/result"])
def test_captures_of_others_are_not_there(operator: User, what: str) -> None:
    capture = make_capture(make_user())
    made_up = "00000000-0000-4000-8000-000000000000"
    for user in (operator, make_user(APPROVER), make_user(OPERATOR)):
        text = issued_to(user, [Scope.READ, Scope.DOWNLOAD])
        if what == "/result" and not user.has_perm("trimming.download_capture"):
            continue
        answers = [get(text, f"captures/{each}{what}") for each in (capture.pk, made_up)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert said(answers[0]) == said(answers[1])


def test_when_a_token_was_used_is_kept_to_the_minute(operator: User) -> None:
    text = issued_to(operator)
    get(text)
    first = row_of(text).last_used_at
    with CaptureQueriesContext(connection) as queries:
        get(text)
    assert first is not None
    assert row_of(text).last_used_at == first
    assert not [each for each in queries if each["sql"].startswith("UPDATE")]


def test_what_a_script_does_is_in_the_audit_log_with_how_its_token_begins(operator: User) -> None:
    text = issued_to(operator)
    upload(text, [("edge.pcap", capture_bytes())])
    event = AuditEvent.objects.get(action="upload")
    assert event.actor_name == operator.username
    assert event.details["credential"] == row_of(text).prefix


def test_a_token_that_asks_too_often_waits(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "api_settings", lambda: ApiSettings(requests_per_minute=10))
    monkeypatch.setattr("pktmask_site.api.access.time.time", lambda: 1_000_000_020.0)
    text, other = issued_to(operator), issued_to(operator)
    codes = [get(text).status_code for _ in range(12)]
    assert codes == [200] * 10 + [429] * 2
    answer = get(text)
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer["Retry-After"] in said(answer)
    assert get(other).status_code == 200


def test_a_cache_that_fails_keeps_nobody_out(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(cache, "add", fail)
    assert get(issued_to(operator)).status_code == 200


def test_who_tries_tokens_is_slowed_down_and_the_audit_log_says_so(
    operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "api_settings", lambda: ApiSettings(address_attempts=3))
    codes = [get(new_token()).status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    assert AuditEvent.objects.filter(action="api_access_refused").count() == 1
    # who has a token goes on from there
    assert get(issued_to(operator)).status_code == 200


def test_no_log_has_a_token(operator: User, caplog: pytest.LogCaptureFixture) -> None:
    text, wrong = issued_to(operator), new_token()
    with caplog.at_level(logging.DEBUG):
        get(text)
        get(wrong)
        upload(text, [("edge.pcap", capture_bytes())])
    assert text not in caplog.text
    assert wrong not in caplog.text
