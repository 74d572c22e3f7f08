"""Signing in with a second factor, attacked: guessed codes, codes used twice, half a sign-in."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from config.current import current
from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from pktmask_site.api.choices import Scope
from pktmask_site.second_factor import pending
from pktmask_site.sign_in import conf
from pktmask_site.upload_guard import judge_sender
from tests.factories import make_capture, make_user
from tests.pktmask_site.api.scripts import bearer, issued_to
from tests.pktmask_site.second_factor.people import (
    PASSWORD,
    code_of,
    give_one,
    post,
    sign_in,
    wrong,
)

pytestmark = pytest.mark.django_db
CODE, FIRST = "/sign-in/code/", "/sign-in/second-factor/"


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", password=PASSWORD)


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the settings ask for second factors."""
    real = current().of(conf.SignInSettings)
    changed = real.model_copy(update={"second_factor": "required"})
    for module in (conf, *_users()):
        monkeypatch.setattr(module, "sign_in_settings", lambda: changed)


def _users() -> tuple[Any, ...]:
    from pktmask_site.second_factor import devices
    from pktmask_site.sign_in import sessions

    return devices, sessions


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_the_password_alone_signs_nobody_in(client: Client, anna: User) -> None:
    give_one(anna)
    assert sign_in(client, "anna")["Location"] == CODE
    assert not is_in(client)
    assert client.get("/captures/")["Location"].startswith("/sign-in/?next=")
    assert "sign_in" not in actions()


def test_the_code_signs_in_and_leads_to_the_page_that_was_asked_for(
    client: Client, anna: User
) -> None:
    give_one(anna)
    sign_in(client, "anna", next="/captures/?q=a")
    assert client.get(CODE).status_code == 200
    before = client.session.session_key
    code = code_of(anna)
    answer = post(client, CODE, code=f"{code[:3]} {code[3:]}")
    assert answer["Location"] == "/captures/?q=a"
    assert is_in(client)
    assert client.session.session_key != before
    assert pending.KEY not in client.session
    assert actions()[-1] == "sign_in"


def test_nobody_is_led_elsewhere_after_the_code(client: Client, anna: User) -> None:
    give_one(anna)
    sign_in(client, "anna", next="https://evil.example/")
    assert post(client, CODE, code=code_of(anna))["Location"] == "/"


def test_a_code_is_right_once(anna: User) -> None:
    give_one(anna)
    code = code_of(anna)
    found = []
    for client in (Client(), Client()):
        sign_in(client, "anna")
        post(client, CODE, code=code)
        found.append(is_in(client))
    assert found == [True, False]


def test_a_recovery_code_signs_in_once_and_is_told(client: Client, anna: User) -> None:
    first, *_ = give_one(anna)
    found = []
    for each in (client, Client()):
        sign_in(each, "anna")
        post(each, CODE, code=f" {first[:4]}-{first[4:].upper()}")
        found.append(is_in(each))
    assert found == [True, False]
    event = AuditEvent.objects.get(action="recovery_code_used")
    assert (event.actor, event.details) == (anna, {"left": 9})
    assert b"9 are left" in client.get("/second-factor/").content


def test_the_codes_of_somebody_else_are_wrong(client: Client, anna: User) -> None:
    other = User.objects.create_user("bert", password=PASSWORD)
    give_one(anna)
    codes = give_one(other)
    sign_in(client, "anna")
    assert b"The code is wrong" in post(client, CODE, code=codes[0]).content
    post(client, CODE, code=code_of(other))
    assert not is_in(client)


def test_guessed_codes_are_slowed_down_also_when_the_password_is_right_each_time(
    client: Client, anna: User
) -> None:
    give_one(anna)
    bad = wrong(code_of(anna))
    answers = []
    for number in range(14):
        each = Client()
        sign_in(each, "anna")
        answers.append(post(each, CODE, f"198.51.100.{number}", code=bad))
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 4
    assert int(answers[-1]["Retry-After"]) > 0
    assert b"There were too many tries" in answers[-1].content
    assert (actions().count("second_factor_refused"), actions().count("sign_in_throttled")) == (
        *(10, 1),
    )
    # the right one is not looked at any more
    sign_in(client, "anna")
    assert post(client, CODE, code=code_of(anna)).status_code == 429
    assert not is_in(client)


def test_a_right_code_brings_all_tries_back(client: Client, anna: User) -> None:
    give_one(anna)
    sign_in(client, "anna")
    for _ in range(9):
        post(client, CODE, code=wrong(code_of(anna)))
    post(client, CODE, code=code_of(anna))
    assert is_in(client)
    other = Client()
    sign_in(other, "anna")
    assert post(other, CODE, code=wrong(code_of(anna))).status_code == 200


@pytest.mark.parametrize("page", [CODE, FIRST])
def test_who_gave_no_password_is_led_to_begin(client: Client, anna: User, page: str) -> None:
    assert client.get(page)["Location"] == "/sign-in/"
    assert post(client, page, code="123456")["Location"] == "/sign-in/"


def test_half_a_sign_in_ends_after_some_minutes(
    client: Client, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_one(anna)
    sign_in(client, "anna")
    at = client.session[pending.KEY]["at"]
    monkeypatch.setattr("time.time", lambda: at + pending.SECONDS)
    assert post(client, CODE, code=code_of(anna))["Location"] == "/sign-in/"
    assert not is_in(client)


@pytest.mark.parametrize("change", ["password", "deactivation"])
def test_half_a_sign_in_ends_with_the_password_and_the_account(
    client: Client, anna: User, change: str
) -> None:
    give_one(anna)
    sign_in(client, "anna")
    if change == "password":
        anna.set_password("another horse battery")
    else:
        anna.is_active = False
    anna.save()
    assert post(client, CODE, code=code_of(anna))["Location"] == "/sign-in/"
    assert not is_in(client)


def test_the_door_of_the_admin_asks_for_the_code_as_well(client: Client) -> None:
    boss = User.objects.create_superuser("boss", password=PASSWORD)
    give_one(boss)
    asked = client.get(reverse("admin:index"), follow=True)
    assert asked.redirect_chain[-1][0].startswith("/sign-in/?next=")
    sign_in(client, "boss", next=reverse("admin:index"))
    assert client.get(reverse("admin:index")).status_code == 302
    assert post(client, CODE, code=code_of(boss))["Location"] == reverse("admin:index")
    assert client.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("code", ["", "x" * 41, "\x00", "١٢٣٤٥٦", "-1", "1e5", "null"])
def test_strange_codes_are_refused_without_harm(client: Client, anna: User, code: str) -> None:
    give_one(anna)
    sign_in(client, "anna")
    # NUL is refused before the form is read
    assert post(client, CODE, code=code).status_code == (400 if "\x00" in code else 200)
    assert not is_in(client)


# --- where the settings ask for it ----------------------------------------------------------------


def person(role: str) -> User:
    return make_user(role, PASSWORD)


@pytest.mark.parametrize("role", [OPERATOR, APPROVER, ADMINISTRATOR])
def test_where_it_is_required_a_role_at_work_gets_one_before_it_is_let_in(
    client: Client, required: None, role: str
) -> None:
    user = person(role)
    assert sign_in(client, user.username, next="/captures/")["Location"] == FIRST
    assert not is_in(client)
    assert b"data:image/svg+xml" in client.get(FIRST).content
    assert b"The code is wrong" in post(client, FIRST, code=wrong(code_of(user))).content
    answer = post(client, FIRST, code=code_of(user))
    assert is_in(client)
    assert b'href="/captures/"' in answer.content
    assert client.get("/captures/").status_code == 200
    # who has one now is asked for it
    other = Client()
    assert sign_in(other, user.username)["Location"] == CODE
    assert other.get(FIRST)["Location"] == "/sign-in/"


def test_a_viewer_needs_none(client: Client, required: None) -> None:
    user = person(VIEWER)
    sign_in(client, user.username)
    assert is_in(client)
    assert client.get("/captures/").status_code == 200


def test_sign_ins_without_one_end_once_it_is_required(
    client: Client, request: pytest.FixtureRequest, rf: Any, settings: Any
) -> None:
    user = person(OPERATOR)
    sign_in(client, user.username)
    assert client.get("/captures/").status_code == 200
    request.getfixturevalue("required")
    assert client.get("/captures/")["Location"].startswith("/sign-in/?next=")
    asked = rf.post("/captures/upload/")
    asked.COOKIES[settings.SESSION_COOKIE_NAME] = client.cookies["sessionid"].value
    refused = judge_sender(asked)
    assert refused is not None
    assert refused.status == 403


def test_where_it_is_required_tokens_of_people_without_one_do_nothing(required: None) -> None:
    user = person(OPERATOR)
    make_capture(user)
    text = issued_to(user, [Scope.READ])
    assert captures_for(text).status_code == 403
    give_one(user)
    assert captures_for(text).status_code == 200


def captures_for(token: str) -> Any:
    return Client().get("/api/v1/captures", headers=bearer(token))


def test_where_it_is_required_nobody_at_work_switches_it_off(
    client: Client, required: None
) -> None:
    user = person(OPERATOR)
    give_one(user)
    sign_in(client, user.username)
    post(client, CODE, code=code_of(user))
    page = client.get("/second-factor/").content
    assert b"cannot be switched off" in page
    assert b'value="off"' not in page
    post(client, "/second-factor/", act="off", code=code_of(user, later=1))
    assert b"It is on" in client.get("/second-factor/").content
