"""Tokens of scripts end with a password, and with an account."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from config.models import AuditEvent
from config.roles import ADMINISTRATOR
from tests.factories import make_user
from tests.pktmask_site.api.scripts import get, issued_to

pytestmark = pytest.mark.django_db
OLD, NEW = "three words behind", "four other words behind"


@pytest.fixture
def person() -> User:
    user = make_user()
    user.set_password(OLD)
    user.save()
    return user


def is_in(token: str) -> bool:
    return bool(get(token).status_code == 200)


def change(person: User, **more: str) -> Any:
    client = Client()
    client.force_login(person)
    data = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW, **more}
    assert 'name="end_tokens" checked' in client.get("/password/").content.decode()
    return client.post("/password/", data)


@pytest.mark.parametrize("keeps", [False, True])
def test_a_new_password_ends_the_tokens_of_that_person_unless_they_want_to_keep_them(
    person: User, keeps: bool
) -> None:
    mine, other = issued_to(person), issued_to(make_user())
    assert change(person, **({} if keeps else {"end_tokens": "on"})).status_code == 302
    assert (is_in(mine), is_in(other)) == (keeps, True)
    assert AuditEvent.objects.filter(action="api_access_revoked").exists() != keeps


def test_a_wrong_password_ends_nothing(person: User) -> None:
    mine = issued_to(person)
    change(person, old_password="guessed", end_tokens="on")
    assert is_in(mine)


def test_a_password_that_somebody_else_sets_ends_them(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = make_user(ADMINISTRATOR)
    User.objects.filter(pk=administrator.pk).update(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(administrator)
    token = issued_to(person)
    data = {"usable_password": "true", "password1": NEW, "password2": NEW}
    answer = client.post(f"/admin/auth/user/{person.pk}/password/", data)
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"/admin/auth/user/{person.pk}/change/",
    )
    assert not is_in(token)
    token = issued_to(person)
    monkeypatch.setattr("getpass.getpass", lambda **_: OLD)
    call_command("changepassword", person.username)
    assert not is_in(token)


def test_an_account_that_was_deactivated_has_none_when_it_is_active_again(person: User) -> None:
    token = issued_to(person)
    for is_active in (False, True):
        person.is_active = is_active
        person.save()
        assert not is_in(token)


def test_signing_in_ends_none_also_when_the_password_is_kept_in_another_form(
    person: User, settings: Any
) -> None:
    token = issued_to(person)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    before = person.password
    answer = Client().post("/sign-in/", {"username": person.username, "password": OLD})
    assert answer.status_code == 302
    person.refresh_from_db()
    assert person.password != before
    assert is_in(token)
