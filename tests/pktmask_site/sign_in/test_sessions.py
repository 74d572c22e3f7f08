"""Sessions, attacked: fixation, theft, staying for ever, staying after a password was changed."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, VIEWER
from monitoring.live.consumers import viewer_of
from pktmask_site.settings import AUTH_PASSWORD_VALIDATORS
from pktmask_site.sign_in.sessions import SessionStore
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
NEW_PASSWORD = "a staple of another kind"
MINUTE, HOUR = 60, 3600


class Clock:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def put_forward(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, real, now = Clock(), time.time, timezone.now
    monkeypatch.setattr(time, "time", lambda: real() + clock.seconds)
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=clock.seconds))
    return clock


@pytest.fixture
def user() -> User:
    return make_user(VIEWER, PASSWORD)


def signed_in(user: User, client: Client | None = None, password: str = PASSWORD) -> Client:
    client = client or Client()
    answer = client.post("/sign-in/", {"username": user.username, "password": password})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/captures/").status_code == 200


def is_watching(client: Client) -> bool:
    found: Any = async_to_sync(viewer_of)(client.cookies["sessionid"].value)
    return found is not None


def test_a_session_that_was_planted_is_not_the_one_of_who_signs_in(user: User) -> None:
    planted = SessionStore()
    planted["colour"] = "red"
    planted.save()
    victim = Client()
    victim.cookies["sessionid"] = str(planted.session_key)
    signed_in(user, victim)
    assert victim.cookies["sessionid"].value != planted.session_key
    assert not Session.objects.filter(pk=planted.session_key).exists()
    attacker = Client()
    attacker.cookies["sessionid"] = str(planted.session_key)
    assert not is_in(attacker)


def test_a_session_that_somebody_made_up_is_not_taken(user: User) -> None:
    victim = Client()
    victim.cookies["sessionid"] = "0123456789abcdef0123456789abcdef"
    signed_in(user, victim)
    assert victim.cookies["sessionid"].value != "0123456789abcdef0123456789abcdef"


def test_a_session_of_somebody_else_is_ended_by_signing_in(user: User) -> None:
    client = signed_in(make_user(ADMINISTRATOR, PASSWORD))
    before = client.cookies["sessionid"].value
    client.cookies["sessionid"] = before
    Session.objects.get(pk=before)
    client.post("/sign-out/")
    signed_in(user, client)
    assert not Session.objects.filter(pk=before).exists()


def test_a_session_is_over_at_once_after_signing_out(user: User) -> None:
    client = signed_in(user)
    stolen = Client()
    stolen.cookies["sessionid"] = client.cookies["sessionid"].value
    assert is_in(stolen)
    client.post("/sign-out/")
    assert not is_in(stolen)


def test_it_is_over_when_nobody_was_there_for_half_an_hour(user: User, clock: Clock) -> None:
    client = signed_in(user)
    for _ in range(3):
        clock.put_forward(29 * MINUTE)
        assert is_in(client)
    assert is_watching(client)
    clock.put_forward(31 * MINUTE)
    assert not is_watching(client)
    assert not is_in(client)


def test_it_is_over_after_twelve_hours_whatever_is_done(user: User, clock: Clock) -> None:
    client = signed_in(user)
    for _ in range(35):
        clock.put_forward(20 * MINUTE)
        assert is_in(client)
    assert is_watching(client)
    clock.put_forward(21 * MINUTE)
    assert not is_watching(client)
    assert not is_in(client)
    # signing in again begins anew
    assert is_in(signed_in(user, client))


def test_a_page_that_asks_often_writes_seldom(user: User, clock: Clock) -> None:
    client = signed_in(user)
    clock.put_forward(2 * MINUTE)
    noted = ["sessionid" in client.get("/captures/").cookies for _ in range(5)]
    assert noted == [True, False, False, False, False]


def test_a_changed_password_ends_all_other_sign_ins_of_that_person(user: User) -> None:
    here, there = signed_in(user), signed_in(user)
    assert is_watching(there)
    before = here.cookies["sessionid"].value
    answer = here.post(
        "/password/",
        {
            "old_password": PASSWORD,
            "new_password1": NEW_PASSWORD,
            "new_password2": NEW_PASSWORD,
        },
    )
    assert answer.status_code == 302
    assert is_in(here)
    assert here.cookies["sessionid"].value != before
    assert not is_watching(there)
    assert not is_in(there)
    event = AuditEvent.objects.get(action="password_changed")
    assert (event.actor, event.target_id) == (user, str(user.pk))


def test_a_password_is_not_guessed_where_somebody_left_a_console_open(user: User) -> None:
    client = signed_in(user)
    data = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    answers = [
        client.post("/password/", {**data, "old_password": f"guess {number}"})
        for number in range(12)
    ]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert "Wait" in answers[-1].content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_weak_password_is_refused_with_the_reason(user: User, settings: Any) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = AUTH_PASSWORD_VALIDATORS
    data = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    text = signed_in(user).post("/password/", data).content.decode()
    assert "at least 12 characters" in text


def test_the_way_of_the_admin_leads_to_the_page_that_counts_tries(user: User) -> None:
    assert signed_in(user).get(reverse("admin:password_change"))["Location"] == "/password/"


def test_a_password_that_an_administrator_sets_ends_all_sign_ins_of_that_person(
    user: User,
) -> None:
    admin = make_user(ADMINISTRATOR, PASSWORD)
    admin.is_staff = admin.is_superuser = True
    admin.save()
    client = signed_in(user)
    assert is_in(client)
    answer = signed_in(admin).post(
        reverse("admin:auth_user_password_change", args=[user.pk]),
        {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    )
    assert answer.status_code == 302
    assert not is_watching(client)
    assert not is_in(client)


def test_who_is_deactivated_is_out_at_once(user: User) -> None:
    client = signed_in(user)
    user.is_active = False
    user.save()
    assert not is_watching(client)
    assert not is_in(client)


def test_a_session_cookie_is_for_this_host_and_no_script(user: User) -> None:
    cookie = signed_in(user).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    assert int(cookie["max-age"]) == 30 * MINUTE
    assert django_settings.CSRF_COOKIE_HTTPONLY


@pytest.mark.parametrize(
    ("password", "is_taken"),
    [
        ("elevenchars", False),
        ("password1234", False),
        ("a" * 12, True),
        ("annabellefoster", False),
        ("four plain words here", True),
        ("738201946655", True),
        ("名前はまだ無いのです吾輩猫", True),
        ("x" * 128, True),
    ],
)
def test_a_password_is_long_and_not_what_is_guessed_first(password: str, is_taken: bool) -> None:
    user = User(username="annabellefoster")
    validators = get_password_validators(AUTH_PASSWORD_VALIDATORS)
    if is_taken:
        validate_password(password, user, validators)
    else:
        with pytest.raises(ValidationError):
            validate_password(password, user, validators)
