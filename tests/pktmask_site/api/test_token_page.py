"""The page API tokens."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, VIEWER
from pktmask_site.api.models import ApiToken
from tests.factories import make_user
from tests.pktmask_site.api.scripts import get, issued_to, row_of

pytestmark = pytest.mark.django_db
PAGE = "/tokens/"
WISH = {"name": "nightly", "scopes": ["read", "upload"], "days": "30"}


@pytest.fixture
def operator() -> User:
    return make_user()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_token_is_shown_once_and_lets_in(operator: User) -> None:
    client = client_of(operator)
    page = client.post(PAGE, WISH).content.decode()
    (text,) = re.findall(r'value="(pktmask_[^"]+)"', page)
    assert get(text).json()["scopes"] == ["read", "upload"]  # type: ignore[attr-defined]
    assert text not in client.get(PAGE).content.decode()
    event = AuditEvent.objects.get(action="api_access_made")
    assert event.actor_name == operator.username
    assert event.details["prefix"] == row_of(text).prefix


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"scopes": []}, {"scopes": ["everything"]}, {"days": "0"}, {"days": "100000"}],
)
def test_a_wish_that_cannot_be_met_makes_nothing_and_keeps_what_was_typed(
    operator: User, change: dict[str, object]
) -> None:
    answer = client_of(operator).post(PAGE, {**WISH, **change})
    assert answer.status_code == 422
    assert not ApiToken.objects.exists()
    if "name" not in change:
        assert 'value="nightly"' in answer.content.decode()


def test_nobody_gives_a_script_what_they_may_not_do_themselves() -> None:
    viewer = make_user(VIEWER)
    page = client_of(viewer).get(PAGE).content.decode()
    assert 'value="read"' in page
    assert 'value="upload"' not in page
    assert client_of(viewer).post(PAGE, WISH).status_code == 422


def test_a_token_of_ones_own_can_be_revoked(operator: User) -> None:
    text = issued_to(operator)
    answer = client_of(operator).post(f"{PAGE}{row_of(text).pk}/revoke/", follow=True)
    assert "lets nobody in" in answer.content.decode()
    assert get(text).status_code == 401
    assert AuditEvent.objects.filter(action="api_access_revoked").count() == 1


def test_tokens_of_others_are_not_there_but_for_administrators(operator: User) -> None:
    text = issued_to(make_user())
    path = f"{PAGE}{row_of(text).pk}/revoke/"
    assert row_of(text).prefix not in client_of(operator).get(PAGE).content.decode()
    assert client_of(operator).post(path).status_code == 404
    assert get(text).status_code == 200
    administrator = client_of(make_user(ADMINISTRATOR))
    assert row_of(text).prefix in administrator.get(PAGE).content.decode()
    assert administrator.post(path).status_code == 302
    assert get(text).status_code == 401


def test_administrators_revoke_many_in_the_admin() -> None:
    texts = [issued_to(make_user()), issued_to(make_user())]
    administrator = make_user(ADMINISTRATOR)
    administrator.is_staff = True
    administrator.save()
    data = {"action": "revoke_tokens", "_selected_action": [row_of(text).pk for text in texts]}
    client = client_of(administrator)
    assert client.post("/admin/pktmask_site/apitoken/", data).status_code == 302
    assert [get(text).status_code for text in texts] == [401, 401]


def test_revoking_again_changes_nothing(operator: User) -> None:
    text = issued_to(operator)
    path = f"{PAGE}{row_of(text).pk}/revoke/"
    client_of(operator).post(path)
    first = row_of(text).revoked_at
    client_of(operator).post(path)
    assert row_of(text).revoked_at == first
    assert AuditEvent.objects.filter(action="api_access_revoked").count() == 1
